"""What the register keeps of renewed evidence: each renewal is a file more beside the old one, never in its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from qujat.entries import StoredFile
from qujat.sqlitefile import text

SCHEMA = """
CREATE TABLE IF NOT EXISTS renewal (
  id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL REFERENCES document, role TEXT NOT NULL,
  language TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, page TEXT NOT NULL, engine TEXT NOT NULL,
  at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS renewal_document ON renewal (document);
CREATE INDEX IF NOT EXISTS renewal_sha256 ON renewal (sha256);
"""
FOREVER: dict[str, list[tuple[str, ...]]] = {"renewal": [("id",)]}

_COLUMNS = "role, language, name, sha256, page, engine"


class Files(NamedTuple):
    """The files of a document as they are now, in the order of issue, and those that were renewed, oldest first."""

    current: tuple[StoredFile, ...]
    former: tuple[StoredFile, ...]


def files(db: sqlite3.Connection, document: int) -> Files:
    issued = db.execute(f"SELECT {_COLUMNS} FROM file WHERE document = ? ORDER BY rowid", (document,))  # noqa: S608
    current = {row[:2]: StoredFile(*row) for row in issued}
    former = []
    renewed = db.execute(f"SELECT {_COLUMNS} FROM renewal WHERE document = ? ORDER BY id", (document,))  # noqa: S608
    for row in renewed:
        former.append(current[row[:2]])
        current[row[:2]] = StoredFile(*row)
    return Files(tuple(current.values()), tuple(former))


def add(db: sqlite3.Connection, document: int, files: Sequence[StoredFile], at: datetime) -> None:
    """Enter renewed files of a document."""
    db.executemany(
        f"INSERT INTO renewal (document, {_COLUMNS}, at) VALUES (?,?,?,?,?,?,?,?)",  # noqa: S608
        [(document, f.role, f.language, f.name, f.sha256, f.page, f.engine, text(at)) for f in files],
    )


def recorded_at(db: sqlite3.Connection, sha256: str) -> datetime | None:
    """When a file with this hash was issued, or renewed to it."""
    row = db.execute(
        "SELECT entry.at FROM file JOIN entry USING (document) WHERE file.sha256 = ? AND entry.kind = 'active'"
        " UNION SELECT at FROM renewal WHERE sha256 = ? ORDER BY 1 LIMIT 1",
        (sha256, sha256),
    ).fetchone()
    return datetime.fromisoformat(row[0]) if row else None
