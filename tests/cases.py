"""Every wording that can be printed, with a decision for it: what the tests of the whole path run over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import offices

from qujat.catalogue import Catalogue, Edition, Form, Wording, load
from qujat.errors import QujatError
from qujat.fields import FieldSpec
from qujat.languages import LANGUAGES, Language

# Invented publication days within their bounds, so that every edition is in force on some day.
PUBLISHED = {"order_173": date(2024, 6, 10), "order_222": date(2026, 6, 5)}


@cache
def catalogue() -> Catalogue:
    """The catalogue with every publication day known."""
    return load({key: day for key, day in PUBLISHED.items() if key in load().acts})


@dataclass(frozen=True)
class Case:
    """One wording and a day on which it is in force."""

    form: Form
    edition: Edition
    language: Language
    day: date

    def __str__(self) -> str:
        return f"{self.form.annex}-{self.edition.id}-{self.language}"

    @property
    def wording(self) -> Wording:
        return catalogue().in_force(self.form.key, self.day, self.language)

    @property
    def written_in(self) -> list[Language]:
        """This language alone, or both for a form that is one document in both."""
        return list(LANGUAGES) if self.form.file.bilingual else [self.language]

    @property
    def languages(self) -> list[Language]:
        """This language, and the other one if it is held on the day."""
        return [language for language in LANGUAGES if _held(self.form, self.day, language)]

    def decision(self, *, long: bool = False, **changes: Any) -> dict[str, Any]:
        """The fixture of the form, fitted to this day and edition, in this language alone."""
        name = f"{self.form.annex}-long" if long else self.form.annex
        sent = json.loads((offices.FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
        known = {field for language in self.languages for field in _wording(self.form, self.day, language).fields}
        sent["fields"] = {key: value for key, value in sent["fields"].items() if key in known}
        fitted = {
            "id": f"{self}-{'long' if long else 'short'}",
            "day": self.day.isoformat(),
            "languages": self.written_in,
        }
        return sent | fitted | changes


def without_rules(specs: Mapping[str, FieldSpec]) -> dict[str, FieldSpec]:
    """The fields by the shape of their values alone, without what the law says of sums."""
    none = {"amount": None, "total_of": "", "once": False}
    return {
        name: spec.model_copy(update={**none, "columns": without_rules(spec.columns)}) for name, spec in specs.items()
    }


def _wording(form: Form, day: date, language: Language) -> Wording:
    return catalogue().in_force(form.key, day, language)


def _held(form: Form, day: date, language: Language) -> bool:
    try:
        _wording(form, day, language)
    except QujatError:
        return False
    return True


def _day(form: Form, edition: Edition, language: Language) -> date:
    """The day of the fixture if the edition is in force then, else the nearest day on which it is."""
    fixture = json.loads((offices.FIXTURES / f"{form.annex}.json").read_text(encoding="utf-8"))
    wanted = date.fromisoformat(fixture["day"])
    editions = [e for e in form.editions if e.changes(language)]
    following = editions[editions.index(edition) + 1 :]
    last = edition.last or (following[0].first.earliest - timedelta(days=1) if following else date(2026, 11, 1))
    return max(edition.first.earliest, min(wanted, last))


def cases() -> list[Case]:
    """Every form × edition × language whose words are on file."""
    return [
        Case(form, edition, language, _day(form, edition, language))
        for form in catalogue().forms.values()
        for edition in form.editions
        for language, status in edition.wording.items()
        if status != "not-held" and not (form.file.bilingual and language == "ru")
    ]
