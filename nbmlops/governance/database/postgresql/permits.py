"""Permits for the registry's triggers: one for each write that the gate has let through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy.exc import DatabaseError

from nbmlops.errors import Refused
from nbmlops.governance.database.postgresql.engine import create_postgresql_engine

__all__ = ["Permits", "PermittedWrite"]

PermittedWrite = Literal["model", "version", "alias", "unalias"]


class Permits:
    """Grants permits as the role ``review``; on a database without triggers none is needed."""

    def __init__(self, place: object) -> None:
        is_database = isinstance(place, str) and place.startswith("postgresql")
        self._engine = create_postgresql_engine(str(place)) if is_database else None

    @contextmanager
    def granted(self, write: PermittedWrite, model: str, subject: str) -> Iterator[None]:
        """Let one write pass while this lasts.

        What MLflow made no use of is taken back, and a permit whose session ended, as by a crash,
        is none any more.

        :raises Refused: if this process has not the role that decides.
        """
        if self._engine is None:
            yield
            return
        with self._engine.connect() as connection:
            try:
                permit = connection.exec_driver_sql(
                    "SELECT nbmlops.permit(%s, %s, %s)", (write, model, subject)
                ).scalar_one()
                connection.commit()  # MLflow writes on a connection of its own
            except DatabaseError as error:
                raise Refused(
                    f"This process may not let anything into the registry of model {model!r}: "
                    f"{str(error.orig).splitlines()[0]}. Register through nbmlops server."
                ) from error
            try:
                yield
            finally:
                connection.exec_driver_sql("SELECT nbmlops.take_back(%s)", (permit,))
                connection.commit()
