"""Whether a database role could write the registry past the gate: tried, and taken back."""

from __future__ import annotations

from sqlalchemy.exc import DatabaseError

from nbmlops.governance.database.postgresql.engine import create_postgresql_engine

__all__ = ["may_write_registry"]

_WRITES = (
    "INSERT INTO public.registered_models (name, workspace) VALUES ('nbmlops-doctor', 'default')",
    "SET CONSTRAINTS ALL IMMEDIATE",
)


def may_write_registry(url: str) -> bool:
    """Try to add a model's name; the transaction is rolled back whatever comes of it."""
    engine = create_postgresql_engine(url)
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            try:
                for statement in _WRITES:
                    connection.exec_driver_sql(statement)
            except DatabaseError:
                return False
            finally:
                transaction.rollback()
            return True
    finally:
        engine.dispose()
