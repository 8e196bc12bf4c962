"""A review as HTML for a notebook. Pure; every value that comes from a record is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from nbmlops.records import DataInput, Evidence, Gap, MetricAgreement, Parameter, Review, SignOff

__all__ = ["evidence_html", "message_html", "policy_html", "sign_offs_html", "summary_html"]

# JupyterLab's own variables, so that it follows the theme; the fallbacks serve other front ends.
STYLE = """<style>
.nbmlops-review { color: var(--jp-ui-font-color1, inherit); line-height: 1.5; max-width: 860px;
  font-family: var(--jp-ui-font-family, system-ui, sans-serif);
  font-size: var(--jp-ui-font-size1, 13px); }
.nbmlops-review h3 { font-size: 1.25em; font-weight: 600; margin: 0 0 2px; }
.nbmlops-review h4 { font-size: 1em; font-weight: 600; margin: 12px 0 4px; }
.nbmlops-review .quiet { color: var(--jp-ui-font-color2, #616161); }
.nbmlops-review code, .nbmlops-review pre {
  font-family: var(--jp-code-font-family, monospace); font-size: 0.95em; background: none;
  color: inherit; padding: 0; }
.nbmlops-review pre { background: var(--jp-layout-color2, #f5f5f5); border-radius: 3px;
  margin: 4px 0; padding: 8px 10px; overflow-x: auto; line-height: 1.35; }
.nbmlops-review table { border-collapse: collapse; margin: 0; }
.nbmlops-review th, .nbmlops-review td { padding: 2px 20px 2px 0; text-align: left;
  vertical-align: top; background: none; border: 0; }
.nbmlops-review thead th { color: var(--jp-ui-font-color2, #616161); font-weight: normal;
  border-bottom: 1px solid var(--jp-border-color2, #ddd); }
.nbmlops-review tbody th { font-weight: normal; }
.nbmlops-review td.n, .nbmlops-review th.n { font-variant-numeric: tabular-nums;
  text-align: right; }
.nbmlops-review ul { margin: 0; padding-left: 18px; }
.nbmlops-review li { line-height: 1.5; }
.nbmlops-review summary { cursor: pointer; font-weight: 600; margin-top: 10px; }
.nbmlops-review .good { color: var(--jp-success-color0, #2e7d32); }
.nbmlops-review .bad { color: var(--jp-error-color0, #c62828); }
.nbmlops-review .status { border: 1px solid currentcolor; border-radius: 9px; font-size: 0.7em;
  font-weight: normal; margin-left: 8px; padding: 1px 8px; vertical-align: middle; }
.nbmlops-review .alert { border-left: 3px solid var(--jp-error-color1, #c62828);
  padding: 2px 10px; }
.nbmlops-review .done { border-left: 3px solid var(--jp-success-color1, #2e7d32);
  padding: 2px 10px; }
</style>"""

_TONE = {"waiting": "quiet", "approved": "good", "registered": "good"}


def summary_html(review: Review) -> str:
    """What is laid before the reviewer, by whom, and how it stands."""
    submission, evidence = review.submission, review.submission.evidence
    return _page(
        STYLE,
        f'<h3>{_text(submission.model_name)}<span class="status '
        f'{_TONE.get(review.status, "bad")}">{_text(review.status)}</span></h3>',
        f'<div class="quiet">{_text(evidence.model_class)} from '
        f"<code>{_text(evidence.notebook)}</code></div>",
        f'<div class="quiet">submitted by {_text(submission.author)}, '
        f"{submission.at:%Y-%m-%d %H:%M} UTC, on content "
        f"{_digest(submission.content_digest)}</div>",
    )


def evidence_html(evidence: Evidence) -> str:
    """Metrics with the clean run's, data, parameters, what was not captured, and the code."""
    return _page(
        _clean_run(evidence),
        _inputs(evidence.inputs),
        _parameters(evidence.parameters),
        _gaps(evidence.gaps, evidence.completeness),
        _code(evidence.code),
    )


def policy_html(review: Review) -> str:
    """What the policy still asks for."""
    if review.registration is not None:
        said = (
            f"Registered as version {_text(review.registration.version)} "
            f"({_text(review.registration.alias)})."
        )
        return _page("<h4>Policy</h4>", f'<div class="good">{said}</div>')
    if not review.missing:
        return _page(
            "<h4>Policy</h4>",
            '<div class="good">Nothing is missing: the model may be registered.</div>',
        )
    return _page("<h4>Still missing</h4>", _list(review.missing))


def sign_offs_html(sign_offs: Iterable[SignOff]) -> str:
    """Who has said what so far."""
    rows = [
        f'<li><span class="{"good" if s.verdict == "approved" else "bad"}">{_text(s.verdict)}'
        f"</span> by {_text(s.by.name)}, {s.at:%Y-%m-%d %H:%M} UTC"
        + (' <span class="quiet">(self-asserted)</span>' if s.by.asserted_by == "self" else "")
        + (f": {_text(s.comment)}" if s.comment else "")
        + "</li>"
        for s in sign_offs
    ]
    body = f"<ul>{''.join(rows)}</ul>" if rows else '<div class="quiet">Nobody yet.</div>'
    return _page("<h4>Sign-offs</h4>", body)


def message_html(text: str, *, failed: bool) -> str:
    """The answer to what the reviewer has just done."""
    if not text:
        return ""
    kind, role = ("alert", "alert") if failed else ("done", "status")
    return _page(f'<div class="{kind}" role="{role}">{_text(text)}</div>')


def _clean_run(evidence: Evidence) -> str:
    verdict = (
        '<span class="good">The clean run agrees with what was tracked.</span>'
        if evidence.clean_run_agrees
        else '<span class="bad">The clean run does not agree with what was tracked.</span>'
    )
    if not evidence.clean_run:
        return f"<h4>Metrics</h4><div>{verdict}</div>"
    return f"<h4>Metrics</h4><div>{verdict}</div>" + _table(
        ("metric", "tracked", "clean run", ""),
        (_agreement(metric) for metric in evidence.clean_run),
        numbers=(1, 2),
    )


def _agreement(metric: MetricAgreement) -> tuple[str, ...]:
    said = (
        '<span class="good">agrees</span>'
        if metric.agrees
        else f'<span class="bad">differs by more than {metric.tolerance:.0%}</span>'
    )
    return _text(metric.name), _number(metric.tracked), _number(metric.clean), said


def _inputs(inputs: tuple[DataInput, ...]) -> str:
    if not inputs:
        return '<h4>Data</h4><div class="bad">No data was captured.</div>'
    return "<h4>Data</h4>" + _table(
        ("role", "name", "size", "digest"),
        (
            (
                _text(data.role),
                f"<code>{_text(data.name)}</code>",
                _size(data),
                _digest(data.fingerprint.digest)
                if data.fingerprint.digest
                else f'<span class="bad">{_text(data.fingerprint.reason or "unknown")}</span>',
            )
            for data in inputs
        ),
    )


def _size(data: DataInput) -> str:
    fingerprint = data.fingerprint
    if fingerprint.rows is None:
        return f"{fingerprint.nbytes:,} bytes"
    columns = sum(not column.index for column in fingerprint.columns)
    return f"{fingerprint.rows:,} × {columns}" if columns else f"{fingerprint.rows:,} rows"


def _parameters(parameters: tuple[Parameter, ...]) -> str:
    defaults = [p for p in parameters if p.is_default]
    given = [p for p in parameters if not p.is_default]
    parts = [p for p in given if _is_part(p)]
    chosen = [p for p in given if not _is_part(p)]
    html = "<h4>Parameters</h4>"
    html += (
        _table(("name", "value"), map(_parameter, chosen))
        if chosen
        else '<div class="quiet">All are at their default.</div>'
    )
    for title, group in (("Parts", parts), ("At their default", defaults)):
        if group:
            body = _table(("name", "value"), map(_parameter, group))
            html += _details(f"{title}: {len(group)}", body)
    return html


def _is_part(parameter: Parameter) -> bool:
    """Whether the value is an estimator of its own, or a list of such."""
    return isinstance(parameter.value, str) and bool(re.search(r"\w\(.*\)", parameter.value))


def _parameter(parameter: Parameter) -> tuple[str, ...]:
    return _text(parameter.name), f"<code>{_text(repr(parameter.value))}</code>"


def _gaps(gaps: tuple[Gap, ...], completeness: float) -> str:
    head = f"<h4>Captured: {int(completeness * 100)} %</h4>"
    if not gaps:
        return head + '<div class="quiet">Nothing is known to be missing from the record.</div>'
    return head + _table(("not captured", "why"), ((_text(g.what), _text(g.why)) for g in gaps))


def _code(code: tuple[str, ...]) -> str:
    cells = "".join(f"<pre>{_text(source)}</pre>" for source in code)
    noun = "cell" if len(code) == 1 else "cells"
    return _details(f"Code: {len(code)} {noun}", cells)


def _details(title: str, body: str) -> str:
    return f"<details><summary>{_text(title)}</summary>{body}</details>"


def _list(sentences: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{_text(s)}</li>' for s in sentences)}</ul>"


def _table(
    names: tuple[str, ...], rows: Iterable[tuple[str, ...]], numbers: tuple[int, ...] = ()
) -> str:
    """A table of cells that are HTML already, under `names` that are not."""

    def line(tag: str, cells: Iterable[str]) -> str:
        return "".join(
            f'<{tag} class="n">{cell}</{tag}>' if i in numbers else f"<{tag}>{cell}</{tag}>"
            for i, cell in enumerate(cells)
        )

    head = line("th", map(_text, names))
    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _digest(digest: str) -> str:
    return f'<code title="{_text(digest)}">{_text(digest[:12])}</code>'


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _text(value: object) -> str:
    return escape(str(value), quote=True)


def _page(*parts: str) -> str:
    return f'<div class="nbmlops-review">{"".join(parts)}</div>'
