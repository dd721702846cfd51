"""Sessions in one SQLite file, for several processes of one machine.

The file holds documents until their session is long past, so it is its owner's alone (0600), and what is deleted is
overwritten. Rows stand under the SHA-256 of the session's id: whoever reads the file learns no address by it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from qujat.errors import StoreError
from qujat.signing.adapters.exchange import Signatory, ToSign
from qujat.signing.adapters.sessions import LONGEST, MOST_ATTEMPTS, Session, State

_PATIENCE = 30.0  # seconds to wait for another process
_SCHEMA = """
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS session (
  key TEXT PRIMARY KEY, token TEXT NOT NULL, signatory TEXT NOT NULL, description TEXT NOT NULL,
  expires_at REAL NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, reference TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS document (
  session TEXT NOT NULL REFERENCES session ON DELETE CASCADE, place INTEGER NOT NULL, id TEXT NOT NULL,
  names TEXT NOT NULL, content BLOB NOT NULL, mime TEXT NOT NULL, shown BLOB, PRIMARY KEY (session, place));
"""


@dataclass(frozen=True, slots=True)
class InFile:
    """The sessions of a file, which is made when it is first needed. Every method raises StoreError if it cannot."""

    path: Path

    def add(self, session: Session, now: datetime) -> None:
        who, key = session.signatory, _key(session.id)
        row = (
            key,
            session.token,
            json.dumps([who.bin, who.iin, who.role]),
            json.dumps(dict(session.description), ensure_ascii=False),
            session.expires_at.timestamp(),
            session.state,
            session.attempts,
            session.reference,
        )
        with self._writing() as db:
            db.execute("DELETE FROM session WHERE expires_at <= ?", ((now - LONGEST).timestamp(),))
            db.execute("INSERT INTO session VALUES (?,?,?,?,?,?,?,?)", row)
            documents = [_document_row(key, place, document) for place, document in enumerate(session.documents)]
            db.executemany("INSERT INTO document VALUES (?,?,?,?,?,?,?)", documents)

    def get(self, session_id: str) -> Session | None:
        key = _key(session_id)
        with self._writing() as db:
            row = db.execute("SELECT * FROM session WHERE key = ?", (key,)).fetchone()
            found = db.execute(
                "SELECT id, names, content, mime, shown FROM document WHERE session = ? ORDER BY place", (key,)
            ).fetchall()
        return _session(session_id, row, [_document(document) for document in found]) if row else None

    def claim(self, session_id: str, now: datetime) -> bool:
        with self._writing() as db:
            changed = db.execute(
                "UPDATE session SET state = 'busy'"
                " WHERE key = ? AND state = 'open' AND ? < expires_at AND attempts < ?",
                (_key(session_id), now.timestamp(), MOST_ATTEMPTS),
            )
            return changed.rowcount == 1

    def release(self, session_id: str) -> None:
        self._change(session_id, "open", 1)

    def close(self, session_id: str, state: Literal["signed", "cancelled"]) -> None:
        self._change(session_id, state, 0)

    def _change(self, session_id: str, state: State, attempts: int) -> None:
        with self._writing() as db:
            db.execute(
                "UPDATE session SET state = ?, attempts = attempts + ? WHERE key = ?",
                (state, attempts, _key(session_id)),
            )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One process at a time; whatever raises leaves no trace. A connection each time: any thread may come."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # before SQLite makes it for others to read
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)) as db:
                db.executescript(_SCHEMA)
                db.execute("BEGIN IMMEDIATE")
                with db:
                    yield db
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"the sessions in {self.path} do not answer: {error}; try again") from error


def _key(session_id: str) -> str:
    return sha256(session_id.encode()).hexdigest()


def _document_row(key: str, place: int, document: ToSign) -> tuple[Any, ...]:
    names = json.dumps(dict(document.names), ensure_ascii=False)
    return key, place, document.id, names, document.content, document.mime, document.shown


def _document(row: tuple[Any, ...]) -> ToSign:
    found_id, names, content, mime, shown = row
    return ToSign(found_id, json.loads(names), content, mime, shown)


def _session(session_id: str, row: tuple[Any, ...], documents: list[ToSign]) -> Session:
    _, token, signatory, description, expires_at, state, attempts, reference = row
    return Session(
        session_id,
        token,
        tuple(documents),
        Signatory(*json.loads(signatory)),
        json.loads(description),
        datetime.fromtimestamp(expires_at, UTC),
        state,
        attempts,
        reference,
    )
