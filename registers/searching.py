"""Finding documents by what they are about. The tables for it are written when a document is reserved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select

from qujat.entries import Status, Wanted
from qujat.registers.people import folded, people_of
from qujat.registers.tables import add_rows, search
from qujat.registers.tables import document as documents
from qujat.registers.tables import entry as entries
from qujat.registers.tables import person as people

_LARGEST = 2**63 - 1
_LAST_LETTER = "\U0010ffff"


def plain(text: str) -> bool:
    """Text that a database can hold; no row has any other."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def note(db: Connection, document: int, data: Mapping[str, Any]) -> None:
    """What the document will be found by."""
    row = {"document": document, "form": str(data.get("key", "")), "day": str(data.get("day", ""))}
    db.execute(insert(search), row)
    rows = [{"document": document, "place": n, "iin": p.iin, "name": p.name} for n, p in enumerate(people_of(data))]
    add_rows(db, people, rows)


def wanted_ids(db: Connection, wanted: Wanted, after: int | None, limit: int) -> Sequence[int]:
    """The newest first, all reserved before `after`."""
    if not all(plain(text) for text in (wanted.authority, wanted.form, wanted.iin, wanted.name, wanted.number)):
        return []
    asked = select(documents.c.id).where(*_conditions(wanted))
    if wanted.form or wanted.first_day or wanted.last_day:
        asked = asked.join(search, search.c.document == documents.c.id).where(*_noted(wanted))
    if after is not None:
        asked = asked.where(documents.c.id < max(-_LARGEST, min(after, _LARGEST)))
    return db.execute(asked.order_by(documents.c.id.desc()).limit(limit)).scalars().all()


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.authority:
        found.append(documents.c.authority == wanted.authority)
    if wanted.number:
        found.append(documents.c.number == wanted.number)
    if wanted.iin or wanted.name:
        found.append(documents.c.id.in_(select(people.c.document).where(*_person(wanted))))
    if wanted.status:
        found.append(_status(wanted.status))
    return found


def _person(wanted: Wanted) -> list[ColumnElement[bool]]:
    """One person who has the IIN and the name, where both are asked for."""
    name = folded(wanted.name)
    by_iin = [people.c.iin == wanted.iin] if wanted.iin else []
    by_name = [people.c.name >= name, people.c.name < name + _LAST_LETTER] if name else []
    return [*by_iin, *by_name]


def _noted(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.form:
        found.append(search.c.form == wanted.form)
    if wanted.first_day:
        found.append(search.c.day >= wanted.first_day.isoformat())
    if wanted.last_day:
        found.append(search.c.day <= wanted.last_day.isoformat())
    return found


def _status(status: Status) -> ColumnElement[bool]:
    """An end is entered after the issue, so a document in effect has one entry."""
    its = select(entries.c.id).where(entries.c.document == documents.c.id)
    if status == "reserved":
        return ~its.exists()
    if status == "active":
        return its.exists() & ~its.where(entries.c.kind != "active").exists()
    return its.where(entries.c.kind == status).exists()
