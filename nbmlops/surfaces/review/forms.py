"""What a reviewer fills in: a verdict, and findings. They give callbacks and decide nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from ipywidgets import (
    HTML,
    BoundedIntText,
    Button,
    Dropdown,
    HBox,
    Layout,
    Password,
    Text,
    Textarea,
    VBox,
    Widget,
)

from nbmlops.governance import how_given
from nbmlops.records import DEFAULT_SCOPES, Evidence, Finding, PublicKey, Review, Verdict
from nbmlops.surfaces.review.markup import page, text

__all__ = ["FindingsForm", "VerdictForm"]

_WIDE = Layout(width="100%", max_width="640px")
_TERMS = "register, alias:NAME · 0 days: as long as the policy says"
_APART = Layout(margin="0 0 10px")
_UNSIGNED = ""


class VerdictForm(VBox):
    """A comment, what an approval allows and for how long, the key to sign with where the reviewer
    has any, and three verdicts."""

    def __init__(
        self, keys: list[PublicKey], must_sign: bool, on_verdict: Callable[[Verdict], None]
    ) -> None:
        self.comment = Textarea(
            placeholder="What did you check? Everybody who looks at the record reads this.",
            description="Comment",
            rows=3,
            layout=Layout(width="auto", max_width="640px"),
        )
        self.scopes = Text(
            value=", ".join(DEFAULT_SCOPES),
            description="Allows",
            tooltip="What an approval allows: register, alias:NAME; separated by commas.",
        )
        self.days = BoundedIntText(
            value=0,
            max=36_500,
            description="For days",
            tooltip="After so many days the approval lapses; 0: when the policy says.",
            layout=Layout(width="160px"),
        )
        self.key = Dropdown(
            description="Sign with",
            options=[("no key", _UNSIGNED), *((f"{k.id} ({k.owner})", k.id) for k in keys)],
            value=keys[-1].id if keys and must_sign else _UNSIGNED,
        )
        self.passphrase = Password(placeholder="passphrase of the key")
        self.approve = Button(description="Approve", button_style="success", icon="check")
        self.conditions = Button(
            description="Approve with conditions",
            tooltip="The comment is the condition; it stands as a finding until it is met.",
            layout=Layout(width="auto"),
        )
        self.reject = Button(description="Reject", button_style="danger", icon="times")
        verdicts: dict[Button, Verdict] = {
            self.approve: "approved",
            self.conditions: "approved with conditions",
            self.reject: "rejected",
        }
        for button, verdict in verdicts.items():
            button.on_click(lambda _, verdict=verdict: on_verdict(verdict))
        signing = [_row(self.key, self.passphrase)] if keys else []
        hint = HTML(page(f'<span class="quiet">{text(_TERMS)}</span>'))
        terms = _row(self.scopes, self.days, hint)
        super().__init__(
            (self.comment, terms, *signing, _row(*verdicts)), layout=Layout(margin="12px 0 0")
        )

    def allowed(self) -> tuple[str, ...]:
        """The scopes that an approval is to have."""
        return tuple(scope.strip() for scope in self.scopes.value.split(",") if scope.strip())

    def expiry(self, at: datetime) -> datetime | None:
        """When an approval given at `at` is to lapse, if not when the policy says."""
        return at + timedelta(days=self.days.value) if self.days.value else None

    def take_passphrase(self) -> str:
        """The passphrase, once: it does not stay in the notebook."""
        given, self.passphrase.value = self.passphrase.value, ""
        return str(given)

    def enable(self, enabled: bool) -> None:
        """Let the form be used, or not."""
        buttons = (self.approve, self.conditions, self.reject)
        for control in (self.comment, self.scopes, self.days, *buttons):
            control.disabled = not enabled


class FindingsForm(VBox):
    """The findings, each open one with the means to settle it, and one to raise another."""

    def __init__(
        self,
        on_raise: Callable[[str, int | None, str | None], None],
        on_resolve: Callable[[str, str], None],
    ) -> None:
        self._on_raise, self._on_resolve = on_raise, on_resolve
        self.text = Text(placeholder="What must be settled?", layout=_WIDE)
        self.place = Dropdown(description="About")
        self.add = Button(description="Raise a finding", layout=Layout(min_width="130px"))
        self.add.on_click(lambda _: self._raise())
        self.resolve: dict[str, tuple[Text, Button]] = {}
        super().__init__()

    def show(self, review: Review) -> None:
        """Show the findings of `review`."""
        self.resolve = {}
        self.place.options = _places(review.submission.evidence)
        self.place.index = 0
        rows = [self._row(finding) for finding in review.findings]
        nothing = HTML(page('<div class="quiet">No finding was raised.</div>'))
        self.children = (*(rows or [nothing]), _row(self.place, self.text, self.add))

    def _row(self, finding: Finding) -> VBox:
        told = HTML(_finding_html(finding))
        if finding.resolution:
            return VBox((told,), layout=_APART)
        note = Text(placeholder="How was it settled?", layout=_WIDE)
        settle = Button(description="Resolve")
        settle.on_click(lambda _: self._on_resolve(finding.id, note.value.strip()))
        self.resolve[finding.id] = (note, settle)
        return VBox((told, HBox((note, settle))), layout=_APART)

    def _raise(self) -> None:
        cell, metric = self.place.value
        self._on_raise(self.text.value.strip(), cell, metric)


def _row(*controls: Widget) -> HBox:
    """Controls beside each other; below each other where there is no room."""
    return HBox(controls, layout=Layout(flex_flow="row wrap", align_items="center"))


def _places(evidence: Evidence) -> list[tuple[str, tuple[int | None, str | None]]]:
    cells = [
        (f"cell {number}: {source.strip().splitlines()[0][:40] if source.strip() else ''}",
         (number, None))
        for number, source in enumerate(evidence.code, start=1)
    ]  # fmt: skip
    metrics = [(f"metric {name}", (None, name)) for name in {m.name: 0 for m in evidence.metrics}]
    return [("the whole", (None, None)), *cells, *metrics]


def _finding_html(finding: Finding) -> str:
    where = f"cell {finding.cell}" if finding.cell else finding.metric or "the whole"
    told = f"<b>{text(finding.by.name)}</b> on {text(where)}: {text(finding.text)}"
    settled = finding.resolution
    if settled is None:
        return page(f'<div class="alert">{told}</div>')
    note = f": {text(settled.note)}" if settled.note else ""
    return page(
        f'<div class="done">{told}</div><div class="quiet">Resolved by {text(settled.by.name)} '
        f"({text(how_given(settled))}), {settled.at:%Y-%m-%d %H:%M} UTC{note}</div>"
    )
