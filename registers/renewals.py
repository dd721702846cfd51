"""What the register keeps of renewed evidence: each renewal is a file more beside the old one, never in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select, union

from qujat.entries import StoredFile
from qujat.registers.tables import add_rows, entry, moment, moment_text, renewal
from qujat.registers.tables import file as issued_files
from qujat.registers.tickets import file_row

_COLUMNS = ("role", "language", "name", "sha256", "page", "engine")


class Files(NamedTuple):
    """The files of a document as they are now, in the order of issue, and those that were renewed, oldest first."""

    current: tuple[StoredFile, ...]
    former: tuple[StoredFile, ...]


def files(db: Connection, documents: Sequence[int]) -> Mapping[int, Files]:
    """Of each of these documents."""
    issued = _by_document(db, issued_files, issued_files.c.place, documents)
    renewed = _by_document(db, renewal, renewal.c.id, documents)
    return {document: _files(issued[document], renewed[document]) for document in documents}


def _files(issued: Sequence[StoredFile], renewed: Sequence[StoredFile]) -> Files:
    current = {(file.role, file.language): file for file in issued}
    former = []
    for file in renewed:
        former.append(current[file.role, file.language])
        current[file.role, file.language] = file
    return Files(tuple(current.values()), tuple(former))


def _by_document(db: Connection, table: Table, order: Any, documents: Sequence[int]) -> Mapping[int, list[StoredFile]]:
    found: dict[int, list[StoredFile]] = defaultdict(list)
    asked = select(table.c.document, *(table.c[name] for name in _COLUMNS)).where(table.c.document.in_(documents))
    for document, *columns in db.execute(asked.order_by(order)):
        found[document].append(StoredFile(*columns))
    return found


def add(db: Connection, document: int, files: Sequence[StoredFile], at: datetime) -> None:
    """Enter renewed files of a document."""
    add_rows(db, renewal, [{"document": document, **file_row(f), "at": moment_text(at)} for f in files])


def recorded_at(db: Connection, sha256: str) -> datetime | None:
    """When a file with this hash was issued, or renewed to it."""
    issued = (
        select(entry.c.at)
        .join(issued_files, issued_files.c.document == entry.c.document)
        .where(issued_files.c.sha256 == sha256, entry.c.kind == "active")
    )
    renewed = select(renewal.c.at).where(renewal.c.sha256 == sha256)
    first = db.execute(union(issued, renewed).order_by("at").limit(1)).scalar()
    return moment(first) if first else None
