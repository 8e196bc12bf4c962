"""A review as HTML for a notebook. Pure; every value that comes from a record is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nbmlops.records import (
    BundleFile,
    DataInput,
    Evidence,
    Gap,
    MetricAgreement,
    Parameter,
    Review,
    SignOff,
    percent,
    shown,
)
from nbmlops.surfaces.review.markup import (
    STYLE,
    breakable,
    bullets,
    details,
    digest,
    page,
    table,
    text,
)
from nbmlops.surfaces.wording import attached_as

__all__ = [
    "attachments_html",
    "evidence_html",
    "message_html",
    "policy_html",
    "sign_offs_html",
    "summary_html",
]

_TONE = {"waiting": "quiet", "approved": "good", "registered": "good"}


def summary_html(review: Review) -> str:
    """What is laid before the reviewer, by whom, and how it stands."""
    submission, evidence = review.submission, review.submission.evidence
    return page(
        STYLE,
        f'<h3>{text(submission.model_name)}<span class="status '
        f'{_TONE.get(review.status, "bad")}">{text(review.status)}</span></h3>',
        f'<div class="quiet">{text(evidence.model_class)} from '
        f"<code>{text(evidence.notebook)}</code></div>",
        f'<div class="quiet">submitted by {text(submission.author)}, '
        f"{submission.at:%Y-%m-%d %H:%M} UTC, on content "
        f"{digest(submission.content_digest)}</div>",
    )


def evidence_html(evidence: Evidence) -> str:
    """Metrics with the clean run's, data, parameters, what was not captured, and the code."""
    return page(
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
            f"Registered as version {text(review.registration.version)} "
            f"({text(review.registration.alias or 'no alias')})."
        )
        return page("<h4>Policy</h4>", f'<div class="good">{said}</div>')
    judged = f'<div class="quiet">Judged by {text(review.policy)}.</div>' if review.policy else ""
    if not review.missing:
        return page(
            "<h4>Policy</h4>",
            judged,
            '<div class="good">Nothing is missing: the model may be registered.</div>',
        )
    others = [sentence for sentence in review.uncounted if sentence not in review.missing]
    uncounted = "<h4>Sign-offs that do not count</h4>" + bullets(others) if others else ""
    return page("<h4>Still missing</h4>", judged, bullets(review.missing), uncounted)


def sign_offs_html(sign_offs: Iterable[SignOff]) -> str:
    """Who has said what so far."""
    rows = [f"<li>{_sign_off(sign_off)}</li>" for sign_off in sign_offs]
    body = f"<ul>{''.join(rows)}</ul>" if rows else '<div class="quiet">Nobody yet.</div>'
    return page("<h4>Sign-offs</h4>", body)


def _sign_off(sign_off: SignOff) -> str:
    tone = "bad" if sign_off.verdict == "rejected" else "good"
    said = f'<span class="{tone}">{text(sign_off.verdict)}</span> by {text(sign_off.by.name)}'
    how = []
    if sign_off.by.asserted_by == "self":
        how.append("self-asserted")
    if sign_off.envelope:
        how.append("signed with " + ", ".join(s.keyid for s in sign_off.envelope.signatures))
    if sign_off.expires:
        how.append(f"until {sign_off.expires:%Y-%m-%d}")
    quiet = f' <span class="quiet">({text(", ".join(how))})</span>' if how else ""
    comment = f": {text(sign_off.comment)}" if sign_off.comment else ""
    return f"{said}, {sign_off.at:%Y-%m-%d %H:%M} UTC{quiet}{comment}"


def attachments_html(evidence: Evidence) -> str:
    """The model card, notes and files that people added, and the sealed content's own files."""
    card = (
        table(("field", "text"), ((text(k), text(v)) for k, v in evidence.model_card.items()))
        if evidence.model_card
        else '<div class="quiet">No field was filled.</div>'
    )
    notes = bullets(evidence.notes) if evidence.notes else '<div class="quiet">None.</div>'
    return page(
        f"<h4>Model card</h4>{card}",
        f"<h4>Notes</h4>{notes}",
        f"<h4>Files</h4>{_files(evidence.attachments)}",
        details(f"Sealed content: {len(evidence.files)} files", _files(evidence.files)),
    )


def _files(files: tuple[BundleFile, ...]) -> str:
    if not files:
        return '<div class="quiet">None.</div>'
    rows = ((text(attached_as(f.path)), f"{f.size:,}", digest(f.digest)) for f in files)
    return table(("file", "bytes", "digest"), rows, numbers=(1,))


def message_html(said: str, *, failed: bool) -> str:
    """The answer to what the reviewer has just done."""
    if not said:
        return ""
    kind, role = ("alert", "alert") if failed else ("done", "status")
    return page(f'<div class="{kind}" role="{role}">{text(said)}</div>')


def _clean_run(evidence: Evidence) -> str:
    verdict = (
        '<span class="good">The clean run agrees with what was tracked.</span>'
        if evidence.clean_run_agrees
        else '<span class="bad">The clean run does not agree with what was tracked.</span>'
    )
    if not evidence.clean_run:
        return f"<h4>Metrics</h4><div>{verdict}</div>"
    return f"<h4>Metrics</h4><div>{verdict}</div>" + table(
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
    return breakable(metric.name), shown(metric.tracked), shown(metric.clean), said


def _inputs(inputs: tuple[DataInput, ...]) -> str:
    if not inputs:
        return '<h4>Data</h4><div class="bad">No data was captured.</div>'
    return "<h4>Data</h4>" + table(
        ("role", "name", "size", "digest"),
        (
            (
                text(data.role),
                f"<code>{text(data.name)}</code>",
                _size(data),
                digest(data.fingerprint.digest)
                if data.fingerprint.digest
                else f'<span class="bad">{text(data.fingerprint.reason or "unknown")}</span>',
            )
            for data in inputs
        ),
    )


def _size(data: DataInput) -> str:
    fingerprint = data.fingerprint
    if not fingerprint.extent:
        return f"{fingerprint.nbytes:,} bytes"
    size = " × ".join(f"{length:,}" for length in fingerprint.extent)
    return size if len(fingerprint.extent) > 1 else f"{size} rows"


def _parameters(parameters: tuple[Parameter, ...]) -> str:
    defaults = [p for p in parameters if p.is_default]
    given = [p for p in parameters if not p.is_default]
    parts = [p for p in given if _is_part(p)]
    chosen = [p for p in given if not _is_part(p)]
    html = "<h4>Parameters</h4>"
    html += (
        table(("name", "value"), map(_parameter, chosen))
        if chosen
        else '<div class="quiet">All are at their default.</div>'
    )
    for title, group in (("Parts", parts), ("At their default", defaults)):
        if group:
            body = table(("name", "value"), map(_parameter, group))
            html += details(f"{title}: {len(group)}", body)
    return html


def _is_part(parameter: Parameter) -> bool:
    """Whether the value is an estimator of its own, or a list of such."""
    return isinstance(parameter.value, str) and bool(re.search(r"\w\(.*\)", parameter.value))


def _parameter(parameter: Parameter) -> tuple[str, ...]:
    return breakable(parameter.name), f"<code>{text(repr(parameter.value))}</code>"


def _gaps(gaps: tuple[Gap, ...], completeness: float) -> str:
    head = f"<h4>Captured: {percent(completeness)}%</h4>"
    if not gaps:
        return head + '<div class="quiet">Nothing is known to be missing from the record.</div>'
    return head + table(("not captured", "why"), ((text(g.what), text(g.why)) for g in gaps))


def _code(code: tuple[str, ...]) -> str:
    cells = "".join(f"<pre>{text(source)}</pre>" for source in code)
    noun = "cell" if len(code) == 1 else "cells"
    return details(f"Code: {len(code)} {noun}", cells)
