"""Everything that nbmlops raises.

Each message says what is wrong, where, and what to do next. A door (magic, command line, HTTP)
translates the class once: ``exit_code`` for a shell, ``status`` for HTTP.

::

    NbmlopsError
    ├── SettingsError           nbmlops.toml or the environment cannot be used
    ├── NotFound                no such run, promotion, schedule, review ...
    ├── Ambiguous               an abbreviated id fits more than one
    ├── FingerprintError        the data could not be read to its end
    ├── NotebookError           a notebook is missing, unreadable or cannot be parameterized
    │   ├── KernelMissing       its kernel is not installed here
    │   └── CellFailed          one of its cells raised
    ├── CheckFailed             a promotion was checked and does not hold
    ├── NotDismissible          a run that was seen, not inferred, cannot be dismissed
    ├── Refused                 the policy does not allow it (yet)
    │   ├── Stale               what was signed is not what is here now
    │   └── TooLarge            more is brought than may be brought at once
    ├── StoreError              a store cannot do what was asked
    │   ├── StoreUnreachable    MLflow does not answer
    │   ├── StoreFull           the disk has no room for it
    │   ├── LedgerLocked        another process holds the ledger
    │   └── SchemaTooNew        written by a newer nbmlops
    └── IntegrityError          stored content is not what its digest says
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "Ambiguous",
    "CellFailed",
    "CheckFailed",
    "FingerprintError",
    "IntegrityError",
    "KernelMissing",
    "LedgerLocked",
    "NbmlopsError",
    "NotDismissible",
    "NotFound",
    "NotebookError",
    "Refused",
    "SchemaTooNew",
    "SettingsError",
    "Stale",
    "StoreError",
    "StoreFull",
    "StoreUnreachable",
    "TooLarge",
]


class NbmlopsError(Exception):
    """Any failure that nbmlops foresaw; ``str(error)`` is meant for the person at the door."""

    exit_code: ClassVar[int] = 1
    status: ClassVar[int] = 500

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback: how we came to the sentence helps nobody."""
        return [f"{type(self).__name__}: {self}"]


class SettingsError(NbmlopsError):
    """nbmlops.toml or an environment variable cannot be used."""

    exit_code = 2
    status = 500


class NotFound(NbmlopsError):
    """Nothing here has that id or name."""

    exit_code = 3
    status = 404


class Ambiguous(NbmlopsError):
    """An abbreviated id fits more than one record."""

    exit_code = 3
    status = 400


class FingerprintError(NbmlopsError):
    """An object or file could not be read to its end, so its content cannot be named."""

    exit_code = 4
    status = 422


class NotebookError(NbmlopsError):
    """A notebook is missing, unreadable or cannot be parameterized."""

    exit_code = 4
    status = 422


class KernelMissing(NotebookError):
    """The kernel that a notebook asks for is not installed here."""


class CellFailed(NotebookError):
    """A cell raised while a notebook ran; the executed notebook up to there is kept."""


class CheckFailed(NbmlopsError):
    """A promotion was checked, and what it claims does not hold."""

    exit_code = 5
    status = 422


class NotDismissible(NbmlopsError):
    """Only what was inferred can be dismissed: a library's training is one."""

    exit_code = 2
    status = 409


class Refused(NbmlopsError):
    """The policy does not allow it, or not yet; ``missing`` holds one sentence per unmet demand."""

    exit_code = 6
    status = 403

    def __init__(self, message: str, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing or (message,)


class Stale(Refused):
    """What was signed is not what is here now."""

    status = 409


class TooLarge(Refused):
    """More is brought than may be brought at once."""

    status = 413


class StoreError(NbmlopsError):
    """A store cannot do what was asked of it."""

    exit_code = 7
    status = 503


class StoreUnreachable(StoreError):
    """MLflow does not answer."""


class StoreFull(StoreError):
    """The disk has no room for it."""

    status = 507


class LedgerLocked(StoreError):
    """Another process holds the ledger for longer than we wait."""


class SchemaTooNew(StoreError):
    """The ledger was written by a newer nbmlops than this one."""


class IntegrityError(NbmlopsError):
    """Stored content is not what its digest says: it was changed or damaged."""

    exit_code = 8
    status = 409
