"""Amounts that the law fixes in monthly calculation indices (АЕК / МРП), as dated data: forms/shared/amounts.toml.

`expected` gives the sum in tenge on a day. A form's field names a rule (`amount = "certificate"`, or a table with
the fields that the rule looks at), and `disagreement` says whether the sum of a decision follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator, model_validator

from qujat.datafiles import SHARED, Strict, read
from qujat.errors import AmountUnknown, FormError
from qujat.money import money_text, parse_money

TABLE = SHARED / "amounts.toml"

Place = Literal["town", "village"]
AekDay = Literal["decision", "application"]
Look = Callable[[str], Any]


class AmountRule(Strict):
    """What a money field, or a whole number of indices, is checked against. Every name is that of a field.

    household: a whole number of persons, or rows of persons, to which `beside` adds those who stand elsewhere;
    place: a choice of "town" and "village"; lower: a sum that is paid instead where it is lower (the actual appraised
    value); applied_on: the day of the application, for deployments that take the index of that day.
    """

    kind: str
    household: str = ""
    beside: int = 0
    place: str = ""
    lower: str = ""
    applied_on: str = ""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        """`amount = "certificate"` for a rule that looks at nothing else."""
        return {"kind": given} if isinstance(given, str) else given


class _Dated(Strict):
    first: date
    last: date | None = None
    source: str

    def stands_on(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


class Aek(_Dated):
    """The index of a year."""

    tenge: Decimal

    @field_validator("tenge", mode="before")
    @classmethod
    def _as_text(cls, tenge: Any) -> Decimal:
        amount = parse_money(tenge)
        if amount is None:
            raise ValueError('expected text with two decimals such as "4325.00"')
        return amount


class Amount(_Dated):
    """One amount. `persons` is the size of the household it is for, both ends inclusive; None: of any size."""

    kind: str
    what: str
    order: str
    point: str
    aek: int
    place: Place | None = None
    persons: tuple[int, int] | None = None
    per_person: bool = False
    held: bool

    def is_for(self, household: int, place: Place | None) -> bool:
        fits = self.persons is None or self.persons[0] <= household <= self.persons[1]
        return fits and (self.place is None or self.place == place)


class Table(Strict):
    """forms/shared/amounts.toml"""

    aek: Sequence[Aek]
    amount: Sequence[Amount]


@cache
def table(path: Path = TABLE) -> Table:
    """Raises FormError if the file is wrong."""
    return read(path, Table)


def aek(day: date) -> Decimal:
    """The index on a day, in tenge. Raises AmountUnknown."""
    for entry in table().aek:
        if entry.stands_on(day):
            return entry.tenge
    raise AmountUnknown(f"the monthly calculation index of {day.year} is not on file: add it to {TABLE.name}")


def kinds() -> list[str]:
    """The kinds of amounts on file."""
    return sorted({amount.kind for amount in table().amount})


def indices(kind: str, day: date, household: int = 1, place: Place | None = None) -> int:
    """An amount as a number of indices. Raises AmountUnknown."""
    if kind not in kinds():
        raise FormError(f"expected one of {', '.join(kinds())}, not {kind!r}")
    found = [a for a in table().amount if a.kind == kind and a.stands_on(day) and a.is_for(household, place)]
    if len(found) != 1:
        raise AmountUnknown(
            f"{len(found)} amounts of the kind {kind} are on file for {day}, {household} person(s), "
            f"{place or 'no kind of place'}: expected one; give household and place, or look in {TABLE.name}"
        )
    return found[0].aek * (household if found[0].per_person else 1)


def expected(kind: str, day: date, household: int = 1, place: Place | None = None) -> Decimal:
    """The sum in tenge that the law fixes, by the index of `day`. Raises AmountUnknown."""
    return indices(kind, day, household, place) * aek(day)


def disagreement(rule: AmountRule, value: Any, look: Look, decided: date, aek_day: AekDay) -> tuple[str, str] | None:
    """(code, message) if a sound value of a field does not follow its rule; `look` gives other fields by name."""
    try:
        day, household, place = _day(rule, look, decided, aek_day), _household(rule, look), _place(rule, look)
        if rule.place and place is None:
            return None  # a form asks for it always: what is missing or wrong is reported there
        if isinstance(value, int):
            fixed = indices(rule.kind, day, household, place)
            return None if value == fixed else ("amount-disagrees", f"expected {fixed} indices (АЕК)")
        return _sum_disagreement(rule, value, look, expected(rule.kind, day, household, place))
    except AmountUnknown as error:
        return "amount-unknown", error.message


def _sum_disagreement(rule: AmountRule, value: Any, look: Look, fixed: Decimal) -> tuple[str, str] | None:
    given, lower = parse_money(value), parse_money(look(rule.lower)) if rule.lower else None
    due = min(fixed, lower) if lower is not None else fixed
    if given is None or given == due:
        return None
    if due < fixed:
        return "amount-disagrees", f"expected {money_text(due)}, as {rule.lower} is lower than {money_text(fixed)}"
    hint = f"; where less is due, {rule.lower} must say so" if rule.lower else ""
    return "amount-disagrees", f"expected {money_text(fixed)}, the amount that the law fixes{hint}"


def _day(rule: AmountRule, look: Look, decided: date, aek_day: AekDay) -> date:
    """The day whose index counts. Raises AmountUnknown if it is that of the application, and nobody says which."""
    if aek_day == "decision":
        return decided
    applied = look(rule.applied_on) if rule.applied_on else None
    if applied is None:
        raise AmountUnknown(
            f"[amounts] aek_day: the index of the day of the application counts: "
            f"expected it in {rule.applied_on or 'a field, and the form has none'}"
        )
    try:
        return date.fromisoformat(applied) if isinstance(applied, str) else decided
    except ValueError:
        return decided  # a day that is none is reported where it stands


def _household(rule: AmountRule, look: Look) -> int:
    """How many persons; one where the rule does not ask."""
    persons = look(rule.household) if rule.household else None
    if isinstance(persons, list):
        return len(persons) + rule.beside
    return persons + rule.beside if isinstance(persons, int) else max(rule.beside, 1)


def _place(rule: AmountRule, look: Look) -> Place | None:
    place = look(rule.place) if rule.place else None
    return place if place in ("town", "village") else None


def fields_of(rule: AmountRule) -> set[str]:
    """The names of the fields that a rule looks at."""
    return {name for name in (rule.household, rule.place, rule.lower, rule.applied_on) if name}
