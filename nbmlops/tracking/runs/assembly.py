"""From a training and the session's cells to a whole TrackedRun, with what is missing said."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from nbmlops.records import CellRecord, DataInput, Gap, TrackedRun, digest
from nbmlops.tracking.code.frames import reads_file
from nbmlops.tracking.runs.completeness import score
from nbmlops.tracking.runs.environment import EnvironmentReader
from nbmlops.tracking.runs.gaps import gaps_of
from nbmlops.tracking.session.cells import CellHistory
from nbmlops.tracking.session.files import FileWatch
from nbmlops.tracking.trainings.training import Training

__all__ = ["assemble", "data_digest"]


def assemble(
    training: Training,
    *,
    cell: CellRecord,
    history: CellHistory,
    author: str,
    notebook: str | None,
    environment: EnvironmentReader,
    files: FileWatch,
    execution_id: str | None,
    gaps: Iterable[Gap],
) -> TrackedRun:
    """The run of `training` in `cell`; `gaps` are those that the tracker knows of."""
    slice_, doubts = history.slice(cell)
    code = history.code()
    hidden = [
        f"{what} in cell [{member.execution_count}]"
        for member in slice_
        for what in history.hidden(history.executed[member.order - 1])
    ]
    read = [code[c.source_digest] for c in slice_]
    seeds = tuple(dict.fromkeys(s for c in read for s in c.seeds))
    seeded = tuple(dict.fromkeys(s for c in read for s in c.seeded))
    inputs = tuple(_with_makers(item, cell, history) for item in training.inputs)
    surroundings = environment.read((*seeds, *seeded))
    drawn = history.executed[cell.order - 1].chance
    found = [
        *training.gaps,
        *(Gap(what="slice", why=doubt) for doubt in doubts),
        *gaps_of(training, inputs, tuple(zip(slice_, read, strict=True)), surroundings, drawn),
        *gaps,
    ]
    used = dict.fromkeys(file for c in slice_ for file in c.files_read)
    together = tuple(dict.fromkeys([*found, *files.gaps(used), *environment.gaps()]))
    return TrackedRun(
        id=training.id,
        name=training.name,
        author=author,
        notebook=notebook,
        started=training.started,
        duration=training.duration,
        kind=training.kind,
        tags=dict(training.tags),
        model_class=training.model_class,
        cell=cell,
        cells=slice_,
        parameters=training.parameters,
        metrics=tuple(training.metrics),
        inputs=inputs,
        data_digest=data_digest(inputs),
        environment=surroundings,
        gaps=together,
        completeness=score(together),
        redacted=tuple(dict.fromkeys([*training.redacted, *hidden])),
        tables=dict(training.tables),
        execution_id=execution_id,
        peak_memory=training.peak_memory,
    )


def data_digest(inputs: tuple[DataInput, ...]) -> str:
    """All inputs under one digest: by role, whatever they are called. Empty without any."""
    known = sorted((i.role, i.fingerprint.digest) for i in inputs if i.fingerprint.digest)
    return digest(known) if known else ""


def _with_makers(item: DataInput, cell: CellRecord, history: CellHistory) -> DataInput:
    """Add the cells that made an input, and the files that they had read."""
    root = re.split(r"\W", item.name, maxsplit=1)[0]
    before = root.isidentifier() and root not in cell.writes
    makers = history.makers(root, cell) if before else history.slice(cell)[0]
    reads = cell.files_read if reads_file(item.name) else ()
    files = [*(file for maker in makers for file in maker.files_read), *reads]
    return msgspec.structs.replace(
        item,
        files=tuple(dict.fromkeys(files)),
        made_by=tuple(maker.execution_count for maker in makers),
    )
