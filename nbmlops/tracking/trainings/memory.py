"""How much memory a training took at most: the process's resident size, looked at while it runs."""

from __future__ import annotations

import threading

__all__ = ["MemoryWatch"]

_LOOK_EVERY = 0.2  # seconds; a look costs some 10 microseconds


class MemoryWatch:
    """Watches this process while at least one training goes on, from one thread.

    It sees what the process itself holds at most, to the grain of its looks; worker processes and
    the memory of a GPU are not in it.
    """

    def __init__(self) -> None:
        self._peaks: dict[str, int] = {}
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: object = None

    def begin(self, key: str) -> None:
        """The training `key` begins."""
        self._peaks[key] = self._resident()
        self._wanted.set()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._watch, name="nbmlops-memory", daemon=True)
            self._thread.start()

    def end(self, key: str) -> int:
        """The training `key` has ended: the largest resident size seen, in bytes."""
        peak = self._peaks.pop(key, 0)
        if not self._peaks:
            self._wanted.clear()
        return max(peak, self._resident())

    def _watch(self) -> None:
        pause = threading.Event()
        while self._wanted.wait():
            pause.wait(_LOOK_EVERY)
            now = self._resident()
            for key, peak in list(self._peaks.items()):
                if now > peak and key in self._peaks:
                    self._peaks[key] = now

    def _resident(self) -> int:
        import psutil  # type: ignore[import-untyped] # ships none

        if self._process is None:
            self._process = psutil.Process()
        return int(self._process.memory_info().rss)  # type: ignore[attr-defined] # psutil.Process, imported late
