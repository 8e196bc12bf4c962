"""Makes runs of a session's trainings, with the notebook and the machine around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbmlops.records import CellRecord, TrackedRun
from nbmlops.settings import Settings
from nbmlops.tracking.faults import Faults
from nbmlops.tracking.runs.assembly import assemble
from nbmlops.tracking.runs.environment import EnvironmentReader
from nbmlops.tracking.runs.keeper import RunKeeper
from nbmlops.tracking.session.cells import CellHistory
from nbmlops.tracking.session.files import FileWatch
from nbmlops.tracking.session.notebook_path import notebook_path
from nbmlops.tracking.trainings.training import Training

__all__ = ["RunAssembler"]


class RunAssembler:
    """Assembles the runs of the kernel whose global names are `namespace`."""

    def __init__(
        self,
        settings: Settings,
        namespace: dict[str, Any],
        environ: Mapping[str, str],
        *,
        history: CellHistory,
        keeper: RunKeeper,
        environment: EnvironmentReader,
        files: FileWatch,
        faults: Faults,
    ) -> None:
        self._settings, self._namespace, self._environ = settings, namespace, environ
        self._history, self._keeper, self._files, self._faults = history, keeper, files, faults
        self.environment = environment

    @property
    def notebook(self) -> str | None:
        """The notebook's path as records spell it; None where the front end does not tell it."""
        path = notebook_path(self._namespace, self._environ)
        return self._settings.relative(path) if path else None

    def assemble(self, training: Training, cell: CellRecord) -> TrackedRun:
        """The run of `training` in `cell`, with the faults since the last record."""
        ours = bool(self._environ.get("NBMLOPS_NOTEBOOK"))
        return assemble(
            training,
            cell=cell,
            history=self._history,
            author=self._settings.user,
            notebook=self.notebook,
            environment=self.environment,
            files=self._files,
            execution_id=self._environ.get("NBMLOPS_EXECUTION") or None,
            gaps=[*self._faults.gaps(), *self._keeper.notebook_gaps(cell, ours=ours)],
        )
