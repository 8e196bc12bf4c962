"""The card below a training cell: at most four lines, as HTML, as plain text, and as the record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any
from unicodedata import category

from nbmlops.records import (
    Fingerprint,
    Metric,
    Parameter,
    Scalar,
    TrackedRun,
    decode,
    encode,
    last_values,
    percent,
    to_plain,
)
from nbmlops.surfaces.wording import ended, lasted, shortened
from nbmlops.tracking import Waiting, run_page

__all__ = ["MIME", "card_bundle", "lines"]

MIME = "application/vnd.nbmlops.run+json"
SHOW_RUN = "nbmlops:show-run"
"""The panel's command that a click on the run's id calls, where there is a panel."""
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_FAINT = "color:var(--jp-ui-font-color2, inherit)"
_MOST = 4  # metrics, parameters or inputs on one line
_WIDE = 104  # characters of name and parameters that stand on one line beside a panel
_NO_BREAK = "\u00a0"


def card_bundle(
    run: TrackedRun, previous: TrackedRun | None = None, waits: Waiting | None = None
) -> dict[str, Any]:
    """The mime bundle that shows `run`, beside the `previous` run of the same cell.

    `waits` says why MLflow does not hold it yet.
    """
    run = decode(encode(run), TrackedRun)  # as it is stored: a message holds no more than a file
    return {
        "text/plain": "\n".join(lines(run, previous, waits)),
        "text/html": _html(run, previous, waits),
        MIME: to_plain(run),
    }


def lines(
    run: TrackedRun, previous: TrackedRun | None = None, waits: Waiting | None = None
) -> list[str]:
    """The card's lines: model, data and what changed, metrics; where it is and what is amiss."""
    where = f"%track explain {run.id}{_pending(waits)}"
    last = [where, *filter(None, [run_page(run)]), *_amiss(run)]
    name, rest = _head(run)
    return [f"{name}  {rest}", *_middle(run, previous), _printable(" · ".join(last))]


def _head(run: TrackedRun) -> tuple[str, str]:
    """The run's name; and what was chosen, how long it took, whether it ended or is stale."""
    differs = [
        f"{p.name.rpartition('__')[2]}={_brief(p.value)}"
        for p in run.parameters
        if not p.is_default and not _holds_estimators(p)
    ]
    how = ended(run.cell)
    took = f"({lasted(run.duration).replace(' ', _NO_BREAK)})"
    name = f"● {_short(run.name, 60)}"
    chosen = _listed(differs, _WIDE - len(name))
    told = [chosen, took, how and f"cell {how}", "STALE" if run.stale else ""]
    return name, "  ".join(filter(None, told))


def _middle(run: TrackedRun, previous: TrackedRun | None) -> list[str]:
    told = [_data_line(run, previous)]
    if run.metrics:
        told.append(_metrics(last_values(run.metrics), previous))
    return told


def _pending(waits: Waiting | None) -> str:
    """What keeps the run from MLflow, how many wait with it, and what to do."""
    if waits is None:
        return ""
    what, *_ = waits.why.split(". ", 1)
    if not what:
        return " (on its way to MLflow)"
    records = "1 record waits" if waits.records == 1 else f"{waits.records} records wait"
    return f" (pending: {_short(what.rstrip('.'), 80)}; {records}, %track sync tries again)"


def _amiss(run: TrackedRun) -> list[str]:
    """What is stale, what was not captured, and whether it is a training at all."""
    more = f" (and {len(run.stale) - 1} more)" if len(run.stale) > 1 else ""
    told = [f"stale: {_short(run.stale[0], 120)}{more}"] if run.stale else []
    if run.parent_id is not None:
        told.append("one of its cell's runs: %track runs")
    captured = f"{percent(run.completeness)}% captured"
    if run.gaps:
        captured += (
            f", {len(run.gaps)} gap{'s' * (len(run.gaps) > 1)}: {_short(run.gaps[0].why, 120)}"
        )
    told.append(captured.rstrip("."))
    if run.dismissed_by is not None:
        told.append(f"dismissed by {_short(run.dismissed_by, 40)}")
    elif run.kind == "inferred":
        told.append("no training? %track dismiss")
    return told


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
        f"{p.name} {_brief(before.get(p.name))} → {_brief(p.value)}"
        for p in run.parameters
        if p.name in before and before[p.name] != p.value
    ]
    return f"{text}  changed: {_listed(changed) if changed else 'nothing'}"


def _metrics(metrics: Sequence[Metric], previous: TrackedRun | None) -> str:
    """The newest, for a later cell's must show, in the order in which they were computed."""
    before = len(metrics) - _MOST
    told = [f"+{before}"] if before > 0 else []
    return "   ".join([*told, *(_short(_metric(m, previous), 60) for m in metrics[-_MOST:])])


def _metric(metric: Metric, previous: TrackedRun | None) -> str:
    if metric.value is None:
        return f"{metric.name} not finite"
    text = f"{metric.name} {metric.value:.4g}"
    before = (
        next((m.value for m in last_values(previous.metrics) if m.name == metric.name), None)
        if previous
        else None
    )
    if before is not None:
        text += f" ({metric.value - before:+.3g})" if metric.value != before else " (=)"
    return f"{text} ?" if metric.candidate else text


def _size(fingerprint: Fingerprint) -> str:
    extent = "×".join(f"{length:,}" for length in fingerprint.extent)
    return f" {extent}" if extent else ""


def _brief(value: Scalar) -> str:
    """A parameter as its library spells it, a number to six digits."""
    return str(float(f"{value:.6g}")) if isinstance(value, float) else str(value)


def _listed(items: list[str], room: int | None = None) -> str:
    """The first items, as many as have `room` beside each other, but one in any case."""
    told = [_short(item, 60) for item in items[:_MOST]]
    while room is not None and len(told) > 1 and len(", ".join(told)) > room:
        told.pop()
    more = f", +{len(items) - len(told)}" if len(items) > len(told) else ""
    return ", ".join(told) + more


def _short(text: str, longest: int) -> str:
    return shortened(_printable(" ".join(text.split())), longest)


def _printable(text: str) -> str:
    """`text` with what would move a terminal's cursor, or turn the line round, written out."""
    return "".join(c if category(c) not in _UNSEEN else ascii(c)[1:-1] for c in text)


def _html(run: TrackedRun, previous: TrackedRun | None, waits: Waiting | None) -> str:
    amiss = bool(run.stale or ended(run.cell)) or run.completeness < 0.8
    accent = "var(--jp-warn-color1, #b35900)" if amiss else "var(--jp-success-color1, #2e7d32)"
    data, *metrics = (f"<div>{escape(line)}</div>" for line in _middle(run, previous))
    last = " · ".join([*_where(run, waits), *map(escape, _amiss(run))])
    name, rest = map(escape, _head(run))
    return (
        '<div class="nbmlops-card" role="note" aria-label="nbmlops tracked run" style="'
        f"border-left:3px solid {accent};padding:2px 8px;margin:4px 0;"
        "font-family:var(--jp-code-font-family, monospace);font-size:12px;line-height:1.4;"
        'color:var(--jp-ui-font-color1, inherit);white-space:pre-wrap;overflow-wrap:anywhere">'
        f"<div><b>{name}</b>  {rest}</div>"
        f'<div style="{_FAINT}">{data}</div>{"".join(metrics)}'
        f'<div style="{_FAINT}">{last}</div></div>'
    )


def _where(run: TrackedRun, waits: Waiting | None) -> list[str]:
    """The magic that tells all, its id a button that JupyterLab's panel gives its work; and the
    run's page at MLflow."""
    page = run_page(run)
    shows = escape(json.dumps({"runId": run.id}))
    button = (
        f'%track explain <button type="button" class="nbmlops-ShowRun" style="all:unset"'
        f' title="In JupyterLab: show it in the panel" data-commandlinker-command="{SHOW_RUN}"'
        f' data-commandlinker-args="{shows}">{escape(_short(run.id, 40))}</button>'
        f"{escape(_pending(waits))}"
    )
    if page is None:
        return [button]
    return [
        button,
        f'<a href="{escape(page)}" target="_blank" rel="noopener noreferrer">MLflow</a>',
    ]
