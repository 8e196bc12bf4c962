"""Models known again by what they hold: saved and loaded, or copied.

Each is brought down to a digest by the way in which its library tells what a model has learned;
others are pickled into one, in which nothing tells how memory was laid out or what was shared.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["content_of_model", "family_of"]

_MOST_BYTES = 64 << 20  # beyond which a model is not read
_OF_EACH = 64  # values of each tensor that are read, evenly spread


def content_of_model(model: Any) -> str | None:
    """A digest of all that a model holds; None where it is large, or cannot be read."""
    sink = _Digest()
    pickler = _Pickler(sink, 5)
    pickler.fast = True  # without references to what stood before, which are another in a copy
    try:
        pickler.dump(model)
    except Exception:  # noqa: BLE001 - any object's pickling may raise anything; it then has no content
        return None
    return sink.hash.hexdigest()


def family_of(model: Any) -> str:
    """What models have in common that may be copies of each other.

    A booster may come out of an estimator's file. So it is told by the library where one has a way
    to tell of its models, else by the class.
    """
    kind = type(model)
    own = f"{kind.__module__}.{kind.__qualname__}"
    return next((name for name, kinds, _ in _ways() if issubclass(kind, kinds)), own)


class _Digest:
    """A file that keeps only a digest of what is written to it."""

    def __init__(self) -> None:
        self.hash = hashlib.blake2b(digest_size=16)
        self._length = 0

    def write(self, part: bytes) -> int:
        self._length += len(part)
        if self._length > _MOST_BYTES:
            raise OverflowError(self._length)
        self.hash.update(part)
        return len(part)


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        """Arrays by their values: a record's padding and an array's order in memory are no part."""
        for name, kinds, tell in _ways():
            if issubclass(type(obj), kinds):
                return tuple, ((name, *tell(obj)),)
        numpy = sys.modules.get("numpy")
        if numpy is None:
            return NotImplemented
        if type(obj) is numpy.ma.MaskedArray:
            return tuple, ((obj.tolist(),),)
        if type(obj) is not numpy.ndarray or obj.dtype.hasobject:
            return NotImplemented
        parts = [obj[name] for name in obj.dtype.names] if obj.dtype.names else [obj]
        return tuple, ((str(obj.dtype), obj.shape, *(part.tobytes() for part in parts)),)


# -- how libraries tell what a model has learned ------------------------------------------------
def _network(model: Any) -> Iterator[Any]:
    """The tensors of a network; of large ones some values speak for all."""
    for tensor in (*model.parameters(), *model.buffers()):
        flat = tensor.detach().reshape(-1)
        few = flat[:: max(1, len(flat) // _OF_EACH)].cpu().double().numpy()
        yield tuple(tensor.shape), few.tobytes()


def _layers(model: Any) -> Iterator[Any]:
    yield from model.get_weights()


def _lightgbm(model: Any) -> Iterator[Any]:
    yield getattr(model, "booster_", model).model_to_string()


def _xgboost(model: Any) -> Iterator[Any]:
    booster = (model.get_booster() if hasattr(model, "get_booster") else model).copy()
    booster.set_attr(**dict.fromkeys(booster.attributes()))  # an estimator's file notes its own
    yield bytes(booster.save_raw())


def _catboost(model: Any) -> Iterator[Any]:
    yield from (model.get_leaf_values(), model.get_leaf_weights(), model.feature_names_)


_WAYS: tuple[tuple[str, tuple[str, ...], Callable[[Any], Iterator[Any]]], ...] = (
    ("keras", ("Model",), _layers),
    ("torch.nn", ("Module",), _network),
    ("lightgbm", ("Booster", "LGBMModel"), _lightgbm),
    ("xgboost", ("Booster", "XGBModel"), _xgboost),
    ("catboost", ("CatBoost",), _catboost),
)


def _ways() -> Iterator[tuple[str, tuple[type, ...], Callable[[Any], Iterator[Any]]]]:
    """The ways of those libraries that are imported."""
    for module, names, tell in _WAYS:
        if (found := sys.modules.get(module)) is not None:
            kinds = (getattr(found, name, None) for name in names)
            yield module, tuple(kind for kind in kinds if isinstance(kind, type)), tell
