"""The card below a training cell: at most four lines, as HTML, as plain text, and as the record."""

from __future__ import annotations

from html import escape
from typing import Any

from nbmlops.records import Fingerprint, Metric, Parameter, TrackedRun, decode, encode, to_plain

__all__ = ["MIME", "card_bundle", "lines"]

MIME = "application/vnd.nbmlops.run+json"
_MOST = 4  # metrics, parameters or inputs on one line


def card_bundle(
    run: TrackedRun, previous: TrackedRun | None = None, waits: str | None = None
) -> dict[str, Any]:
    """The mime bundle that shows `run`, beside the `previous` run of the same cell.

    `waits` says why MLflow does not hold it yet; ``""`` that it is on its way.
    """
    run = decode(encode(run), TrackedRun)  # as it is stored: a message holds no more than a file
    told = lines(run, previous, waits)
    return {
        "text/plain": "\n".join(told),
        "text/html": _html(told, run),
        MIME: to_plain(run),
    }


def lines(
    run: TrackedRun, previous: TrackedRun | None = None, waits: str | None = None
) -> list[str]:
    """The card's lines: model, data and what changed, metrics, what was not captured."""
    differs = [
        f"{p.name.rpartition('__')[2]}={p.value}"
        for p in run.parameters
        if not p.is_default and not _holds_estimators(p)
    ]
    told = [f"● {_short(run.name, 60)}  {_listed(differs)}".rstrip() + f"  ({run.duration:.2f} s)"]
    told.append(_data_line(run, previous))
    if run.metrics:
        told.append(_listed([_metric(m, previous) for m in reversed(run.metrics)], "   "))
    captured = f"{run.completeness:.0%} captured"
    if run.gaps:
        captured += f": {run.gaps[0].why}"
        captured += f" (+{len(run.gaps) - 1} more; %track explain)" if len(run.gaps) > 1 else ""
    place = run.id if waits is None else f"{run.id} (pending{waits and ': '}{_short(waits, 120)})"
    guess = " · no training? %track dismiss" if run.kind == "inferred" else ""
    told.append(f"{place} · {_short(captured, 160)}{guess}")
    return told[:4]


def _holds_estimators(parameter: Parameter) -> bool:
    """Whether it is a part of a pipeline, whose own parameters stand beside it."""
    return isinstance(parameter.value, str) and parameter.value.endswith((")", "]"))


def _data_line(run: TrackedRun, previous: TrackedRun | None) -> str:
    names = [f"{i.name}{_size(i.fingerprint)}" for i in run.inputs]
    text = f"data {run.data_digest[:8]}  {_listed(names)}" if names else "no data was seen"
    if previous is None:
        return text
    changed = []
    if previous.cell.source_digest != run.cell.source_digest:
        changed.append("code")
    if previous.data_digest != run.data_digest:
        changed.append("data")
    before = {p.name: p.value for p in previous.parameters}
    changed += [
        f"{p.name} {before.get(p.name)} → {p.value}"
        for p in run.parameters
        if p.name in before and before[p.name] != p.value
    ]
    return f"{text}  changed: {_listed(changed) if changed else 'nothing'}"


def _metric(metric: Metric, previous: TrackedRun | None) -> str:
    if metric.value is None:
        return f"{metric.name} not finite"
    text = f"{metric.name} {metric.value:.4g}"
    before = (
        next((m.value for m in previous.metrics if m.name == metric.name), None)
        if previous
        else None
    )
    if before is not None:
        text += f" ({metric.value - before:+.3g})"
    return f"{text} ?" if metric.candidate else text


def _size(fingerprint: Fingerprint) -> str:
    if fingerprint.rows is None:
        return ""
    columns = sum(not column.index for column in fingerprint.columns)
    return f" {fingerprint.rows:,}×{columns}" if columns else f" {fingerprint.rows:,}"


def _listed(items: list[str], between: str = ", ") -> str:
    more = f"{between}+{len(items) - _MOST}" if len(items) > _MOST else ""
    return between.join(_short(item, 60) for item in items[:_MOST]) + more


def _short(text: str, longest: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def _html(told: list[str], run: TrackedRun) -> str:
    head, *rest = (escape(line) for line in told)
    accent = (
        "var(--jp-success-color1, #2e7d32)"
        if run.completeness >= 0.8
        else "var(--jp-warn-color1, #b35900)"
    )
    body = "".join(
        f'<div style="color:var(--jp-ui-font-color2, inherit)">{line}</div>' for line in rest
    )
    return (
        '<div class="nbmlops-card" role="note" aria-label="nbmlops tracked run" style="'
        f"border-left:3px solid {accent};padding:2px 8px;margin:4px 0;"
        "font-family:var(--jp-code-font-family, monospace);font-size:12px;line-height:1.4;"
        'color:var(--jp-ui-font-color1, inherit);white-space:pre-wrap">'
        f"<div><b>{head}</b></div>{body}</div>"
    )
