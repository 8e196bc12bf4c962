"""The truth corpus: real-looking notebooks, and whether all of what they train is on record."""

from __future__ import annotations

import pytest

from .conftest import Plays
from .scoring import ASPECTS, Score
from .truth import names


@pytest.fixture(scope="module", autouse=True)
def started(request: pytest.FixtureRequest, plays: Plays) -> None:
    """Every notebook that the session asks for is on its way before the first is awaited."""
    chosen = {item.callspec.params.get("name") for item in request.session.items
              if isinstance(item, pytest.Function) and hasattr(item, "callspec")}  # fmt: skip
    for name in names():
        if name in chosen:
            plays.start(name)


@pytest.mark.parametrize("name", names())
def test_everything_that_a_notebook_trains_is_on_record(plays: Plays, name: str) -> None:
    """Recall and precision are 1.0 for trainings, data, parameters and metrics."""
    got = plays.score(name)
    assert got.whole, "\n".join(got.faults)


def test_the_score(plays: Plays, capsys: pytest.CaptureFixture[str]) -> None:
    """One table over all notebooks; in total, too, everything is right."""
    total = Score()
    lines = [f"{'notebook':32}" + "".join(f"{aspect:>18}" for aspect in ASPECTS)]
    for name in names():
        got = plays.score(name)
        total.add(got)
        lines.append(_line(name, got))
    lines.append(_line(f"all {len(names())}", total))
    with capsys.disabled():
        print("\nrecall / precision (right of expected)", *lines, sep="\n")
    assert total.whole


def _line(name: str, got: Score) -> str:
    columns = [
        f"{got.recall(a):.2f}/{got.precision(a):.2f} {got.right[a]:>3}/{got.expected[a]:<3}"
        for a in ASPECTS
    ]
    return f"{name:32}" + "".join(f"{column:>18}" for column in columns)
