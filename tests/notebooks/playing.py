"""Plays a notebook of the corpus in a real kernel, and hears what the tracker made of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
from tracking.conftest import Kernel

from nbmlops.records import TrackedRun

from .truth import HERE, Measured, Step, Truth, read_truth

__all__ = ["ENVIRONMENT", "Heard", "play", "value_of"]

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "KERAS_BACKEND": "torch"}

_SIGNS_OF_FAULTS = "could not be captured"


class Heard(msgspec.Struct):
    """What came of a notebook: runs by step, the truth's digests and values by step, troubles."""

    truth: Truth
    runs: dict[str, list[TrackedRun]] = {}
    digests: dict[str, dict[str, str]] = {}
    values: dict[str, dict[str, Any]] = {}
    troubles: list[str] = []


def play(name: str, project: Path, **environment: str) -> Heard:
    """Execute the notebook `name` in folder `project` under ``%track``, in that `environment`."""
    steps, truth = read_truth(name)
    for module in HERE.glob(f"{name}_*.py"):
        shutil.copy(module, project / module.name)
    kernel = Kernel(
        project, NBMLOPS_NOTEBOOK=str(project / f"{name}.ipynb"), **ENVIRONMENT, **environment
    )
    try:
        kernel.hold_delivery()  # what is captured is asked here, not how it is delivered
        kernel.start_tracking()
        return _play(kernel, steps, truth)
    finally:
        kernel.close()


def _play(kernel: Kernel, steps: list[Step], truth: Truth) -> Heard:
    heard = Heard(truth)
    where: dict[str, str] = {}
    for step in steps:
        reply = kernel.run(step.source, cell_id=step.cell_id)
        expected = "error" if step.name in truth.raises else "ok"
        if reply.status != expected:
            heard.troubles.append(f"{step.name} ended with {reply.status}: {reply.error[-2000:]}")
            break
        if _SIGNS_OF_FAULTS in reply.text:
            heard.troubles.append(f"{step.name}: {reply.text}")
        for run in kernel.runs():
            where.setdefault(run.id, step.name)
        _ask(kernel, step.name, heard)
    for run in kernel.runs():
        heard.runs.setdefault(where[run.id], []).append(run)
    return heard


def _ask(kernel: Kernel, step: str, heard: Heard) -> None:
    """Ask the namespace, without the tracker's knowing, what the truth's expressions are now."""
    data: set[str] = set()
    numbers: set[str] = set()
    for expected in heard.truth.trainings:
        if expected.cell == step:
            data |= {content.is_ for content in expected.contents().values()}
        for metric in expected.asked():
            if (metric.cell or expected.cell) == step and isinstance(metric.is_, str):
                numbers.add(metric.is_)
    if not data and not numbers:
        return
    path = kernel.project / "answers.json"
    trouble = kernel.silently(
        "__import__('tests.notebooks.probe', fromlist=['answer'])"
        f".answer({str(path)!r}, globals(), {sorted(data)!r}, {sorted(numbers)!r})"
    )
    if trouble:
        heard.troubles.append(
            f"{step}: {sorted(data | numbers)} could not be asked: {trouble[-1500:]}"
        )
        return
    answers = json.loads(path.read_text())
    heard.digests[step], heard.values[step] = answers["digests"], answers["values"]


def value_of(metric: Measured, cell: str, heard: Heard) -> Any:
    """What a value truly is; None where it could not be asked."""
    if not isinstance(metric.is_, str):
        return metric.is_
    return heard.values.get(metric.cell or cell, {}).get(metric.is_)
