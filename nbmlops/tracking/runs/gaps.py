"""What a run's own facts say was not captured. Pure rules, one a kind of gap."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from nbmlops.records import CellRecord, DataInput, Environment, Gap, GitState, TrackedRun
from nbmlops.tracking.code.calls import NUMPY_RANDOM, PYTHON_RANDOM
from nbmlops.tracking.code.cell import CellCode
from nbmlops.tracking.runs.completeness import with_gaps, without_gaps
from nbmlops.tracking.session.chance import Chance
from nbmlops.tracking.trainings.training import Training

__all__ = ["gaps_of", "with_git"]

_RANDOM = re.compile(
    r"Forest|ExtraTree|Bagging|MLP|SGD|Perceptron|KMeans|RandomizedSearch|Mixture|Boost|LGBM|XGB"
    r"|Dropout|Keras|torch|TSNE|NMF|LatentDirichlet|RANSAC|IsolationForest|RandomProjection"
)
_GENERATORS = {
    NUMPY_RANDOM: "NumPy's global generator",
    PYTHON_RANDOM: "Python's global generator",
}
_SEEDS = frozenset({"random_state", "seed", "random_seed"})


def gaps_of(
    training: Training,
    inputs: Sequence[DataInput],
    cells: Sequence[tuple[CellRecord, CellCode]],
    environment: Environment,
    chance: Chance,
) -> Iterator[Gap]:
    """The gaps of a training on `inputs` whose slice is `cells`, each with its code as read.

    `chance` is what the training's cell has drawn.
    """
    for item in inputs:
        if item.fingerprint.kind == "unknown":
            yield Gap(what="data", why=f"{item.name}: {item.fingerprint.reason}")
    yield from _remote(cells)
    if why := _unseeded(training, [code for _, code in cells], chance):
        yield Gap(what="seed", why=why)
    yield from _uncommitted(environment)


def with_git(run: TrackedRun, git: GitState | None) -> TrackedRun:
    """`run` on the state of its repository as it was read after the cell had ended."""
    before = set(_uncommitted(run.environment))
    environment = msgspec.structs.replace(run.environment, git=git)
    run = msgspec.structs.replace(run, environment=environment)
    return with_gaps(without_gaps(run, *before), *_uncommitted(environment))


def _uncommitted(environment: Environment) -> Iterator[Gap]:
    git = environment.git
    dirty = sorted(set(environment.local_modules).intersection(git.changed)) if git else []
    if dirty:
        names = ", ".join(dirty[:5])
        yield Gap(what="local module", why=f"Not as committed: {names}. Commit before you train.")


def _remote(cells: Sequence[tuple[CellRecord, CellCode]]) -> Iterator[Gap]:
    for cell, read in cells:
        addresses = [file for file in cell.files_read if "://" in file]
        calls = [name for name in read.remote if name.startswith("read_sql") or not addresses]
        for what in dict.fromkeys([*addresses, *(f"{name}()" for name in calls)]):
            yield Gap(
                what="remote data",
                why=f"Cell [{cell.execution_count}] read from {what}, which may answer otherwise.",
            )


def _unseeded(training: Training, code: Sequence[CellCode], chance: Chance) -> str | None:
    if any(read.seeds for read in code):
        return None
    if training.random:
        return "It begins with random weights and nothing was seeded: a rerun may differ."
    drew = NUMPY_RANDOM not in chance.still  # boosting without a seed has one of its own
    if drew and _RANDOM.search(f"{training.model_class} {training.name}"):
        for parameter in training.parameters:
            last = parameter.name.rsplit("__", 1)[-1]
            if last in _SEEDS and parameter.value is None:
                return f"{parameter.name} is None and nothing was seeded: a rerun may differ."
    drawn = next((e.name for read in code for e in read.events if e.kind == "draw"), None)
    if drawn is not None:
        which = _GENERATORS.get(drawn, "A random generator")
        return f"{which} was drawn from and never seeded: a rerun may differ."
    return None
