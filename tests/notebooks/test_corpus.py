"""The truth corpus: real-looking notebooks, and whether all of what they train is on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from .playing import play
from .scoring import ASPECTS, Score, score
from .truth import names

_AT_ONCE = 2  # kernels; each is mostly one busy core


@pytest.fixture(scope="session")
def scores(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Score]]:
    """A notebook's score; the notebooks of the session are played beside each other."""
    pool = ThreadPoolExecutor(_AT_ONCE)

    def start(name: str) -> Future[Score]:
        project = tmp_path_factory.mktemp(name)
        return pool.submit(lambda: score(play(name, project)))

    chosen = {item.callspec.params.get("name") for item in request.session.items
              if isinstance(item, pytest.Function) and hasattr(item, "callspec")}  # fmt: skip
    futures = {name: start(name) for name in names() if name in chosen}
    yield lambda name: (futures.get(name) or futures.setdefault(name, start(name))).result()
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", names())
def test_everything_that_a_notebook_trains_is_on_record(
    scores: Callable[[str], Score], name: str
) -> None:
    """Recall and precision are 1.0 for trainings, data, parameters and metrics."""
    got = scores(name)
    assert got.whole, "\n".join(got.faults)


def test_the_score(scores: Callable[[str], Score], capsys: pytest.CaptureFixture[str]) -> None:
    """One table over all notebooks; in total, too, everything is right."""
    total = Score()
    lines = [f"{'notebook':32}" + "".join(f"{aspect:>18}" for aspect in ASPECTS)]
    for name in names():
        got = scores(name)
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
