"""Working days in Kazakhstan, for the five-day week and, where a schedule says so, the six-day week.

Holidays come from the library `holidays`; what an act or the authorities have stated stands in
forms/shared/days_off.toml and wins. A holiday that falls on a day off makes the next working day after it a day off
(Law on holidays of 13.12.2001, art. 5), except 7 January and the first day of Kurban Ait, which are moved nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

import holidays

from qujat.datafiles import SHARED, Strict, read

TABLE = SHARED / "days_off.toml"

Week = Literal[5, 6]

_SUNDAY = 6
_ONE = timedelta(days=1)
# Names in the library's English: what is moved nowhere, and the Government's swaps for the five-day week.
_NOT_MOVED = ("Orthodox Christmas", "Eid al-Adha")
_SWAPPED = "Day off (substituted"


class StatedDay(Strict):
    """A day that is off, or is not, whatever the library says."""

    day: date
    off: bool
    weeks: Sequence[Week] = (5, 6)
    name: str
    source: str


class Table(Strict):
    """forms/shared/days_off.toml"""

    checked: Sequence[int]
    day: Sequence[StatedDay]


@cache
def table(path: Path = TABLE) -> Table:
    """Raises FormError if the file is wrong."""
    return read(path, Table)


def is_working(day: date, week: Week = 5) -> bool:
    """True if a body with this working week works on the day."""
    stated = _stated(week).get(day)
    if stated is not None:
        return not stated
    return day.weekday() < week and day not in _days_off(day.year, week)


def add_working_days(day: date, count: int, week: Week = 5) -> date:
    """The working day that is `count` working days after `day` (before it, if negative); `day` itself is not counted.

    The Civil Code, art. 173, counts a term from the day after the event. With 0 it is `day`, working or not.
    """
    step = _ONE if count >= 0 else -_ONE
    for _ in range(abs(count)):
        day += step
        while not is_working(day, week):
            day += step
    return day


def next_working_day(day: date, week: Week = 5) -> date:
    """The day itself if it is a working day, else the first one after it."""
    return day if is_working(day, week) else add_working_days(day, 1, week)


def between(first: date, last: date, week: Week = 5) -> int:
    """How many working days lie after `first` and not after `last`; negative if `last` is the earlier."""
    if last < first:
        return -between(last, first, week)
    return sum(is_working(first + timedelta(days=n), week) for n in range(1, (last - first).days + 1))


def is_checked(first: date, last: date) -> bool:
    """True if the official calendar of every year from `first` to `last` was read."""
    return set(range(first.year, last.year + 1)) <= set(table().checked)


@cache
def _stated(week: Week) -> Mapping[date, bool]:
    return {entry.day: entry.off for entry in table().day if week in entry.weeks}


@cache
def _days_off(year: int, week: Week) -> frozenset[date]:
    """Holidays of a year with the days they are moved to. The library knows the five-day week only."""
    if week == 5:
        return frozenset(holidays.country_holidays("KZ", years=year, language="en_US"))
    named = holidays.country_holidays("KZ", years=year, language="en_US", observed=False)
    proper = {day: name for day, name in named.items() if _SWAPPED not in name}
    off = set(proper)
    for day in sorted(day for day, name in proper.items() if day.weekday() == _SUNDAY and _moves(name)):
        moved = day + _ONE
        while moved in off:
            moved += _ONE
        off.add(moved)
    return frozenset(off)


def _moves(name: str) -> bool:
    return not any(fixed in name for fixed in _NOT_MOVED)
