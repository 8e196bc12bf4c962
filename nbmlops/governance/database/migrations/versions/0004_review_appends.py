"""On PostgreSQL: the role that decides alone writes to the ledger, whatever the fact."""

from alembic import op

from nbmlops.governance.database.postgresql.guards import APPEND

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Anybody else's fact may be one that nobody can read, and then all decisions stop."""
    if op.get_bind().dialect.name == "postgresql":
        for statement in APPEND:
            op.execute(statement)
