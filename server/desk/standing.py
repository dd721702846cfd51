"""Which edition of a form stands on a day, in each language, and why: for people, in their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from qujat.catalogue import Catalogue, Edition, Form, Wording, the_edition_on
from qujat.errors import DecisionError, NoEditionInForce, PublicationDayUnknown, WordingNotHeld
from qujat.fields import FieldSpec
from qujat.gallery import words as gallery_words
from qujat.gallery.contents import edition_name, part
from qujat.languages import LANGUAGES, Language
from qujat.server.desk.words import words


@dataclass(frozen=True, slots=True)
class Stand:
    """One language of a form on a day: its wording, or the error that says why there is none.

    `edition`: the one in force, where there is one, even if its words are not held.
    """

    language: Language
    wording: Wording | None
    edition: Edition | None
    error: DecisionError | None

    @property
    def code(self) -> str:
        """ "official", "translation", "house", "last-held", or the code of the error."""
        return self.wording.status if self.wording else self.error.code if self.error else ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A form on a day."""

    form: Form
    day: date
    stands: Mapping[Language, Stand]

    @property
    def wordings(self) -> Mapping[Language, Wording]:
        return {language: stand.wording for language, stand in self.stands.items() if stand.wording}

    @property
    def can_be_issued(self) -> bool:
        """In both languages, if it is one document in both."""
        return len(self.wordings) == len(LANGUAGES) if self.form.file.bilingual else bool(self.wordings)

    def specs(self, languages: Sequence[str] = LANGUAGES) -> dict[str, FieldSpec]:
        """The fields that a decision in these languages must give."""
        chosen = [wording for language, wording in self.wordings.items() if language in languages]
        found = {name: spec for wording in chosen for name, spec in wording.fields.items()}
        return {name: found[name] for name in self.form.file.fields if name in found}


def standing(catalogue: Catalogue, form: Form, day: date) -> Standing:
    """What stands on this day."""
    return Standing(form, day, {language: _stand(catalogue, form, day, language) for language in LANGUAGES})


def _stand(catalogue: Catalogue, form: Form, day: date, language: Language) -> Stand:
    try:
        wording = catalogue.in_force(form.key, day, language)
    except WordingNotHeld as error:
        editions = [edition for edition in form.editions if edition.changes(language)]
        return Stand(language, None, the_edition_on(editions, day, what=form.annex), error)
    except (NoEditionInForce, PublicationDayUnknown) as error:
        return Stand(language, None, None, error)
    return Stand(language, wording, wording.edition, None)


def reason(form: Form, stand: Stand, tongue: Language) -> str:
    """ "в редакции приказа от 14 ноября 2025 года № 359; действует с 01.01.2026"; empty without an edition."""
    found = part(form, stand.edition, stand.language) if stand.edition else None
    if found is None or stand.edition is None:
        return ""
    name = edition_name(form, stand.edition)[tongue]
    return words(tongue)["form"]["in_force"].format(name=name, days=found.days[tongue])


def described(form: Form, stand: Stand, tongue: Language) -> dict[str, Any]:
    """One language of a form as a page tells of it."""
    return {
        "language": stand.language,
        "held": stand.wording is not None,
        "code": stand.code,
        "status": status_words(stand.code, tongue),
        "why": reason(form, stand, tongue),
    }


def status_words(code: str, tongue: Language) -> str:
    """What the status of a wording is called; those of errors have words of their own."""
    return gallery_words.both("status", code)[tongue] if code in gallery_words.statuses() else ""


def stand_ins(catalogue: Catalogue, form: Form) -> list[Form]:
    """The house forms that stand in for an annex whose text is not held."""
    return [
        found for found in catalogue.forms.values() if found.file.house and form.annex in found.file.house.in_place_of
    ]
