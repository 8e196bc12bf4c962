"""Threads that share tasks out among every core."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

__all__ = ["Crew", "Task", "worker_count"]

Task = Callable[[], None]


def worker_count() -> int:
    """How many threads to hash on: the cores that this process may use, at most 16."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(16, len(affinity(0)) if affinity else os.cpu_count() or 1)


class Crew:
    """As many threads as cores, the caller's own among them; on one core, the caller's alone."""

    def __init__(self, workers: int) -> None:
        self._others = workers - 1
        self._pool = (
            ThreadPoolExecutor(self._others, thread_name_prefix="fingerprint")
            if self._others
            else None
        )
        self._failed = False

    def share(self, quick: Iterable[Task], slow: Iterable[Task] = ()) -> None:
        """Do all tasks and wait for them; the first error ends it.

        `slow` ones hold the interpreter's lock. They are left to the caller's thread as long as
        there is other work: two of them side by side would only wait for each other.
        """
        quick, slow = deque(quick), deque(slow)
        others = (
            [self._pool.submit(self._work, quick, slow) for _ in range(self._others)]
            if self._pool is not None and len(quick) + len(slow) > 1
            else []
        )
        self._work(slow, quick)
        for other in others:
            other.result()

    def _work(self, *queues: deque[Task]) -> None:
        """Do tasks until none is left, the first queue's first."""
        try:
            for queue in queues:
                while not self._failed:
                    try:
                        task = queue.popleft()
                    except IndexError:
                        break
                    task()
        except BaseException:  # whatever it was, the other threads need not go on
            self._failed = True
            raise

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()
