"""The deliverer's end of the line to its kernel."""

from __future__ import annotations

import contextlib
import select
import socket
import time

__all__ = ["Requests"]


class Requests:
    """Hears a kernel ask for delivery, over the socket with number `handle`."""

    def __init__(self, handle: int) -> None:
        self._line: socket.socket | None = socket.socket(fileno=handle)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the kernel asks; whether it has."""
        if self._line is None:
            time.sleep(seconds)
            return False
        if not select.select([self._line], [], [], seconds)[0]:
            return False
        try:
            asked = bool(self._line.recv(4096))
        except OSError:
            asked = False
        if not asked:  # the kernel has ended
            self._line.close()
            self._line = None
        return asked

    def answer(self, told: str) -> None:
        """Tell the kernel that what it asked for is done, and what went wrong with it."""
        if self._line is not None:
            with contextlib.suppress(OSError):  # it does not wait any more
                self._line.sendall(f"{' '.join(told.split())}\n".encode())
