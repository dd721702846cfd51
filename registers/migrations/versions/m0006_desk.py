"""What the office of the clerks keeps, for several servers. With a register in SQLite it has a file of its own."""

from __future__ import annotations

from alembic import op

from qujat.registers.migrations.only_growing import guard

revision = "0006"
down_revision = "0005"

_TABLES = (
    """CREATE TABLE desk_clerk (
  id SERIAL PRIMARY KEY, name VARCHAR(64) NOT NULL UNIQUE, password VARCHAR(256) NOT NULL,
  authority VARCHAR(12) NOT NULL, forms JSON NOT NULL,
  made_at VARCHAR(40) NOT NULL, removed_at VARCHAR(40) NOT NULL)""",
    """CREATE TABLE desk_session (
  id VARCHAR(64) PRIMARY KEY, clerk INTEGER NOT NULL REFERENCES desk_clerk (id), token VARCHAR(64) NOT NULL,
  tongue VARCHAR(2) NOT NULL, sought JSON NOT NULL, made_at VARCHAR(40) NOT NULL, seen_at VARCHAR(40) NOT NULL)""",
    "CREATE INDEX ix_desk_session_clerk ON desk_session (clerk)",
    """CREATE TABLE desk_draft (
  id VARCHAR(32) PRIMARY KEY, clerk INTEGER NOT NULL REFERENCES desk_clerk (id), form VARCHAR(64) NOT NULL,
  contents JSON NOT NULL, changed_at VARCHAR(40) NOT NULL)""",
    "CREATE INDEX ix_desk_draft_clerk ON desk_draft (clerk)",
    "CREATE TABLE desk_letterhead (authority VARCHAR(12) PRIMARY KEY, contents JSON NOT NULL)",
    """CREATE TABLE desk_deed (
  id SERIAL PRIMARY KEY, clerk VARCHAR(64) NOT NULL, deed VARCHAR(32) NOT NULL, authority VARCHAR(12) NOT NULL,
  number VARCHAR(64) NOT NULL, at VARCHAR(40) NOT NULL, outcome VARCHAR(64) NOT NULL)""",
    "CREATE INDEX ix_desk_deed_clerk ON desk_deed (clerk)",
    "CREATE INDEX ix_desk_deed_number ON desk_deed (number)",
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for statement in _TABLES:
        op.execute(statement)
    guard({"desk_deed": [("id",)]})
