"""What a notebook of the corpus truly does, read from the file beside it (schema: README.md)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import nbformat

__all__ = ["HERE", "Expected", "Step", "Truth", "names", "read_truth"]

HERE = Path(__file__).parent


class Measured(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A value, as an expression or a number, and the step after which it holds."""

    is_: str | float = msgspec.field(name="is")
    cell: str | None = None


class Content(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A data object's name in the record, and the expression that has the same content."""

    name: str
    is_: str = msgspec.field(name="is")


class Expected(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One training: `data` by role, `parameters` that are not defaults, `metrics` by name."""

    cell: str
    model: str
    kind: str = "training"
    data: dict[str, str | Content] = {}
    parameters: dict[str, bool | int | float | str | Measured | None] = {}
    metrics: dict[str, str | float | Measured] = {}

    def contents(self) -> dict[str, Content]:
        """The data by role, with the short form written out."""
        return {
            role: Content(name=data, is_=data) if isinstance(data, str) else data
            for role, data in self.data.items()
        }

    def asked(self) -> list[Measured]:
        """All values that must be worked out."""
        values = [*self.measured().values(), *self.parameters.values()]
        return [value for value in values if isinstance(value, Measured)]

    def measured(self) -> dict[str, Measured]:
        """The metrics by name, with the short form written out."""
        return {
            name: value if isinstance(value, Measured) else Measured(is_=value)
            for name, value in self.metrics.items()
        }


class Truth(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A truth file. `order` and `edits` name steps, `raises` the steps that end in an error."""

    about: str
    order: list[str] = []
    edits: dict[str, str] = {}
    raises: list[str] = []
    trainings: list[Expected]


class Step(msgspec.Struct, frozen=True):
    """One execution of one cell: `name` is the cell's id, ``id@2`` when it runs a second time."""

    name: str
    cell_id: str
    source: str


def names() -> list[str]:
    """Every notebook of the corpus."""
    return sorted(path.stem for path in HERE.glob("*.ipynb"))


def read_truth(name: str) -> tuple[list[Step], Truth]:
    """The notebook's executions in order, and its truth."""
    truth = msgspec.yaml.decode((HERE / f"{name}.yaml").read_bytes(), type=Truth)
    cells = {
        cell.id: cell.source
        for cell in nbformat.read(HERE / f"{name}.ipynb", as_version=4).cells
        if cell.cell_type == "code"
    }
    steps: list[Step] = []
    for cell_id in truth.order or cells:
        times = 1 + sum(step.cell_id == cell_id for step in steps)
        step = cell_id if times == 1 else f"{cell_id}@{times}"
        steps.append(Step(step, cell_id, truth.edits.get(step, cells[cell_id])))
    known = {step.name for step in steps}
    told = {*truth.edits, *truth.raises, *(e.cell for e in truth.trainings)}
    told |= {m.cell for e in truth.trainings for m in e.asked() if m.cell}
    if unknown := told - known:
        raise ValueError(f"{name}.yaml speaks of {sorted(unknown)}, which never run.")
    return steps, truth
