"""Processes that work for a cell: nobody watches in them, so what trains there is told here.

joblib's, ``concurrent.futures``' and ``multiprocessing``'s. Threads are watched as the cell is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Gap
from nbmlops.tracking.code.unseen import forget_frames, unseen
from nbmlops.tracking.instruments.following import quietly
from nbmlops.tracking.instruments.worker_trainings import Batch, Task, take_batch, take_models
from nbmlops.tracking.instruments.wrapping import watch

if TYPE_CHECKING:
    from nbmlops.tracking.session.cells import ExecutedCell
    from nbmlops.tracking.tracker import Tracker

__all__ = ["ExecutorInstrument", "JoblibInstrument", "PoolInstrument"]

_INSIDE = "Parts of it ran in worker processes, where memory and warnings are not observed."


class JoblibInstrument:
    """Watches the calls of ``joblib.Parallel`` that go to processes."""

    modules = ("joblib.parallel",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the class, also where the notebook has imported it already."""
        batches = _Batches(tracker)

        def call(function: Callable[..., Any], parallel: Any, args: Any, kwargs: Any) -> Any:
            if not tracker.watching or not args:
                return function(*args, **kwargs)
            if tracker.activity.busy:
                answer = function(*args, **kwargs)
                _note_inside(tracker, parallel)
                return answer
            tasks = _listed(args[0])
            answer = function(tasks, *args[1:], **kwargs)
            if tasks.kept and _in_processes(parallel):
                batch = Batch(tasks.kept, parallel.n_jobs)
                batches.add(batch, answer if isinstance(answer, list) else [])
            return answer

        watch(module.Parallel, "__call__", call)


class ExecutorInstrument:
    """Watches what a ``ProcessPoolExecutor`` is given."""

    modules = ("concurrent.futures.process",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch ``submit`` and ``map``."""
        batches = _Batches(tracker)

        def submit(function: Callable[..., Any], pool: Any, args: Any, kwargs: Any) -> Any:
            future = function(*args, **kwargs)
            if tracker.watching and not tracker.activity.busy and args:
                batch = Batch([Task(args[0], tuple(args[1:]), kwargs)], pool._max_workers)
                batches.later(batch, lambda: _result(future))
            return future

        def spread(function: Callable[..., Any], pool: Any, args: Any, kwargs: Any) -> Any:
            if not tracker.watching or tracker.activity.busy or not args:
                return function(*args, **kwargs)
            batch = Batch([Task(args[0], (), {})], pool._max_workers)
            answer = quietly(tracker, lambda: function(*args, **kwargs))  # it submits
            batches.later(batch, lambda: batch.results)
            return _kept(answer, batch.results)

        watch(module.ProcessPoolExecutor, "submit", submit)
        watch(module.ProcessPoolExecutor, "map", spread)


class PoolInstrument:
    """Watches what a ``multiprocessing.Pool`` is given."""

    modules = ("multiprocessing.pool",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the ways to hand it work."""
        batches = _Batches(tracker)

        def hand(function: Callable[..., Any], pool: Any, args: Any, kwargs: Any) -> Any:
            answer = function(*args, **kwargs)
            threads = isinstance(pool, module.ThreadPool)
            if tracker.watching and not threads and not tracker.activity.busy and args:
                batch = Batch([Task(args[0], (), {})], pool._processes)
                one = function.__name__ == "apply_async"
                batches.later(batch, lambda: _values(answer, one))
            return answer

        for name in ("apply_async", "_map_async", "imap", "imap_unordered"):
            watch(module.Pool, name, hand)


class _Batches:
    """What the running cell has handed to processes."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._given: list[tuple[Batch, Callable[[], list[Any]] | None]] = []
        tracker.before_cell_ends.append(self._cell_ends)

    def add(self, batch: Batch, results: list[Any]) -> None:
        """A batch is done; the models that came back are trainings now."""
        with self._tracker.safely("worker processes"):
            if not take_models(self._tracker, batch, results):
                batch.results = results
                self._given.append((batch, None))

    def later(self, batch: Batch, results: Callable[[], list[Any]]) -> None:
        """A batch is under way; its `results` are asked for when the cell ends."""
        self._given.append((batch, results))

    def _cell_ends(self, _cell: ExecutedCell) -> None:
        given, self._given = self._given, []
        left: dict[int, Batch] = {}
        for batch, results in given:
            if results is not None:
                batch.results = results()
                if take_models(self._tracker, batch, batch.results):
                    continue
            known = left.setdefault(id(batch.tasks[0].function), batch)
            if known is not batch:
                known.tasks += batch.tasks
                known.results += batch.results
        for batch in left.values():
            take_batch(self._tracker, batch)


class _Listed:
    """The tasks of a call as joblib takes them one by one, kept."""

    def __init__(self, tasks: Iterable[Any]) -> None:
        self._tasks = tasks
        self.kept: list[Task] = []

    def __iter__(self) -> Iterator[Any]:
        for task in self._tasks:
            if type(task) is tuple and len(task) == 3:
                self.kept.append(Task(*task))
            yield task


class _Counted(_Listed):
    def __len__(self) -> int:
        return len(self._tasks)  # type: ignore[arg-type] # only made of what has a length


def _listed(tasks: Iterable[Any]) -> _Listed:
    # joblib tells how far it is where it can know how far it has to go.
    return _Counted(tasks) if hasattr(tasks, "__len__") else _Listed(tasks)


def _in_processes(parallel: Any) -> bool:
    backend = parallel._backend
    return not (
        getattr(backend, "supports_sharedmem", False) or getattr(backend, "uses_threads", False)
    )


def _note_inside(tracker: Tracker, parallel: Any) -> None:
    inside, gap = tracker.trainings.inside, Gap(what="worker processes", why=_INSIDE)
    if inside is not None and _in_processes(parallel) and gap not in inside.gaps:
        inside.gaps.append(gap)


def _result(future: Any) -> list[Any]:
    if not future.done() or future.cancelled() or future.exception() is not None:
        return []
    return [future.result()]


@unseen
def _kept(results: Any, into: list[Any]) -> Iterator[Any]:
    """`results` as they are read; they cannot be read twice."""

    def read() -> Iterator[Any]:
        try:
            for result in results:
                into.append(result)
                yield result
        except BaseException as error:  # it goes on to the user, without our frames
            forget_frames(error)
            raise
        finally:
            results.close()

    return read()


def _values(answer: Any, one: bool) -> list[Any]:
    """What a pool has given back, if it has; an iterator's results are gone once they were read."""
    if not hasattr(answer, "ready") or not answer.ready() or not answer.successful():
        return []
    return [answer.get()] if one else list(answer.get())
