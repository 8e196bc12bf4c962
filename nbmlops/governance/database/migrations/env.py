"""Alembic's entry: runs the migrations on the connection that `upgrade` hands over."""

from alembic import context

from nbmlops.governance.database.storage import facts_table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=facts_table.metadata,
    version_table_schema=context.config.attributes["schema"],
)
with context.begin_transaction():
    context.run_migrations()
