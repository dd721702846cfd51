"""Alembic's way in: the steps run on the connection, and in the transaction, of `registers.upgrading`."""

from __future__ import annotations

from alembic import context

from qujat.registers.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
