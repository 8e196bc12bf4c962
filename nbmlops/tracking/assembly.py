"""From a training and the session's cells to a whole TrackedRun, with what is missing said."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from nbmlops.records import CellRecord, DataInput, Gap, TrackedRun, digest
from nbmlops.tracking.cellcode import CellCode
from nbmlops.tracking.cells import CellHistory
from nbmlops.tracking.completeness import score
from nbmlops.tracking.environment import EnvironmentReader
from nbmlops.tracking.slicing import slice_of
from nbmlops.tracking.trainings import Training

__all__ = ["assemble", "data_digest"]

_RANDOM = re.compile(
    r"Forest|ExtraTree|Bagging|MLP|SGD|Perceptron|KMeans|RandomizedSearch|Mixture|Boost|LGBM|XGB"
)


def assemble(
    training: Training,
    *,
    cell: CellRecord,
    history: CellHistory,
    author: str,
    notebook: str | None,
    environment: EnvironmentReader,
    execution_id: str | None,
    faults: Mapping[str, str],
) -> TrackedRun:
    """The run of `training` in `cell`; `faults` are instruments that failed, and how."""
    records = history.records()
    code = history.code()
    slice_, doubts = slice_of(records, cell, code)
    members = {c.order for c in slice_}
    hidden = [
        f"{what} in cell [{executed.execution_count}]"
        for executed in history.executed
        if executed.order in members
        for what in history.hidden(executed)
    ]
    seeds = tuple(dict.fromkeys(s for c in slice_ for s in code[c.source_digest].seeds))
    inputs = tuple(_with_files(item, cell, records, code) for item in training.inputs)
    surroundings = environment.read(seeds)
    gaps = [
        *training.gaps,
        *(Gap(what="slice", why=doubt) for doubt in doubts),
        *(
            Gap(what="data", why=f"{item.name}: {item.fingerprint.reason}")
            for item in inputs
            if item.fingerprint.kind == "unknown"
        ),
        *(Gap(what=where, why=why) for where, why in faults.items()),
    ]
    if notebook is None:
        gaps.append(Gap(what="notebook", why="The front end does not tell which notebook this is."))
    if unseeded := _unseeded(training, seeds):
        gaps.append(Gap(what="seed", why=unseeded))
    if surroundings.git and surroundings.git.dirty and surroundings.local_modules:
        gaps.append(
            Gap(what="local module", why="Local modules are imported and the git tree is dirty.")
        )
    together = tuple(dict.fromkeys(gaps))
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
    )


def data_digest(inputs: tuple[DataInput, ...]) -> str:
    """All inputs under one digest: by role, whatever they are called. Empty without any."""
    known = sorted((i.role, i.fingerprint.digest) for i in inputs if i.fingerprint.digest)
    return digest(known) if known else ""


def _with_files(
    item: DataInput, cell: CellRecord, records: list[CellRecord], code: Mapping[str, CellCode]
) -> DataInput:
    """Add the files that the cells which made an input had read."""
    root = re.split(r"\W", item.name, maxsplit=1)[0]
    own = code[cell.source_digest]
    if root in own.writes:
        makers = slice_of(records, cell, code)[0]
    else:
        asks = CellCode(reads=(root,))
        asking = msgspec.structs.replace(cell, source_digest="")
        makers = slice_of(records, asking, {**code, "": asks})[0][:-1]
    files = tuple(dict.fromkeys(file for maker in makers for file in maker.files_read))
    return msgspec.structs.replace(item, files=files)


def _unseeded(training: Training, seeds: tuple[str, ...]) -> str | None:
    if training.random and not seeds:
        return "It begins with random weights and nothing was seeded: a rerun may differ."
    if seeds or not _RANDOM.search(f"{training.model_class} {training.name}"):
        return None
    for parameter in training.parameters:
        last = parameter.name.rsplit("__", 1)[-1]
        if last in {"random_state", "seed", "random_seed"} and parameter.value is None:
            return f"{parameter.name} is None and nothing was seeded: a rerun may differ."
    return None
