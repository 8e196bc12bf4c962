"""Checks that others bring: callables under the entry point group ``nbmlops.checks``.

A check takes the Submission and returns a sentence for each thing that is not as it should be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import entry_points

from nbmlops.records import Submission

__all__ = ["GROUP", "installed_checks", "run_check"]

GROUP = "nbmlops.checks"

Check = Callable[[Submission], Iterable[str]]


def installed_checks() -> list[str]:
    """The names that a policy may use."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def run_check(name: str, submission: Submission) -> list[str]:
    """What the check `name` finds wrong; a check that cannot be run or fails is unmet."""
    try:
        check = _load(name)
        if check is None:
            return [f"The check {name!r} is not installed here (entry point group {GROUP})."]
        found = check(submission)
        sentences = [found] if isinstance(found, str) else [str(sentence) for sentence in found]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever foreign code raises, the demand is unmet
        return [f"The check {name!r} failed with {type(error).__name__}{_words(error)}."]
    return [sentence for sentence in sentences if sentence]


def _words(error: BaseException) -> str:
    """What an error says, if that can be had: it may be of the check's own class."""
    try:
        return f": {error}"
    except Exception:  # noqa: BLE001 - a foreign error's own text may raise anything
        return ""


@cache
def _load(name: str) -> Check | None:
    for point in entry_points(group=GROUP):
        if point.name == name:
            check: Check = point.load()
            return check
    return None
