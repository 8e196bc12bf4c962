"""Who may read sealed content: whom MLflow lets read where it came from, or where it went to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from nbmlops.errors import Refused
from nbmlops.governance import assemble_review, current_actor
from nbmlops.records import Identity, Submission
from nbmlops.workspace import Workspace

__all__ = ["Anybody", "SealedReaders", "SealedRule"]

_MLFLOW = "/api/2.0/mlflow"


class SealedRule(Protocol):
    """The rule by which the vault is read, in the name of whoever was authenticated."""

    def require(self, content_digest: str | None) -> None:
        """:raises Refused: unless they may read that content; None is the list of all."""

    def require_run(self, mlflow_run_id: str | None) -> None:
        """:raises Refused: unless MLflow lets them read that run."""

    def require_model(self, name: str) -> None:
        """:raises Refused: unless they may read content that was submitted for that model."""


class Anybody:
    """Alone on this machine, where MLflow knows no users and no permissions."""

    def require(self, content_digest: str | None) -> None:
        """Let it be read."""

    require_run = require

    def require_model(self, name: str) -> None:
        """Let it be registered."""


class SealedReaders:
    """MLflow's own permissions, asked anew each time.

    Sealed content is read by administrators; by whoever brought it, and so has it; by those who may
    read its run, or a registered version of it; and, as long as it is not registered, by those whom
    the policy names to review it. `answers` asks MLflow for a path in their name and tells whether
    it let them; `brought` tells who brought what.
    """

    def __init__(
        self,
        workspace: Workspace,
        is_admin: Callable[[str], bool],
        answers: Callable[[str, dict[str, str]], bool],
        brought: Callable[[str, Identity], bool],
        registry: Any,
    ) -> None:
        self._stores = workspace.stores
        self._is_admin = is_admin
        self._answers = answers
        self._brought = brought
        self._registry = registry

    def require(self, content_digest: str | None) -> None:
        by = current_actor()
        if by is not None and self._may_read(content_digest, by):
            return
        what = f"the sealed content {content_digest[:12]}" if content_digest else "the vault's list"
        raise Refused(
            f"{by.name if by else 'Nobody'} may not read {what}: that takes MLflow's permission to "
            "read its run or its registered model, or the policy's word to review it. Ask whoever "
            "administers this MLflow."
        )

    def require_run(self, mlflow_run_id: str | None) -> None:
        by = current_actor()
        if by is not None and (
            self._is_admin(by.name) or mlflow_run_id is None or self._may_read_run(mlflow_run_id)
        ):
            return
        raise Refused(
            f"MLflow does not let {by.name if by else 'nobody'} read run {mlflow_run_id}, so they "
            "may not lay it before reviewers. Ask whoever tracked it."
        )

    def require_model(self, name: str) -> None:
        submitted = self._stores.history().submissions_of(name)
        by = current_actor()
        if not submitted or (
            by is not None and any(self._may_read(s.content_digest, by) for s in submitted)
        ):
            return  # the gate has its own word on what nobody submitted
        raise Refused(
            f"{by.name if by else 'Nobody'} may not register {name!r}: whoever makes a registered "
            "model may read it, and its sealed content is not for them."
        )

    def _may_read(self, content_digest: str | None, by: Identity) -> bool:
        if self._is_admin(by.name):
            return True
        if content_digest is None:
            return False
        if self._brought(content_digest, by):
            return True
        history = self._stores.history()
        return any(
            self._brought(submission.content_digest, by)
            or self._is_to_review(submission, by)
            or self._may_read_version(submission)
            or (submission.mlflow_run_id and self._may_read_run(submission.mlflow_run_id))
            for submission in history.submissions_sealing(content_digest)
        )

    def _is_to_review(self, submission: Submission, by: Identity) -> bool:
        stores = self._stores
        if not stores.policy.names_reviewer(submission, by):
            return False
        review = assemble_review(submission, stores.history(), stores.policy, at=stores.clock())
        return review.status != "registered"

    def _may_read_version(self, submission: Submission) -> bool:
        source = self._stores.gate.source(submission.content_digest)
        name = submission.model_name.replace("'", "''")
        found = self._registry.search_model_versions(f"name = '{name}'", max_results=1_000)
        return any(
            self._answers(
                f"{_MLFLOW}/model-versions/get", {"name": v.name, "version": str(v.version)}
            )
            for v in found
            if v.source == source
        )

    def _may_read_run(self, mlflow_run_id: str) -> bool:
        return self._answers(f"{_MLFLOW}/runs/get", {"run_id": mlflow_run_id})
