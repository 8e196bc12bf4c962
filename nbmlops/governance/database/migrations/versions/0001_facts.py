"""The table of facts, guarded against change."""

import sqlalchemy as sa
from alembic import context, op

from nbmlops.governance.database.postgresql import guards
from nbmlops.governance.database.sqlite import GUARDS

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table, and the triggers that keep it append-only."""
    op.create_table(
        "facts",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        schema=context.config.attributes["schema"],
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for guard in GUARDS if sqlite else guards.LEDGER:
        op.execute(guard)
