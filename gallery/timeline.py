"""Editions on an axis of days: where each bar begins and ends, in the units of an SVG.

A day that hangs on an unknown publication day is a stretch in doubt between its bounds; the rest of a bar is sure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from qujat.gallery.contents import Part, edition_name
from qujat.gallery.words import Both, both
from qujat.languages import Language

RIGHT = 1000.0  # the right end of every axis, in units of the SVG
LANE, GAP, GROUP_GAP, HEAD = 15.0, 3.0, 11.0, 26.0
_LABEL_ROOM = 44.0
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scale:
    """The days from `first` to `last`, both inclusive, between `left` and RIGHT."""

    first: date
    last: date
    left: float

    def x(self, day: date) -> float:
        """Where a day begins; days outside lie on the edge."""
        share = (day - self.first) / (self.last + _DAY - self.first)
        return round(self.left + (RIGHT - self.left) * min(1.0, max(0.0, share)), 2)

    @property
    def years(self) -> list[tuple[float, int]]:
        return [(self.x(date(year, 1, 1)), year) for year in range(self.first.year, self.last.year + 1)]

    @property
    def quarters(self) -> list[float]:
        years = range(self.first.year, self.last.year + 1)
        return [self.x(date(year, month, 1)) for year in years for month in (4, 7, 10)]


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of one edition in one language. `torn` says on which sides it goes on beyond what is drawn or known."""

    x: float
    width: float
    status: str
    sure: bool
    torn: str
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    language: Language
    y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Lanes that belong together: a form on the axis of its order, an edition on the axis of its form."""

    label: Both
    href: str
    y: float
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    scale: Scale
    height: float
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """What a group is made of: its label, where it leads, and the parts of each of its lanes, one lane a language."""

    label: Both
    href: str
    lanes: Sequence[Sequence[Part]]


def scale(parts: Sequence[Part], left: float) -> Scale:
    """Whole years that hold every first day of an act that is known, and every last day."""
    known = [p for p in parts if not p.edition.act.first_not_before] or list(parts)
    days = [p.first.earliest for p in known] + [p.first.latest for p in known if p.first.latest]
    days += [p.last.latest or p.last.earliest for p in parts if p.last]
    return Scale(date(min(days).year, 1, 1), date(max(days).year, 12, 31), left)


def chart(rows: Sequence[Row], axis: Scale) -> Chart:
    """The rows from top to bottom. Editions that share a lane show the doubt about a change once."""
    groups, y = [], HEAD
    for row in rows:
        lanes = []
        for number, parts in enumerate(row.lanes):
            top = y + number * (LANE + GAP)
            lanes.append(Lane(parts[0].language, top, tuple(_bars(parts, axis))))
        groups.append(Group(row.label, row.href, y, tuple(lanes)))
        y += len(row.lanes) * (LANE + GAP) - GAP + GROUP_GAP
    return Chart(axis, y - GROUP_GAP + GAP, tuple(groups))


def _bars(parts: Sequence[Part], axis: Scale) -> Iterator[Bar]:
    for part in parts:
        for first, last, sure in stretches(part, doubtful_end=part is parts[-1]):
            yield _bar(part, first, last, axis, sure=sure)


def stretches(part: Part, *, doubtful_end: bool = True) -> list[tuple[date, date | None, bool]]:
    """(first day, last day, sure) of each stretch; a last day of None is open.

    An act that is not known counts as in force from its bound on, as in the catalogue.
    """
    first, last = part.first, part.last
    sure_from = first.earliest if part.edition.act.first_not_before else first.latest
    sure_to, final = (last.earliest, last.latest) if last else (None, None)
    found: list[tuple[date, date | None, bool]] = []
    if sure_from is None or first.earliest < sure_from:
        found.append((first.earliest, _earlier(sure_from - _DAY if sure_from else None, final), False))
    if sure_from and (sure_to is None or sure_from <= sure_to):
        found.append((sure_from, sure_to, True))
    if doubtful_end and sure_from and last and not last.known:
        found.append((max(sure_from, last.earliest + _DAY), final, False))
    return found


def _earlier(one: date | None, other: date | None) -> date | None:
    days = [day for day in (one, other) if day]
    return min(days) if days else None


def _bar(part: Part, first: date, last: date | None, axis: Scale, *, sure: bool) -> Bar:
    x = axis.x(first)
    width = round((axis.x(last + _DAY) if last else RIGHT) - x, 2)
    number = part.edition.act.number
    label = f"№ {number}" if sure and number and width >= _LABEL_ROOM else ""
    torn = ("left " if first < axis.first else "") + ("" if last else "right")
    return Bar(x, width, part.status, sure, torn.strip(), label, _title(part))


def _title(part: Part) -> str:
    name, status, days = edition_name(part.form, part.edition), both("status", part.status), part.days
    return " / ".join(f"{name[language]}: {status[language]}, {days[language]}" for language in name)
