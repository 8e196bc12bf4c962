"""The kernel's side of delivery: starts the deliverer, and asks it where somebody waits."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from nbmlops.errors import StoreError
from nbmlops.settings import Settings
from nbmlops.tracking.journal.home import unusable
from nbmlops.tracking.journal.journal import Journal

__all__ = ["Courier"]

_HOME = Path(__file__).parents[3]
# What MLflow's client and its artifact stores go by.
_HEEDED = ("MLFLOW_", "AWS_", "AZURE_", "GOOGLE_", "DATABRICKS_", "REQUESTS_", "SSL_", "HTTP")


class Courier:
    """Sends the deliverer on its way whenever something is pending.

    It is a process that stays for a while, for it takes seconds to import MLflow and the model's
    library. A line over the socket between us asks it to deliver now; its answer is a line, too:
    what went wrong, or nothing.
    """

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._heeds: dict[str, str] = {}

    def wake(self) -> None:
        """See that a deliverer is at work; costs nothing when one is."""
        if self._process is not None and self._process.poll() is None:
            if self._heeds == _heeded():
                return
            self._process.terminate()  # it knows the old credentials; whatever it was at is safe
        self._start()

    def deliver(self, timeout: float = 600.0) -> int:
        """Deliver all that is pending now, wait for it, and say how many records that were.

        :raises StoreError: if some could not be delivered; they stay pending.
        """
        before = {p.run.id for p in self._journal.pending()}
        if not before:
            return 0
        told = self._ask(timeout)
        left = {p.run.id for p in self._journal.pending()} & before
        if left:
            problems = self._journal.problems()
            why = [problems[run_id] for run_id in left if run_id in problems] or [told]
            raise StoreError(
                f"{len(left)} of {len(before)} records are not delivered"
                f" and wait in the journal. {why[-1]}".strip()
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

    def _ask(self, timeout: float) -> str:
        """Have all delivered now; what the deliverer says of it."""
        ends = time.monotonic() + timeout
        for _ in range(2):  # one that had stayed long enough may be about to end
            self.wake()
            assert self._line is not None  # noqa: S101 - `wake` has seen to it
            try:
                self._line.sendall(b"\n")
                told = _line_from(self._line, ends)
            except TimeoutError as error:
                raise StoreError(
                    f"MLflow took longer than {timeout:.0f} s. Delivery goes on in the background."
                ) from error
            except OSError:  # it has hung up
                told = None
            if told is not None:
                return told
            if self._process is not None:
                self._process.wait()
        return ""

    def _start(self) -> None:
        settings = self._settings
        if self._line is not None:
            self._line.close()
        self._line, theirs = socket.socketpair()
        self._heeds = _heeded()
        try:
            settings.home.mkdir(parents=True, exist_ok=True)
            self._process = subprocess.Popen(  # noqa: S603 - our own module, in this interpreter
                # -P: a notebook's folder may hold a `queue.py` or `mlflow.py` of the user's.
                [sys.executable, "-P", "-m", "nbmlops.tracking.delivery.deliverer",
                 "--stay", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
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
                },
            )  # fmt: skip
        except OSError as error:
            raise unusable(settings.home, error) or StoreError(
                f"No process can be started to deliver records to MLflow ({error}). They wait in"
                " the journal; `nbmlops sync` delivers them."
            ) from error
        finally:
            theirs.close()


def _heeded() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k.upper().startswith(_HEEDED)}


def _line_from(line: socket.socket, ends: float) -> str | None:
    """The next line of `line`, without its end; None if it was hung up before.

    :raises TimeoutError: if none has come when the clock is at `ends`.
    """
    heard = b""
    while not heard.endswith(b"\n"):
        line.settimeout(max(0.001, ends - time.monotonic()))
        part = line.recv(65536)
        if not part:
            return None
        heard += part
    return heard.decode(errors="replace").strip()
