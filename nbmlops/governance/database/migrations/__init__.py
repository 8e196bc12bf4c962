"""The ledger's schema, version by version (Alembic)."""

from __future__ import annotations

from pathlib import Path

from nbmlops.governance.database.storage import LedgerStorage

__all__ = ["upgrade"]


def upgrade(storage: LedgerStorage) -> None:
    """Bring the database behind `storage` to the newest version; processes may race to do so."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with storage.engine.connect() as raw:
        connection = raw.execution_options(nbmlops_begin="IMMEDIATE")
        with connection.begin():
            config.attributes["connection"] = connection
            config.attributes["schema"] = storage.schema
            command.upgrade(config, "head")
