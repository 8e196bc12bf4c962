"""A submission beside the model's champion: cells, data, parameters, metrics, environment."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from nbmlops.data import compare
from nbmlops.records import (
    AliasMove,
    Change,
    Comparison,
    DataChange,
    Environment,
    Evidence,
    Metric,
    Parameter,
    Scalar,
    Submission,
    TrackedRun,
)

__all__ = ["compare_with_champion"]


def compare_with_champion(
    champion: AliasMove, submission: Submission, clean_run: TrackedRun
) -> Comparison:
    """What is different in `clean_run` from the champion, which was submitted as `submission`.

    :raises FingerprintError: if data cannot be compared.
    """
    before = submission.evidence
    return Comparison(
        version=champion.version,
        review_id=champion.review_id,
        content_digest=champion.content_digest,
        code=_code(before, clean_run),
        data=_data(before, clean_run),
        parameters=_changes(_parameters(before.parameters), _parameters(clean_run.parameters)),
        metrics=_changes(_metrics(before.metrics), _metrics(clean_run.metrics), all_of_them=True),
        environment=_changes(_packages(before.environment), _packages(clean_run.environment)),
    )


def _code(before: Evidence, run: TrackedRun) -> tuple[str, ...]:
    after = [cell.source for cell in run.code]
    return tuple(
        difflib.unified_diff(
            "\n\n".join(before.code).splitlines(),
            "\n\n".join(after).splitlines(),
            fromfile="champion",
            tofile="submitted",
            lineterm="",
        )
    )


def _data(before: Evidence, run: TrackedRun) -> tuple[DataChange, ...]:
    known = {(item.role, item.name): item for item in before.inputs}
    by_role = {item.role: item for item in before.inputs}
    changes = []
    seen = set()
    for item in run.inputs:
        other = known.get((item.role, item.name)) or by_role.get(item.role)
        if other is None:
            sentences = ["It is new."]
        else:
            seen.add((other.role, other.name))
            if "unknown" in (other.fingerprint.kind, item.fingerprint.kind):
                sentences = ["Its content is not known, so it cannot be compared."]
            elif other.fingerprint.digest == item.fingerprint.digest:
                continue
            else:
                sentences = compare(other.fingerprint, item.fingerprint).sentences()
        changes.append(DataChange(role=item.role, name=item.name, sentences=tuple(sentences)))
    changes += [
        DataChange(role=item.role, name=item.name, sentences=("It is gone.",))
        for key, item in known.items()
        if key not in seen
    ]
    return tuple(changes)


def _changes(
    before: Mapping[str, Scalar], after: Mapping[str, Scalar], all_of_them: bool = False
) -> tuple[Change, ...]:
    return tuple(
        Change(name=name, before=before.get(name), after=after.get(name))
        for name in sorted(before.keys() | after.keys())
        if all_of_them or before.get(name) != after.get(name)
    )


def _parameters(parameters: tuple[Parameter, ...]) -> dict[str, Scalar]:
    return {p.name: p.value for p in parameters}


def _metrics(metrics: tuple[Metric, ...]) -> dict[str, Scalar]:
    return {m.name: m.value for m in metrics}


def _packages(environment: Environment | None) -> dict[str, Scalar]:
    if environment is None:
        return {}
    return {"python": environment.python, **environment.packages}
