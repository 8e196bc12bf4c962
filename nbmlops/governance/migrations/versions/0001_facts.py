"""The table of facts, guarded against change."""

import sqlalchemy as sa
from alembic import op

from nbmlops.governance.sqlite_engine import GUARDS

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table, and on SQLite the triggers that keep it append-only."""
    op.create_table(
        "facts",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        for guard in GUARDS:
            op.execute(guard)
