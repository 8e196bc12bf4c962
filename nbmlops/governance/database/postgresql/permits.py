"""Permits for the registry's triggers: one for each write that the gate has let through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DatabaseError

from nbmlops.errors import Refused
from nbmlops.governance.database.postgresql.engine import create_postgresql_engine

__all__ = ["Permits", "PermittedWrite"]

PermittedWrite = Literal["model", "version", "alias", "unalias"]

_shown: ContextVar[str | None] = ContextVar("nbmlops_permit", default=None)


class Permits:
    """Grants permits as the role ``review``; on a database without triggers none is needed."""

    def __init__(self, place: object) -> None:
        is_database = isinstance(place, str) and place.startswith("postgresql")
        self._engine = create_postgresql_engine(str(place)) if is_database else None

    def shown_by(self, engine: Engine) -> None:
        """Let the transactions of `engine`, which MLflow writes with, show what is granted."""
        if self._engine is not None and not event.contains(engine, "begin", _show):
            event.listen(engine, "begin", _show)

    @contextmanager
    def granted(self, write: PermittedWrite, model: str, subject: str) -> Iterator[None]:
        """Let one write pass while this lasts, by a transaction that begins in it.

        Nobody else's passes, though they have the same role: they do not know its secret. What
        MLflow made no use of is taken back, and a permit whose session ended, as by a crash, is
        none any more.

        :raises Refused: if this process has not the role that decides.
        """
        if self._engine is None:
            yield
            return
        with self._engine.connect() as connection:
            try:
                permit, secret = connection.exec_driver_sql(
                    "SELECT granted, shown FROM nbmlops.permit(%s, %s, %s)", (write, model, subject)
                ).one()
                connection.commit()  # MLflow writes on a connection of its own
            except DatabaseError as error:
                raise Refused(
                    f"This process may not let anything into the registry of model {model!r}: "
                    f"{str(error.orig).splitlines()[0]}. Register through nbmlops server; after an "
                    "upgrade the database's owner runs nbmlops server init."
                ) from error
            token = _shown.set(secret)
            try:
                yield
            finally:
                _shown.reset(token)
                connection.exec_driver_sql("SELECT nbmlops.take_back(%s)", (permit,))
                connection.commit()


def _show(connection: Connection) -> None:
    """Tell the triggers the secret, for this transaction alone.

    It goes as a parameter: the text of a statement is shown to every session of the same role.
    """
    secret = _shown.get()
    if secret is not None:
        connection.exec_driver_sql("SELECT set_config('nbmlops.permit', %s, true)", (secret,))
