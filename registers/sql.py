"""The register on SQLAlchemy Core: one code for SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, insert, or_, select

from qujat.entries import (
    Assemble,
    Claim,
    Completion,
    Document,
    Entry,
    Found,
    NewTicket,
    Numbering,
    Role,
    Secrets,
    SignerRole,
    Status,
    StoredFile,
    Ticket,
    Wanted,
)
from qujat.errors import AlreadyIssued, DecisionChanged, NumberShared, UnknownDocument
from qujat.register import OnEntry
from qujat.registers import lapses as noted_lapses
from qujat.registers import numbering, reading, renewals, tickets
from qujat.registers.database import Database
from qujat.registers.searching import note, plain, wanted_ids
from qujat.registers.tables import add_rows, moment_text, renewal
from qujat.registers.tables import document as documents
from qujat.registers.tables import entry as entries
from qujat.registers.tables import file as files_table

_AT_ONCE = 200
_Kind = Literal["issued", "annulled", "superseded", "renewed"]


@dataclass(frozen=True)
class SqlRegister:
    """The register of a database. `on_entry` is called in the transaction of each entry: see `register.OnEntry`."""

    database: Database
    on_entry: OnEntry | None = None

    @property
    def name(self) -> str:
        return self.database.name

    def reserve(self, claim: Claim, assemble: Assemble, draw: Callable[[], Secrets], at: datetime) -> Document:
        """Raises DecisionChanged, NumberTaken, RegisterUnreachable."""
        with self.database.writing() as db:
            self.database.lock_authority(db, claim.authority)
            if before := _known(db, claim.authority, claim.decision, claim.digest):
                return before
            number = numbering.number_of(db, claim)
            data = assemble(number)
            row = {
                "authority": claim.authority,
                "decision": claim.decision,
                "number": number,
                "digest": claim.digest,
                "reserved_at": moment_text(at),
                "data": json.dumps(data, ensure_ascii=False),
            }
            entered = numbering.enter(db, row, draw)
            note(db, entered, data)
            return reading.one(db, entered)

    def known(self, authority: str, decision: str, digest: str) -> Document | None:
        with self.database.reading() as db:
            return _known(db, authority, decision, digest)

    def record(
        self, document: Document, files: Sequence[StoredFile], at: datetime, completion: Completion | None = None
    ) -> Document:
        """The first to record wins; whoever comes second gets the first one's document."""
        with self.database.writing() as db:
            now = reading.locked(db, document.id)
            if now.issued:
                return now
            rows = [{"document": document.id, **tickets.file_row(f), "place": n} for n, f in enumerate(files)]
            add_rows(db, files_table, rows)
            _enter(db, document.id, "active", at)
            if completion:
                tickets.complete(db, completion, document.id, at)
            return self._entered(db, "issued", document.id, at)

    def numberings(self) -> Sequence[Numbering]:
        with self.database.reading() as db:
            return numbering.all_of_them(db)

    def skip(self, authority: str, year: int, to: int, reason: str, at: datetime) -> Numbering:
        with self.database.writing() as db:
            self.database.lock_authority(db, authority)
            numbering.skip(db, authority, year, to, reason, at)
            found = {(one.authority, one.year): one for one in numbering.all_of_them(db)}
            return found.get((authority, year), Numbering(authority, year, 0))

    def by_number(self, number: str, authority: str | None = None) -> Document:
        with self.database.reading() as db:
            return _numbered(db, number, authority)

    def by_token(self, token: bytes) -> Document | None:
        return self._found(documents.c.token == token)

    def by_code(self, code: str) -> Document | None:
        return self._found(documents.c.code == code) if plain(code) else None

    def recorded_at(self, sha256: str) -> datetime | None:
        with self.database.reading() as db:
            return renewals.recorded_at(db, sha256)

    def issued(self) -> Iterator[Document]:
        """Read by the hundred, each a moment of its own: what is entered meanwhile waits for nobody who reads."""
        last = 0
        while some := self._issued_after(last):
            last = some[-1].id
            yield from some

    def _issued_after(self, last: int) -> list[Document]:
        asked = select(entries.c.document).where(entries.c.kind == "active", entries.c.document > last)
        with self.database.reading() as db:
            ids = db.execute(asked.order_by(entries.c.document).limit(_AT_ONCE)).scalars().all()
            return reading.whole(db, ids)

    def lapsing(self, roles: Collection[Role], rules: str, until: datetime) -> Iterator[Document]:
        """The ids at once, the documents by the hundred as `issued`."""
        with self.database.reading() as db:
            ids = noted_lapses.unproven(db, roles, rules, until)
        for first in range(0, len(ids), _AT_ONCE):
            with self.database.reading() as db:
                some = reading.whole(db, ids[first : first + _AT_ONCE])
            yield from some

    def note_lapses(self, rules: str, lapses: Mapping[str, datetime]) -> None:
        with self.database.writing() as db:
            noted_lapses.note(db, rules, lapses)

    def find(self, wanted: Wanted, after: int | None = None, limit: int = 50) -> Found:
        with self.database.reading() as db:
            ids = wanted_ids(db, wanted, after, limit + 1)
            return Found(tuple(reading.whole(db, ids[:limit])), ids[limit - 1] if len(ids) > limit else None)

    def renew(self, document: Document, files: Sequence[StoredFile], at: datetime) -> Document:
        """If somebody else renewed it since it was read, that stands and nothing is entered."""
        with self.database.writing() as db:
            now = reading.locked(db, document.id)
            if now.files != document.files or not files:
                return now
            renewals.add(db, document.id, files, at)
            return self._entered(db, "renewed", document.id, at)

    def by_file(self, sha256: str) -> Document | None:
        issued = select(files_table.c.document).where(files_table.c.sha256 == sha256)
        renewed = select(renewal.c.document).where(renewal.c.sha256 == sha256)
        return self._found(or_(documents.c.id.in_(issued), documents.c.id.in_(renewed)))

    def annul(
        self, number: str, reason: str, at: datetime, superseded_by: str = "", authority: str | None = None
    ) -> Document:
        """Raises UnknownDocument if the number was never issued, NumberShared; annulling twice changes nothing."""
        kind: Literal["superseded", "annulled"] = "superseded" if superseded_by else "annulled"
        with self.database.writing() as db:
            document = _numbered(db, number, authority)
            _refuse_end(db, document, superseded_by, authority)
            now = reading.locked(db, document.id)
            if now.status != "active":
                return now
            _enter(db, document.id, kind, at, reason, superseded_by)
            return self._entered(db, kind, document.id, at)

    def open_ticket(self, document: Document, signer: SignerRole, at: datetime) -> Ticket | None:
        with self.database.reading() as db:
            row = tickets.open_row(db, document.id, signer, at)
            return tickets.whole(db, row, reading.one(db, document.id)) if row else None

    def add_ticket(self, new: NewTicket, files: Sequence[StoredFile]) -> Ticket:
        with self.database.writing() as db:
            document = reading.locked(db, new.document)
            if document.issued:
                raise AlreadyIssued(
                    f"the document {document.number} has been issued and waits for nothing; fetch it by its number"
                )
            before = tickets.open_row(db, new.document, new.signer, new.made_at)
            if not before:
                tickets.add(db, new, files)
            return tickets.whole(db, before or new, document)

    def ticket(self, ticket: str) -> Ticket | None:
        if not plain(ticket):
            return None
        with self.database.reading() as db:
            row = tickets.row(db, ticket)
            return tickets.whole(db, row, reading.one(db, row.document)) if row else None

    def approve(self, ticket: Ticket, completion: Completion, at: datetime) -> Ticket:
        with self.database.writing() as db:
            document = reading.locked(db, ticket.document.id)
            row = NewTicket(ticket.id, ticket.document.id, ticket.signer, ticket.made_at, ticket.expires_at)
            if tickets.whole(db, row, document).completion is None:
                tickets.complete(db, completion, document.id, at)
            return tickets.whole(db, row, document)

    def approvals(self, document: Document) -> Mapping[SignerRole, StoredFile]:
        with self.database.reading() as db:
            return tickets.approvals(db, document.id)

    def watched(self, on_entry: OnEntry) -> SqlRegister:
        """Whoever watched before goes on watching, and comes first."""
        before = self.on_entry

        def both(db: Connection, entry: Entry) -> None:
            if before:
                before(db, entry)
            on_entry(db, entry)

        return replace(self, on_entry=both)

    def close(self) -> None:
        self.database.close()

    def _found(self, where: ColumnElement[bool]) -> Document | None:
        with self.database.reading() as db:
            return reading.first(db, where)

    def _entered(self, db: Connection, kind: _Kind, document: int, at: datetime) -> Document:
        now = reading.one(db, document)
        if self.on_entry:
            self.on_entry(db, Entry(kind, now, at))
        return now


def _known(db: Connection, authority: str, decision: str, digest: str) -> Document | None:
    found = reading.first(db, documents.c.authority == authority, documents.c.decision == decision)
    if found and found.digest != digest:
        raise DecisionChanged(
            f"the decision {decision} came before with other contents and is document {found.number}; "
            f"send a changed decision under an id of its own, and annul or supersede the document if it was wrong"
        )
    return found


def _numbered(db: Connection, number: str, authority: str | None) -> Document:
    """Raises UnknownDocument, NumberShared."""
    where = [documents.c.number == number]
    if authority is not None:
        where.append(documents.c.authority == authority)
    ids = db.execute(select(documents.c.id).where(*where)).scalars().all() if plain(number + (authority or "")) else []
    if not ids:
        raise UnknownDocument(f"expected the number of one document, came {number!r}: no document has it")
    if len(ids) > 1:
        raise NumberShared(
            f"expected the number of one document, came {number!r}: {len(ids)} authorities have given it;"
            " say which one by its BIN (--authority)"
        )
    return reading.one(db, ids[0])


def _refuse_end(db: Connection, document: Document, superseded_by: str, authority: str | None) -> None:
    number = document.number
    if not document.issued:
        raise UnknownDocument(f"document {number} is reserved but not issued; send its decision again to finish it")
    if superseded_by:
        other = _numbered(db, superseded_by, authority)
        if other.id == document.id or not other.issued:
            raise UnknownDocument(f"expected another issued document to supersede {number}, came {superseded_by}")


def _enter(db: Connection, document: int, kind: Status, at: datetime, reason: str = "", other: str = "") -> None:
    row = {"document": document, "kind": kind, "at": moment_text(at), "reason": reason, "other": other}
    db.execute(insert(entries), row)
