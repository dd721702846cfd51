"""Slots: the places of a page, filled or blank.

A slot prints itself (`{{ f.status }}`): its value, or an underlined empty place. So one wording serves the issued
document and the empty form. Slots hold no words of the law.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from markupsafe import Markup, escape

from qujat import money
from qujat.languages import Language
from qujat.number_words import cardinal
from qujat.words import Case, day_in, day_in_figures, day_in_words, month, month_in

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

    def _slot(self, words: Callable[[date], str], width: str) -> Slot:
        if self.day is None:
            return Slot(NOT_GIVEN if self.given else None, width)
        return Slot(words(self.day), width)

    def __html__(self) -> str:
        return self._slot(day_in_figures, "m").__html__()

    @property
    def dd(self) -> Slot:
        return self._slot(lambda day: f"{day:%d}", "xs")

    @property
    def month(self) -> Slot:
        return self._slot(lambda day: month(day, self.language), "s")

    @property
    def yy(self) -> Slot:
        return self._slot(lambda day: f"{day:%y}", "xs")

    @property
    def yyyy(self) -> Slot:
        return self._slot(lambda day: f"{day:%Y}", "xs")

    @property
    def words(self) -> Slot:
        return self._slot(lambda day: day_in_words(day, self.language), "l")

    def words_in(self, case: Case) -> Slot:
        """With a Kazakh case ending: `d.words_in("ablative")` prints "2026 жылғы 12 шілдеден"."""
        return self._slot(lambda day: day_in(day, case, self.language), "l")

    def month_in(self, case: Case) -> Slot:
        """`d.month_in("locative")` prints "шілдеде"."""
        return self._slot(lambda day: month_in(day, case, self.language), "s")


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
class ManySlot:
    """A choice of several codes. Prints their words; `is_(code)` ticks a box; a loop gives a slot for each."""

    codes: tuple[str, ...] | None
    words_of: Mapping[str, Mapping[Language, str]]
    language: Language
    given: bool = True

    def is_(self, code: str) -> bool:
        if code not in self.words_of:
            raise KeyError(f"no such choice: {code}")
        return code in (self.codes or ())

    def __iter__(self) -> Iterator[Slot]:
        return iter([Slot(self.words_of[code][self.language]) for code in self.codes or ()] or [self._empty])

    @property
    def _empty(self) -> Slot:
        return Slot(NOT_GIVEN if self.given else None)

    def __html__(self) -> str:
        words = ", ".join(self.words_of[code][self.language] for code in self.codes or ())
        return (Slot(words) if words else self._empty).__html__()


@dataclass(frozen=True, slots=True)
class MoneySlot(Slot):
    """A sum: prints its figures ("7 028 125,00"). The word for tenge is the wording's, except in `words_in_full`."""

    amount: Decimal | None = None
    language: Language = "kk"

    @classmethod
    def of(cls, amount: Decimal | None, language: Language, otherwise: str | None) -> MoneySlot:
        text = otherwise if amount is None else money.in_figures(amount)
        return cls(text, amount=amount, language=language)

    @property
    def words(self) -> Slot:
        """ "Жеті миллион жиырма сегіз мың бір жүз жиырма бес", with "50/100" behind it if there are tiyn."""
        return Slot(self.text if self.amount is None else money.in_words(self.amount, self.language), "l")

    @property
    def words_in_full(self) -> Slot:
        """ "… бір жүз жиырма бес теңге 00 тиын"."""
        return Slot(self.text if self.amount is None else money.in_words_with_currency(self.amount, self.language), "l")

    @property
    def tiyn(self) -> Slot:
        return Slot(self.text if self.amount is None else money.tiyn_of(self.amount), "xs")


@dataclass(frozen=True, slots=True)
class IntegerSlot(Slot):
    """A whole number: prints its digits; `words` prints "бес", "пять"."""

    number: int | None = None
    language: Language = "kk"

    @property
    def words(self) -> Slot:
        return Slot(self.text if self.number is None else cardinal(self.number, self.language))


@dataclass(frozen=True, slots=True)
class IbanSlot(Slot):
    """An account number: prints it whole; `after_kz` prints what follows where the form has "KZ" in print."""

    is_given: bool = False

    @property
    def after_kz(self) -> Slot:
        return Slot(self.text[2:] if self.text and self.is_given else self.text)


@dataclass(frozen=True, slots=True)
class TimeSlot(Slot):
    """A time of the day: prints "09:30", or `hour` and `minute` apart."""

    is_given: bool = False

    @property
    def hour(self) -> Slot:
        return Slot(self.text[:2] if self.text and self.is_given else self.text, "xs")

    @property
    def minute(self) -> Slot:
        return Slot(self.text[3:] if self.text and self.is_given else self.text, "xs")
