"""Each notebook of the session is played once, however many tests ask what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from .playing import Heard, play
from .scoring import Score, score

__all__ = ["Plays"]

_AT_ONCE = 2  # kernels; each is mostly one busy core


class Plays:
    """What comes of notebooks that are played beside each other, in the order that they are asked."""

    def __init__(self, pool: ThreadPoolExecutor, folder: Callable[[str], Path]) -> None:
        self._pool = pool
        self._folder = folder
        self._heard: dict[tuple[str, frozenset[tuple[str, str]]], Future[Heard]] = {}
        self._scores: dict[str, Score] = {}

    def start(self, name: str, **environment: str) -> Future[Heard]:
        """Have `name` played in an `environment`, unless it was before."""
        key = name, frozenset(environment.items())
        if key not in self._heard:
            project = self._folder(name)
            self._heard[key] = self._pool.submit(play, name, project, **environment)
        return self._heard[key]

    def score(self, name: str) -> Score:
        """How what was heard of `name` compares with its truth."""
        if name not in self._scores:
            self._scores[name] = score(self.start(name).result())
        return self._scores[name]


@pytest.fixture(scope="session")
def plays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plays]:
    """The notebooks that this session plays."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield Plays(pool, tmp_path_factory.mktemp)
        pool.shutdown(cancel_futures=True)
