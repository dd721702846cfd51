"""Numbers in sequence, without gaps or doubles, and codes that no two documents share.

Whoever calls holds the lock of the authority (SQLite: of the whole register), so nobody else numbers meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, text, update

from qujat.entries import Claim, Numbering, Secrets, Skip
from qujat.errors import NumberTaken
from qujat.registers.tables import document, moment, moment_text, sequence, skipped

# The last word is for another authority that draws the same code at the same time: PostgreSQL waits for it.
_ENTER = text(
    "INSERT INTO document (authority, decision, number, digest, token, code, salt, reserved_at, data)"
    " VALUES (:authority, :decision, :number, :digest, :token, :code, :salt, :reserved_at, :data)"
    " ON CONFLICT (code) DO NOTHING RETURNING id"
)


def number_of(db: Connection, claim: Claim) -> str:
    """The number that the decision brings, or the next one. Raises NumberTaken."""
    return _given(db, claim.authority, claim.number) if claim.number else _next(db, claim)


def enter(db: Connection, row: dict[str, Any], draw: Callable[[], Secrets]) -> int:
    """Enter the row of a document with new secrets whose code no document has: people type the code. Gives its id."""
    while True:
        new = draw()
        if db.execute(select(document.c.id).where(document.c.code == new.code)).first():
            continue
        secrets = {"token": new.token, "code": new.code, "salt": new.salt}
        entered: int | None = db.execute(_ENTER, {**row, **secrets}).scalar()
        if entered is not None:
            return entered


def all_of_them(db: Connection) -> list[Numbering]:
    """By authority and year; the skips in their order."""
    left_out = defaultdict(list)
    for row in db.execute(select(skipped).order_by(skipped.c.id)):
        left_out[row.authority, row.year].append(Skip(row.first, row.last, row.reason, moment(row.at)))
    rows = db.execute(select(sequence).order_by(sequence.c.authority, sequence.c.year))
    return [Numbering(r.authority, r.year, r.last, tuple(left_out[r.authority, r.year])) for r in rows]


def skip(db: Connection, authority: str, year: int, to: int, reason: str, at: datetime) -> None:
    """Leave out what has not been given of the numbers up to `to`."""
    before = _last(db, authority, year)
    first = (before or 0) + 1
    if first <= to:
        row = {"authority": authority, "year": year, "first": first, "last": to, "reason": reason}
        db.execute(insert(skipped), {**row, "at": moment_text(at)})
        _count(db, authority, year, before, to)


def _given(db: Connection, authority: str, number: str) -> str:
    if _is_taken(db, authority, number):
        raise NumberTaken(
            f"the number {number} is already that of another document of this authority; "
            f"send another number, or none to have one assigned"
        )
    return number


def _next(db: Connection, claim: Claim) -> str:
    """The next number of the authority's pattern in the year of the decision."""
    before = _last(db, claim.authority, claim.year)
    last = before or 0
    while True:
        last += 1
        number = claim.pattern.format(year=claim.year, seq=last, bin=claim.authority, annex=claim.annex)
        if not _is_taken(db, claim.authority, number):
            break
    _count(db, claim.authority, claim.year, before, last)
    return number


def _last(db: Connection, authority: str, year: int) -> int | None:
    return db.execute(select(sequence.c.last).where(_is(authority, year))).scalar()


def _count(db: Connection, authority: str, year: int, before: int | None, last: int) -> None:
    if before is None:
        db.execute(insert(sequence), {"authority": authority, "year": year, "last": last})
        return
    db.execute(update(sequence).where(_is(authority, year)).values(last=last))


def _is(authority: str, year: int) -> ColumnElement[bool]:
    return (sequence.c.authority == authority) & (sequence.c.year == year)


def _is_taken(db: Connection, authority: str, number: str) -> bool:
    taken = select(document.c.id).where(document.c.authority == authority, document.c.number == number)
    return db.execute(taken).first() is not None
