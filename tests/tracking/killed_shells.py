"""Trains in an IPython shell for each step at which a kernel may die, and lets it die there.

Run as a script in the project's folder: one process imports everything, and each shell is a fork.
"""

from __future__ import annotations

import os
import signal
import threading

import sklearn.linear_model  # noqa: F401 - imported once for all forks
from IPython.core.interactiveshell import InteractiveShell

from nbmlops.steps import FAULT
from nbmlops.tracking.delivery.courier import Courier
from nbmlops.tracking.delivery.steps import KERNEL_STEPS


def train(alpha: int, step: str) -> None:
    """Track, train with `alpha`, and wait for the death that `step` brings."""
    # What is on disk is what the kernel alone has left there.
    Courier.wake = lambda self: None  # type: ignore[method-assign] # nobody delivers meanwhile
    shell = InteractiveShell.instance()
    shell.run_cell("%load_ext nbmlops\n%track")
    shell.run_cell("from sklearn.linear_model import Ridge\nX, y = [[1.0], [2.0]], [1.0, 2.0]")
    os.environ[FAULT] = step
    shell.run_cell(f"model = Ridge(alpha={alpha}).fit(X, y)")
    threading.Event().wait(60)


if __name__ == "__main__":
    for number, step in enumerate(KERNEL_STEPS, 1):
        child = os.fork()
        if child == 0:
            train(number, step)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), step
        assert os.WTERMSIG(status) == signal.SIGKILL, step
