"""Cells that ran while tracking was off: what was trained from them later still shows its code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbmlops.records import TrackedRun
from tests.tracking.conftest import Kernel

MODEL = (
    "class Mean:\n    def fit(self, y):\n        self.mean_ = sum(y) / len(y)\n        return self"
)


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel in which four cells ran before %track, and one while it was off again."""
    project = tmp_path_factory.mktemp("late")
    kernel = Kernel(project, NBMLOPS_NOTEBOOK=str(project / "late.ipynb"))
    kernel.hold_delivery()
    kernel.run("y = [1.0, 2.0, 4.0]")
    kernel.run(MODEL)
    kernel.run("aside = 1 / 0")
    kernel.run("token = 'sk-live-0123456789abcdef0123456789abcdef'")
    kernel.run("%load_ext nbmlops\n%track\nscale = 2.0")
    yield kernel
    kernel.close()


def _cells(run: TrackedRun) -> list[tuple[int, bool]]:
    return [(cell.execution_count, cell.seen) for cell in run.cells]


def _doubts(run: TrackedRun) -> str:
    return " ".join(gap.why for gap in run.gaps if gap.what == "slice")


def test_cells_before_tracking_are_in_the_slice_and_are_said_to_be_unseen(late: Kernel) -> None:
    (run,) = late.trained("model = Mean().fit([scale * each for each in y])")
    assert _cells(run) == [(1, False), (2, False), (5, True), (6, True)]
    assert run.cells[1].source == MODEL
    assert "Cells [1] to [2] ran while tracking was off" in _doubts(run)
    assert "No executed cell shows" not in _doubts(run)


def test_the_cell_that_switches_tracking_on_keeps_its_own_code(late: Kernel) -> None:
    (run,) = late.trained("model = Mean().fit([scale, scale])")
    (switched,) = [cell for cell in run.cells if cell.execution_count == 5]
    assert switched.seen
    assert "scale = 2.0" in switched.source


def test_what_ran_meanwhile_is_taken_in_when_tracking_goes_on(late: Kernel) -> None:
    late.run("%track off")
    late.run("y = [8.0, 9.0]")
    late.run("%track")
    (run,) = late.trained("model = Mean().fit(y)")
    (changed,) = [cell for cell in run.cells if cell.source == "y = [8.0, 9.0]"]
    assert not changed.seen
    assert "y = [1.0" not in "".join(cell.source for cell in run.cells)
    # The control: cells that were seen raise no doubt.
    late.run("y = [1.0, 1.0]\n" + MODEL)
    (run,) = late.trained("model = Mean().fit(y)")
    assert [seen for _, seen in _cells(run)] == [True, True]
    assert not _doubts(run)


def test_credentials_in_cells_before_tracking_are_hidden(late: Kernel) -> None:
    (run,) = late.trained("model = Mean().fit(y if token else [])")
    (found,) = [cell for cell in run.cells if cell.source.startswith("token")]
    assert "sk-live" not in found.source
    written = b"".join(p.read_bytes() for p in late.settings.home.rglob("*") if p.is_file())
    assert b"sk-live-0123456789" not in written
