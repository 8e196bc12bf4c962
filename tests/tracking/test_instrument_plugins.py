"""Instruments that somebody else wrote: found by their entry point, and harmless when they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import ROOT, Kernel

LIBRARY = """
class Machine:
    def learn(self, data, speed=1, fail=False):
        if fail:
            raise ValueError("it stalled")
        self.learned, self.loss = sum(data), 0.25
        return self
"""
BROKEN = """
class BrokenInstrument:
    modules = ("machines",)

    def install(self, tracker, module):
        raise RuntimeError("out of order")
"""


def documented() -> str:
    """The instrument that the documentation shows."""
    text = (ROOT / "docs" / "tracking.md").read_text(encoding="utf-8")
    section = text[text.index("## Instruments of your own") :]
    return section.partition("```python\n")[2].partition("```")[0]


def plugged_in(folder: Path, *classes: str) -> Kernel:
    """A tracking kernel beside a distribution whose entry points name `classes`."""
    (folder / "machines.py").write_text(LIBRARY)
    (folder / "machine_instrument.py").write_text(documented() + BROKEN)
    about = folder / "machine_tracking-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: machine-tracking\nVersion: 1.0\n")
    points = [f"{name} = machine_instrument:{name}" for name in classes]
    (about / "entry_points.txt").write_text("\n".join(["[nbmlops.instruments]", *points]))
    kernel = Kernel(folder, NBMLOPS_NOTEBOOK=str(folder / "a.ipynb"))
    kernel.hold_delivery()
    kernel.start_tracking()
    return kernel


TRAIN = "import machines\ntable = [1, 2]\nprint(machines.Machine().learn(table, speed=3).learned)"


@pytest.mark.parametrize(
    ("classes", "trainings"), [(["MachineInstrument"], 1), ([], 0)], ids=["found", "without it"]
)
def test_an_instrument_is_found_by_its_entry_point(
    tmp_path: Path, classes: list[str], trainings: int
) -> None:
    """Its training is a run like any other; the control has no entry point, and no run."""
    kernel = plugged_in(tmp_path, *classes)
    try:
        runs = kernel.trained(TRAIN)
        assert len(runs) == trainings
        for run in runs:
            assert run.model_class == "machines.Machine"
            assert [(p.name, p.value, p.is_default) for p in run.parameters] == [
                ("speed", 3, False)
            ]
            assert [(i.role, i.name) for i in run.inputs] == [("data", "table")]
            assert [(m.name, m.value) for m in run.metrics] == [("loss", 0.25)]
            assert run.cell.source == TRAIN
        reply = kernel.run("machines.Machine().learn(table, fail=True)")
        assert "ValueError" in reply.error
        assert "machine_instrument" not in reply.error
        assert len(kernel.runs()) == trainings
    finally:
        kernel.close()


def test_one_that_fails_is_said_once_and_harms_nothing(tmp_path: Path) -> None:
    """The user's import succeeds, the other instrument works, and the record holds the fault."""
    kernel = plugged_in(tmp_path, "BrokenInstrument", "MachineInstrument")
    try:
        reply = kernel.run(TRAIN)
        assert reply.status == "ok"
        assert reply.streams["stdout"].splitlines() == ["3"]
        assert reply.streams["stderr"].count("the instrument for machines") == 1
        assert "out of order" in reply.streams["stderr"]
        (run,) = kernel.runs()
        assert any("out of order" in gap.why for gap in run.gaps)
        assert "out of order" not in kernel.run(TRAIN).text
    finally:
        kernel.close()
