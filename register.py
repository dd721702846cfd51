"""The register: which decision became which document, and what became of it. Entries are added, never changed.

A number is reserved before the page is drawn (it is printed on it) and the document recorded after it is stored.
A crash in between leaves a reservation: no mark answers for it, and sending the decision again finishes the work
under the same number.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from qujat import renewals, tickets
from qujat.entries import (
    Assemble,
    Claim,
    Completion,
    Document,
    NewTicket,
    Role,
    Secrets,
    SignerRole,
    Status,
    StoredFile,
    Ticket,
)
from qujat.errors import AlreadyIssued, DecisionChanged, NumberTaken, RegisterUnreachable, UnknownDocument
from qujat.sqlitefile import only_growing, opened, text

__all__ = [
    "Assemble",
    "Claim",
    "Completion",
    "Document",
    "NewTicket",
    "Register",
    "Role",
    "Secrets",
    "SignerRole",
    "Sqlite",
    "Status",
    "StoredFile",
    "Ticket",
]


class Register(Protocol):
    """What the pipeline asks of a register."""

    def reserve(self, claim: Claim, assemble: Assemble, draw: Callable[[], Secrets], at: datetime) -> Document:
        """The document of this decision: the one of before, or a new reservation."""

    def known(self, authority: str, decision: str, digest: str) -> Document | None:
        """The document of a decision sent before; raises DecisionChanged if it came with other contents."""

    def record(
        self, document: Document, files: Sequence[StoredFile], at: datetime, completion: Completion | None = None
    ) -> Document:
        """From now on the document is issued, and the ticket of `completion` used."""

    def by_number(self, number: str) -> Document:
        """Raises UnknownDocument."""

    def by_token(self, token: bytes) -> Document | None: ...

    def by_code(self, code: str) -> Document | None: ...

    def recorded_at(self, sha256: str) -> datetime | None:
        """When a file with this hash was recorded as issued or renewed; None if none was."""

    def issued(self) -> Iterator[Document]:
        """Every issued document, in the order of its number's reservation."""

    def renew(self, document: Document, files: Sequence[StoredFile], at: datetime) -> Document:
        """From now on these are the document's files of their roles and languages; the old ones stay beside them."""

    def by_file(self, sha256: str) -> Document | None:
        """The document that a file with this hash was recorded for."""

    def annul(self, number: str, reason: str, at: datetime, superseded_by: str = "") -> Document:
        """An entry that the document is no longer in effect."""

    def open_ticket(self, document: Document, signer: SignerRole, at: datetime) -> Ticket | None:
        """The ticket of this document for this signer that is open at `at`."""

    def add_ticket(self, new: NewTicket, files: Sequence[StoredFile]) -> Ticket:
        """The ticket that is open already, or this new one. Raises AlreadyIssued."""

    def ticket(self, ticket: str) -> Ticket | None: ...

    def approve(self, ticket: Ticket, completion: Completion, at: datetime) -> Ticket:
        """Enter the signature of a signer who is not the last one; the first to come wins."""

    def approvals(self, document: Document) -> Mapping[SignerRole, StoredFile]:
        """The signatures of those who signed before the last one."""


_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS document (
  id INTEGER PRIMARY KEY, authority TEXT NOT NULL, decision TEXT NOT NULL, number TEXT NOT NULL, digest TEXT NOT NULL,
  token BLOB NOT NULL UNIQUE, code TEXT NOT NULL, salt BLOB NOT NULL, reserved_at TEXT NOT NULL, data TEXT NOT NULL,
  UNIQUE (authority, decision), UNIQUE (authority, number));
CREATE INDEX IF NOT EXISTS document_number ON document (number);
CREATE UNIQUE INDEX IF NOT EXISTS document_code ON document (code);
CREATE TABLE IF NOT EXISTS sequence (
  authority TEXT NOT NULL, year INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (authority, year));
CREATE TABLE IF NOT EXISTS file (
  document INTEGER NOT NULL REFERENCES document, role TEXT NOT NULL, language TEXT NOT NULL, name TEXT NOT NULL,
  sha256 TEXT NOT NULL, page TEXT NOT NULL, engine TEXT NOT NULL, PRIMARY KEY (document, role, language));
CREATE INDEX IF NOT EXISTS file_sha256 ON file (sha256);
CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL REFERENCES document, kind TEXT NOT NULL,
  at TEXT NOT NULL, reason TEXT NOT NULL, other TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS issued_once ON entry (document) WHERE kind = 'active';
CREATE INDEX IF NOT EXISTS entry_document ON entry (document);
"""
    + tickets.SCHEMA
    + renewals.SCHEMA
)
# What is kept for ever, and the columns by which a row is the same row.
_FOREVER: dict[str, list[tuple[str, ...]]] = (
    {
        "document": [("id",), ("token",), ("code",), ("authority", "decision"), ("authority", "number")],
        "file": [("document", "role", "language"), ("rowid",)],
        "entry": [("id",), ("document", "kind")],
    }
    | tickets.FOREVER
    | renewals.FOREVER
)


@dataclass(frozen=True)
class Sqlite:
    """The register in one SQLite file: write-ahead log, every commit on the disk before it is acknowledged."""

    path: Path | str
    _local: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def reserve(self, claim: Claim, assemble: Assemble, draw: Callable[[], Secrets], at: datetime) -> Document:
        """Raises DecisionChanged, NumberTaken, RegisterUnreachable."""
        with self._writing() as db:
            if before := self._known(db, claim.authority, claim.decision, claim.digest):
                return before
            number = _given(db, claim.authority, claim.number) if claim.number else _next(db, claim)
            new = _unused(db, draw)
            row = (
                claim.authority,
                claim.decision,
                number,
                claim.digest,
                new.token,
                new.code,
                new.salt,
                text(at),
            )
            db.execute(
                "INSERT INTO document (authority, decision, number, digest, token, code, salt, reserved_at, data)"
                " VALUES (?,?,?,?,?,?,?,?,?)",
                (*row, json.dumps(assemble(number), ensure_ascii=False)),
            )
            return self._one(db, "token = ?", new.token)

    def known(self, authority: str, decision: str, digest: str) -> Document | None:
        with self._reading() as db:
            return self._known(db, authority, decision, digest)

    def _known(self, db: sqlite3.Connection, authority: str, decision: str, digest: str) -> Document | None:
        found = self._find(db, "authority = ? AND decision = ?", authority, decision)
        if found and found.digest != digest:
            raise DecisionChanged(
                f"the decision {decision} came before with other contents and is document {found.number}; "
                f"send a changed decision under an id of its own, and annul or supersede the document if it was wrong"
            )
        return found

    def record(
        self, document: Document, files: Sequence[StoredFile], at: datetime, completion: Completion | None = None
    ) -> Document:
        """The first to record wins; whoever comes second gets the first one's document."""
        with self._writing() as db:
            now = self._one(db, "id = ?", document.id)
            if now.issued:
                return now
            db.executemany(
                "INSERT INTO file VALUES (?,?,?,?,?,?,?)",
                [(document.id, f.role, f.language, f.name, f.sha256, f.page, f.engine) for f in files],
            )
            _enter(db, document.id, "active", at)
            if completion:
                tickets.complete(db, completion, at)
            return self._one(db, "id = ?", document.id)

    def by_number(self, number: str) -> Document:
        with self._reading() as db:
            found = list(self._all(db, "number = ?", number))
        if len(found) != 1:
            state = "no document has it" if not found else f"{len(found)} authorities have given it"
            raise UnknownDocument(f"expected the number of one document, came {number!r}: {state}")
        return found[0]

    def by_token(self, token: bytes) -> Document | None:
        with self._reading() as db:
            return self._find(db, "token = ?", token)

    def by_code(self, code: str) -> Document | None:
        with self._reading() as db:
            return self._find(db, "code = ?", code)

    def recorded_at(self, sha256: str) -> datetime | None:
        with self._reading() as db:
            return renewals.recorded_at(db, sha256)

    def issued(self) -> Iterator[Document]:
        with self._reading() as db:
            numbers = db.execute("SELECT document FROM entry WHERE kind = 'active' ORDER BY document").fetchall()
            for (number,) in numbers:
                yield self._one(db, "id = ?", number)

    def renew(self, document: Document, files: Sequence[StoredFile], at: datetime) -> Document:
        """If somebody else renewed it since it was read, that stands and nothing is entered."""
        with self._writing() as db:
            if self._one(db, "id = ?", document.id).files == document.files:
                renewals.add(db, document.id, files, at)
            return self._one(db, "id = ?", document.id)

    def annul(self, number: str, reason: str, at: datetime, superseded_by: str = "") -> Document:
        """Raises UnknownDocument if the number was never issued; annulling twice changes nothing."""
        document = self.by_number(number)
        if not document.issued:
            raise UnknownDocument(f"document {number} is reserved but not issued; send its decision again to finish it")
        if superseded_by and (superseded_by == number or not self.by_number(superseded_by).issued):
            raise UnknownDocument(f"expected another issued document to supersede {number}, came {superseded_by}")
        kind: Status = "superseded" if superseded_by else "annulled"
        with self._writing() as db:
            if self._one(db, "id = ?", document.id).status == "active":
                _enter(db, document.id, kind, at, reason, superseded_by)
            return self._one(db, "id = ?", document.id)

    def by_file(self, sha256: str) -> Document | None:
        with self._reading() as db:
            return self._find(db, "id = (SELECT document FROM file WHERE sha256 = ?)", sha256)

    def open_ticket(self, document: Document, signer: SignerRole, at: datetime) -> Ticket | None:
        with self._reading() as db:
            row = tickets.open_row(db, document.id, signer, at)
            return tickets.whole(db, row, self._one(db, "id = ?", document.id)) if row else None

    def add_ticket(self, new: NewTicket, files: Sequence[StoredFile]) -> Ticket:
        with self._writing() as db:
            document = self._one(db, "id = ?", new.document)
            if document.issued:
                raise AlreadyIssued(
                    f"the document {document.number} has been issued and waits for nothing; fetch it by its number"
                )
            before = tickets.open_row(db, new.document, new.signer, new.made_at)
            if not before:
                tickets.add(db, new, files)
            return tickets.whole(db, before or new, document)

    def ticket(self, ticket: str) -> Ticket | None:
        with self._reading() as db:
            row = tickets.row(db, ticket)
            return tickets.whole(db, row, self._one(db, "id = ?", row.document)) if row else None

    def approve(self, ticket: Ticket, completion: Completion, at: datetime) -> Ticket:
        with self._writing() as db:
            row = NewTicket(ticket.id, ticket.document.id, ticket.signer, ticket.made_at, ticket.expires_at)
            if tickets.whole(db, row, ticket.document).completion is None:
                tickets.complete(db, completion, at)
            return tickets.whole(db, row, ticket.document)

    def approvals(self, document: Document) -> Mapping[SignerRole, StoredFile]:
        with self._reading() as db:
            return tickets.approvals(db, document.id)

    def _one(self, db: sqlite3.Connection, where: str, *values: Any) -> Document:
        (found,) = self._all(db, where, *values)
        return found

    def _find(self, db: sqlite3.Connection, where: str, *values: Any) -> Document | None:
        return next(self._all(db, where, *values), None)

    def _all(self, db: sqlite3.Connection, where: str, *values: Any) -> Iterator[Document]:
        columns = "id, number, digest, token, salt, reserved_at, data"
        for row in db.execute(f"SELECT {columns} FROM document WHERE {where}", values).fetchall():  # noqa: S608
            files = renewals.files(db, row[0])
            last = db.execute(
                "SELECT kind, at, reason, other FROM entry WHERE document = ? ORDER BY id DESC LIMIT 1", row[:1]
            ).fetchone()
            yield _document(row, files, last)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._connection()
        except sqlite3.Error as error:
            raise RegisterUnreachable(f"the register {self.path} does not answer: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One writer at a time; whatever raises leaves no trace."""
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = opened(self.path, _SCHEMA + only_growing(_FOREVER))
        return db


def _document(row: Sequence[Any], files: renewals.Files, last: Sequence[Any] | None) -> Document:
    """`row` as selected in `_all`; `last` the newest entry (kind, at, reason, other), None while only reserved."""
    kind: Status
    kind, since, reason, other = last or ("reserved", None, "", "")
    try:
        return Document(
            id=row[0],
            number=row[1],
            digest=row[2],
            token=row[3],
            salt=row[4],
            reserved_at=datetime.fromisoformat(row[5]),
            data=json.loads(row[6]),
            status=kind,
            files=files.current,
            former=files.former,
            reason=reason,
            status_since=datetime.fromisoformat(since) if since else None,
            superseded_by=other,
        )
    except ValueError as error:
        raise sqlite3.DatabaseError("a row is damaged; restore the file from a backup") from error


def _enter(
    db: sqlite3.Connection, document: int, kind: Status, at: datetime, reason: str = "", other: str = ""
) -> None:
    db.execute(
        "INSERT INTO entry (document, kind, at, reason, other) VALUES (?,?,?,?,?)",
        (document, kind, text(at), reason, other),
    )


def _given(db: sqlite3.Connection, authority: str, number: str) -> str:
    if _is_taken(db, authority, number):
        raise NumberTaken(
            f"the number {number} is already that of another document of this authority; "
            f"send another number, or none to have one assigned"
        )
    return number


def _next(db: sqlite3.Connection, claim: Claim) -> str:
    """The next number of the authority's pattern in the year of the decision."""
    row = db.execute(
        "SELECT last FROM sequence WHERE authority = ? AND year = ?", (claim.authority, claim.year)
    ).fetchone()
    sequence = row[0] if row else 0
    while True:
        sequence += 1
        number = claim.pattern.format(year=claim.year, seq=sequence, bin=claim.authority, annex=claim.annex)
        if not _is_taken(db, claim.authority, number):
            break
    db.execute("INSERT OR REPLACE INTO sequence VALUES (?,?,?)", (claim.authority, claim.year, sequence))
    return number


def _is_taken(db: sqlite3.Connection, authority: str, number: str) -> bool:
    found = db.execute("SELECT 1 FROM document WHERE authority = ? AND number = ?", (authority, number)).fetchone()
    return found is not None


def _unused(db: sqlite3.Connection, draw: Callable[[], Secrets]) -> Secrets:
    """New secrets whose code no document has: people type the code, so two documents must not share it."""
    while True:
        drawn = draw()
        if not db.execute("SELECT 1 FROM document WHERE code = ?", (drawn.code,)).fetchone():
            return drawn
