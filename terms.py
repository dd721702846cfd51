"""Terms on documents: the day that a form states is computed from the law's term, and an issue after its term is told.

`deadlines` holds the terms themselves. A form says which field counts from which (`term`), and within which term the
document itself must be issued (`within`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import Field

from qujat import deadlines
from qujat.datafiles import Strict

if TYPE_CHECKING:
    from qujat.fields import FieldSpec

THE_DECISION = "day"  # as an event: the day of the decision itself


class TermRule(Strict):
    """`term = { id = "o20-objection", from = "received_on" }`: a day field that is the last day of a term of the law.

    `counted_from` names a day field of the same object, or "day" for the day of the decision. `until`: the field is not
    the last day itself but any day from the event to it, such as that of a hearing; it is never computed.
    """

    id: str
    counted_from: str = Field(alias="from")
    until: bool = False


class Within(Strict):
    """`[within]`: the field with the event from which the term of issue counts.

    Where one form serves several services, `case_of` names the choice that tells them apart and `cases` gives the case
    of deadlines.toml for each of its codes.
    """

    counted_from: str = Field(alias="from")
    case_of: str = ""
    cases: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Late:
    """A document that was issued after its term: told in the result, never a reason to refuse."""

    term: str
    last_day: date
    message: str
    code: str = "issued-late"


def last_day(rule: TermRule, values: Mapping[str, Any], day: date) -> date | None:
    """The last day of the term of a field, both days included in what `deadlines` counts; None if its event is open."""
    event = _event(rule, values, day)
    return deadlines.term(rule.id).last_day(event) if event else None


def _event(rule: TermRule, values: Mapping[str, Any], day: date) -> date | None:
    return day if rule.counted_from == THE_DECISION else _day(values.get(rule.counted_from))


def completed(specs: Mapping[str, FieldSpec], values: Mapping[str, Any], day: date) -> dict[str, Any]:
    """The values with every term that was left out: what is printed belongs into the data, the calendar may change."""
    rules = {name: spec.term for name, spec in specs.items() if spec.term and not spec.term.until}
    computed = {name: last_day(rule, values, day) for name, rule in rules.items()}
    return {**values, **{name: end.isoformat() for name, end in computed.items() if end and name not in values}}


def disagreements(specs: Mapping[str, FieldSpec], values: Mapping[str, Any], day: date) -> Iterator[tuple[str, str]]:
    """(name, what was expected) of every stated term that is not the one of the law."""
    for name, rule in ((name, spec.term) for name, spec in specs.items() if spec.term):
        stated, bounds = _day(values.get(name)), _bounds(rule, values, day)
        if stated and bounds and not bounds[0] <= stated <= bounds[1]:
            wanted = f"a day from {bounds[0]} to {bounds[1]}" if rule.until else str(bounds[1])
            otherwise = "" if rule.until else ", or the field left out"
            yield (
                name,
                f"expected {wanted}, the last day of the term {rule.id}{otherwise};"
                " a working day that was moved by an act belongs into days_off.toml",
            )


def _bounds(rule: TermRule, values: Mapping[str, Any], day: date) -> tuple[date, date] | None:
    """The first and the last day that the field may state; None while the event of the term is open."""
    event, end = _event(rule, values, day), last_day(rule, values, day)
    return (event if rule.until else end, end) if event and end else None


def late(within: Within | None, form: str, values: Mapping[str, Any], day: date) -> Late | None:
    """That a document of `day` came after its term, or None: in time, no term held, or its event not told."""
    event = _day(values.get(within.counted_from)) if within else None
    if within is None or event is None:
        return None
    case = within.cases.get(str(values.get(within.case_of)), "") if within.case_of else ""
    found = deadlines.term_for(form, case)
    end = found.last_day(event) if found else None
    if found is None or end is None or day <= end:
        return None
    return Late(
        found.id,
        end,
        f"the term {found.id} ended on {end} ({within.counted_from} {event}), the decision is of {day}; it was issued",
    )


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
