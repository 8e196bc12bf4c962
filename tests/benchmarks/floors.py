"""What a benchmark found beside what it must reach: told as it comes, and the exit status."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

__all__ = ["Floors", "run_parts", "seconds"]


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
        sys.exit(self._verdict())

    def end_at_once(self) -> NoReturn:
        """The same without waiting for threads: what they have still to deliver does not matter."""
        print(self._verdict() or "Every floor is reached.", flush=True)
        os._exit(bool(self._missed))

    def _verdict(self) -> str:
        return f"Missed: {'; '.join(self._missed)}." if self._missed else ""

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


def run_parts(*parts: str) -> NoReturn:
    """Run benchmarks, each in a process of its own, so that one's memory is not another's.

    The exit status is 1 if any missed a floor.
    """
    missed = []
    for number, part in enumerate(parts, start=1):
        print(f"\n[{number}/{len(parts)}] {part}", flush=True)
        done = subprocess.run([sys.executable, Path(__file__).with_name(f"{part}.py")], check=False)
        missed += [part] if done.returncode else []
    sys.exit(f"\nFloors were missed in: {', '.join(missed)}." if missed else 0)
