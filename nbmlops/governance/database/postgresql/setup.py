"""Make a PostgreSQL database ready for a team: roles, tables, guards, grants."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DatabaseError

from nbmlops.errors import StoreError
from nbmlops.governance.database.migrations import upgrade
from nbmlops.governance.database.postgresql.engine import PostgresqlStorage, with_driver
from nbmlops.governance.database.postgresql.guards import REGISTRY, SCHEMA

__all__ = ["ROLES", "prepare_database"]

ROLES = ("app", "review")
"""What the server works as, and what alone may decide."""


def prepare_database(owner_url: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """Bring the database up to date; the URLs of the roles ``app`` and ``review``.

    `passwords` names a role's password; without one a new one is made. Running it again, after an
    upgrade of MLflow or nbmlops, migrates and renews the guards, and sets the passwords anew.

    :raises StoreError: if the database does not answer, or its role may not do this.
    """
    storage = PostgresqlStorage(owner_url, owner=True)
    chosen = {role: passwords.get(role) or secrets.token_urlsafe(24) for role in ROLES}
    try:
        _make_mlflow_tables(storage.engine.url)
        storage.create()
        upgrade(storage)
        with storage.engine.begin() as connection:
            for statement in REGISTRY:
                connection.execute(text(statement))
            for role, password in chosen.items():
                _make_role(connection, role, password)
            for statement in _grants(storage.engine.url.database or ""):
                connection.exec_driver_sql(statement)
    except DatabaseError as error:
        raise StoreError(
            f"The database {storage.name} cannot be prepared: {str(error.orig).strip()}. Use the "
            "URL of a role that owns the database and may create roles."
        ) from error
    finally:
        storage.engine.dispose()
    return {role: _role_url(owner_url, role, password) for role, password in chosen.items()}


def _make_mlflow_tables(url: URL) -> None:
    """MLflow's own migrations, without the default experiment that its stores would add."""
    from mlflow.store.db.utils import _all_tables_exist, _initialize_tables, _upgrade_db
    from sqlalchemy import create_engine

    engine = create_engine(url)
    try:
        if _all_tables_exist(engine):
            _upgrade_db(engine)
        else:
            _initialize_tables(engine)
    finally:
        engine.dispose()


def _make_role(connection: Connection, role: str, password: str) -> None:
    from psycopg import sql

    name = f"{connection.engine.url.database}_{role}"
    known = connection.exec_driver_sql("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).first()
    verb = sql.SQL("ALTER" if known else "CREATE")
    statement = sql.SQL(
        "{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD {}"
    ).format(verb, sql.Identifier(name), sql.Literal(password))
    # SQLAlchemy takes a text only: the driver quotes it.
    connection.exec_driver_sql(statement.as_string(None).replace("%", "%%"))


def _grants(database: str) -> list[str]:
    app, review = (f'"{database}_{role}"' for role in ROLES)
    both = f"{app}, {review}"
    return [
        f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC",
        f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {SCHEMA} FROM PUBLIC",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f'REVOKE CREATE, TEMPORARY ON DATABASE "{database}" FROM PUBLIC',
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {both}",
        f"GRANT SELECT ON {SCHEMA}.facts, {SCHEMA}.alembic_version TO {both}",
        f"REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} FROM {both}",
        f"GRANT EXECUTE ON FUNCTION {SCHEMA}.lock_head(),"
        f" {SCHEMA}.append_fact(bigint, bytea, text), {SCHEMA}.permit(text, text, text),"
        f" {SCHEMA}.take_back(bigint) TO {review}",
        f"GRANT USAGE ON SCHEMA public TO {app}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app}",
        f"REVOKE INSERT, UPDATE, DELETE ON public.alembic_version FROM {app}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {app}",
    ]


def _role_url(owner_url: str, role: str, password: str) -> str:
    url = with_driver(owner_url)
    role_url = url.set(
        drivername="postgresql", username=f"{url.database}_{role}", password=password
    )
    return role_url.render_as_string(hide_password=False)
