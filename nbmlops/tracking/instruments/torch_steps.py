"""The losses and optimizer steps of a cell: noted in microseconds, told apart when asked for."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from typing import Any

__all__ = ["Losses", "StepLog"]

_WAITING = 512  # scalars on a device before they are joined into one tensor


class Losses:
    """The loss of each backward pass, in order; `known` holds a gap for what a device still has."""

    def __init__(self) -> None:
        self.known = array("d")
        self._waiting: list[Any] = []
        self._waiting_for: list[int] = []

    def __len__(self) -> int:
        return len(self.known)

    def add_later(self, loss: Any) -> None:
        """Take in a scalar that is on a device."""
        self._waiting.append(loss.detach())
        self._waiting_for.append(len(self.known))
        self.known.append(float("nan"))
        if len(self._waiting) >= _WAITING:
            self._join()

    def add_value(self, value: float) -> None:
        """Take in a loss that is known as a number."""
        self.known.append(value)

    def values(self) -> array[float]:
        """All of them as numbers; this is where a device is waited for."""
        if self._waiting:
            self._join()
            for at, value in zip(self._waiting_for, self._waiting[0].tolist(), strict=True):
                self.known[at] = value
            self._waiting.clear()
            self._waiting_for.clear()
        return self.known

    def _join(self) -> None:
        import torch

        self._waiting = [torch.cat([part.reshape(-1).float() for part in self._waiting])]


class StepLog:
    """How many losses were `known` at each step, of whatever optimizer, and when the latest began.

    A step is told by one look: it is that of the optimizer whose key is `usual`, and like its
    latest. Whatever may make it another, as a loader that begins anew, sets that to 0.
    """

    def __init__(self, known: array[float]) -> None:
        self.known = known
        self.usual = 0
        self.latest = time.perf_counter()
        self._marks = array("I")
        self._turns: list[tuple[int, int]] = []  # from which step on whose steps they are
        self._silent: set[int] = set()  # steps that a pass without a loss came before
        self.mark = self._marks.append

    def __len__(self) -> int:
        return len(self._marks)

    def turn_of(self, number: int) -> None:
        """The steps from now on are those of the training of that `number`; 0 is nobody's."""
        if not self._turns or self._turns[-1][1] != number:
            self._turns.append((len(self._marks), number))

    def pass_without_loss(self) -> None:
        """A backward pass began at a tensor that is no number: the next step has used it."""
        self._silent.add(len(self._marks))

    def steps_of(self, number: int) -> Iterator[tuple[int, int, int]]:
        """The steps of the training of that `number`: which, and where the losses of each are.

        They are all since the step before it, whosever that was. Two steps with no backward pass
        between them use the same.
        """
        marks = self._marks
        ends = [*(begin for begin, _ in self._turns[1:]), len(marks)]
        for (first, of), after in zip(self._turns, ends, strict=False):
            if of != number:
                continue
            begin, end = self._window_before(first)
            for step in range(first, after):
                if marks[step] != end or step in self._silent:
                    begin, end = end, marks[step]
                yield step, begin, end

    def _window_before(self, step: int) -> tuple[int, int]:
        marks = self._marks
        end = marks[step - 1] if step else 0
        while step and marks[step - 1] == end:
            step -= 1
            if step in self._silent:
                break
        return (marks[step - 1] if step else 0), end
