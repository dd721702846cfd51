"""What a wording sees: slots that are filled from the decision, or blank for filling by hand.

A slot prints itself (`{{ f.status }}`): its value, or an underlined empty place. So one wording serves the issued
document and the empty form. Slots hold no words of the law.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup, escape

from qujat.fields import FieldSpec
from qujat.languages import Language
from qujat.words import day_in_figures, day_in_words, month

NOT_GIVEN = "–"


@dataclass(frozen=True, slots=True)
class Slot:
    """One place on the page. `text` None: a blank of the given width class (xs, s, m, l)."""

    text: str | None
    width: str = "m"

    def __html__(self) -> str:
        if self.text is None:
            return Markup('<span class="blank {}"> </span>').format(self.width)
        # No box around a value: next to boxes WeasyPrint 70 breaks lines too early.
        return escape(self.text)

    @property
    def is_blank(self) -> bool:
        return self.text is None

    def __str__(self) -> str:
        return self.text or ""


@dataclass(frozen=True, slots=True)
class DaySlot:
    """A day, whole or in parts as the form asks: «20{{ d.yy }} ж. "{{ d.dd }}" {{ d.month }}»."""

    day: date | None
    language: Language
    given: bool = True

    def _slot(self, text: str, width: str) -> Slot:
        if self.day is None:
            return Slot(NOT_GIVEN if self.given else None, width)
        return Slot(text, width)

    def __html__(self) -> str:
        return self._slot(day_in_figures(self.day) if self.day else "", "m").__html__()

    @property
    def dd(self) -> Slot:
        return self._slot(f"{self.day:%d}" if self.day else "", "xs")

    @property
    def month(self) -> Slot:
        return self._slot(month(self.day, self.language) if self.day else "", "s")

    @property
    def yy(self) -> Slot:
        return self._slot(f"{self.day:%y}" if self.day else "", "xs")

    @property
    def yyyy(self) -> Slot:
        return self._slot(f"{self.day:%Y}" if self.day else "", "xs")

    @property
    def words(self) -> Slot:
        return self._slot(day_in_words(self.day, self.language) if self.day else "", "l")


@dataclass(frozen=True, slots=True)
class ChoiceSlot:
    """A choice of one code. `words` prints it; `is_(code)` lets a wording underline what was chosen."""

    code: str | None
    words_of: Mapping[str, Mapping[Language, str]]
    language: Language
    given: bool = True

    def is_(self, code: str) -> bool:
        if code not in self.words_of:
            raise KeyError(f"no such choice: {code}")
        return self.code == code

    @property
    def number(self) -> Slot:
        """The place of the choice in the form's list, from 1."""
        return self._slot(str(list(self.words_of).index(self.code) + 1) if self.code else "", "xs")

    def _slot(self, text: str, width: str) -> Slot:
        return Slot(text, width) if self.code else Slot(NOT_GIVEN if self.given else None, width)

    def __html__(self) -> str:
        words = self.words_of[self.code][self.language] if self.code else ""
        return self._slot(words, "m").__html__()


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
        case "rows":
            return _rows(spec, value, language, grounds, given=given)
        case "list":
            return _entries(spec, value, language, given=given)
        case "grounds":
            return _grounds(grounds[spec.list_key], value, given=given)
        case _:
            return Slot(_words(spec, value, language) if value is not None else (NOT_GIVEN if given else None))


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
        return [Ground(Slot(str(n)), Slot(texts[n - 1])) for n in numbers]
    return []
