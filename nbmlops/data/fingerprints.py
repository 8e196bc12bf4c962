"""Any data object to its Fingerprint."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.data.columns import NoCanonicalForm, Reading
from nbmlops.data.readers import open_object
from nbmlops.errors import FingerprintError
from nbmlops.records.data import Fingerprint

if TYPE_CHECKING:
    from nbmlops.data.multiset import Multiset
    from nbmlops.data.streams import Stream

__all__ = ["fingerprint", "hash_opened", "multiset_digest", "naming"]


def fingerprint(
    obj: Any, name: str | None = None, *, progress: Callable[[int], None] | None = None
) -> Fingerprint:
    """Name the whole content of a data object, in the canonical form of docs/fingerprints.md.

    A path names a file or folder, by its bytes. `progress` hears of bytes as they are hashed. An
    object that nbmlops does not know gives kind ``unknown`` with the reason, and no error.

    :raises FingerprintError: if the object is of a known kind and cannot be read to its end.
    """
    try:
        with naming(obj, name):
            if isinstance(obj, (str, os.PathLike)):
                return _path(obj, name, progress)
            return hash_opened(open_object(obj), name, progress)
    except NoCanonicalForm as gap:
        return Fingerprint(kind="unknown", name=name, reason=str(gap))


@contextmanager
def naming(obj: Any, name: str | None = None) -> Iterator[None]:
    """Make whatever goes wrong while `obj` is read say that it was this object."""
    try:
        yield
    except FingerprintError as error:
        raise FingerprintError(f"Cannot fingerprint {_what(obj, name)}: {error}") from error
    except NoCanonicalForm:
        raise
    except Exception as error:  # each library, and a user's own code in it, raises its own kinds
        raise FingerprintError(
            f"Cannot fingerprint {_what(obj, name)}: reading it failed with {error!r}."
        ) from error


def _what(obj: Any, name: str | None) -> str:
    return name or f"a {type(obj).__module__}.{type(obj).__qualname__}"


def _path(
    path: str | os.PathLike[Any], name: str | None, progress: Callable[[int], None] | None
) -> Fingerprint:
    from nbmlops.data.readers.files import fingerprint_path

    # A text may be anything; only a path object is surely meant as a path.
    if isinstance(path, str) and not ("\0" not in path and os.path.exists(path)):
        raise NoCanonicalForm("it is a text that names no file here")
    return fingerprint_path(Path(os.fsdecode(path)), name, progress)


def hash_opened(
    opened: Reading | Stream | Multiset,
    name: str | None,
    progress: Callable[[int], None] | None = None,
) -> Fingerprint:
    """Hash what a reader opened, and put it on record."""
    from nbmlops.data.hashing import hash_reading
    from nbmlops.data.recording import Recorder

    if isinstance(opened, Reading):
        recorder = Recorder(opened.labels(), opened.levels)
        hash_reading(opened, recorder, progress)
        if opened.changed is not None and (reason := opened.changed()):
            raise FingerprintError(f"it changed while it was hashed: {reason}. Hash a copy of it.")
        return recorder.fingerprint(opened.kind, opened.extent, name)
    from nbmlops.data.streams import Stream, hash_stream

    if isinstance(opened, Stream):
        recorder = Recorder(opened.schema.names)
        rows = hash_stream(opened, recorder, progress)
        return recorder.fingerprint("table", (rows,), name)
    return opened.fingerprint(name)


def multiset_digest(obj: Any) -> str:
    """Name the rows of a table or column whatever their order; equal on every engine.

    An index without a name is no content here. This costs microseconds a row, not nanoseconds.

    :raises FingerprintError: if it has no rows, or cannot be read.
    """
    with naming(obj):
        try:
            return multiset_of(open_object(obj)).digest()
        except NoCanonicalForm as gap:
            raise FingerprintError(f"it has no order-free digest: {gap}.") from gap


def multiset_of(opened: Reading | Stream | Multiset) -> Multiset:
    """Sum the rows of what a reader opened.

    :raises NoCanonicalForm: if it has no rows.
    """
    from nbmlops.data.multiset import Multiset, unordered_entries

    if isinstance(opened, Multiset):
        return opened
    if isinstance(opened, Reading):
        if opened.kind not in ("table", "column", "list", "dataset"):
            raise NoCanonicalForm(f"kind {opened.kind} has no rows to reorder")
        return Multiset.of(unordered_entries(opened.entries), opened.rows)
    found = Multiset.of_batch(opened.schema.empty_table())
    for batch in opened.batches:
        found = found.plus(Multiset.of_batch(batch))
    return found
