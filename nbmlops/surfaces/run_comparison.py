"""Two runs beside each other in a notebook: as text, as HTML, and their metrics as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from nbmlops.records import Change, RunDiff, Scalar, shown
from nbmlops.surfaces.wording import shortened, told_first

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["RunComparison"]

_MOST_ROWS = 60
_CELL = "text-align:left;vertical-align:top;overflow-wrap:anywhere"
_NUMBER = f"{_CELL};text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums"
_MOST_METRICS = 12
_ROW_HEIGHT = 44  # pixels of one metric in the figure
_BEFORE, _AFTER = "#8a8f98", "#1f77b4"


class RunComparison:
    """What differs between two runs; ``str()`` tells it in lines, :meth:`figure` draws the metrics.

    `diff` is the record.
    """

    def __init__(self, diff: RunDiff) -> None:
        self.diff = diff

    def __str__(self) -> str:
        return str(self.diff)

    def __repr__(self) -> str:
        return str(self.diff)

    def figure(self) -> Figure:
        """The metrics of both runs, each on an axis of its own, for their scales differ.

        Those that differ come first; of more than 12 the rest is left out, as the title says.
        """
        from plotly.subplots import make_subplots

        metrics = _drawn(self.diff.metrics)
        shown = metrics[:_MOST_METRICS]
        figure = make_subplots(rows=max(1, len(shown)), cols=1, vertical_spacing=0)
        for row, metric in enumerate(shown, 1):
            before, after = metric.before, metric.after
            for side, (value, colour) in enumerate(((before, _BEFORE), (after, _AFTER))):
                name = self.diff.before if side == 0 else self.diff.after
                figure.add_scatter(
                    x=[value],
                    y=[_short(metric.name)],
                    mode="markers+text",
                    name=name,
                    legendgroup=name,
                    showlegend=row == 1,
                    marker={"size": 11, "color": colour, "symbol": "circle-open" if side == 0 else
                            "circle", "line": {"width": 2, "color": colour}},
                    text=[f"{value:.4g}" if isinstance(value, int | float) else ""],
                    textposition=_outside(metric, side),
                    hovertemplate=f"{escape(metric.name)}<br>%{{x:.6g}}<extra>{name}</extra>",
                    row=row,
                    col=1,
                )  # fmt: skip
            if before is not None and after is not None:
                figure.add_scatter(
                    x=[before, after], y=[_short(metric.name)] * 2, mode="lines",
                    line={"color": _BEFORE, "width": 2}, showlegend=False, hoverinfo="skip",
                    row=row, col=1,
                )  # fmt: skip
            figure.update_xaxes(row=row, col=1, range=_range(before, after))
        left = len(metrics) - len(shown)
        figure.update_layout(
            title={"text": "Metrics" + (f" ({left} more not drawn)" if left else ""),
                   "x": 0, "xref": "paper", "font": {"size": 15}},
            height=110 + _ROW_HEIGHT * max(1, len(shown)),
            margin={"l": 10, "r": 20, "t": 70, "b": 20},
            legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
            paper_bgcolor="rgba(0,0,0,0)",
            plot_bgcolor="rgba(127,127,127,0.06)",
            font={"color": "#7f7f7f"},
        )  # fmt: skip
        # The values stand beside the points; five numbers of an axis would say less.
        figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False)
        figure.update_yaxes(automargin=True, showgrid=False, zeroline=False)
        return figure

    def _repr_html_(self) -> str:
        diff = self.diff
        if diff.identical:
            return f"<p>{_code(diff.before)} and {_code(diff.after)} do not differ.</p>"
        parts = [
            f"<p>{_code(diff.before)} {escape(diff.names[0])} →"
            f" {_code(diff.after)} {escape(diff.names[1])}</p>"
        ]
        if diff.models[0] != diff.models[1]:
            parts.append(_table("Model", (_named("class", *diff.models),)))
        parts.append(_table("Parameters", diff.parameters))
        for role, data in diff.data.items():
            parts.append(f"<h5>Data: {escape(role)}</h5>{data._repr_html_()}")
        parts.append(_table("Metrics", diff.metrics, deltas=True))
        parts.append(_table("Environment", diff.environment))
        if diff.code:
            lines = "".join(_code_line(line) for line in diff.code[:400])
            parts.append(f"<h5>Code</h5><pre style='line-height:1.35'>{lines}</pre>")
        return f'<div class="nbmlops-run-comparison">{"".join(parts)}</div>'


def _drawn(metrics: tuple[Change, ...]) -> list[Change]:
    """The metrics that a figure can show, those that differ first."""
    known = [m for m in metrics if m.before is not None or m.after is not None]
    return sorted(known, key=lambda m: m.before == m.after)


def _range(before: Scalar, after: Scalar) -> list[float]:
    """An axis that shows both points with room on either side."""
    values = [float(v) for v in (before, after) if isinstance(v, int | float)]
    low, high = min(values), max(values)
    room = (high - low) * 0.4 or abs(high) * 0.05 or 0.5
    return [low - room, high + room]


def _outside(metric: Change, side: int) -> str:
    """Where a point's value stands: away from the other point."""
    before, after = metric.before, metric.after
    falls = isinstance(before, int | float) and isinstance(after, int | float) and after < before
    return "middle left" if (side == 0) != falls else "middle right"


def _table(title: str, changes: tuple[Change, ...], *, deltas: bool = False) -> str:
    if not changes:
        return ""
    first, others = told_first(changes)
    more = (
        f"<details><summary>{len(others)} more</summary>{_rows(others, deltas=deltas)}</details>"
        if others
        else ""
    )
    return f"<h5>{title}</h5>{_rows(first, deltas=deltas)}{more}"


def _rows(changes: Sequence[Change], *, deltas: bool) -> str:
    rows = "".join(
        f"<tr><th scope='row' style='{_CELL}'>{escape(c.name)}</th>"
        f"<td style='{_style(c.before, deltas)}'>{escape(_text(c.before))}</td>"
        f"<td style='{_style(c.after, deltas)}'>{escape(_text(c.after))}</td>"
        + (f"<td style='{_NUMBER}'>{_delta(c)}</td>" if deltas else "")
        + "</tr>"
        for c in changes[:_MOST_ROWS]
    )
    left = len(changes) - _MOST_ROWS
    last = f"<caption style='caption-side:bottom'>{left} not shown</caption>" if left > 0 else ""
    heads = ("", "before", "after", *(["change"] if deltas else []))
    style = _NUMBER if deltas else _CELL
    head = "".join(f"<th scope='col' style='{style}'>{name}</th>" for name in heads)
    return f"<table>{last}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _style(value: Scalar, numbers: bool) -> str:
    """A cell's style: of a table of `numbers` to the right; a number is broken nowhere."""
    if numbers:
        return _NUMBER
    return f"{_CELL};white-space:nowrap" if isinstance(value, int | float) else _CELL


def _delta(change: Change) -> str:
    if isinstance(change.before, int | float) and isinstance(change.after, int | float):
        return f"{change.after - change.before:+.4g}" if change.after != change.before else "="
    return ""


def _code_line(line: str) -> str:
    colour = {
        "+": "var(--jp-success-color1, #2e7d32)",
        "-": "var(--jp-error-color1, #b3261e)",
    }.get(line[:1], "inherit")
    return f'<span style="color:{colour}">{escape(line)}</span>\n'


def _named(name: str, before: str, after: str) -> Change:
    return Change(name=name, before=before, after=after)


def _code(text: str) -> str:
    return f"<code style='white-space:nowrap'>{escape(text)}</code>"


def _text(value: Scalar) -> str:
    return shortened(shown(value), 200)


def _short(name: str) -> str:
    return escape(shortened(name, 40))
