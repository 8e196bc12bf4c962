"""From a tracked run to a sealed bundle, by way of a clean run that agrees."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.errors import CheckFailed, NotebookError
from nbmlops.governance import MODEL_FOLDER
from nbmlops.promotion import (
    NOTEBOOK_FILE,
    changed_cell,
    check_clean_run,
    gather_notebook,
    notebook_parameters,
    pick_clean_run,
    read_notebook,
    stage_bundle,
    write_notebook,
)
from nbmlops.records import (
    CleanRun,
    Gap,
    Promoted,
    Promotion,
    Scalar,
    TrackedRun,
    new_id,
)
from nbmlops.scheduling import Progress
from nbmlops.workspace.execute import run_tracked
from nbmlops.workspace.stores import Stores

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["DEFAULT_TOLERANCE", "edited_since", "promote", "require_model_name"]

DEFAULT_TOLERANCE = 1e-6
"""How far, relatively, a clean run's metric may lie from the tracked one."""


def promote(
    stores: Stores,
    run_id: str,
    *,
    model_name: str | None,
    notebook: str | Path | None,
    tolerance: float,
    on_progress: Progress | None,
) -> Promotion:
    """Gather, run clean, compare, seal, and tell the ledger; in that order, or not at all."""
    tracked = stores.run(run_id)
    name = model_name or default_model_name(tracked)
    path, content = _promoted_notebook(stores, tracked, name, notebook)
    proof_id = new_id("clean-run")
    output = stores.settings.outputs / f"{proof_id}.ipynb"
    with _staging(stores) as staging:
        candidate = staging / NOTEBOOK_FILE
        write_notebook(content, candidate)
        runs = run_tracked(
            stores,
            notebook=candidate,
            stands_at=path,
            output=output,
            execution_id=proof_id,
            parameters={},
            on_progress=on_progress,
        )
        clean = pick_clean_run(tracked, runs)
        proof = check_clean_run(tracked, clean, tolerance)
        if not proof.agrees:
            raise CheckFailed(_disagreement(tracked, proof, output))
        stores.mlflow.download_model(clean, staging / MODEL_FOLDER)
        stage_bundle(
            staging,
            notebook=content,
            tracked=tracked,
            clean=clean,
            proof=proof,
            executed=output,
        )
        bundle = stores.vault.seal(staging)
    write_notebook(content, path)
    parameters = notebook_parameters(content)
    promotion = Promotion(
        id=new_id("promotion"),
        model_name=name,
        run_id=tracked.id,
        author=stores.settings.user,
        at=stores.clock(),
        notebook=stores.settings.relative(path),
        parameters=parameters,
        bundle=bundle,
        clean_run=proof,
        gaps=(*clean.gaps, *_parameter_gaps(parameters)),
    )
    stores.append(Promoted(promotion=promotion), promotion.author)
    return stores.history().promotions[promotion.id]


def default_model_name(run: TrackedRun) -> str:
    """The notebook's name, as a model name: ``01_track.ipynb`` gives ``track``."""
    stem = Path(run.notebook).stem if run.notebook else run.model_class.rpartition(".")[2]
    return re.sub(r"^[\d_\-. ]+", "", stem) or stem


def edited_since(stores: Stores, promotion: Promotion) -> str | None:
    """A sentence on what was edited in a promoted notebook since it was sealed, if anything was."""
    path = stores.settings.root / promotion.notebook
    if not path.exists():
        return None
    sealed = read_notebook(stores.vault.path(promotion.bundle.digest) / NOTEBOOK_FILE)
    try:
        current = read_notebook(path)
    except NotebookError as error:
        return (
            f"{promotion.notebook} was changed after it was promoted, and cannot be read: {error} "
            f"Restore it, or move it away: {promotion.bundle.digest[:12]} holds what was promoted."
        )
    cell = changed_cell(sealed, current)
    if cell is None:
        return None
    return (
        f"Code cell {cell} of {promotion.notebook} was edited after it was promoted, so sign-offs "
        f"on content {promotion.bundle.digest[:12]} no longer speak of it. Promote it as edited "
        f"(nbmlops promote {promotion.run_id} --notebook {promotion.notebook}), or undo the edit."
    )


def _promoted_notebook(
    stores: Stores, tracked: TrackedRun, model_name: str, given: str | Path | None
) -> tuple[Path, NotebookNode]:
    """Where the promoted notebook stands, and what it holds."""
    settings = stores.settings
    if given is not None:
        path = Path(given).absolute()
        return path, read_notebook(path)
    source = settings.root / tracked.notebook if tracked.notebook else None
    if source is not None and not source.exists():
        source = None
    folder = source.parent if source else settings.root
    path = folder / f"{require_model_name(model_name)}.promoted.ipynb"
    _protect_edits(stores, path)
    return path, gather_notebook(tracked, model_name, source)


def _protect_edits(stores: Stores, path: Path) -> None:
    """Never write over a promoted notebook that somebody has edited."""
    if not path.exists():
        return
    relative = stores.settings.relative(path)
    known = [p for p in stores.history().promotions.values() if p.notebook == relative]
    if not known or edited_since(stores, known[-1]):
        raise NotebookError(
            f"{relative} holds edits that were not promoted, and would be written over. Promote it "
            f"as it stands with --notebook {relative}, or move it away."
        )


def require_model_name(model_name: str) -> str:
    """`model_name`, if it can name a model, and a file.

    :raises NotebookError: if it cannot.
    """
    if not re.fullmatch(r"[\w][\w.\- ]*", model_name):
        raise NotebookError(
            f"{model_name!r} cannot name a model: use letters, digits, '_', '-', '.' and spaces."
        )
    return model_name


def _parameter_gaps(parameters: dict[str, Scalar]) -> tuple[Gap, ...]:
    if parameters:
        return ()
    return (
        Gap(
            what="parameters",
            why="no cell that this model depends on is tagged 'parameters', so every execution "
            "does the same; in Jupyter's property inspector a cell is given that tag",
        ),
    )


def _disagreement(tracked: TrackedRun, proof: CleanRun, output: Path) -> str:
    parts = [
        f"{m.name} was {m.tracked if m.tracked is not None else 'not there'}, and is "
        f"{m.clean if m.clean is not None else 'not there'} in the clean run"
        for m in proof.metrics
        if not m.agrees
    ]
    if not proof.data_agrees:
        parts.insert(0, "the data differ")
    if not proof.metrics:
        parts.append(
            "neither has a metric to compare (compute one in the notebook, for instance with "
            "sklearn.metrics)"
        )
    return (
        f"The clean run does not reproduce run {tracked.id}: {'; '.join(parts)}. "
        f"Its notebook is {output}."
    )


@contextmanager
def _staging(stores: Stores) -> Iterator[Path]:
    folder = stores.vault.staging()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
