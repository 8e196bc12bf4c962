"""Whether a database role could write the registry past the gate: tried, and taken back."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from nbmlops.governance.database.postgresql.engine import create_postgresql_engine

__all__ = ["may_write_registry"]

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


def may_write_registry(url: str) -> bool:
    """Try each way to lay what nobody let in; whatever comes of it, all is rolled back."""
    engine = create_postgresql_engine(url)
    try:
        return any(_passes(engine, statements) for statements in _WAYS)
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
