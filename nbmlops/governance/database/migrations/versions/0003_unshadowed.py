"""On PostgreSQL: no temporary table stands before what the ledger's functions read."""

from alembic import op

from nbmlops.governance.database.postgresql.guards import UNSHADOWED

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Name the schema of temporary tables last; unnamed it comes first."""
    if op.get_bind().dialect.name == "postgresql":
        for statement in UNSHADOWED:
            op.execute(statement)
