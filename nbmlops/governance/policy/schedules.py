"""Who may have an approved notebook run by others, and with which values. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from nbmlops.governance.policy.terms import Demands, Values
from nbmlops.records import Scalar

__all__ = ["value_objections"]


def value_objections(
    demands: Demands, approved: Mapping[str, Scalar], given: Mapping[str, Scalar]
) -> list[str]:
    """Why values that somebody else gives may not stand in the place of the `approved` ones."""
    return [
        f"It sets {name} to {value!r}. {why}"
        for name, value in given.items()
        if (why := _objection(name, value, approved, demands.parameters.get(name)))
    ]


def _objection(
    name: str, value: Scalar, approved: Mapping[str, Scalar], allowed: Values | None
) -> str | None:
    if name not in approved:
        return "The approved notebook has no such parameter."
    # True is 1 to Python, and not to a reader.
    if value == approved[name] and type(value) is type(approved[name]):
        return None
    if allowed is None:
        return (
            f"Approved was {approved[name]!r}, and the policy lets nobody set another: name "
            f"{name} under its parameters, or set the schedule yourself."
        )
    return None if allowed.hold(value) else f"The policy allows {allowed.told()}."
