"""Who holds a model: nobody, only what it holds itself, or somebody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nbmlops.tracking.instruments.holders import is_alone, is_in_circles_alone


class Training:
    """What holds a model for us."""

    def __init__(self, model: Any) -> None:
        self.model = model


class Part:
    """A part of a model; `whole` may be the model."""

    def __init__(self, whole: Any = None) -> None:
        self.whole = whole
        self.weights = [1.0, 2.0]

    def hook(self) -> None:
        """A method that somebody may keep."""


def plain() -> Any:
    return Part()


def by_a_part() -> Any:
    whole = Part()
    whole.whole = Part(whole)
    return whole


def by_its_method() -> Any:
    whole = Part()
    whole.whole = {"hook": whole.hook}
    return whole


def by_a_function() -> Any:
    whole = Part()
    whole.whole = lambda: whole
    return whole


def by_an_argument() -> Any:
    whole = Part()
    whole.whole = lambda it=whole: it
    return whole


CIRCLES = [by_a_part, by_its_method, by_a_function, by_an_argument]


@pytest.mark.parametrize("make", CIRCLES)
def test_a_circle_that_nobody_else_holds_is_found(make: Callable[[], Any]) -> None:
    """Counting alone does not find it; the control is a model without one."""
    training = Training(make())
    assert not is_alone(training)
    assert is_in_circles_alone(training)
    control = Training(plain())
    assert is_alone(control)


@pytest.mark.parametrize("make", CIRCLES)
@pytest.mark.parametrize(
    "keep",
    [
        lambda model: model,
        lambda model: model.whole,
        lambda model: [{"deep": (model.whole,)}],
        lambda model: model.hook,
        lambda model: lambda: model,
    ],
    ids=["itself", "what leads to it", "deep inside", "a method", "a function"],
)
def test_a_circle_that_somebody_holds_is_held(
    make: Callable[[], Any], keep: Callable[[Any], Any]
) -> None:
    """By any object from which it can be reached; and let go of when that goes."""
    training = Training(make())
    kept = keep(training.model)
    assert not is_in_circles_alone(training)
    del kept
    assert is_in_circles_alone(training)


def test_what_does_not_lead_back_holds_nothing() -> None:
    """The model's weights may be kept."""
    training = Training(by_a_part())
    weights = training.model.weights
    assert is_in_circles_alone(training)
    assert weights == [1.0, 2.0]
