"""The kernel's side of delivery: starts the deliverer, and waits for it where that is asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from nbmlops.errors import StoreError
from nbmlops.settings import Settings
from nbmlops.tracking.journal.journal import Journal

__all__ = ["Courier", "add_modules"]

MODULES = "NBMLOPS_MODULES"  # where the kernel finds modules
_HOME = Path(__file__).parents[3]


class Courier:
    """Sends the deliverer on its way whenever something is pending."""

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        self._process: subprocess.Popen[bytes] | None = None

    def wake(self) -> None:
        """See that a deliverer is at work; costs nothing when one is."""
        if self._process is None or self._process.poll() is not None:
            self._process = self._start("--stay")

    def deliver(self, timeout: float = 600.0) -> int:
        """Deliver all that is pending now, wait for it, and say how many records that were.

        :raises StoreError: if some could not be delivered; they stay pending.
        """
        before = {p.run.id for p in self._journal.pending()}
        if not before:
            return 0
        process = self._start()
        try:
            _, told = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise StoreError(
                f"MLflow took longer than {timeout:.0f} s. Delivery goes on in the background."
            ) from error
        left = {p.run.id for p in self._journal.pending()} & before
        if left:
            problems = self._journal.problems()
            why = [problems[run_id] for run_id in left if run_id in problems]
            why = why or told.decode(errors="replace").strip().splitlines()
            raise StoreError(
                f"{len(left)} of {len(before)} records are not delivered"
                f" and wait in the journal. {why[-1] if why else ''}".strip()
            )
        return len(before)

    def finish(self, timeout: float) -> None:
        """At the kernel's end: wait until all is delivered, at most `timeout` seconds.

        The deliverer is a process of its own and goes on after that.
        """
        if not self._journal.path.exists() or not self._journal.pending():
            return
        self.wake()
        ends = time.monotonic() + timeout
        while self._journal.pending() and time.monotonic() < ends:
            if self._journal.outage() or self._process is None or self._process.poll() is not None:
                return  # waiting here would not make MLflow answer
            time.sleep(0.05)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        settings = self._settings
        try:
            settings.home.mkdir(parents=True, exist_ok=True)
            return subprocess.Popen(  # noqa: S603 - our own module, in this interpreter
                # -P: a notebook's folder may hold a `queue.py` or `mlflow.py` of the user's.
                [sys.executable, "-P", "-m", "nbmlops.tracking.delivery.deliverer", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if arguments else subprocess.PIPE,
                cwd=settings.root,
                # A kernel's interrupt or death is not the deliverer's.
                start_new_session=True,
                env={
                    **os.environ,
                    "NBMLOPS_ROOT": str(settings.root),
                    "NBMLOPS_USER": settings.user,
                    "MLFLOW_TRACKING_URI": settings.tracking_uri,
                    "MLFLOW_EXPERIMENT_NAME": settings.experiment,
                    "MLFLOW_DISABLE_TELEMETRY": "true",
                    # This very nbmlops, wherever the notebook found it.
                    "PYTHONPATH": os.pathsep.join(
                        [str(_HOME), *filter(None, [os.environ.get("PYTHONPATH")])]
                    ),
                    # Snapshots may need the notebook's own modules.
                    MODULES: os.pathsep.join(os.path.abspath(p) for p in sys.path),
                },
            )
        except OSError as error:
            raise StoreError(
                f"No process can be started to deliver records to MLflow ({error}). They wait in"
                " the journal; `nbmlops sync` delivers them."
            ) from error


def add_modules() -> None:
    """In the deliverer: let the kernel's modules be found, after all others."""
    told = os.environ.get(MODULES, "")
    sys.path.extend(p for p in told.split(os.pathsep) if p and p not in sys.path)
