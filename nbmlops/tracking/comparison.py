"""Two runs beside each other: what differs in code, data, parameters, environment and metrics."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from nbmlops.data import compare
from nbmlops.errors import NbmlopsError
from nbmlops.records import Change, DataDiff, Fingerprint, RunDiff, Scalar, TrackedRun, last_values

__all__ = ["compare_runs"]


def compare_runs(before: TrackedRun, after: TrackedRun) -> RunDiff:
    """What differs from `before` to `after`."""
    chosen = {p.name for run in (before, after) for p in run.parameters if not p.is_default}
    if before.model_class == after.model_class:
        # A default that a new version of a library has changed is a difference, too; one that only
        # one side has, as the parts of two pipelines do, is none.
        chosen |= {p.name for p in before.parameters} & {p.name for p in after.parameters}
    return RunDiff(
        before=before.id,
        after=after.id,
        names=(before.name, after.name),
        models=(before.model_class, after.model_class),
        code=tuple(_code_diff(before, after)),
        data=_data(before, after),
        parameters=_changes(
            {p.name: p.value for p in before.parameters if p.name in chosen},
            {p.name: p.value for p in after.parameters if p.name in chosen},
        ),
        environment=_changes(_surroundings(before), _surroundings(after)),
        metrics=_changes(_metrics(before), _metrics(after), equal=True),
    )


def _changes(
    before: Mapping[str, Scalar], after: Mapping[str, Scalar], *, equal: bool = False
) -> tuple[Change, ...]:
    return tuple(
        Change(name=name, before=before.get(name), after=after.get(name))
        for name in dict.fromkeys([*before, *after])
        if equal or before.get(name) != after.get(name)
    )


def _metrics(run: TrackedRun) -> dict[str, Scalar]:
    """Each metric at its last step."""
    return {metric.name: metric.value for metric in last_values(run.metrics)}


def _surroundings(run: TrackedRun) -> dict[str, Scalar]:
    environment = run.environment
    told: dict[str, Scalar] = {"python": environment.python, "platform": environment.platform}
    told |= {f"package {name}": version for name, version in environment.packages.items()}
    told |= {f"module {name}": digest[:12] for name, digest in environment.local_modules.items()}
    if environment.git is not None:
        told["commit"] = environment.git.commit[:12]
        if environment.git.diff_digest:
            told["uncommitted changes"] = environment.git.diff_digest[:12]
    if environment.seeds:
        told["seeds"] = ", ".join(environment.seeds)
    return told


def _data(before: TrackedRun, after: TrackedRun) -> dict[str, DataDiff]:
    old = {item.role: item for item in before.inputs}
    new = {item.role: item for item in after.inputs}
    found = {}
    for role in dict.fromkeys([*old, *new]):
        one, other = old.get(role), new.get(role)
        if one is None or other is None:
            there = one or other
            name = there.name if there else role
            which = after.id if one is None else before.id
            found[role] = DataDiff(
                identical=False, old=role, new=role, notes=(f"Only {which} has it: {name}.",)
            )
        elif one.fingerprint.digest != other.fingerprint.digest or not one.fingerprint.digest:
            found[role] = _difference(one.fingerprint, other.fingerprint, one.name, other.name)
    return found


def _difference(one: Fingerprint, other: Fingerprint, old: str, new: str) -> DataDiff:
    try:
        return compare(one, other)
    except NbmlopsError as error:
        return DataDiff(identical=False, old=old, new=new, notes=(str(error),))


def _code_diff(before: TrackedRun, after: TrackedRun) -> list[str]:
    return [
        line
        for line in difflib.unified_diff(_code(before), _code(after), lineterm="", n=1)
        if not line.startswith(("---", "+++"))
    ]


def _code(run: TrackedRun) -> list[str]:
    return "\n".join(cell.source for cell in run.cells).splitlines()
