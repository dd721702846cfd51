"""The register's tables for documents that are signed elsewhere: tickets, what was handed out, what came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, insert, select

from qujat.entries import Completion, Document, NewTicket, SignerRole, StoredFile, Ticket
from qujat.registers.tables import add_rows, handed_out, moment, moment_text
from qujat.registers.tables import completion as completions
from qujat.registers.tables import ticket as tickets

_FILE = (
    handed_out.c.role,
    handed_out.c.language,
    handed_out.c.name,
    handed_out.c.sha256,
    handed_out.c.page,
    handed_out.c.engine,
)


def row(db: Connection, ticket: str) -> NewTicket | None:
    return next(iter(_rows(db, tickets.c.id == ticket)), None)


def open_row(db: Connection, document: int, signer: SignerRole, at: datetime) -> NewTicket | None:
    """The ticket of a document for one signer that has not expired at `at`."""
    found = _rows(db, tickets.c.document == document, tickets.c.signer == signer)
    return next((row for row in found if at < row.expires_at), None)


def add(db: Connection, row: NewTicket, files: Sequence[StoredFile]) -> None:
    """Whoever calls it has locked the document, so that places are counted without doubles."""
    place = db.execute(select(func.count()).where(tickets.c.document == row.document)).scalar_one()
    db.execute(
        insert(tickets),
        {
            "id": row.id,
            "document": row.document,
            "signer": row.signer,
            "made_at": moment_text(row.made_at),
            "expires_at": moment_text(row.expires_at),
            "place": place,
        },
    )
    add_rows(db, handed_out, [{"ticket": row.id, **file_row(f), "place": n} for n, f in enumerate(files)])


def complete(db: Connection, completion: Completion, document: int, at: datetime) -> None:
    """Whoever calls it has locked the document."""
    approval = completion.approval
    before = select(func.count()).select_from(completions.join(tickets)).where(tickets.c.document == document)
    db.execute(
        insert(completions),
        {
            "ticket": completion.ticket,
            "at": moment_text(at),
            "signatures": completion.signatures,
            "name": approval.name if approval else "",
            "sha256": approval.sha256 if approval else "",
            "place": db.execute(before).scalar_one(),
        },
    )


def whole(db: Connection, row: NewTicket, document: Document) -> Ticket:
    files = db.execute(select(*_FILE).where(handed_out.c.ticket == row.id).order_by(handed_out.c.place))
    asked = select(completions.c.signatures, completions.c.name, completions.c.sha256)
    found = db.execute(asked.where(completions.c.ticket == row.id)).first()
    completion = Completion(row.id, found[0], _approval(found[1], found[2])) if found else None
    return Ticket(
        row.id, document, row.signer, row.made_at, row.expires_at, tuple(StoredFile(*f) for f in files), completion
    )


def approvals(db: Connection, document: int) -> dict[SignerRole, StoredFile]:
    """The signatures of those who signed before the last one, in their order."""
    found = db.execute(
        select(tickets.c.signer, completions.c.name, completions.c.sha256)
        .select_from(completions.join(tickets))
        .where(tickets.c.document == document)
        .order_by(completions.c.place)
    )
    kept = {signer: _approval(name, sha256) for signer, name, sha256 in found}
    return {signer: approval for signer, approval in kept.items() if approval}


def file_row(file: StoredFile) -> dict[str, str]:
    """A file as the columns of a row."""
    return {
        "role": file.role,
        "language": file.language,
        "name": file.name,
        "sha256": file.sha256,
        "page": file.page,
        "engine": file.engine,
    }


def _approval(name: str, sha256: str) -> StoredFile | None:
    return StoredFile("approval", "", name, sha256) if sha256 else None


def _rows(db: Connection, *where: ColumnElement[bool]) -> list[NewTicket]:
    asked = select(tickets.c.id, tickets.c.document, tickets.c.signer, tickets.c.made_at, tickets.c.expires_at)
    found = db.execute(asked.where(*where).order_by(tickets.c.place))
    return [NewTicket(r[0], r[1], r[2], moment(r[3]), moment(r[4])) for r in found]
