"""The register's tables for documents that are signed elsewhere: tickets, what was handed out, what came back."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from qujat.entries import Completion, Document, NewTicket, SignerRole, StoredFile, Ticket
from qujat.sqlitefile import text

SCHEMA = """
CREATE TABLE IF NOT EXISTS ticket (
  id TEXT PRIMARY KEY, document INTEGER NOT NULL REFERENCES document, signer TEXT NOT NULL, made_at TEXT NOT NULL,
  expires_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ticket_document ON ticket (document);
CREATE TABLE IF NOT EXISTS handed_out (
  ticket TEXT NOT NULL REFERENCES ticket, role TEXT NOT NULL, language TEXT NOT NULL, name TEXT NOT NULL,
  sha256 TEXT NOT NULL, page TEXT NOT NULL, engine TEXT NOT NULL, PRIMARY KEY (ticket, role, language));
CREATE TABLE IF NOT EXISTS completion (
  ticket TEXT PRIMARY KEY REFERENCES ticket, at TEXT NOT NULL, signatures TEXT NOT NULL, name TEXT NOT NULL,
  sha256 TEXT NOT NULL);
"""
FOREVER: dict[str, list[tuple[str, ...]]] = {
    "ticket": [("id",), ("rowid",)],
    "handed_out": [("ticket", "role", "language"), ("rowid",)],
    "completion": [("ticket",), ("rowid",)],
}


def row(db: sqlite3.Connection, ticket: str) -> NewTicket | None:
    return next(iter(_rows(db, "id = ?", ticket)), None)


def open_row(db: sqlite3.Connection, document: int, signer: SignerRole, at: datetime) -> NewTicket | None:
    """The ticket of a document for one signer that has not expired at `at`."""
    found = _rows(db, "document = ? AND signer = ?", document, signer)
    return next((row for row in found if at < row.expires_at), None)


def add(db: sqlite3.Connection, row: NewTicket, files: Sequence[StoredFile]) -> None:
    moments = (text(row.made_at), text(row.expires_at))
    db.execute("INSERT INTO ticket VALUES (?,?,?,?,?)", (row.id, row.document, row.signer, *moments))
    db.executemany(
        "INSERT INTO handed_out VALUES (?,?,?,?,?,?,?)",
        [(row.id, f.role, f.language, f.name, f.sha256, f.page, f.engine) for f in files],
    )


def complete(db: sqlite3.Connection, completion: Completion, at: datetime) -> None:
    approval = completion.approval
    kept = (approval.name, approval.sha256) if approval else ("", "")
    db.execute("INSERT INTO completion VALUES (?,?,?,?,?)", (completion.ticket, text(at), completion.signatures, *kept))


def whole(db: sqlite3.Connection, row: NewTicket, document: Document) -> Ticket:
    files = db.execute(
        "SELECT role, language, name, sha256, page, engine FROM handed_out WHERE ticket = ? ORDER BY rowid", (row.id,)
    )
    found = db.execute("SELECT signatures, name, sha256 FROM completion WHERE ticket = ?", (row.id,)).fetchone()
    completion = Completion(row.id, found[0], _approval(*found[1:])) if found else None
    return Ticket(
        row.id, document, row.signer, row.made_at, row.expires_at, tuple(StoredFile(*f) for f in files), completion
    )


def approvals(db: sqlite3.Connection, document: int) -> dict[SignerRole, StoredFile]:
    """The signatures of those who signed before the last one, in their order."""
    found = db.execute(
        "SELECT ticket.signer, completion.name, completion.sha256 FROM completion"
        " JOIN ticket ON ticket.id = completion.ticket WHERE ticket.document = ? ORDER BY completion.rowid",
        (document,),
    )
    kept = {signer: _approval(name, sha256) for signer, name, sha256 in found}
    return {signer: approval for signer, approval in kept.items() if approval}


def _approval(name: str, sha256: str) -> StoredFile | None:
    return StoredFile("approval", "", name, sha256) if sha256 else None


def _rows(db: sqlite3.Connection, where: str, *values: object) -> list[NewTicket]:
    columns = "id, document, signer, made_at, expires_at"
    found = db.execute(f"SELECT {columns} FROM ticket WHERE {where} ORDER BY rowid", values).fetchall()  # noqa: S608
    try:
        return [NewTicket(r[0], r[1], r[2], datetime.fromisoformat(r[3]), datetime.fromisoformat(r[4])) for r in found]
    except ValueError as error:
        raise sqlite3.DatabaseError("a row is damaged; restore the file from a backup") from error
