"""What a database role could write past the gate: tried, and taken back."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from nbmlops.governance.database.postgresql.engine import create_postgresql_engine

__all__ = ["may_write_ledger", "may_write_registry"]

_MODEL = (
    "INSERT INTO public.registered_models (name, workspace) VALUES ('nbmlops-doctor', 'default')"
)
_CHECKED, _UNCHECKED = "SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED"
_WAYS = (
    (_MODEL, _CHECKED),
    # As a prompt, which anybody may make, that is then told to be none.
    (
        _MODEL,
        "INSERT INTO public.registered_model_tags (key, value, name, workspace) "
        "VALUES ('mlflow.prompt.is_prompt', 'true', 'nbmlops-doctor', 'default')",
        _CHECKED,
        _UNCHECKED,
        "DELETE FROM public.registered_model_tags WHERE name = 'nbmlops-doctor'",
        _CHECKED,
    ),
    # An alias ahead of its version, which no sign-off will have given it.
    (
        _MODEL,
        "INSERT INTO public.registered_model_aliases (name, alias, version, workspace) "
        "VALUES ('nbmlops-doctor', 'champion', 1, 'default')",
    ),
)
# A fact behind the last one, of a kind that nobody could read.
_FACT = (
    "SELECT nbmlops.append_fact(head_sequence + 1, convert_to(json_build_object("
    "'sequence', head_sequence + 1, 'previous', head_digest)::text, 'UTF8'), repeat('0', 64)) "
    "FROM nbmlops.lock_head()"
)
_ROW = (
    "INSERT INTO nbmlops.facts SELECT max(sequence) + 1, ''::bytea, repeat('0', 64) "
    "FROM nbmlops.facts"
)


def may_write_registry(url: str) -> bool:
    """Try each way to lay what nobody let in; whatever comes of it, all is rolled back."""
    return _any_passes(url, _WAYS)


def may_write_ledger(url: str) -> bool:
    """Try to put a fact on the ledger, by its function and past it; all is rolled back."""
    return _any_passes(url, ((_FACT,), (_ROW,)))


def _any_passes(url: str, ways: Iterable[tuple[str, ...]]) -> bool:
    engine = create_postgresql_engine(url)
    try:
        return any(_passes(engine, statements) for statements in ways)
    finally:
        engine.dispose()


def _passes(engine: Engine, statements: tuple[str, ...]) -> bool:
    with engine.connect() as connection, connection.begin() as transaction:
        try:
            for statement in statements:
                connection.exec_driver_sql(statement)
        except DatabaseError:
            return False
        finally:
            transaction.rollback()
        return True
