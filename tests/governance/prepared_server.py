"""`nbmlops server` in a process of its own that need not import MLflow anew: it is forked from one
that has. What MLflow reads of the environment it reads later, in `mlflow.server`.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
from multiprocessing.context import ForkServerProcess
from pathlib import Path

__all__ = ["ServerProcess"]

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    [
        "mlflow",
        "mlflow.tracking",
        "mlflow.genai.judges",
        "mlflow.store.tracking.sqlalchemy_store",
        "mlflow.store.model_registry.sqlalchemy_store",
        "fastapi",
        "flask",
        "uvicorn",
        "nbmlops.governance.gate.mlflow_gated_store",
        "nbmlops.surfaces.cli",
    ]
)


class ServerProcess:
    """Looks like a :class:`subprocess.Popen` of ``python -m nbmlops server``."""

    def __init__(self, arguments: list[str], cwd: Path, env: dict[str, str], log: Path) -> None:
        self._process: ForkServerProcess = _FORKING.Process(
            target=_serve, args=(arguments, str(cwd), env, str(log)), daemon=True
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self, timeout: float) -> int:
        """:raises subprocess.TimeoutExpired: as Popen does."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("nbmlops server", timeout)
        return self._process.exitcode


def _serve(arguments: list[str], cwd: str, env: dict[str, str], log: str) -> None:
    """Become the server, as a shell would start it."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(told, stream)
    from nbmlops.surfaces.cli import main

    main(["server", *arguments], standalone_mode=False)
