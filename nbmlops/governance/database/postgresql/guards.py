"""What PostgreSQL itself refuses, as SQL: the ledger's guards and the registry's.

Three roles: the *owner* migrates; *app* (``<database>_app``) is what the server works with;
*review* (``<database>_review``) alone may write to the ledger and permit a write to the registry.
Functions run as the owner (SECURITY DEFINER), so who calls is `session_user`, which no client of a
role can change. Nothing here binds the owner: that is what checkpoints kept elsewhere are for.
"""

from __future__ import annotations

from importlib import resources

__all__ = ["APPEND", "LEDGER", "REGISTRY", "SCHEMA", "UNSHADOWED"]

SCHEMA = "nbmlops"
"""The schema that holds the ledger, the permits and the functions."""


def _statements(name: str) -> tuple[str, ...]:
    """The statements of a file; a line of two dashes stands between them."""
    text = (resources.files(__package__) / "sql" / name).read_text(encoding="utf-8")
    return tuple(part.strip() for part in text.split("\n--\n") if part.strip())


LEDGER = _statements("ledger.sql")
"""Run once, after the table of facts."""

UNSHADOWED = tuple(
    f"ALTER FUNCTION nbmlops.{function} SET search_path = pg_catalog, pg_temp"
    for function in ("may_decide()", "lock_head()")
)
"""What the ledger's functions read is named before anybody's temporary tables."""

APPEND = _statements("append.sql")
"""Who may append, and where: in the place of the function that older databases have."""

REGISTRY = tuple(
    statement
    for name in ("permits.sql", "registry.sql", "registry_triggers.sql")
    for statement in _statements(name)
)
"""Run by the owner after each of MLflow's migrations; running it again changes nothing."""
