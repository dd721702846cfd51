"""What the gallery shows: orders, their forms, and every edition of a form in every language with its days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qujat.acts import Interval
from qujat.catalogue import Catalogue, Edition, Form, Wording, days_of
from qujat.errors import FormError
from qujat.formfiles import Order, WordingStatus
from qujat.gallery import words
from qujat.gallery.words import Both
from qujat.languages import LANGUAGES, Language
from qujat.words import NBSP, dated, day_in_figures

# A form and an edition become names of files.
_FILE_NAME = re.compile(r"[a-z0-9_]+(-[a-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for: some forms (none named: all), some languages, with pictures or without."""

    forms: tuple[str, ...] = ()
    languages: tuple[Language, ...] = LANGUAGES
    pictures: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """One edition of a form in one language that its act restated, from its first day to its last (both inclusive)."""

    form: Form
    edition: Edition
    language: Language
    status: WordingStatus
    first: Interval
    last: Interval | None

    @property
    def wording(self) -> Wording | None:
        """Its wording, without asking what is in force on a day: unset publication days do not matter."""
        if self.status == "not-held":
            return None
        return Wording(self.form, self.language, self.edition, self.edition, self.status, self.first, self.last)

    @property
    def held(self) -> bool:
        return self.status != "not-held"

    @property
    def stem(self) -> str:
        """Where its files stand in the gallery, without "blank" or "filled" and the suffix."""
        return f"pages/{self.form.annex}/{self.edition.id}.{self.language}"

    @property
    def days(self) -> Both:
        """ "01.01.2026 – 09.06.2026" in both languages; the bounds of a day that is not known stand in brackets."""
        first = _bounds(self.first)
        if self.edition.act.first_not_before:
            return words.text("days_unknown_first") if self.last is None else _until_only(self.last)
        if self.last is None:
            return words.text("days_from", first=first)
        return words.text("days_between", first=first, last=_bounds(self.last))

    @property
    def why_not_held(self) -> Both:
        if self.edition.act.first_not_before:
            return words.text("act_unknown")
        return words.text("not_held", number=self.edition.act.number)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One order with the forms that are shown of it, in the order of its annexes."""

    key: str
    order: Order
    forms: tuple[Form, ...]


def _bounds(day: Interval) -> str:
    if day.known:
        return day_in_figures(day.known)
    return f"({day_in_figures(day.earliest)}{NBSP}…{NBSP}{day_in_figures(day.latest) if day.latest else '?'})"


def _until_only(last: Interval) -> Both:
    return words.text("days_between", first="?", last=_bounds(last))


def shelves(catalogue: Catalogue, choice: Choice) -> list[Shelf]:
    """The orders that have a form to show. Raises UnknownForm, or FormError for an annex that cannot name a file."""
    named = [catalogue.form(name).key for name in choice.forms] or list(catalogue.forms)
    forms = sorted((catalogue.forms[key] for key in dict.fromkeys(named)), key=lambda form: _natural(form.annex))
    for form in forms:
        _check_names(form)
    orders = sorted({form.file.order for form in forms}, key=lambda key: _natural(catalogue.orders[key].number))
    return [
        Shelf(key, catalogue.orders[key], tuple(form for form in forms if form.file.order == key)) for key in orders
    ]


def _natural(name: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _check_names(form: Form) -> None:
    for name in (form.annex, *(edition.id for edition in form.editions)):
        if not _FILE_NAME.fullmatch(name):
            raise FormError(
                f"{form.key}: expected an annex such as o20-a05 and an edition such as order_359, not {name!r}"
            )


def parts(form: Form, languages: Sequence[Language]) -> Iterator[Part]:
    """Every edition in every language that it restates, oldest first."""
    for edition in form.editions:
        for language in languages:
            if found := part(form, edition, language):
                yield found


def part(form: Form, edition: Edition, language: Language) -> Part | None:
    """An edition in one language; None if its act left this language as it was."""
    if not edition.changes(language):
        return None
    first, last = days_of([e for e in form.editions if e.changes(language)], edition)
    return Part(form, edition, language, edition.wording[language], first, last)


def is_transitional(form: Form, edition: Edition) -> bool:
    """True if the same act has put another edition of the form behind this one."""
    following = form.editions[form.editions.index(edition) + 1 :]
    return any(later.act.key == edition.act.key for later in following)


def edition_name(form: Form, edition: Edition) -> Both:
    """What made the edition: "в редакции приказа от 14 ноября 2025 года № 359", or the name of an act not known."""
    day = {language: dated(edition.act.day, language) for language in LANGUAGES}
    return _named(form, edition, words.text("act", number=edition.act.number, day=day))


def short_name(form: Form, edition: Edition) -> Both:
    """The same for tight places: "приказ № 359, 14.11.2025"."""
    act = edition.act
    return _named(form, edition, words.text("act_short", number=act.number, day=day_in_figures(act.day)))


def _named(form: Form, edition: Edition, name: Both) -> Both:
    if not edition.act.number:
        return {language: edition.act.title[language] for language in LANGUAGES}
    if not is_transitional(form, edition):
        return name
    transitional = words.text("transitional")
    return {language: f"{name[language]}, {transitional[language]}" for language in LANGUAGES}
