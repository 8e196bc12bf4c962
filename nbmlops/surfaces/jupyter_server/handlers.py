"""The routes below ``/nbmlops/api/``: each reads, calls one verb of the workspace, and answers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from nbmlops._version import __version__
from nbmlops.records import Record, Review, TrackedRun
from nbmlops.surfaces.contract import (
    DismissalRequest,
    ReviewSummary,
    RunList,
    RunSummary,
    ServerStatus,
    SignOffRequest,
)
from nbmlops.surfaces.jupyter_server.endpoint import NbmlopsHandler, endpoint
from nbmlops.surfaces.jupyter_server.notebooks import record_path
from nbmlops.workspace import Workspace

__all__ = ["ROUTES"]


class RunsQuery(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs: those of the notebook at a contents path, at most `limit`."""

    notebook: str | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class ReviewsQuery(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which reviews: all, or those that wait for somebody."""

    waiting: bool = False


class StatusHandler(NbmlopsHandler):
    """``GET status``: the project, and who asks."""

    @endpoint
    async def get(self) -> ServerStatus:
        return await self.nbmlops.run(self._status)

    def _status(self) -> ServerStatus:
        workspace = self.nbmlops.workspace
        runs = _runs(workspace)
        return ServerStatus(
            version=__version__,
            root=str(workspace.settings.root),
            identity=self.actor,
            runs=len(runs),
            undelivered=sum(run.mlflow_run_id is None for run in runs),
            reviews_waiting=len(_reviews(workspace, waiting=True)),
        )


class RunsHandler(NbmlopsHandler):
    """``GET runs?notebook=&limit=``: the latest tracked runs, and how many there are."""

    @endpoint
    async def get(self) -> RunList:
        query = self.read_query(RunsQuery)
        return await self.nbmlops.run(lambda: self._runs(query))

    def _runs(self, query: RunsQuery) -> RunList:
        workspace, notebook = self.nbmlops.workspace, query.notebook
        if notebook is not None:
            notebook = record_path(notebook, self.nbmlops.root_dir, workspace.settings)
        found = _runs(workspace, notebook)
        latest = tuple(RunSummary.of(run) for run in found[: query.limit])
        return RunList(runs=latest, total=len(found))


class RunHandler(NbmlopsHandler):
    """``GET runs/{id}``: one tracked run, whole."""

    @endpoint
    async def get(self, run_id: str) -> TrackedRun:
        return await self.nbmlops.run(lambda: self.nbmlops.workspace.run(run_id))


class DismissalHandler(NbmlopsHandler):
    """``POST runs/{id}/dismissal``: whoever the server says is asking calls a run no training."""

    @endpoint
    async def post(self, run_id: str) -> RunSummary:
        request = self.read_body(DismissalRequest)
        workspace = self.nbmlops.workspace
        return await self.nbmlops.run(
            lambda: RunSummary.of(
                workspace.restore(run_id)
                if request.undo
                else workspace.dismiss(run_id, by=self.actor)
            )
        )


class ReviewsHandler(NbmlopsHandler):
    """``GET reviews?waiting=``: reviews, newest first."""

    @endpoint
    async def get(self) -> list[ReviewSummary]:
        query = self.read_query(ReviewsQuery)
        return await self.nbmlops.run(
            lambda: [ReviewSummary.of(r) for r in _reviews(self.nbmlops.workspace, query.waiting)]
        )


class ReviewHandler(NbmlopsHandler):
    """``GET reviews/{id}``: one review with its evidence."""

    @endpoint
    async def get(self, review_id: str) -> Review:
        return await self.nbmlops.run(lambda: self.nbmlops.workspace.review(review_id))


class SignOffsHandler(NbmlopsHandler):
    """``POST reviews/{id}/sign-offs``: a verdict, by whoever the server says is asking."""

    @endpoint
    async def post(self, review_id: str) -> Review:
        request = self.read_body(SignOffRequest)
        return await self.nbmlops.run(
            lambda: self.nbmlops.workspace.sign_off(
                review_id, request.verdict, request.comment, by=self.actor
            )
        )


# A folder gets no files of ours for being looked at: stores that do not exist yet are not opened.


def _runs(workspace: Workspace, notebook: str | None = None) -> list[TrackedRun]:
    return workspace.runs(notebook) if workspace.settings.journal_path.exists() else []


def _reviews(workspace: Workspace, waiting: bool) -> list[Review]:
    return workspace.reviews(waiting) if workspace.settings.ledger_path.exists() else []


_ID = r"([A-Za-z0-9][A-Za-z0-9_-]{0,79})"

ROUTES = [
    (r"/nbmlops/api/status", StatusHandler),
    (r"/nbmlops/api/runs", RunsHandler),
    (rf"/nbmlops/api/runs/{_ID}", RunHandler),
    (rf"/nbmlops/api/runs/{_ID}/dismissal", DismissalHandler),
    (r"/nbmlops/api/reviews", ReviewsHandler),
    (rf"/nbmlops/api/reviews/{_ID}", ReviewHandler),
    (rf"/nbmlops/api/reviews/{_ID}/sign-offs", SignOffsHandler),
]
