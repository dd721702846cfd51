"""Numbers in sequence, without gaps or doubles, and codes that no two documents share.

Whoever calls holds the lock of the authority (SQLite: of the whole register), so nobody else numbers meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from qujat.entries import Claim, Secrets
from qujat.errors import NumberTaken
from qujat.registers.tables import document, sequence

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


def _given(db: Connection, authority: str, number: str) -> str:
    if _is_taken(db, authority, number):
        raise NumberTaken(
            f"the number {number} is already that of another document of this authority; "
            f"send another number, or none to have one assigned"
        )
    return number


def _next(db: Connection, claim: Claim) -> str:
    """The next number of the authority's pattern in the year of the decision."""
    row = (sequence.c.authority == claim.authority) & (sequence.c.year == claim.year)
    before = db.execute(select(sequence.c.last).where(row)).scalar()
    last = before or 0
    while True:
        last += 1
        number = claim.pattern.format(year=claim.year, seq=last, bin=claim.authority, annex=claim.annex)
        if not _is_taken(db, claim.authority, number):
            break
    if before is None:
        db.execute(insert(sequence), {"authority": claim.authority, "year": claim.year, "last": last})
    else:
        db.execute(update(sequence).where(row).values(last=last))
    return number


def _is_taken(db: Connection, authority: str, number: str) -> bool:
    taken = select(document.c.id).where(document.c.authority == authority, document.c.number == number)
    return db.execute(taken).first() is not None
