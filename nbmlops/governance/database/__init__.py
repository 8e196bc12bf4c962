"""Where the ledger is kept: SQLite or PostgreSQL, whose triggers guard it."""

from nbmlops.governance.database.sqlalchemy_ledger import SqlAlchemyLedger

__all__ = ["SqlAlchemyLedger"]
