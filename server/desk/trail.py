"""The trail of what clerks did: who, which deed, on which document, when, how it ended. Nothing personal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Row

from qujat.server.desk.tables import DEED, Store


@dataclass(frozen=True, slots=True)
class Deed:
    """One row. `outcome`: "ok", or the code of the error."""

    clerk: str
    deed: str
    number: str
    at: datetime
    outcome: str


def enter(store: Store, clerk: str, deed: str, authority: str = "", number: str = "", outcome: str = "ok") -> None:
    """One row more; none is ever changed."""
    row = {"clerk": clerk, "deed": deed, "authority": authority, "number": number[:64], "outcome": outcome}
    with store.open() as db:
        db.execute(DEED.insert().values(**row, at=store.clock().isoformat()))


def of_document(store: Store, authority: str, number: str) -> list[Deed]:
    """What was done with a document, the oldest first."""
    asked = select(DEED).where(DEED.c.authority == authority, DEED.c.number == number).order_by(DEED.c.id)
    with store.open() as db:
        rows = db.execute(asked).all()
    return [_deed(row) for row in rows]


def newest(store: Store, last: int = 100) -> list[Deed]:
    """The newest rows, the oldest of them first."""
    with store.open() as db:
        rows = db.execute(select(DEED).order_by(DEED.c.id.desc()).limit(last)).all()
    return [_deed(row) for row in reversed(rows)]


def _deed(row: Row[Any]) -> Deed:
    return Deed(row.clerk, row.deed, row.number, datetime.fromisoformat(row.at), row.outcome)
