"""The extension itself: it opens the project's workspace, adds the routes and starts the watch."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from jupyter_server.extension.application import ExtensionApp
from tornado.ioloop import PeriodicCallback

from nbmlops._version import __version__
from nbmlops.errors import NbmlopsError
from nbmlops.settings import Settings, load_settings
from nbmlops.surfaces.contract import RecordsChanged
from nbmlops.surfaces.jupyter_server.announcer import Announcer
from nbmlops.surfaces.jupyter_server.handlers import ROUTES
from nbmlops.surfaces.jupyter_server.moves import Moves
from nbmlops.workspace import Workspace

__all__ = ["NbmlopsExtension"]

T = TypeVar("T")

SCHEMA_PATH = Path(__file__).with_name("records_changed.yaml")
SCHEMA_ID = "urn:nbmlops:events:records-changed"
# A reading of two counters, microseconds each; panels hear of a run within two of these.
WATCH_EVERY_MS = 100


class NbmlopsExtension(ExtensionApp):
    """Serves one project: the one that the server's root folder lies in."""

    name = "nbmlops"
    description = "Tracked runs and reviews for the nbmlops panel."

    _watch: PeriodicCallback | None = None
    _moves: Moves | None = None

    @property
    def root_dir(self) -> Path:
        """The folder that contents paths start from."""
        return Path(self.serverapp.root_dir).expanduser().absolute()

    @cached_property
    def workspace(self) -> Workspace:
        """The project's workspace, opened at the first use.

        :raises SettingsError: if nbmlops.toml cannot be used; asked again, it is read again.
        """
        return Workspace.open(self.root_dir)

    async def run(self, work: Callable[[], T]) -> T:
        """Do `work` away from the event loop, so that kernels and other users are not kept."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def initialize_settings(self) -> None:
        """Give the handlers their way to the workspace, and local kernels the same project."""
        self.settings["nbmlops"] = self
        self.serverapp.event_logger.register_event_schema(SCHEMA_PATH)
        try:
            settings = load_settings(self.root_dir)
        except NbmlopsError as error:
            self.log.warning("nbmlops: %s", error)
            return
        # Kernels inherit it: one started from a subfolder must not begin a project of its own.
        os.environ.setdefault("NBMLOPS_ROOT", str(settings.root))
        self._start_watch(settings)

    def initialize_handlers(self) -> None:
        """Add the routes, all below ``/nbmlops/api/``."""
        self.handlers.extend(ROUTES)

    async def stop_extension(self) -> None:
        """Stop watching and let go of the threads."""
        if self._watch is not None:
            self._watch.stop()
        if self._moves is not None:
            self._moves.forget()
        self._threads.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=4, thread_name_prefix="nbmlops")

    def _start_watch(self, settings: Settings) -> None:
        announcer = Announcer(settings, lambda: self.workspace, self.run, self._emit)
        self._watch = PeriodicCallback(announcer.look, WATCH_EVERY_MS)
        self._moves = Moves(self.serverapp, self.root_dir, lambda: self.workspace, self.run)
        self._moves.listen()
        self.serverapp.io_loop.add_callback(self._watch.start)
        self.log.debug("nbmlops %s serves %s", __version__, settings.root)

    def _emit(self, change: RecordsChanged) -> None:
        data = {"noun": change.noun, "ids": list(change.ids)}
        self.serverapp.event_logger.emit(schema_id=SCHEMA_ID, data=data)
