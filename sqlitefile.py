"""Opening an SQLite file that several processes write: write-ahead log, every commit on the disk, patience."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

PATIENCE = 30.0  # seconds to wait for another writer


def opened(path: Path | str, script: str) -> sqlite3.Connection:
    """Open, and run the script that makes what is not there yet. Waits for another process that is doing the same."""
    db = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            _prepare(db, script)
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


def _prepare(db: sqlite3.Connection, script: str) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    db.executescript(script)


def only_growing(forever: Mapping[str, list[tuple[str, ...]]]) -> str:
    """Triggers that refuse to change, delete or replace a row; by table, the columns by which a row is the same row."""
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
