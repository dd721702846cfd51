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

    `counted_from` names a day field of the same object, or "day" for the day of the decision.
    """

    id: str
    counted_from: str = Field(alias="from")


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
    event = day if rule.counted_from == THE_DECISION else _day(values.get(rule.counted_from))
    return deadlines.term(rule.id).last_day(event) if event else None


def completed(specs: Mapping[str, FieldSpec], values: Mapping[str, Any], day: date) -> dict[str, Any]:
    """The values with every term that was left out: what is printed belongs into the data, the calendar may change."""
    computed = {name: last_day(spec.term, values, day) for name, spec in specs.items() if spec.term}
    return {**values, **{name: end.isoformat() for name, end in computed.items() if end and name not in values}}


def disagreements(specs: Mapping[str, FieldSpec], values: Mapping[str, Any], day: date) -> Iterator[tuple[str, str]]:
    """(name, what was expected) of every stated term that is not the one of the law."""
    for name, spec in specs.items():
        stated, expected = _day(values.get(name)), last_day(spec.term, values, day) if spec.term else None
        if spec.term and stated and expected and stated != expected:
            yield (
                name,
                f"expected {expected}, the last day of the term {spec.term.id}, or the field left out;"
                " a working day that was moved by an act belongs into days_off.toml",
            )


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
