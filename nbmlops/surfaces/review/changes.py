"""What a submission changes against the champion: code, data, values, and metrics as a figure."""

from __future__ import annotations

import json
from typing import Any

from nbmlops.records import Change, Comparison, Evidence
from nbmlops.surfaces.review.markup import breakable, details, page, table, text
from nbmlops.surfaces.wording import shortened, told_first

__all__ = ["changes_html", "metrics_bundle"]

_MOST = 8  # metrics side by side that a person still reads
_QUIET = "#80868b"  # readable on a light page and on a dark one
_BEFORE, _NOW = "#9aa0a6", "#1a73e8"


def changes_html(evidence: Evidence) -> str:
    """Code as a diff, data by column, and each parameter or package that is another."""
    champion = evidence.champion
    if champion is None:
        return page('<div class="quiet">There is no champion yet: everything is new.</div>')
    data = "".join(
        f"<div><code>{text(change.name)}</code> <span class='quiet'>{text(change.role)}</span>: "
        f"{text(' '.join(change.sentences))}</div>"
        for change in champion.data
    )
    return page(
        f'<div class="quiet">Beside version {text(champion.version)}, the champion at submission.'
        "</div>",
        f"<h4>Code</h4>{_diff(champion.code)}",
        f"<h4>Data</h4>{data or _SAME}",
        f"<h4>Parameters</h4>{_values(champion.parameters)}",
        f"<h4>Environment</h4>{_values(champion.environment)}",
    )


def metrics_bundle(evidence: Evidence) -> dict[str, Any] | None:
    """A figure of the metrics beside the champion's, as a mime bundle; None without any.

    Each metric has an axis of its own, for their scales differ.
    """
    from plotly.subplots import make_subplots

    shown = _measured(evidence.champion) if evidence.champion else []
    if not shown:
        return None
    figure = make_subplots(
        rows=1, cols=len(shown), subplot_titles=[_short(name) for name, _, _ in shown]
    )
    for column, (_, before, now) in enumerate(shown, start=1):
        figure.add_bar(
            x=["champion", "this"], y=[before, now], marker_color=[_BEFORE, _NOW],
            text=[f"{before:.4g}", f"{now:.4g}"], textposition="outside", cliponaxis=False,
            row=1, col=column,
        )  # fmt: skip
        figure.update_yaxes(visible=False, range=_range(before, now), row=1, col=column)
    figure.update_layout(
        height=240, showlegend=False, margin={"l": 8, "r": 8, "t": 40, "b": 28}, bargap=0.35,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        font={"color": _QUIET, "size": 11},
    )  # fmt: skip
    figure.update_annotations(font_size=11)
    told = "; ".join(
        f"{name}: champion {before:.4g}, this {now:.4g}" for name, before, now in shown
    )
    drawn = {**json.loads(figure.to_json()), "config": {"displayModeBar": False}}
    return {"application/vnd.plotly.v1+json": drawn, "text/plain": told}


_SAME = '<div class="quiet">The same.</div>'


def _measured(champion: Comparison) -> list[tuple[str, float, float]]:
    found = [
        (change.name, float(change.before), float(change.after))
        for change in champion.metrics
        if isinstance(change.before, int | float) and isinstance(change.after, int | float)
    ]
    return found[:_MOST]


def _range(before: float, now: float) -> list[float]:
    """From zero, with room for the numbers above the bars."""
    return [min(0.0, before, now) * 1.3, max(0.0, before, now) * 1.3 or 1.0]


def _short(name: str) -> str:
    # Plotly reads a few tags in titles.
    return text(shortened(name, 24))


def _diff(lines: tuple[str, ...]) -> str:
    if not lines:
        return _SAME
    tones = {"+": "added", "-": "removed", "@": "quiet"}
    body = "".join(
        f'<span class="{tones.get(line[:1], "")}">{text(line) or "&nbsp;"}</span>'
        for line in lines
        if not line.startswith(("---", "+++"))
    )
    return f"<pre>{body}</pre>"


def _values(changes: tuple[Change, ...]) -> str:
    if not changes:
        return _SAME
    first, others = told_first(changes)
    more = details(f"{len(others)} more", _rows(others)) if others else ""
    return _rows(first) + more


def _rows(changes: list[Change]) -> str:
    rows = ((breakable(c.name), _value(c.before), _value(c.after)) for c in changes)
    return table(("name", "champion", "this"), rows)


def _value(value: object) -> str:
    return "–" if value is None else f"<code>{text(value)}</code>"
