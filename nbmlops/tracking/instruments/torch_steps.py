"""The optimizer steps of a cell: noted in a microsecond each, told apart when they are asked."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator

__all__ = ["StepLog"]


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
