"""Work that outlives a request: webhooks and what they are told, batches and their parts; Procrastinate's own schema.

Procrastinate's schema is that of the version installed when the migration runs. A later version brings its changes as
SQL files of its own: a further migration of ours runs those.
"""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import Connection

revision = "0003"
down_revision = "0002"

_TABLES = (
    """CREATE TABLE webhook (
  id TEXT NOT NULL PRIMARY KEY, url TEXT NOT NULL, events TEXT NOT NULL, authority TEXT NOT NULL,
  secret {bytes} NOT NULL, made_at TEXT NOT NULL, removed_at TEXT NOT NULL)""",
    """CREATE TABLE delivery (
  id {own_key}, webhook TEXT NOT NULL REFERENCES webhook (id), event TEXT NOT NULL, body TEXT NOT NULL,
  made_at TEXT NOT NULL, state TEXT NOT NULL, due_at TEXT NOT NULL, trouble TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX delivery_due ON delivery (due_at) WHERE state = 'waiting'",
    "CREATE INDEX delivery_webhook ON delivery (webhook, state)",
    """CREATE TABLE batch (
  id {own_key}, owner TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, permit TEXT NOT NULL,
  made_at TEXT NOT NULL, decisions INTEGER NOT NULL, UNIQUE (owner, name))""",
    """CREATE TABLE part (
  batch {key} NOT NULL REFERENCES batch (id), place INTEGER NOT NULL, content {bytes}, rows TEXT,
  issued INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
  trouble TEXT NOT NULL DEFAULT '', PRIMARY KEY (batch, place))""",
    "CREATE INDEX part_open ON part (batch, place) WHERE rows IS NULL",
)
_WORDS = {
    "sqlite": {"own_key": "INTEGER NOT NULL PRIMARY KEY", "key": "INTEGER", "bytes": "BLOB"},
    "postgresql": {"own_key": "BIGSERIAL PRIMARY KEY", "key": "BIGINT", "bytes": "BYTEA"},
}


def upgrade() -> None:
    db = op.get_bind()
    for statement in _TABLES:
        op.execute(statement.format_map(_WORDS[db.dialect.name]))
    if db.dialect.name == "postgresql":
        _procrastinate(db)


def _procrastinate(db: Connection) -> None:
    """Its schema is many statements in one text, which only the driver itself takes."""
    from procrastinate.schema import SchemaManager

    driver: Any = db.connection.driver_connection
    driver.execute(SchemaManager.get_schema())
