"""An SQLite file that only grows: write-ahead log, every commit on the disk before it is acknowledged."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

# What is kept for ever: tables, and the sets of columns by which a row is the same row.
Forever = Mapping[str, list[tuple[str, ...]]]

_PATIENCE = 30.0  # seconds to wait for another writer


def open_file(path: Path | str, schema: str, forever: Forever) -> sqlite3.Connection:
    """Open, and make what is not there yet. Waits for another process that is doing the same."""
    db = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE)
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            _prepare(db, schema, forever)
        except sqlite3.OperationalError as error:
            # A change of the journal mode does not wait by itself, whatever the time-out.
            if (
                error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                or time.monotonic() > give_up
            ):
                raise
            time.sleep(0.02)
        else:
            return db


def _prepare(db: sqlite3.Connection, schema: str, forever: Forever) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    db.executescript(schema + _only_growing(forever))


def _only_growing(forever: Forever) -> str:
    """Triggers that refuse to change, delete or replace a row of what is kept for ever."""
    triggers = []
    for table, keys in forever.items():
        same = " OR ".join("(" + " AND ".join(f"{column} = NEW.{column}" for column in key) + ")" for key in keys)
        # REPLACE deletes without running the triggers of DELETE, so it is refused when it inserts.
        there = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608  names of ours
        for deed, when in (("UPDATE", ""), ("DELETE", ""), ("INSERT", there)):
            triggers.append(
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{deed.lower()} BEFORE {deed} ON {table} {when} "
                f"BEGIN SELECT RAISE(ABORT, 'the register only grows'); END;\n"
            )
    return "".join(triggers)


def text(moment: datetime) -> str:
    """A moment as it stands in a row: UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
