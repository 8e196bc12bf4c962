"""Alembic's entry: runs the migrations on the connection that `upgrade` hands over."""

from alembic import context

from nbmlops.governance.sqlalchemy_ledger import facts_table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=facts_table.metadata,
)
with context.begin_transaction():
    context.run_migrations()
