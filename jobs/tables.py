"""The rows of jobs, the same on SQLite and PostgreSQL. A moment is text in UTC to the second, as in the register."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()
_KEY = BigInteger().with_variant(Integer(), "sqlite")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


# Who wants to be told of what. `secret` is encrypted; `removed_at` is empty while it is in use.
webhook = Table(
    "webhook",
    metadata,
    Column("id", Text, primary_key=True),
    *(_text(name) for name in ("url", "events", "authority")),
    Column("secret", LargeBinary, nullable=False),
    *(_text(name) for name in ("made_at", "removed_at")),
)
# One event for one webhook. `state`: waiting, delivered, given-up. `due_at`: the next attempt, while it waits.
delivery = Table(
    "delivery",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("webhook", Text, ForeignKey("webhook.id"), nullable=False),
    *(_text(name) for name in ("event", "body", "made_at", "state", "due_at", "trouble")),
    _count("attempts"),
    Index(
        "delivery_due",
        "due_at",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index("delivery_webhook", "webhook", "state"),
)
# A batch by the name that its owner gave it. `sha256`: of what was sent.
batch = Table(
    "batch",
    metadata,
    Column("id", _KEY, primary_key=True),
    *(_text(name) for name in ("owner", "name", "sha256", "permit", "made_at")),
    Column("decisions", Integer, nullable=False),
    UniqueConstraint("owner", "name"),
)
# Some lines of a batch. `content` until they are done, `rows` (the results) after. `trouble`: the last, while not done.
part = Table(
    "part",
    metadata,
    Column("batch", _KEY, ForeignKey("batch.id"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("content", LargeBinary),
    Column("rows", Text),
    *(_count(name) for name in ("issued", "refused", "attempts")),
    Column("trouble", Text, nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("batch", "place"),
    Index("part_open", "batch", "place", sqlite_where=text("rows IS NULL"), postgresql_where=text("rows IS NULL")),
)
