"""Clients of the API, those whose keys were taken away, and the trail of what each of them did. They only grow."""

from __future__ import annotations

from alembic import op

from qujat.registers.migrations.only_growing import guard

revision = "0004"
down_revision = "0003"

_TABLES = (
    """CREATE TABLE client (
  id {own_key}, name TEXT NOT NULL UNIQUE, key_hash TEXT NOT NULL UNIQUE, authorities TEXT NOT NULL,
  forms TEXT NOT NULL, scopes TEXT NOT NULL, made_at TEXT NOT NULL)""",
    "CREATE TABLE client_revoked (client {key} NOT NULL PRIMARY KEY REFERENCES client (id), at TEXT NOT NULL)",
    """CREATE TABLE deed (
  id {own_key}, client {key} NOT NULL REFERENCES client (id), deed TEXT NOT NULL, number TEXT NOT NULL,
  at TEXT NOT NULL, outcome TEXT NOT NULL, request TEXT NOT NULL)""",
    "CREATE INDEX deed_client ON deed (client, id)",
    "CREATE INDEX deed_number ON deed (number)",
)
_WORDS = {
    "sqlite": {"own_key": "INTEGER NOT NULL PRIMARY KEY", "key": "INTEGER"},
    "postgresql": {"own_key": "BIGSERIAL PRIMARY KEY", "key": "BIGINT"},
}


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement.format_map(_WORDS[op.get_bind().dialect.name]))
    guard({"client": [("id",), ("name",), ("key_hash",)], "client_revoked": [("client",)], "deed": [("id",)]})
