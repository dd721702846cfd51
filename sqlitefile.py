"""Opening an SQLite file that several processes write: write-ahead log, every commit on the disk, patience."""

from __future__ import annotations

import sqlite3
import time
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
