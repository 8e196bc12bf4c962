"""Steps at which a test may end the process, to see what a crash there leaves.

A process dies at the step that the environment variable ``NBMLOPS_FAULT`` names, by SIGKILL: no
handler runs, nothing is flushed. Outside of tests nobody sets it.
"""

from __future__ import annotations

import os
import signal

__all__ = ["FAULT", "pass_step"]

FAULT = "NBMLOPS_FAULT"


def pass_step(name: str) -> None:
    """Die here if this is the step at which the test wants it."""
    if os.environ.get(FAULT) == name:
        os.kill(os.getpid(), signal.SIGKILL)
