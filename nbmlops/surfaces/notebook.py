"""What a notebook calls by name: ``nbmlops.runs()``, ``nbmlops.metric(...)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.errors import NbmlopsError, NotFound
from nbmlops.records import Identity
from nbmlops.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.surfaces.review import ReviewWidget
    from nbmlops.surfaces.run_comparison import RunComparison

__all__ = ["compare_runs", "load_model", "metric", "review", "runs"]


_PLACES = {name: place for place, name in enumerate(
    ("run", "name", "started", "cell", "data", "metrics", "candidates", "params", "duration",
     "notebook", "model", "completeness", "stale", "delivered"))}  # fmt: skip


def runs(notebook: str | None = None, *, dismissed: bool = False) -> pd.DataFrame:
    """The project's tracked runs, newest first, one a row; of one notebook if it is named.

    Runs that were dismissed are left out unless `dismissed` asks for them too.

    Columns: which run, ``metrics.…``, ``candidates.…`` (numbers that were only named like a
    metric), ``params.…`` (those that differ from a default), and the run's other facts.
    """
    import pandas as pd

    from nbmlops.tracking import Journal

    rows = [
        {
            "run": run.id,
            "name": run.name,
            "started": run.started.replace(microsecond=0),
            "cell": run.cell.execution_count,
            "data": run.data_digest[:12],
            **{
                f"{'candidates' if m.candidate else 'metrics'}.{m.name}": m.value
                for m in run.metrics
            },
            **{f"params.{p.name}": p.value for p in run.parameters if not p.is_default},
            "duration": run.duration,
            "notebook": run.notebook,
            "model": run.model_class,
            "completeness": run.completeness,
            "stale": bool(run.stale),
            "delivered": run.mlflow_run_id is not None,
        }
        for run in Journal(load_settings().journal_path).runs(notebook)
        if dismissed or run.dismissed_by is None
    ]
    # A run that lacks a metric of another must not push that metric behind the run's own columns.
    names = dict.fromkeys(name for row in rows for name in row) or dict.fromkeys(
        name for name in _PLACES if name not in ("metrics", "candidates", "params")
    )
    order = sorted(names, key=lambda name: _PLACES.get(name.partition(".")[0], 0))
    return pd.DataFrame(rows, columns=order)


def compare_runs(before: str, after: str) -> RunComparison:
    """What differs between two runs: code, data, parameters, environment and metrics.

    The answer shows itself in a notebook; ``str()`` tells it in lines, ``.figure()`` draws the
    metrics with Plotly, and ``.diff`` is the record.

    :raises NotFound: if there is no such run.
    """
    from nbmlops.surfaces.run_comparison import RunComparison
    from nbmlops.workspace import Workspace

    return RunComparison(Workspace.open().compare_runs(before, after))


def metric(name: str, value: float, run_id: str | None = None) -> None:
    """Log a number that you worked out yourself, on the latest run or on `run_id`.

    :raises NotFound: if nothing has been tracked in this session and no run is named.
    :raises NbmlopsError: if the value is not a number.
    """
    tracker = _tracker()
    target = run_id or tracker.trainings.latest()
    if target is None:
        raise NotFound("No model was trained since %track, so there is no run to put a metric on.")
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise NbmlopsError(f"The metric {name} must be a number, not {value!r}.") from error
    tracker.metrics.add(target, name, number)


def _tracker() -> Any:
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    magics = shell.magics_manager.registry.get("TrackMagics") if shell else None
    if magics is None or magics.tracker is None:
        raise NotFound("Tracking is off: run %load_ext nbmlops and %track first.")
    return magics.tracker


def review(review_id: str, by: str | None = None) -> ReviewWidget:
    """The review widget for `review_id`: its evidence, and approve or reject with a comment.

    The buttons sign as `by` (default: this machine's user); nobody vouches for the name.

    :raises NotFound: if there is no such review.
    """
    from nbmlops.surfaces.review import ReviewWidget
    from nbmlops.workspace import Workspace

    return ReviewWidget(Workspace.open(), review_id, Identity(name=by) if by else None)


def load_model(uri: str, flavor: str = "pyfunc") -> Any:
    """Load a registered model, once its sign-offs and each of its files were checked.

    `uri` is ``models:/name@alias`` or ``models:/name/version``; `flavor` is MLflow's, such as
    ``sklearn``.

    :raises Refused: if its sign-offs do not hold: withdrawn, forged, or by a revoked key.
    :raises IntegrityError: if a byte is not what was signed.
    """
    from nbmlops.workspace import Workspace

    return Workspace.open().load_model(uri, flavor)
