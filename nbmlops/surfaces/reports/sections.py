"""A dossier as sections that a page and a PDF lay out alike. No I/O, and nothing is escaped here.

They are named after what reviewers of model risk look for. What is not on record stands as a gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbmlops.governance import how_given, kind_of, tell
from nbmlops.records import Dossier, Evidence, Fingerprint, Identity, Metric, SignOff, percent
from nbmlops.surfaces.reports.blocks import Block, gap, number, pairs, table, text
from nbmlops.surfaces.wording import attached_as

__all__ = ["sections_of"]

# Which section a model card's field belongs to; any other stands under the purpose.
_FIELDS = {
    "Data": ("data", "training_data", "evaluation_data", "preprocessing"),
    "Performance": ("performance", "metrics", "thresholds"),
    "Limits": (
        "limits", "limitations", "out_of_scope", "risks", "assumptions", "caveats", "fairness",
        "ethical_considerations", "explainability",
    ),
    "Validation": ("validation", "monitoring", "testing"),
}  # fmt: skip
_ASKED = {"Purpose": "purpose", "Limits": "limits"}
_COLUMNS = 200  # of one input; what a reader would not read stands in the JSON


def sections_of(dossier: Dossier) -> list[dict[str, Any]]:
    """The sections in order, each ``{"title", "blocks"}``."""
    evidence = dossier.review.submission.evidence
    made = {
        "Purpose": _purpose(dossier),
        "Data": _data(evidence),
        "Performance": _performance(evidence),
        "Limits": _limits(evidence),
        "Validation": _validation(dossier),
        "Approvals": _approvals(dossier),
        "Changes": _changes(evidence),
        "Audit trail": _trail(dossier),
    }
    return [
        {"title": title, "blocks": [*_card(evidence.model_card, title), *blocks]}
        for title, blocks in made.items()
    ]


def _card(card: Mapping[str, str], title: str) -> list[Block]:
    placed = {field: section for section, fields in _FIELDS.items() for field in fields}
    rows = [
        (field.replace("_", " ").capitalize(), text)
        for field, text in card.items()
        if placed.get(field.lower().replace(" ", "_"), "Purpose") == title
    ]
    blocks = [pairs(rows)] if rows else []
    asked = _ASKED.get(title)
    if asked and not any(name.lower() == asked for name, _ in rows):
        blocks.append(gap(f"The model card does not state the {asked}."))
    return blocks


def _purpose(dossier: Dossier) -> list[Block]:
    submission = dossier.review.submission
    registration = dossier.review.registration
    rows = [
        ("Model", submission.model_name),
        ("Version", registration.version if registration else "not registered"),
        ("Status", dossier.review.status),
        ("Class", submission.evidence.model_class),
        ("Notebook", submission.evidence.notebook),
        ("Author", submission.author),
        ("Submitted", f"{submission.at:%Y-%m-%d %H:%M} UTC"),
        ("Content digest", submission.content_digest),
        ("Dossier digest", submission.dossier.digest if submission.dossier else "none was sealed"),
    ]
    return [pairs(rows)]


def _data(evidence: Evidence) -> list[Block]:
    if not evidence.inputs:
        return [gap("No data was seen.")]
    rows = [
        (i.role, i.name, number(i.fingerprint.rows), _columns(i.fingerprint),
         i.fingerprint.digest[:16] or i.fingerprint.reason, ", ".join(i.files))
        for i in evidence.inputs
    ]  # fmt: skip
    head = ("Role", "Name", "Rows", "Columns", "Digest", "Files")
    blocks = [table("What the model was trained on", head, rows)]
    for item in evidence.inputs:
        columns = item.fingerprint.columns
        profile = [
            (
                c.name or ("index" if c.index else "values"),
                c.type,
                number(c.nulls),
                *_summary(c.summary),
            )
            for c in columns[:_COLUMNS]
        ]
        if len(profile) > 1:
            more = f", the first {_COLUMNS} columns" if len(columns) > _COLUMNS else ""
            blocks.append(table(f"{item.name}{more}", _PROFILE, profile))
    return blocks


def _columns(of: Fingerprint) -> int:
    """How many a person counts: an index is beside them."""
    return sum(not column.index for column in of.columns)


_SUMMARY = ("min", "max", "mean")


def _summary(of: Mapping[str, Any] | None) -> list[str]:
    return [number((of or {}).get(name)) for name in _SUMMARY]


_PROFILE = ("Column", "Type", "Nulls", "Min", "Max", "Mean")


def _performance(evidence: Evidence) -> list[Block]:
    if not evidence.metrics:
        return [gap("No metric was computed.")]
    champion = {c.name: c.before for c in evidence.champion.metrics} if evidence.champion else {}
    rows = []
    for metric in evidence.metrics:
        before = champion.get(metric.name)
        change = (
            metric.value - before
            if metric.value is not None and isinstance(before, int | float)
            else None
        )
        rows.append(
            (
                _name(metric),
                metric.data,
                number(metric.value),
                number(before),
                number(change) if change is None or change < 0 else f"+{number(change)}",
            )
        )
    head = ("Metric", "On", "Value", "Champion", "Change")
    blocks = [table("Metrics of the clean run", head, rows)]
    if evidence.champion is None:
        blocks.append(text("There was no champion to compare with when this was submitted."))
    return blocks


def _limits(evidence: Evidence) -> list[Block]:
    captured = text(f"{percent(evidence.completeness)}% of what a run should hold was captured.")
    return [captured, *(gap(f"{g.what.capitalize()}: {g.why}") for g in evidence.gaps)]


def _validation(dossier: Dossier) -> list[Block]:
    review, evidence = dossier.review, dossier.review.submission.evidence
    clean = dossier.promotion.clean_run
    agrees = "did the same" if clean.agrees else "did not do the same"
    blocks = [
        text(
            f"The notebook, run from scratch in a fresh kernel on {clean.started:%Y-%m-%d %H:%M}"
            f" UTC, {agrees} in {clean.duration:.1f} s; its data "
            f"{'was' if clean.data_agrees else 'was not'} the same."
        )
    ]
    if clean.metrics:
        rows = [
            (m.name, number(m.tracked), number(m.clean), "yes" if m.agrees else "no")
            for m in clean.metrics
        ]
        blocks.append(table("Clean run", ("Metric", "Tracked", "Clean run", "Agrees"), rows))
    for finding in review.findings:
        settled = finding.resolution
        where = f"cell {finding.cell}" if finding.cell else finding.metric or "the submission"
        told = f"{finding.by.name} on {where}: {finding.text}"
        if settled:
            how = how_given(settled)
            blocks.append(text(f"{told} Resolved by {settled.by.name} ({how}): {settled.note}"))
        else:
            blocks.append(gap(f"Open finding. {told}"))
    blocks += [text(f"Note: {note}") for note in evidence.notes]
    if evidence.attachments:
        attached = [
            (attached_as(file.path), number(file.size), file.digest)
            for file in evidence.attachments
        ]
        blocks.append(table("Attachments", ("File", "Bytes", "BLAKE3-256"), attached))
    blocks.append(_environment(evidence))
    return blocks


def _environment(evidence: Evidence) -> Block:
    environment = evidence.environment
    if environment is None:
        return gap("The environment was not recorded.")
    git = environment.git
    commit = (
        f"{git.commit} on {git.branch}{', with changes' if git.dirty else ''}" if git else "none"
    )
    rows = [
        ("Python", environment.python),
        ("Platform", environment.platform),
        ("Git commit", commit),
        ("Packages", ", ".join(f"{n} {v}" for n, v in sorted(environment.packages.items()))),
        ("Seeds", ", ".join(environment.seeds) or "none set"),
    ]
    return pairs(rows, "Environment")


def _approvals(dossier: Dossier) -> list[Block]:
    review = dossier.review
    blocks = [text(f"Judged by {review.policy}.")] if review.policy else []
    rows = [_sign_off(sign_off) for sign_off in review.sign_offs]
    if rows:
        head = ("Who", "Verdict", "When (UTC)", "Scopes", "Expires", "Signature", "Comment")
        blocks.append(table("Sign-offs", head, rows))
    else:
        blocks.append(gap("Nobody has signed off."))
    blocks += [gap(sentence) for sentence in dict.fromkeys((*review.uncounted, *review.missing))]
    if review.registration:
        r = review.registration
        blocks.append(
            text(
                f"{_who(r.by)} registered it as version {r.version}, alias {r.alias or 'none'}, on "
                f"{r.at:%Y-%m-%d %H:%M} UTC."
            )
        )
    if review.withdrawal:
        w = review.withdrawal
        blocks.append(gap(f"Withdrawn by {_who(w.by)} on {w.at:%Y-%m-%d %H:%M} UTC: {w.reason}"))
    return blocks


def _sign_off(sign_off: SignOff) -> tuple[Any, ...]:
    signed = "unsigned, self-asserted"
    if sign_off.envelope:
        signed = f"key {', '.join(s.keyid for s in sign_off.envelope.signatures)}"
    expires = f"{sign_off.expires:%Y-%m-%d}" if sign_off.expires else "never"
    when = f"{sign_off.at:%Y-%m-%d %H:%M}"
    scopes = ", ".join(sign_off.scopes)
    return _who(sign_off.by), sign_off.verdict, when, scopes, expires, signed, sign_off.comment


def _changes(evidence: Evidence) -> list[Block]:
    champion = evidence.champion
    if champion is None:
        return [text("There was no champion: everything is new.")]
    blocks = [text(f"Beside version {champion.version}, the champion at submission.")]
    blocks += [
        text(f"{change.name} ({change.role}): {' '.join(change.sentences)}")
        for change in champion.data
    ]
    for caption, changes in (
        ("Parameters", champion.parameters),
        ("Environment", champion.environment),
    ):
        if changes:
            rows = [(c.name, number(c.before), number(c.after)) for c in changes]
            blocks.append(table(caption, ("Name", "Before", "Now"), rows))
    if champion.code:
        blocks.append({"kind": "code", "caption": "Code", "text": "\n".join(champion.code)})
    if len(blocks) == 1:
        blocks.append(text("Code, data, parameters and environment are the same."))
    return blocks


def _trail(dossier: Dossier) -> list[Block]:
    chain = dossier.chain
    stands = (
        text(f"The ledger's chain was intact: {chain.facts:,} facts, head {chain.head}.")
        if chain.intact
        else gap(f"The ledger was broken: {chain.reason}")
    )
    rows = [
        (
            entry.sequence,
            f"{entry.at:%Y-%m-%d %H:%M}",
            entry.actor,
            kind_of(entry.fact),
            tell(entry.fact),
            entry.digest[:16],
        )
        for entry in dossier.facts
    ]
    head = ("Fact", "When (UTC)", "Who", "Kind", "What", "Digest")
    how = (
        f"To prove one of them: nbmlops audit prove {dossier.facts[0].sequence}"
        if dossier.facts
        else ""
    )
    return [stands, table("Facts about this model version", head, rows), text(how)]


def _name(metric: Metric) -> str:
    return f"{metric.name} (candidate)" if metric.candidate else metric.name


def _who(identity: Identity) -> str:
    return f"{identity.name} ({'server' if identity.asserted_by == 'server' else 'self'}-asserted)"
