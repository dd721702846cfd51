"""Until when the evidence of each file lasts; numbers that were left out, and why.

`lasting` is not guarded: it is found out from the files, and can be found out again.
"""

from __future__ import annotations

from alembic import op

from qujat.registers.migrations.only_growing import guard

revision = "0005"
down_revision = "0004"

_SKIPPED = """CREATE TABLE skipped (
  id {own_key}, authority TEXT NOT NULL, year {key} NOT NULL, first {key} NOT NULL, last {key} NOT NULL,
  reason TEXT NOT NULL, at TEXT NOT NULL)"""
_WORDS = {
    "sqlite": {"own_key": "INTEGER NOT NULL PRIMARY KEY", "key": "INTEGER"},
    "postgresql": {"own_key": "BIGSERIAL PRIMARY KEY", "key": "BIGINT"},
}


def upgrade() -> None:
    op.execute("CREATE TABLE lasting (sha256 TEXT NOT NULL PRIMARY KEY, rules TEXT NOT NULL, lapses TEXT NOT NULL)")
    op.execute(_SKIPPED.format_map(_WORDS[op.get_bind().dialect.name]))
    guard({"skipped": [("id",)]})
