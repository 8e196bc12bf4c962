"""Which losses belong to which optimizer's step, told afterwards as if each had been asked at once."""

from __future__ import annotations

from array import array
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nbmlops.tracking.instruments.torch_steps import StepLog

# A backward pass is "loss", or "silent" from no number; a step is the number of its training, or 0.
EVENTS = st.lists(st.sampled_from(["loss", "loss", "silent", 1, 1, 2, 0]), max_size=60)


@given(EVENTS)
def test_each_step_uses_the_losses_since_the_step_before_it(events: list[int | str]) -> None:
    """Whosever that was; steps with no pass between them share theirs."""
    known = array("d")
    log = StepLog(known)
    expected: dict[int, list[tuple[int, int, int]]] = {1: [], 2: []}
    window, stepped, made = 0, False, 0
    for event in events:
        if isinstance(event, str):
            if stepped:
                window, stepped = len(known), False
            if event == "loss":
                known.append(0.0)
            else:
                log.pass_without_loss()
            continue
        log.turn_of(event)
        log.mark(len(known))
        if event:
            expected[event].append((made, window, len(known)))
        stepped, made = True, made + 1
    assert {number: list(log.steps_of(number)) for number in expected} == expected


def test_many_trainings_of_a_cell_are_told_apart_without_going_over_all_of_them() -> None:
    """What is read for one training is what it and its neighbour did."""
    log = StepLog(array("d"))
    reads = 0

    class Marks(array):  # type: ignore[type-arg] # it cannot be indexed where the class is made
        def __getitem__(self, at: Any) -> Any:
            nonlocal reads
            reads += 1
            return super().__getitem__(at)

    log._marks = Marks("I")
    for number in range(1, 101):
        for _ in range(50):
            log.turn_of(number)
            log.known.append(0.0)
            log._marks.append(len(log.known))
    assert sum(len(list(log.steps_of(number))) for number in range(1, 101)) == 5_000
    assert reads < 5 * 5_000
