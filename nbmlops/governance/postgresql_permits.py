"""Permits for the registry's triggers: one for each write that the gate has let through."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.exc import DatabaseError

from nbmlops.errors import Refused
from nbmlops.governance.postgresql_engine import create_postgresql_engine

__all__ = ["Permits", "PermittedWrite"]

PermittedWrite = Literal["model", "version", "alias", "unalias"]


class Permits:
    """Grants permits as the role ``review``; on a database without triggers none is needed."""

    def __init__(self, place: object) -> None:
        is_database = isinstance(place, str) and place.startswith("postgresql")
        self._engine = create_postgresql_engine(str(place)) if is_database else None

    def grant(self, write: PermittedWrite, model: str, subject: str) -> None:
        """Let one write pass within the next minute.

        :raises Refused: if this process has not the role that decides.
        """
        if self._engine is None:
            return
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql(
                    "SELECT nbmlops.permit(%s, %s, %s)", (write, model, subject)
                )
        except DatabaseError as error:
            raise Refused(
                f"This process may not let anything into the registry of model {model!r}: "
                f"{str(error.orig).splitlines()[0]}. Register through nbmlops server."
            ) from error
