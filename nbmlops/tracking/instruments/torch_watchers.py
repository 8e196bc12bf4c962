"""What stands around PyTorch's backward passes, loss scalers and loaders, to tell an observation.

Each is a plain function in a method's place: faster than a proxy, and pickled by its name. It runs
at every step, so it forgets its frames itself rather than in one more function around.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.unseen import forget_frames, unnamed
from nbmlops.tracking.instruments.torch_observation import TorchObservation, key_of

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["observe"]


def observe(tracker: Tracker, torch: Any) -> TorchObservation:
    """See what `torch` does from now on."""
    seen = TorchObservation(tracker)
    os.register_at_fork(after_in_child=seen.forked)
    compiling = torch.compiler.is_dynamo_compiling
    loading = torch.utils.data.dataloader
    _replace(torch.Tensor, "backward", lambda original: _backward(original, seen, compiling))
    _replace(torch.amp.GradScaler, "scale", lambda original: _scale(original, seen))
    _replace(loading.DataLoader, "__iter__", lambda original: _iterate(original, seen))
    _replace(loading._BaseDataLoaderIter, "__next__", lambda original: _next(original, seen))
    return seen


def _replace(owner: Any, name: str, around: Callable[[Any], Any]) -> None:
    original = vars(owner)[name]
    setattr(owner, name, functools.wraps(original)(unnamed(around(original))))


def _backward(original: Any, seen: TorchObservation, compiling: Callable[[], bool]) -> Any:
    history, activity = seen.history, seen.activity

    # It stands among code that fills the processor's caches: each call less is worth up to two
    # microseconds. So it says by itself what `active` and `backward_done` say of a usual step.
    def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            usual = seen.looked and history.running is seen.cell and not activity.inside
            # A tensor of a subclass comes by twice: the inner call is the pass itself.
            if compiling() or seen.nested or not (usual or seen.active):
                return original(self, *args, **kwargs)
            seen.nested = True
            try:
                if not seen.looked:
                    _tell(seen, seen.look_at_leaves, self)
                answer = original(self, *args, **kwargs)
            finally:
                seen.nested = False
        except BaseException as error:  # it goes on to the user, without our frames
            forget_frames(error)
            raise
        if seen.numbers and seen.scaling is None:
            try:
                seen.losses.known.append(self.item())
                return answer
            except (RuntimeError, ValueError):  # this one is no number
                pass
        _tell(seen, seen.backward_done, self)
        return answer

    return backward


def _scale(original: Any, seen: TorchObservation) -> Any:
    def scale(self: Any, outputs: Any) -> Any:
        try:
            scaled = original(self, outputs)
        except BaseException as error:  # it goes on to the user, without our frames
            forget_frames(error)
            raise
        if scaled is not outputs and hasattr(outputs, "is_cpu") and seen.active:
            _tell(seen, seen.scaled_loss, scaled, outputs)
        return scaled

    return scale


def _iterate(original: Any, seen: TorchObservation) -> Any:
    def __iter__(self: Any) -> Any:
        try:
            iterator = original(self)
        except BaseException as error:  # it goes on to the user, without our frames
            forget_frames(error)
            raise
        if seen.active:
            _tell(seen, seen.loader_began, self, iterator)
        elif seen.watching:
            inside = seen.tracker.trainings.inside
            if inside is not None and inside.sample is None:
                # A trainer goes over its loaders itself.
                seen.wanted[key_of(iterator)] = inside
        return iterator

    return __iter__


def _next(original: Any, seen: TorchObservation) -> Any:
    def __next__(self: Any) -> Any:
        key = key_of(self)
        if key != seen.fed:
            seen.fed, seen.steps.usual = key, 0
        try:
            batch = original(self)
        except BaseException as error:  # it goes on to the user, without our frames
            if isinstance(error, StopIteration):
                _tell(seen, seen.loader_ended, self)
            forget_frames(error)
            raise
        if seen.wanted and (of := seen.wanted.pop(key, None)) is not None:
            _tell(seen, seen.batch_came, of, batch)
        return batch

    return __next__


def _tell(seen: TorchObservation, tell: Callable[..., None], *about: Any) -> None:
    try:
        tell(*about)
    except Exception as error:  # noqa: BLE001 - the user's pass comes first; `fault` tells
        seen.tracker.fault("a backward pass", error)
