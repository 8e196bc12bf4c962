"""The server's PostgreSQL: its roles, and its triggers over ledger and registry."""

from nbmlops.governance.database.postgresql.permits import Permits, PermittedWrite
from nbmlops.governance.database.postgresql.probe import may_write_ledger, may_write_registry
from nbmlops.governance.database.postgresql.setup import ROLES, prepare_database

__all__ = [
    "ROLES",
    "Permits",
    "PermittedWrite",
    "may_write_ledger",
    "may_write_registry",
    "prepare_database",
]
