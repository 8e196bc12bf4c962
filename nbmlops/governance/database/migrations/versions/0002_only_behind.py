"""On SQLite: rows come only behind the last one, whatever the conflict clause."""

from alembic import op

from nbmlops.governance.database.sqlite import INSERT_GUARD

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the trigger; PostgreSQL's append function checks the same."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(INSERT_GUARD)
