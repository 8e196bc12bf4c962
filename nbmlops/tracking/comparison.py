"""Two runs beside each other: what differs in code, data, parameters, environment and metrics."""

from __future__ import annotations

import difflib

from nbmlops.records import TrackedRun

__all__ = ["differences"]


def differences(before: TrackedRun, after: TrackedRun) -> list[str]:
    """Each difference between two runs as a line; one line that says so if there is none."""
    found: list[str] = []
    if before.model_class != after.model_class:
        found.append(f"model: {before.model_class} → {after.model_class}")
    old = {p.name: p.value for p in before.parameters}
    new = {p.name: p.value for p in after.parameters}
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            found.append(f"parameter {name}: {old.get(name)} → {new.get(name)}")
    inputs = {i.role: i for i in before.inputs}
    for item in after.inputs:
        other = inputs.pop(item.role, None)
        if other is None:
            found.append(f"data {item.role}: {item.name} is new")
        elif other.fingerprint.digest != item.fingerprint.digest:
            found.append(f"data {item.role}: {other.name} and {item.name} differ in content")
    found += [f"data {role}: {item.name} is gone" for role, item in inputs.items()]
    metrics = {m.name: m.value for m in before.metrics}
    for metric in after.metrics:
        value = metrics.get(metric.name)
        if value is not None and metric.value is not None and value != metric.value:
            found.append(f"metric {metric.name}: {value:.6g} → {metric.value:.6g}")
    packages = before.environment.packages
    for name, version in after.environment.packages.items():
        if packages.get(name, version) != version:
            found.append(f"package {name}: {packages[name]} → {version}")
    if before.environment.python != after.environment.python:
        found.append(f"python: {before.environment.python} → {after.environment.python}")
    code = [
        line
        for line in difflib.unified_diff(_code(before), _code(after), lineterm="", n=1)
        if not line.startswith(("---", "+++", "@@"))
    ]
    if code:
        found += ["code:", *(f"  {line}" for line in code)]
    return found or ["The runs do not differ."]


def _code(run: TrackedRun) -> list[str]:
    return "\n".join(cell.source for cell in run.cells).splitlines()
