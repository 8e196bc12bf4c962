"""The gate's rule: which content may stand under which name in the registry.

It answers from the ledger, the policy and the vault alone. The registry's store asks it before each
write, so it does not matter which client, script or page the write came from.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlparse

from nbmlops.errors import NotFound, Refused
from nbmlops.governance.history import History
from nbmlops.governance.ledger import Ledger
from nbmlops.governance.policy import Policy
from nbmlops.governance.reader import HistoryReader
from nbmlops.governance.review import assemble_review
from nbmlops.governance.vault import Vault
from nbmlops.records import Bundle, RefusalRecorded, Review

__all__ = ["MODEL_FOLDER", "Gate"]

MODEL_FOLDER = "model"
"""Where the model's files lie inside a bundle."""


class Gate:
    """Lets a model version in only when its review has everything that the policy asks for."""

    def __init__(self, ledger: Ledger, policy: Policy, vault: Vault) -> None:
        self._ledger = ledger
        self._reader = HistoryReader(ledger)
        self._policy = policy
        self._vault = vault

    def require_model(self, name: str, actor: str) -> None:
        """:raises Refused: unless some content is approved for the model `name`."""
        if not self._approved(name):
            self._refuse(
                "register",
                name,
                actor,
                f"Model {name!r} may not be registered: no approved review names it. Promote a "
                "tracked run, submit it, and have it signed off: nbmlops submit, nbmlops sign-off.",
            )

    def require_version(self, name: str, source: str, actor: str) -> None:
        """Check that `source` is sealed content that is approved for `name`, byte by byte.

        :raises Refused: if no approved review names exactly this content.
        :raises IntegrityError: if the sealed content is not what was signed.
        """
        self.require_model(name, actor)
        history = self._history()
        for review in self._approved(name):
            submission = review.submission
            if _same(source, self.source(submission.content_digest)):
                self._vault.verify(history.promotions[submission.promotion_id].bundle)
                return
        self._refuse(
            "register",
            name,
            actor,
            f"Model {name!r} may not be registered from {source}: nobody signed off that content. "
            "Register its approved review instead: nbmlops register.",
        )

    def require_prompt(self, name: str, actor: str) -> None:
        """:raises Refused: if `name` is a model's, so that no prompt stands among its versions."""
        if self._history().submissions_of(name):
            self._refuse(
                "register",
                name,
                actor,
                f"{name!r} is the name of a model, so no prompt may bear it. Choose another name.",
            )

    def bundle_at(self, name: str, source: str) -> Bundle:
        """The list of the sealed files that a version of `name` at `source` consists of.

        :raises NotFound: if no submission of that model has its content there.
        """
        history = self._history()
        for submission in history.submissions_of(name):
            if _same(source, self.source(submission.content_digest)):
                return history.promotions[submission.promotion_id].bundle
        raise NotFound(f"Nobody submitted {source} as a version of {name!r}.")

    def source(self, content_digest: str) -> str:
        """Where a registered version of that content must point: a URI."""
        return self._vault.uri(content_digest, MODEL_FOLDER)

    def refuse(self, verb: str, subject: str, actor: str, why: str) -> None:
        """Refuse and put the refusal on the ledger.

        :raises Refused: always.
        """
        self._refuse(verb, subject, actor, why)

    def _refuse(self, verb: str, subject: str, actor: str, why: str) -> None:
        self._ledger.append(
            RefusalRecorded(verb=verb, subject=subject, by=actor, why=(why,)), actor=actor
        )
        raise Refused(why)

    def _approved(self, name: str) -> list[Review]:
        history = self._history()
        return [
            review
            for submission in history.submissions_of(name)
            for review in [assemble_review(submission, history, self._policy)]
            if not review.missing
        ]

    def _history(self) -> History:
        return self._reader.read()


def _same(source: str, sealed: str) -> bool:
    """Whether a version's source is the sealed content, however its path is spelt."""
    here, there = _local_path(source), _local_path(sealed)
    return source == sealed if there is None else here == there


def _local_path(source: str) -> Path | None:
    parts = urlparse(source)
    if parts.scheme not in ("", "file") or parts.netloc or parts.query or parts.fragment:
        return None
    return Path(unquote(parts.path) if parts.scheme else source).resolve()
