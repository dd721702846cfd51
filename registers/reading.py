"""Documents as the rows of the register tell of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from qujat.entries import Document, Status
from qujat.registers import renewals
from qujat.registers.tables import DamagedRow, moment
from qujat.registers.tables import document as documents
from qujat.registers.tables import entry as entries

_ASKED = select(
    documents.c.id,
    documents.c.number,
    documents.c.digest,
    documents.c.token,
    documents.c.salt,
    documents.c.reserved_at,
    documents.c.data,
)
_ENTRIES = select(entries.c.document, entries.c.kind, entries.c.at, entries.c.reason, entries.c.other)


def one(db: Connection, document: int) -> Document:
    """The document with this id."""
    (found,) = whole(db, [document])
    return found


def locked(db: Connection, document: int) -> Document:
    """The same; until the end of the transaction nobody else gets it so (SQLite: its transaction is the lock)."""
    db.execute(select(documents.c.id).where(documents.c.id == document).with_for_update())
    return one(db, document)


def first(db: Connection, *where: ColumnElement[bool]) -> Document | None:
    rows = db.execute(_ASKED.where(*where).limit(1)).all()
    return _documents(db, rows)[0] if rows else None


def whole(db: Connection, ids: Sequence[int]) -> list[Document]:
    """The documents with these ids, in their order."""
    rows = {row.id: row for row in db.execute(_ASKED.where(documents.c.id.in_(ids)))}
    return _documents(db, [rows[each] for each in ids])


def _documents(db: Connection, rows: Sequence[Any]) -> list[Document]:
    ids = [row.id for row in rows]
    files = renewals.files(db, ids)
    last = {row.document: row for row in db.execute(_ENTRIES.where(entries.c.document.in_(ids)).order_by(entries.c.id))}
    return [_document(row, files[row.id], last.get(row.id)) for row in rows]


def _document(row: Any, files: renewals.Files, last: Any) -> Document:
    """`last`: the newest entry, None while only reserved."""
    kind: Status = last.kind if last else "reserved"
    try:
        data = json.loads(row.data)
    except ValueError:
        raise DamagedRow from None
    return Document(
        id=row.id,
        number=row.number,
        digest=row.digest,
        token=row.token,
        salt=row.salt,
        reserved_at=moment(row.reserved_at),
        data=data,
        status=kind,
        files=files.current,
        former=files.former,
        reason=last.reason if last else "",
        status_since=moment(last.at) if last else None,
        superseded_by=last.other if last else "",
    )
