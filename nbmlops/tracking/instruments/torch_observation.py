"""What PyTorch does in the running cell: backward passes with their losses, and batches fed.

It is seen for a few microseconds a step. A loss on another device than the CPU is kept detached, a
scalar and read when the cell ends, so that nobody waits for that device in between. Nothing else
of the user's is kept, other than by weak reference.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from nbmlops.tracking.instruments.torch_roles import inputs_taken
from nbmlops.tracking.instruments.torch_steps import Losses, StepLog
from nbmlops.tracking.trainings.examples import example_of, examples_of
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["Feed", "TorchObservation", "key_of"]

_MOST_NODES = 20_000  # of a graph that is searched for its leaves
key_of = object.__hash__  # an object's own; unlike `id` Python asks no audit about it


class Feed(msgspec.Struct, frozen=True):
    """One iteration over a loader, the `number`-th of the cell; both references are weak.

    It trained if it saw more backward `passes` than there were before it. A loader that was made
    for it is gone soon; `key` was its id.
    """

    key: int
    loader: Any
    dataset: Any
    batch_size: int | None
    number: int
    passes: int  # backward passes before it

    def source(self) -> Any:
        """The loader, or its dataset where the loader was made for this iteration alone."""
        return self.loader() or self.dataset()


class TorchObservation:
    """What PyTorch has done in the running cell; begins anew with each cell.

    `losses` are those of its backward passes, and `steps` the optimizer steps in between.
    `fed` is the iteration whose batch came last, and `begun` how many have begun. `leaves` are weak
    references to the leaf tensors whose gradients the first pass made, and `loss_node` is the name
    of the graph's node that it began at.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.history, self.activity = tracker.history, tracker.activity
        self.cell: Any = self  # no cell is this object: the first call looks closely
        self._forked = False
        self.watching = False
        self.nested = False  # a backward pass is going on
        self.scaling: tuple[int, float] | None = None  # a scaled loss' id, and what it was before
        self._iterations: dict[int, Feed] = {}
        self.judged: Callable[[Any], None] = lambda loader: None  # is told what was read to the end
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.losses = Losses()
        self.steps = StepLog(self.losses.known)
        self.scaled = False
        self.leaves: tuple[Any, ...] = ()
        self.loss_node = ""
        self.fed = 0  # the loader's iterator that gave the latest batch, by key
        self.loaders: list[Any] = []  # weak references, in the order of their first iteration
        self.judging: list[Any] = []  # of these the ones that a model was judged on
        self._iterations.clear()
        self.wanted: dict[int, Any] = {}  # loaders whose first batch is awaited, by iterator
        self._examples: dict[int, list[Any]] = {}
        self.begun = 0
        self.looked = False
        self.numbers = False  # whether losses are scalars on the CPU, so far as was seen

    # -- whether to look ------------------------------------------------------------------------
    @property
    def active(self) -> bool:
        """Whether what happens now is the tracked cell's own doing."""
        running = self.history.running
        if running is not self.cell:
            self.cell = running
            self.watching = self.tracker.watching
            self.reset()
        if not self.watching or self._forked:
            return False
        return not self.activity.busy or self._in_own_code()

    def _in_own_code(self) -> bool:
        """Whether what trains now is a class that the user wrote around a loop."""
        inside = self.tracker.trainings.inside
        return inside is not None and inside.own_code

    def forked(self) -> None:
        """This is a child process, a loader's worker perhaps: look no more."""
        self._forked = True
        self.cell = self  # look closely at the next call

    # -- what is told ---------------------------------------------------------------------------
    def backward_done(self, loss: Any) -> None:
        """A backward pass from `loss` has run."""
        losses = self.losses
        scaled = self.scaling
        if scaled is not None:
            self.scaling = None
            if scaled[0] == id(loss):
                losses.add_value(scaled[1])
                return
        if loss.numel() != 1:
            self.steps.pass_without_loss()
        elif loss.is_cpu:
            losses.add_value(loss.item())
        else:
            losses.add_later(loss)

    def scaled_loss(self, scaled: Any, loss: Any) -> None:
        """A gradient scaler made `scaled` of `loss`."""
        self.scaled = True
        if loss.is_cpu and loss.numel() == 1:
            self.scaling = (id(scaled), loss.item())

    def loader_began(self, loader: Any, iterator: Any) -> None:
        """An iteration over `loader` began."""
        if all(known() is not loader for known in self.loaders):
            self.loaders.append(weakref.ref(loader))
            self.wanted[key_of(iterator)] = id(loader)
        self.begun += 1
        self.steps.usual = 0
        self._iterations[key_of(iterator)] = Feed(
            id(loader), weakref.ref(loader), _reference(loader.dataset), _batch_size(loader),
            self.begun, len(self.losses),
        )  # fmt: skip

    def loader_ended(self, iterator: Any) -> None:
        """An iteration is over: where nothing was trained in it, a model was judged."""
        feed = self._iterations.get(key_of(iterator))
        if feed is not None and feed.passes == len(self.losses) and self.active:
            self.judged(feed.loader())

    def batch_came(self, key: Any, batch: Any) -> None:
        """The first batch that is awaited of a loader, or of the training that goes on."""
        if isinstance(key, Training):
            key.sample = example_of(batch)
        else:
            self._examples[key] = examples_of(batch)

    def example_of_feed(self, model: Any) -> Any:
        """The first rows of the first batch of the loader that feeds `model`, for each input."""
        parts = self._examples.get(feed.key, []) if (feed := self.feed) is not None else []
        names = [p.name for p in inputs_taken(model) if p.default is p.empty]
        if len(names) > 1 and len(parts) >= len(names):
            return dict(zip(names, parts, strict=False))
        return parts[0] if parts else None

    @property
    def feed(self) -> Feed | None:
        """The iteration whose batch came last."""
        return self._iterations.get(self.fed)

    def look_at_leaves(self, loss: Any) -> None:
        """Find the tensors that a backward pass from `loss` will reach, and what kind it is."""
        self.looked = True
        self.numbers = loss.is_cpu and loss.numel() == 1
        self.loss_node = type(loss.grad_fn).__name__
        found: dict[int, Any] = {}
        waiting: list[Any] = [loss.grad_fn]
        seen: set[Any] = set()
        while waiting and len(seen) < _MOST_NODES:
            node = waiting.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            variable = getattr(node, "variable", None)
            if variable is not None:
                found[id(variable)] = weakref.ref(variable)
            waiting += [next_ for next_, _ in node.next_functions]
        self.leaves = tuple(found.values())


def _reference(dataset: Any) -> Callable[[], Any]:
    """A weak reference; to nothing where there can be none, as to a list of samples."""
    try:
        return weakref.ref(dataset)
    except TypeError:
        return lambda: None


def _batch_size(loader: Any) -> int | None:
    """How many rows a loader gives at once; one with a sampler of batches leaves it to that."""
    size: int | None = loader.batch_size or getattr(loader.batch_sampler, "batch_size", None)
    return size
