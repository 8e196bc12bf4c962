"""Slices of the corpus: each, run alone in a fresh kernel, trains the same on the same data.

A few notebooks here, all of them where ``NBMLOPS_TEST_BUDGET=long``.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tracking.conftest import Kernel

from nbmlops.records import CellRecord, TrackedRun

from .playing import ENVIRONMENT, play
from .truth import HERE, names

_LONG = os.environ.get("NBMLOPS_TEST_BUDGET") == "long"
_FEW = ["churn_package", "messy_research", "torch_assorted"]


@pytest.mark.long
@pytest.mark.parametrize("name", names() if _LONG else _FEW)
def test_the_slice_of_each_run_rebuilds_it(tmp_path: Path, name: str) -> None:
    """Model, data and parameters; those whose slice is the same are rebuilt together.

    What rests on a study whose record says that it has no seed is another each time.
    """
    whole = tmp_path / "whole"
    whole.mkdir()
    by_slice: dict[tuple[int, ...], list[TrackedRun]] = {}
    found = [run for runs in play(name, whole).runs.values() for run in runs]
    unseeded = {run.cell.order for run in found if "sampler has no seed" in str(run.gaps)}
    for run in found:
        orders = tuple(cell.order for cell in run.cells)
        if unseeded.isdisjoint(orders):
            by_slice.setdefault(orders, []).append(run)
    slices = list(by_slice.values())
    for number, runs in enumerate(slices if _LONG else slices[-2:]):
        again = _alone(name, runs[0].cells, tmp_path / str(number))
        assert {_facts(run) for run in runs} <= {_facts(run) for run in again}


def _alone(name: str, cells: tuple[CellRecord, ...], project: Path) -> list[TrackedRun]:
    project.mkdir()
    for module in HERE.glob(f"{name}_*.py"):
        shutil.copy(module, project / module.name)
    kernel = Kernel(project, NBMLOPS_NOTEBOOK=str(project / f"{name}.ipynb"), **ENVIRONMENT)
    try:
        kernel.hold_delivery()
        kernel.start_tracking()
        for cell in cells:
            assert kernel.run(cell.source, cell_id=cell.cell_id).status == cell.outcome
        return kernel.runs()
    finally:
        kernel.close()


def _facts(run: TrackedRun) -> tuple[object, ...]:
    data = sorted((item.role, item.name, item.fingerprint.digest or "") for item in run.inputs)
    return run.model_class, tuple(data), run.parameters
