"""What a benchmark found beside what it must reach: told as it comes, and the exit status."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import NoReturn

__all__ = ["Floors", "seconds"]


class Floors:
    """Numbers and their floors."""

    def __init__(self) -> None:
        self._missed: list[str] = []

    def at_most(self, what: str, value: float, bound: float) -> None:
        """`value` must not be above `bound`."""
        self._tell(what, value, f"at most {bound:g}", value <= bound)

    def at_least(self, what: str, value: float, bound: float) -> None:
        """`value` must not be below `bound`."""
        self._tell(what, value, f"at least {bound:g}", value >= bound)

    def found(self, what: str, value: float) -> None:
        """A number without a floor."""
        self._tell(what, value, "", True)

    def end(self) -> NoReturn:
        """Exit: with status 1 if a floor was missed."""
        sys.exit(f"Missed: {'; '.join(self._missed)}." if self._missed else 0)

    def _tell(self, what: str, value: float, bound: str, reached: bool) -> None:
        mark = "" if reached else "  MISSED"
        print(f"{what:<52}{value:>12,.3f}  {bound}{mark}", flush=True)
        if not reached:
            self._missed.append(what)


def seconds(action: Callable[[], object]) -> float:
    """How long it takes, by the clock on the wall."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
