"""What goes wrong with us is said once and put on the record, and is never the user's error."""

from __future__ import annotations

import pytest

from nbmlops.tracking.faults import Faults


def test_an_error_of_ours_is_said_once_and_put_on_the_record() -> None:
    """The control at the end does what it should, and leaves no word."""
    said: list[str] = []
    faults = Faults(said.append)
    for number in range(2):
        with faults.safely("a metric"):
            raise ValueError(f"number {number}")
    assert said == [
        "nbmlops: a metric could not be captured (ValueError: number 0). Your cell is not affected."
    ]
    assert [(gap.what, gap.why) for gap in faults.gaps()] == [("a metric", "ValueError: number 1")]
    faults.clear()
    with faults.safely("a metric"):
        said.append("measured")
    assert said[1:] == ["measured"]
    assert not faults.gaps()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_the_user_or_python_ends_goes_on(kind: type[BaseException]) -> None:
    """An interrupt is for the cell, wherever it strikes."""
    faults = Faults(print)
    with pytest.raises(kind), faults.safely("a metric"):
        raise kind
    assert not faults.gaps()
