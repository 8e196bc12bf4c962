"""The review widget: a submission's evidence in a notebook, and the buttons of a verdict.

It is a view on the workspace, never the gate: what may be signed is decided there, and again where
a model is registered.
"""

from __future__ import annotations

from ipywidgets import HTML, Button, HBox, Layout, Textarea, VBox

from nbmlops.errors import NbmlopsError
from nbmlops.records import Identity, Review, Verdict
from nbmlops.surfaces.review_html import (
    evidence_html,
    message_html,
    policy_html,
    sign_offs_html,
    summary_html,
)
from nbmlops.workspace import Workspace

__all__ = ["ReviewWidget"]


class ReviewWidget(VBox):
    """One review: what was submitted, what the policy still asks for, approve and reject.

    `review_id` may be abbreviated. `by` is who signs (default: this machine's user).

    :raises NotFound: if there is no such review.
    """

    def __init__(
        self, workspace: Workspace, review_id: str, by: Identity | str | None = None
    ) -> None:
        self._workspace = workspace
        self._by = _identity(workspace, by)
        self._summary, self._evidence, self._policy = HTML(), HTML(), HTML()
        self._sign_offs, self._message = HTML(), HTML()
        self.comment = Textarea(
            placeholder="What did you check? Everybody who looks at the record reads this.",
            description="Comment",
            rows=3,
            layout=Layout(width="100%", max_width="640px"),
        )
        self.approve = Button(description="Approve", button_style="success", icon="check")
        self.reject = Button(description="Reject", button_style="danger", icon="times")
        self.approve.on_click(lambda _: self._sign("approved"))
        self.reject.on_click(lambda _: self._sign("rejected"))
        self._show(workspace.review(review_id))
        super().__init__(
            children=(
                self._summary,
                self._policy,
                self._evidence,
                self._sign_offs,
                self.comment,
                HBox((self.approve, self.reject)),
                self._message,
            ),
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
        self._enable(False)
        review_id = self._review.submission.id
        try:
            self._show(
                self._workspace.sign_off(
                    review_id, verdict, self.comment.value.strip(), by=self._by
                )
            )
        except NbmlopsError as error:
            self._answer(str(error), failed=True)
            self._enable(True)
        else:
            self.comment.value = ""
            self._answer(f"You {verdict} this as {self._by.name}.", failed=False)

    def _show(self, review: Review) -> None:
        self._review = review
        self._summary.value = summary_html(review)
        self._evidence.value = evidence_html(review.submission.evidence)
        self._policy.value = policy_html(review)
        self._sign_offs.value = sign_offs_html(review.sign_offs)
        self._enable(review.status != "registered")

    def _enable(self, enabled: bool) -> None:
        for control in (self.approve, self.reject, self.comment):
            control.disabled = not enabled

    def _answer(self, text: str, *, failed: bool) -> None:
        self._message.value = message_html(text, failed=failed)


def _identity(workspace: Workspace, by: Identity | str | None) -> Identity:
    if isinstance(by, Identity):
        return by
    return Identity(name=by or workspace.settings.user, asserted_by="self")
