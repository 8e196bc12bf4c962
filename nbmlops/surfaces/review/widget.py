"""The review widget: a submission's evidence in a notebook, and the means of a verdict.

It is a view on the workspace, never the gate: what may be signed is decided there, and again where
a model is registered.
"""

from __future__ import annotations

from collections.abc import Callable

from ipywidgets import HTML, Layout, Output, Tab, VBox

from nbmlops.errors import NbmlopsError
from nbmlops.governance import SigningKey
from nbmlops.records import Identity, Review, Verdict, now
from nbmlops.surfaces.review.changes import changes_html, metrics_bundle
from nbmlops.surfaces.review.forms import FindingsForm, VerdictForm
from nbmlops.surfaces.review.pages import (
    attachments_html,
    evidence_html,
    message_html,
    policy_html,
    sign_offs_html,
    summary_html,
)
from nbmlops.workspace import Workspace

__all__ = ["ReviewWidget"]


class ReviewWidget(VBox):
    """One review: what was submitted, what it changes, what is missing, and a verdict's form.

    `review_id` may be abbreviated. `by` is who signs (default: this machine's user).

    :raises NotFound: if there is no such review.
    """

    def __init__(
        self, workspace: Workspace, review_id: str, by: Identity | str | None = None
    ) -> None:
        self._workspace = workspace
        self._by = _identity(workspace, by)
        self._review = workspace.review(review_id)
        self._summary, self._policy, self._message = HTML(), HTML(), HTML()
        self._evidence, self._changes = HTML(), HTML()
        self._attachments, self._sign_offs = HTML(), HTML()
        self._figure = Output()
        mine = [key for key in workspace.keys.list() if key.owner == self._by.name]
        self.verdict = VerdictForm(mine, workspace.policy().identity == "signed", self._sign)
        self.findings = FindingsForm(self._raise, self._resolve)
        self.tabs = Tab(
            children=(
                self._evidence,
                VBox((self._figure, self._changes)),
                self.findings,
                self._attachments,
                self._sign_offs,
            )
        )
        self._show(self._review)
        super().__init__(
            children=(self._summary, self._policy, self.tabs, self.verdict, self._message),
            layout=Layout(padding="4px 0 8px"),
        )

    @property
    def review(self) -> Review:
        """The review as this widget last saw it."""
        return self._review

    @property
    def message(self) -> str:
        """The HTML that answered the last click."""
        return str(self._message.value)

    def _sign(self, verdict: Verdict) -> None:
        def sign() -> None:
            self._workspace.sign_off(
                self._review.submission.id,
                verdict,
                self.verdict.comment.value.strip(),
                by=self._by,
                scopes=self.verdict.allowed(),
                expires=self.verdict.expiry(now()),
                key=self._unlocked(),
            )
            self.verdict.comment.value = ""

        self._do(sign, f"You {verdict} this as {self._by.name}.")

    def _unlocked(self) -> SigningKey | None:
        key_id = self.verdict.key.value
        if not key_id:
            return None
        return self._workspace.keys.unlock(key_id, self.verdict.take_passphrase())

    def _raise(self, text: str, cell: int | None, metric: str | None) -> None:
        def add() -> None:
            self._workspace.add_finding(
                self._review.submission.id, text, cell=cell, metric=metric, by=self._by
            )
            self.findings.text.value = ""

        self._do(add, "The finding stands.")

    def _resolve(self, finding_id: str, note: str) -> None:
        self._do(
            lambda: self._workspace.resolve_finding(finding_id, note, self._by, self._unlocked()),
            "The finding is resolved.",
        )

    def _do(self, act: Callable[[], object], said: str) -> None:
        """Act, show the review as it is then, and answer; what was written is lost in no case."""
        self.verdict.enable(False)
        try:
            act()
            self._show(self._workspace.review(self._review.submission.id))
        except NbmlopsError as error:
            self._answer(str(error), failed=True)
            self.verdict.enable(True)
        else:
            self._answer(said, failed=False)

    def _show(self, review: Review) -> None:
        self._review = review
        evidence = review.submission.evidence
        self._summary.value = summary_html(review)
        self._policy.value = policy_html(review)
        self._evidence.value = evidence_html(evidence)
        self._changes.value = changes_html(evidence)
        self._attachments.value = attachments_html(evidence)
        self._sign_offs.value = sign_offs_html(review.sign_offs)
        self.findings.show(review)
        bundle = metrics_bundle(evidence)
        if bundle and not self._figure.outputs:
            self._figure.outputs = (
                {"output_type": "display_data", "data": bundle, "metadata": {}},
            )
        attached = len(evidence.attachments) + len(evidence.notes)
        open_findings = sum(finding.resolution is None for finding in review.findings)
        self.tabs.titles = (
            "Evidence",
            "Changes" if evidence.champion else "Changes (new)",
            f"Findings ({open_findings})" if open_findings else "Findings",
            f"Attached ({attached})",
            f"Sign-offs ({len(review.sign_offs)})",
        )
        self.verdict.enable(review.status != "registered")

    def _answer(self, text: str, *, failed: bool) -> None:
        self._message.value = message_html(text, failed=failed)


def _identity(workspace: Workspace, by: Identity | str | None) -> Identity:
    if isinstance(by, Identity):
        return by
    return Identity(name=by or workspace.settings.user, asserted_by="self")
