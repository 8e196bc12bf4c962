"""What PyTorch does in the running cell: backward passes with their losses, and batches fed.

It is seen for a few microseconds a step. A loss on another device than the CPU is kept detached, a
scalar and read when the cell ends, so that nobody waits for that device in between. Nothing else
of the user's is kept, other than by weak reference.
"""

from __future__ import annotations

import functools
import os
import weakref
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from nbmlops.tracking.code.unseen import forget_frames, unnamed
from nbmlops.tracking.instruments.torch_roles import inputs_taken
from nbmlops.tracking.instruments.torch_steps import StepLog
from nbmlops.tracking.trainings.examples import example_of, examples_of
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["Feed", "Losses", "TorchObservation", "key_of", "observe"]

_MOST_NODES = 20_000  # of a graph that is searched for its leaves
_WAITING = 512  # scalars on a device before they are joined into one tensor
key_of = object.__hash__  # an object's own; unlike `id` Python asks no audit about it


class Losses:
    """The loss of each backward pass, in order; `known` holds a gap for what a device still has."""

    def __init__(self) -> None:
        self.known = array("d")
        self._waiting: list[Any] = []
        self._waiting_for: list[int] = []

    def __len__(self) -> int:
        return len(self.known)

    def add_later(self, loss: Any) -> None:
        """Take in a scalar that is on a device."""
        self._waiting.append(loss.detach())
        self._waiting_for.append(len(self.known))
        self.known.append(float("nan"))
        if len(self._waiting) >= _WAITING:
            self._join()

    def add_value(self, value: float) -> None:
        """Take in a loss that is known as a number."""
        self.known.append(value)

    def values(self) -> array[float]:
        """All of them as numbers; this is where a device is waited for."""
        if self._waiting:
            self._join()
            for at, value in zip(self._waiting_for, self._waiting[0].tolist(), strict=True):
                self.known[at] = value
            self._waiting.clear()
            self._waiting_for.clear()
        return self.known

    def _join(self) -> None:
        import torch

        self._waiting = [torch.cat([part.reshape(-1).float() for part in self._waiting])]


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
        self._tracker = tracker
        self._history, self._activity = tracker.history, tracker.activity
        self._cell: Any = self  # no cell is this object: the first call looks closely
        self._forked = False
        self._watching = False
        self._nested = 0
        self._scaled: tuple[int, float] | None = None
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
        self._wanted: dict[int, Any] = {}  # loaders whose first batch is awaited, by iterator
        self._examples: dict[int, list[Any]] = {}
        self.begun = 0
        self._looked = False
        self._numbers = False  # whether losses are scalars on the CPU, so far as was seen

    # -- whether to look ------------------------------------------------------------------------
    @property
    def active(self) -> bool:
        """Whether what happens now is the tracked cell's own doing."""
        running = self._history.running
        if running is not self._cell:
            self._cell = running
            self._watching = self._tracker.watching
            self.reset()
        if not self._watching or self._forked:
            return False
        return not self._activity.busy or self._in_own_code()

    def _in_own_code(self) -> bool:
        """Whether what trains now is a class that the user wrote around a loop."""
        inside = self._tracker.trainings.inside
        return inside is not None and inside.own_code

    def forked(self) -> None:
        """This is a child process, a loader's worker perhaps: look no more."""
        self._forked = True
        self._cell = self  # look closely at the next call

    # -- what is told ---------------------------------------------------------------------------
    def backward_done(self, loss: Any) -> None:
        """A backward pass from `loss` has run."""
        losses = self.losses
        scaled = self._scaled
        if scaled is not None:
            self._scaled = None
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
            self._scaled = (id(scaled), loss.item())

    def loader_began(self, loader: Any, iterator: Any) -> None:
        """An iteration over `loader` began."""
        if all(known() is not loader for known in self.loaders):
            self.loaders.append(weakref.ref(loader))
            self._wanted[key_of(iterator)] = id(loader)
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
        self._looked = True
        self._numbers = loss.is_cpu and loss.numel() == 1
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

    # -- watchers -------------------------------------------------------------------------------
    def install(self, torch: Any) -> None:
        """Watch backward passes, gradient scalers and data loaders."""
        os.register_at_fork(after_in_child=self.forked)
        _replace(torch.Tensor, "backward", self._backward)
        _replace(torch.amp.GradScaler, "scale", self._scale)
        loading = torch.utils.data.dataloader
        _replace(loading.DataLoader, "__iter__", self._iterate)
        _replace(loading._BaseDataLoaderIter, "__next__", self._next)

    def _backward(self, original: Callable[..., Any], compiling: Callable[[], bool]) -> Any:
        history, activity = self._history, self._activity

        # It stands among code that fills the processor's caches: each call less is worth up to two
        # microseconds. So it says by itself what `active` and `backward_done` say of a usual step.
        def backward(self_: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                usual = self._looked and history.running is self._cell and not activity.inside
                # A tensor of a subclass comes by twice: the inner call is the pass itself.
                if compiling() or self._nested or not (usual or self.active):
                    return original(self_, *args, **kwargs)
                self._nested = 1
                try:
                    if not self._looked:
                        self._try(self.look_at_leaves, self_)
                    answer = original(self_, *args, **kwargs)
                finally:
                    self._nested = 0
            except BaseException as error:  # it goes on to the user, without our frames
                forget_frames(error)
                raise
            if self._numbers and self._scaled is None:
                try:
                    self.losses.known.append(self_.item())
                    return answer
                except (RuntimeError, ValueError):  # this one is no number
                    pass
            self._try(self.backward_done, self_)
            return answer

        return backward

    def _scale(self, original: Callable[..., Any], compiling: Callable[[], bool]) -> Any:
        def scale(self_: Any, outputs: Any) -> Any:
            try:
                scaled = original(self_, outputs)
            except BaseException as error:  # it goes on to the user, without our frames
                forget_frames(error)
                raise
            if scaled is not outputs and hasattr(outputs, "is_cpu") and self.active:
                self._try(self.scaled_loss, scaled, outputs)
            return scaled

        return scale

    def _iterate(self, original: Callable[..., Any], compiling: Callable[[], bool]) -> Any:
        def __iter__(self_: Any) -> Any:
            try:
                iterator = original(self_)
            except BaseException as error:  # it goes on to the user, without our frames
                forget_frames(error)
                raise
            if self.active:
                self._try(self.loader_began, self_, iterator)
            elif self._watching:
                inside = self._tracker.trainings.inside
                if inside is not None and inside.sample is None:
                    self._wanted[key_of(iterator)] = (
                        inside  # a trainer goes over its loaders itself
                    )
            return iterator

        return __iter__

    def _next(self, original: Callable[..., Any], compiling: Callable[[], bool]) -> Any:
        def __next__(self_: Any) -> Any:
            key = key_of(self_)
            if key != self.fed:
                self.fed, self.steps.usual = key, 0
            try:
                batch = original(self_)
            except BaseException as error:  # it goes on to the user, without our frames
                if isinstance(error, StopIteration):
                    self._try(self.loader_ended, self_)
                forget_frames(error)
                raise
            if self._wanted and (of := self._wanted.pop(key, None)) is not None:
                self._try(self.batch_came, of, batch)
            return batch

        return __next__

    def _try(self, tell: Callable[..., None], *about: Any) -> None:
        try:
            tell(*about)
        except Exception as error:  # noqa: BLE001 - the user's pass comes first; `fault` tells
            self._tracker.fault("a backward pass", error)


def observe(tracker: Tracker, torch: Any) -> TorchObservation:
    """See what `torch` does from now on."""
    observation = TorchObservation(tracker)
    observation.install(torch)
    return observation


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


def _replace(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Put a plain function in a method's place: faster than a proxy, and pickled by its name.

    It runs at every step, so it forgets its frames itself rather than in one more function around.
    """
    import torch

    original = vars(owner)[name]
    around_it = around(original, torch.compiler.is_dynamo_compiling)
    setattr(owner, name, functools.wraps(original)(unnamed(around_it)))
