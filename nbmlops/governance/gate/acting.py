"""Who acts right now: set by a door that authenticated somebody, read by the registry's store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from nbmlops.records import Identity

__all__ = ["acting", "current_actor", "is_registering", "registering"]

_actor: ContextVar[Identity | None] = ContextVar("nbmlops_actor", default=None)


def current_actor() -> Identity | None:
    """Who was authenticated for what this thread or task does, if anybody."""
    return _actor.get()


@contextmanager
def acting(identity: Identity) -> Iterator[None]:
    """Everything inside is done by `identity`."""
    token = _actor.set(identity)
    try:
        yield
    finally:
        _actor.reset(token)


_registering: ContextVar[bool] = ContextVar("nbmlops_registering", default=False)


@contextmanager
def registering() -> Iterator[None]:
    """What is written inside belongs to a registration of ours, and may carry our tags."""
    token = _registering.set(True)
    try:
        yield
    finally:
        _registering.reset(token)


def is_registering() -> bool:
    """Whether a registration of ours is at work here."""
    return _registering.get()
