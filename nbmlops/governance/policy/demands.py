"""What the policy asks of the evidence, and which of it is not there. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from nbmlops.governance.ledger import History
from nbmlops.governance.policy.custom_checks import run_check
from nbmlops.governance.policy.terms import DataContract, Demands, MetricDemand
from nbmlops.records import (
    ColumnFingerprint,
    DataInput,
    Evidence,
    Finding,
    Metric,
    Submission,
    percent,
)

__all__ = ["unmet_demands"]

Columns = Mapping[str, ColumnFingerprint]


def unmet_demands(
    submission: Submission,
    demands: Demands,
    history: History,
    doubt_settled: Callable[[Finding], str | None],
) -> list[str]:
    """One sentence for each demand on the evidence that is not met."""
    evidence = submission.evidence
    sentences = []
    if demands.clean_run and not evidence.clean_run_agrees:
        sentences.append("The clean run did not reproduce what was tracked.")
    if evidence.completeness < demands.minimum_completeness:
        sentences.append(
            f"The record is {percent(evidence.completeness)}% complete; the policy asks for "
            f"{percent(demands.minimum_completeness)}%."
        )
    sentences += [
        f"The model card says nothing on {field!r}."
        for field in demands.model_card
        if not evidence.model_card.get(field, "").strip()
    ]
    for metric in demands.metrics:
        sentences += _unmet_metric(evidence, metric)
    for contract in demands.data:
        sentences += _broken_contract(evidence, contract)
    if demands.findings_resolved:
        for finding in history.findings_of(submission.model_name):
            if finding.sign_off_id is None:
                sentences += _open_finding(finding, doubt_settled(finding))
    for name in demands.checks:
        sentences += run_check(name, submission)
    return sentences


def _open_finding(finding: Finding, doubt: str | None) -> list[str]:
    place = f"cell {finding.cell}" if finding.cell is not None else finding.metric
    told = (
        f"{finding.by.name}'s {finding.id}{f' on {place}' if place else ''} is open: {finding.text}"
    )
    if finding.resolution is None:
        return [told]
    if doubt is None:
        return []
    return [f"{told} ({finding.resolution.by.name}'s resolution does not count: {doubt}.)"]


def _unmet_metric(evidence: Evidence, demand: MetricDemand) -> list[str]:
    on = f" on {demand.data}" if demand.data else ""
    found = [m for m in _latest(evidence.metrics) if _is_meant(m, demand)]
    if not found:
        return [f"The policy asks for the metric {demand.metric!r}{on}, which was not computed."]
    sentences = []
    for metric in found:
        value = metric.value
        if value is None or math.isnan(value):
            sentences.append(f"{metric.name} is not a number.")
            continue
        if demand.at_least is not None and value < demand.at_least:
            sentences.append(
                f"{metric.name} is {value:.6g}; the policy asks for at least {demand.at_least:.6g}."
            )
        if demand.at_most is not None and value > demand.at_most:
            sentences.append(
                f"{metric.name} is {value:.6g}; the policy asks for at most {demand.at_most:.6g}."
            )
        if demand.better_than_champion_by is not None:
            sentences += _not_better(evidence, metric.name, value, demand)
    return sentences


def _not_better(evidence: Evidence, name: str, value: float, demand: MetricDemand) -> list[str]:
    champion = evidence.champion
    if champion is None:
        return []
    before = next((c.before for c in champion.metrics if c.name == name), None)
    if not isinstance(before, int | float):
        return [
            f"{name} cannot be held against the champion, version {champion.version}, which was "
            "registered without it."
        ]
    margin = demand.better_than_champion_by or 0.0
    gain = value - before if demand.higher_is_better else before - value
    if gain >= margin:
        return []
    return [
        f"{name} is {value:.6g}, the champion's {before:.6g}; the policy asks to be better by "
        f"{margin:.6g}."
    ]


def _latest(metrics: tuple[Metric, ...]) -> list[Metric]:
    """The last step of each metric."""
    return list({(m.name, m.data): m for m in metrics}.values())


def _is_meant(metric: Metric, demand: MetricDemand) -> bool:
    if demand.data is not None and metric.data != demand.data:
        return False
    # A metric function's result is tracked under the function's name and the data's.
    return metric.name in (demand.metric, f"{demand.metric}_{metric.data}")


def _broken_contract(evidence: Evidence, contract: DataContract) -> list[str]:
    found = [i for i in evidence.inputs if contract.data in (i.role, i.name)]
    if not found:
        return [f"The policy has a data contract for {contract.data!r}, which was not captured."]
    return [sentence for item in found for sentence in _breaches(item, contract)]


def _breaches(item: DataInput, contract: DataContract) -> list[str]:
    fingerprint = item.fingerprint
    label = f"{item.role} ({item.name})"
    if not fingerprint.digest:
        return [f"The data contract of {label} cannot be held: {fingerprint.reason or 'unknown'}."]
    columns = {c.name: c for c in fingerprint.columns if not c.index}
    return [
        *_other_columns(label, columns, contract),
        *_too_many_nulls(label, columns, fingerprint.rows, contract),
        *_other_rows(label, fingerprint.rows, contract),
    ]


def _other_columns(label: str, columns: Columns, contract: DataContract) -> Iterator[str]:
    for name, kind in contract.columns.items():
        if name not in columns:
            yield f"{label} lacks the column {name!r} of its data contract."
        elif (found := columns[name].type) != kind:
            yield f"{label}: column {name!r} is of type {found}, the data contract says {kind}."
    if not contract.other_columns:
        for name in sorted(columns.keys() - contract.columns.keys()):
            yield f"{label} has a column {name!r} that its data contract does not know."


def _too_many_nulls(
    label: str, columns: Columns, rows: int | None, contract: DataContract
) -> Iterator[str]:
    for name, most in contract.null_rates.items():
        if name not in columns or not rows:
            yield f"{label}: the share of nulls in {name!r} is not known."
        elif (share := columns[name].nulls / rows) > most:
            yield f"{label}: {share:.2%} of {name!r} are null, the data contract allows {most:.2%}."


def _other_rows(label: str, rows: int | None, contract: DataContract) -> Iterator[str]:
    known = "an unknown number of" if rows is None else f"{rows:,}"
    least, most = contract.minimum_rows, contract.maximum_rows
    if least is not None and (rows is None or rows < least):
        yield f"{label} has {known} rows, the data contract says at least {least:,}."
    if most is not None and (rows is None or rows > most):
        yield f"{label} has {known} rows, the data contract says at most {most:,}."
