"""Keeps up with notebooks that are renamed and moved: their runs are listed where they stand now,
and their kernels learn of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from jupyter_core.utils import ensure_async
from tornado.log import app_log

from nbmlops.errors import NbmlopsError
from nbmlops.surfaces.jupyter_server.announcer import Away
from nbmlops.surfaces.jupyter_server.notebooks import record_path
from nbmlops.tracking import forget_whereabouts, note_whereabouts
from nbmlops.workspace import Workspace

__all__ = ["Moves"]

T = TypeVar("T")

_SETTLES = 1.0  # seconds until a front end has told of a session's new path after "save as"


class Moves:
    """Hears what a Jupyter server's contents manager does to notebooks."""

    def __init__(
        self, serverapp: Any, root_dir: Path, workspace: Callable[[], Workspace], away: Away
    ) -> None:
        self._server, self._root_dir = serverapp, root_dir
        self._workspace, self._away = workspace, away
        self._noted: dict[Path, Path] = {}  # where notebooks stand, by connection file
        self._looking: asyncio.Task[None] | None = None

    def listen(self) -> None:
        """Hear from now on."""
        self._server.event_logger.add_listener(
            schema_id=self._server.contents_manager.event_schema_id, listener=self._heard
        )

    def forget(self) -> None:
        """The server ends, and its kernels with it."""
        for connection_file in self._noted:
            forget_whereabouts(connection_file)

    async def _heard(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        try:
            if data["action"] == "rename":
                await self._note_kernels(data["source_path"], data["path"])
                await self._away(lambda: self._note_runs(data["source_path"], data["path"]))
            elif data["action"] == "save" and (self._looking is None or self._looking.done()):
                self._looking = asyncio.get_running_loop().create_task(self._look_soon())
        except (NbmlopsError, OSError) as error:
            app_log.warning("nbmlops could not note that %s moved: %s", data["path"], error)

    async def _look_soon(self) -> None:
        """A notebook that is saved under another name tells only its session of it, afterwards."""
        await asyncio.sleep(_SETTLES)
        try:
            await self._note_kernels()
        except OSError as error:
            app_log.warning("nbmlops could not note where notebooks stand: %s", error)

    async def _note_kernels(self, before: str = "", after: str = "") -> None:
        """Note where each kernel's notebook stands; its session may not know yet of a rename."""
        folder = Path(self._server.kernel_manager.connection_dir)
        sessions = await ensure_async(self._server.session_manager.list_sessions())
        standing = {}
        for session in sessions:
            path = _moved(str(session["path"]).strip("/"), before.strip("/"), after.strip("/"))
            notebook = self._root_dir / path.rpartition(":")[2]  # behind the name of a drive
            if notebook.suffix == ".ipynb" and notebook.is_file():
                standing[folder / f"kernel-{session['kernel']['id']}.json"] = notebook
        for connection_file in self._noted.keys() - standing.keys():
            if not connection_file.exists():
                forget_whereabouts(connection_file)
                del self._noted[connection_file]
        for connection_file, notebook in standing.items():
            if self._noted.get(connection_file) != notebook and connection_file.exists():
                note_whereabouts(connection_file, notebook)
                self._noted[connection_file] = notebook

    def _note_runs(self, before: str, after: str) -> None:
        workspace = self._workspace()
        # A folder gets no files of ours for being moved about in.
        if workspace.settings.journal_path.exists():
            spelled = (record_path(p, self._root_dir, workspace.settings) for p in (before, after))
            workspace.notebook_moved(*spelled)


def _moved(path: str, before: str, after: str) -> str:
    """Where what stood at `path` stands when `before`, it or a folder of it, became `after`."""
    if before and (path == before or path.startswith(f"{before}/")):
        return after + path[len(before) :]
    return path
