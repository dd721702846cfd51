"""Acts and the first day of their effect.

An act either fixes its first day, or takes effect "by the expiry of ten calendar days after the day of its first
official publication": publication day P is not counted, days P+1 … P+10 elapse, the first day of effect is P+11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from qujat.errors import ConfigurationError
from qujat.languages import Language

DAYS_AFTER_PUBLICATION = 11


@dataclass(frozen=True, slots=True)
class Interval:
    """A day known to lie between two days, both inclusive; `latest` None if nothing bounds it."""

    earliest: date
    latest: date | None

    @property
    def known(self) -> date | None:
        """The day itself, if only one is possible."""
        return self.earliest if self.earliest == self.latest else None

    def straddles(self, day: date) -> bool:
        """True if it is open whether the day of this interval has come by `day`."""
        return self.earliest <= day and (self.latest is None or day < self.latest)

    def latest_is_on_or_before(self, day: date) -> bool:
        return self.latest is not None and self.latest <= day

    def shifted(self, days: int) -> Interval:
        step = timedelta(days=days)
        return Interval(self.earliest + step, self.latest + step if self.latest else None)

    def __str__(self) -> str:
        if self.known:
            return f"on {self.known}"
        return f"between {self.earliest} and {self.latest}" if self.latest else f"on {self.earliest} or later"


@dataclass(frozen=True, slots=True)
class Bound:
    """A day and the reason for it."""

    day: date
    reason: str


@dataclass(frozen=True, slots=True)
class Act:
    """An order. `first_day` is fixed by the act, or None where it hangs on the publication day.

    An act with `first_not_before` is not known: an edition was in force from some day on, and nobody here knows what
    made it. It has no number, its `day` is that bound, and it counts as in force from the bound on.
    """

    key: str
    number: str
    day: date
    name: str
    title: Mapping[Language, str]
    first_day: date | None = None
    published_not_before: Bound | None = None
    published_not_after: Bound | None = None
    first_not_before: Bound | None = None

    @property
    def hangs_on_publication(self) -> bool:
        return self.first_day is None and self.first_not_before is None


@dataclass(frozen=True, slots=True)
class Publications:
    """The publication days that a deployment knows, from [published] of its configuration."""

    days: Mapping[str, date] = field(default_factory=dict)

    @classmethod
    def checked(cls, days: Mapping[str, date], acts: Mapping[str, Act]) -> Publications:
        """Raises ConfigurationError if an act is unknown, fixes its own day, or the day is out of its bounds."""
        for key, day in days.items():
            _check_publication(key, day, acts)
        return cls(dict(days))

    def first_day(self, act: Act) -> Interval:
        """The first day of effect: fixed by the act, computed from P, or bounded."""
        if act.first_day:
            return Interval(act.first_day, act.first_day)
        if act.first_not_before:
            return Interval(act.first_not_before.day, None)
        published = self.days.get(act.key)
        if published:
            return Interval(published, published).shifted(DAYS_AFTER_PUBLICATION)
        earliest = act.published_not_before.day if act.published_not_before else act.day
        latest = act.published_not_after.day if act.published_not_after else None
        return Interval(earliest, latest).shifted(DAYS_AFTER_PUBLICATION)


def _check_publication(key: str, day: date, acts: Mapping[str, Act]) -> None:
    act = acts.get(key)
    if act is None or not act.hangs_on_publication:
        hang = ", ".join(sorted(k for k, a in acts.items() if a.hangs_on_publication))
        raise ConfigurationError(
            f"[published] {key}: expected one of {hang} (acts whose first day hangs on publication)"
        )
    low, high = act.published_not_before, act.published_not_after
    if low and day < low.day:
        raise ConfigurationError(f"[published] {key} = {day}: not before {low.day}: {low.reason}")
    if high and day > high.day:
        raise ConfigurationError(f"[published] {key} = {day}: not after {high.day}: {high.reason}")
