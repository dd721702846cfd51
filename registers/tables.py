"""The register's tables, the same on SQLite and PostgreSQL. The migrations make them; these are for asking.

A moment is text in UTC to the second, and the data are the text of their JSON: a row reads back as it was written,
whatever the driver makes of times and objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    insert,
    text,
)

HEAD = "0006"  # the newest migration: what a register must be at

metadata = MetaData()
_KEY = BigInteger().with_variant(Integer(), "sqlite")
# Compared byte by byte, so that an index finds what begins with something.
_PLAIN = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _document() -> Column[int]:
    return Column("document", _KEY, ForeignKey("document.id"), nullable=False)


def _file() -> list[Column[str]]:
    return [_text(name) for name in ("role", "language", "name", "sha256", "page", "engine")]


def _place() -> Column[int]:
    """Where a row stands among those of its document or ticket, from 0."""
    return Column("place", Integer, nullable=False, server_default=text("0"))


document = Table(
    "document",
    metadata,
    Column("id", _KEY, primary_key=True),
    *(_text(name) for name in ("authority", "decision", "number", "digest")),
    Column("token", LargeBinary, nullable=False, unique=True),
    _text("code"),
    Column("salt", LargeBinary, nullable=False),
    _text("reserved_at"),
    _text("data"),
    UniqueConstraint("authority", "decision"),
    UniqueConstraint("authority", "number"),
    Index("document_number", "number"),
    Index("document_code", "code", unique=True),
)
sequence = Table(
    "sequence",
    metadata,
    _text("authority"),
    Column("year", Integer, nullable=False),
    Column("last", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    PrimaryKeyConstraint("authority", "year"),
)
skipped = Table(
    "skipped",
    metadata,
    Column("id", _KEY, primary_key=True),
    _text("authority"),
    *(Column(name, _KEY, nullable=False) for name in ("year", "first", "last")),
    _text("reason"),
    _text("at"),
)
file = Table(
    "file",
    metadata,
    _document(),
    *_file(),
    _place(),
    PrimaryKeyConstraint("document", "role", "language"),
    Index("file_sha256", "sha256"),
)
entry = Table(
    "entry",
    metadata,
    Column("id", _KEY, primary_key=True),
    _document(),
    *(_text(name) for name in ("kind", "at", "reason", "other")),
    Index(
        "issued_once",
        "document",
        unique=True,
        sqlite_where=text("kind = 'active'"),
        postgresql_where=text("kind = 'active'"),
    ),
    Index("entry_document", "document"),
)
renewal = Table(
    "renewal",
    metadata,
    Column("id", _KEY, primary_key=True),
    _document(),
    *_file(),
    _text("at"),
    Index("renewal_document", "document"),
    Index("renewal_sha256", "sha256"),
)
ticket = Table(
    "ticket",
    metadata,
    Column("id", Text, primary_key=True),
    _document(),
    *(_text(name) for name in ("signer", "made_at", "expires_at")),
    _place(),
    Index("ticket_document", "document"),
)
handed_out = Table(
    "handed_out",
    metadata,
    Column("ticket", Text, ForeignKey("ticket.id"), nullable=False),
    *_file(),
    _place(),
    PrimaryKeyConstraint("ticket", "role", "language"),
)
completion = Table(
    "completion",
    metadata,
    Column("ticket", Text, ForeignKey("ticket.id"), primary_key=True),
    *(_text(name) for name in ("at", "signatures", "name", "sha256")),
    _place(),
)
# What documents are found by, taken from their data when they are reserved.
search = Table(
    "search",
    metadata,
    Column("document", _KEY, ForeignKey("document.id"), primary_key=True, autoincrement=False),
    _text("form"),
    Column("day", _PLAIN, nullable=False),
    Index("search_form", "form", "document"),
    Index("search_day", "day", "document"),
)
person = Table(
    "person",
    metadata,
    _document(),
    Column("place", Integer, nullable=False),
    _text("iin"),
    Column("name", _PLAIN, nullable=False),
    PrimaryKeyConstraint("document", "place"),
    Index("person_iin", "iin", "document"),
    Index("person_name", "name"),
)
# Until when the evidence of a file lasts, by which rules: found out once, and again if need be.
lasting = Table(
    "lasting", metadata, Column("sha256", Text, primary_key=True), *(_text(name) for name in ("rules", "lapses"))
)
Index("document_authority", document.c.authority, document.c.id)


class DamagedRow(Exception):
    """A row that cannot be what was written. It never leaves the register: it becomes RegisterUnreachable."""

    def __init__(self) -> None:
        super().__init__("a row is damaged; restore the register from a backup")


def moment_text(moment: datetime) -> str:
    """A moment as it stands in a row: UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def moment(text: str) -> datetime:
    """Raises DamagedRow."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise DamagedRow from None


def add_rows(db: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        db.execute(insert(table), rows)
