"""What has been found out about evidence: until when each file lasts. Not guarded: it can be found out again."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("CREATE TABLE lasting (sha256 TEXT NOT NULL PRIMARY KEY, rules TEXT NOT NULL, lapses TEXT NOT NULL)")
