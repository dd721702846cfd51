"""Terms that the orders set, as data: forms/shared/deadlines.toml, and the day on which a term ends.

A term of days begins on the day after its event (Civil Code, art. 173). A term of months or years ends on the same
day of its last month, or on that month's last day if it has no such day (art. 174). Where the last day is not a
working day, the term ends on the next one (art. 175). These articles are not in the seeds.

A term that is printed on a document belongs into its data: the calendar can be corrected later, the paper cannot.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from qujat.datafiles import SHARED, Strict, read
from qujat.errors import FormError
from qujat.working_days import Week, add_working_days, next_working_day

TABLE = SHARED / "deadlines.toml"

# fmt: off
Unit = Literal[
    "working_days", "calendar_days", "months", "years", "same_day", "minutes", "financial_year", "suspension",
]
# fmt: on


class Term(Strict):
    """One term. `counted_from` names its event; `before`: it is counted back from it."""

    id: str
    order: str
    point: str
    what: str
    value: int
    unit: Unit
    counted_from: str = ""
    before: bool = False
    week: Week = 5
    actor: str = ""
    act: str = ""
    forms: Sequence[str] = ()
    source: str
    external: bool = False
    note: str = ""

    def last_day(self, event: date) -> date:
        """The last day of the term (counted back: the last day before the event on which the thing is in time)."""
        count = -self.value if self.before else self.value
        match self.unit:
            case "same_day":
                return event
            case "working_days":
                return add_working_days(event, count, self.week)
            case "calendar_days":
                return self._ending(event + timedelta(days=count))
            case "months":
                return self._ending(add_months(event, count))
            case "years":
                return self._ending(add_months(event, 12 * count))
            case _:
                raise FormError(f"{self.id}: a term in {self.unit} has no last day to compute")

    def _ending(self, day: date) -> date:
        return day if self.before else next_working_day(day, self.week)


class Table(Strict):
    """forms/shared/deadlines.toml"""

    term: Sequence[Term]


@cache
def table(path: Path = TABLE) -> Table:
    """Raises FormError if the file is wrong."""
    return read(path, Table)


def term(name: str) -> Term:
    """A term by its id; raises FormError."""
    for entry in table().term:
        if entry.id == name:
            return entry
    raise FormError(f"expected the id of a term in {TABLE.name}, not {name!r}")


def term_for(form: str, case: str = "") -> Term | None:
    """The term within which a document of this annex must be issued, or None if no order held here sets one."""
    wanted = f"{form}:{case}" if case else form
    return next((entry for entry in table().term if wanted in entry.forms), None)


def term_of(form: str, start: date, case: str = "") -> date | None:
    """The last day on which a document of this annex is in time; `start` is the day of the term's event.

    `case` tells services of one form apart ("extension", "reissue", "duplicate").
    """
    found = term_for(form, case)
    return found.last_day(start) if found else None


def add_months(day: date, count: int) -> date:
    """The same day some months on (or back), or the last of that month if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
