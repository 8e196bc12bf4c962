"""What was captured of a run and what was not, in lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nbmlops.records import DataInput, TrackedRun, last_values, percent, shown
from nbmlops.surfaces.wording import ended

__all__ = ["explanation"]


def explanation(run: TrackedRun) -> list[str]:
    """The run's record told line by line; what is missing, hidden or stale comes last."""
    return [
        f"{run.id}: {run.name}, {percent(run.completeness)}% captured.",
        *_captured(run),
        *_not(run),
    ]


def _captured(run: TrackedRun) -> Iterator[str]:
    if how := ended(run.cell):
        why = f" ({run.cell.error})" if run.cell.error else ""
        yield f"  ended: {how}{why}"
    yield f"  cells: {_listed([f'[{c.execution_count}]' for c in run.cells])}"
    for item in run.inputs:
        yield f"  data: {item.role}={item.name}{_content(item)}{_origin(item)}"
    if not run.inputs:
        yield "  data: none seen"
    chosen = [f"{p.name}={p.value}" for p in run.parameters if not p.is_default]
    told = f", chosen: {_listed(chosen)}" if chosen else ""
    yield f"  parameters: {len(run.parameters)}{told}"
    metrics = [
        f"{m.name} {shown(m.value)}{' (candidate)' if m.candidate else ''}"
        for m in last_values(run.metrics)
    ]
    yield f"  metrics: {_listed(metrics) or 'none yet'}"
    environment = run.environment
    around = [f"Python {environment.python}", f"{len(environment.packages)} packages"]
    if environment.git is not None:
        dirty = " with uncommitted changes" if environment.git.dirty else ""
        around.append(f"commit {environment.git.commit[:12]}{dirty}")
    around += [f"module {name}" for name in environment.local_modules]
    yield f"  environment: {_listed(around)}"
    if environment.seeds:
        yield f"  seeds: {_listed(environment.seeds)}"
    if run.peak_memory is not None:
        yield f"  memory: {run.peak_memory / 1e6:,.0f} MB of this process at most"
    if run.outputs:
        yield f"  outputs: {_listed([o.name for o in run.outputs])}"
    if run.tables:
        yield f"  tables: {_listed(list(run.tables))}"


def _not(run: TrackedRun) -> Iterator[str]:
    for gap in run.gaps:
        yield f"  not captured, {gap.what}: {gap.why}"
    for hidden in run.redacted:
        yield f"  hidden: {hidden}"
    for why in run.stale:
        yield f"  stale: {why}"


def _content(item: DataInput) -> str:
    """Which data it was: its size, and the beginning of its digest."""
    fingerprint, extent = item.fingerprint, item.fingerprint.extent
    size = "×".join(f"{length:,}" for length in extent)
    told = ", ".join(filter(None, [f"{size} rows" if len(extent) == 1 else size,
                                   fingerprint.digest[:8]]))  # fmt: skip
    return f" ({told})" if told else ""


def _origin(item: DataInput) -> str:
    """Where an input came from: the cells that made it, and the files that they read."""
    told = ""
    if item.made_by:
        told += f", made by {_listed([f'[{count}]' for count in item.made_by])}"
    if item.files:
        told += f", from {_listed(item.files)}"
    return told


def _listed(items: Sequence[str], most: int = 12) -> str:
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")
