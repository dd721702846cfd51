"""What a wording sees: slots that are filled from the decision, or blank for filling by hand.

A slot prints itself (`{{ f.status }}`); `slots` has their kinds, here a form's values become slots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from qujat.fields import FieldSpec
from qujat.languages import Language
from qujat.money import parse_money
from qujat.slots import NOT_GIVEN, ChoiceSlot, DaySlot, IbanSlot, IntegerSlot, ManySlot, MoneySlot, Slot, TimeSlot


@dataclass(frozen=True, slots=True)
class Person:
    """An official on the page: `full_name`, `position`."""

    full_name: Slot
    position: Slot


View = Any


def fields_view(
    specs: Mapping[str, FieldSpec],
    values: Mapping[str, Any] | None,
    language: Language,
    grounds: Mapping[str, Sequence[str]],
) -> dict[str, View]:
    """The `f` of a wording. `values` None makes every slot blank; `grounds` gives the texts of each list."""
    return {
        name: _view(spec, None if values is None else values.get(name), language, grounds, given=values is not None)
        for name, spec in specs.items()
    }


def _view(
    spec: FieldSpec, value: Any, language: Language, grounds: Mapping[str, Sequence[str]], *, given: bool
) -> View:
    match spec.type:
        case "day":
            return DaySlot(date.fromisoformat(value) if value else None, language, given)
        case "choice":
            return ChoiceSlot(value, spec.choices, language, given)
        case "many":
            return ManySlot(None if value is None else tuple(value), spec.choices, language, given)
        case "rows":
            return _rows(spec, value, language, grounds, given=given)
        case "list":
            return _entries(spec, value, language, given=given)
        case "grounds":
            return _grounds(grounds[spec.list_key], value, given=given)
        case _:
            return _single(spec, value, language, given=given)


def _single(spec: FieldSpec, value: Any, language: Language, *, given: bool) -> Slot:
    """A slot with one text. A value that is not there leaves a blank, or a dash in an issued document."""
    nothing = NOT_GIVEN if given else None
    text = nothing if value is None else _words(spec, value, language)
    match spec.type:
        case "money":
            return MoneySlot.of(parse_money(value), language, text)
        case "integer":
            return IntegerSlot(text, number=value, language=language)
        case "iban":
            return IbanSlot(text, is_given=value is not None)
        case "time":
            return TimeSlot(text, is_given=value is not None)
        case "percent":
            return Slot(text and text.replace(".", ","))
        case _:
            return Slot(text)


def _words(spec: FieldSpec, value: Any, language: Language) -> str:
    return str(value[language] if spec.by_language else value)


def _rows(
    spec: FieldSpec, rows: Any, language: Language, grounds: Mapping[str, Sequence[str]], *, given: bool
) -> list[dict[str, View]]:
    """One view a row. An empty form shows `lines` blank rows; a document without rows shows one row of dashes."""
    if given:
        return [fields_view(spec.columns, row, language, grounds) for row in rows or [{}]]
    return [fields_view(spec.columns, None, language, grounds) for _ in range(spec.lines)]


def _entries(spec: FieldSpec, entries: Any, language: Language, *, given: bool) -> list[Slot]:
    if given:
        return [Slot(_words(spec, entry, language)) for entry in entries or []] or [Slot(NOT_GIVEN)]
    return [Slot(None, "l") for _ in range(spec.lines)]


@dataclass(frozen=True, slots=True)
class Ground:
    """One ground: `{{ g.number }}) {{ g.text }}`."""

    number: Slot
    text: Slot


def _grounds(texts: Sequence[str], numbers: Any, *, given: bool) -> list[Ground]:
    if given:
        return [Ground(Slot(str(n)), Slot(texts[n - 1])) for n in numbers or []]
    return []
