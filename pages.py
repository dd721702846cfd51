"""From the data of a document to the sheet that rendering draws: the page of one language, or an empty form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from qujat import bilingual, foot
from qujat.catalogue import Catalogue, Edition, Form, Wording
from qujat.foot import paper_words
from qujat.languages import LANGUAGES, Language
from qujat.rendering import Attachment, Sheet
from qujat.slots import DaySlot, Slot
from qujat.views import Person, fields_view
from qujat.words import day_in_words

# Kazakhstan has had one time zone since 01.03.2024; the time of a page is a convention, its day is the decision's.
ALMATY = timezone(timedelta(hours=5))

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """The mark as it stands on paper: the QR, the code for typing by hand, the address to type it at."""

    png: bytes
    code: str
    address: str


def page(
    catalogue: Catalogue,
    data: Data,
    language: Language,
    mark: DrawnMark,
    attachments: Sequence[Attachment] = (),
    *,
    copy: bool = False,
) -> Sheet:
    """The sheet of a document in one language, a bilingual form in both. `copy` prints «көшірме / копия» on it."""
    form = catalogue.form(data["form"])
    text = form.edition(data["editions"][language]["text"])
    day, languages = date.fromisoformat(data["day"]), _languages(form, language)
    texts = {name: catalogue.grounds[name].file.texts[edition][language] for name, edition in data["grounds"].items()}
    context = {
        **_frame(form, languages, day),
        "f": _view(form, text, data["fields"], languages, texts),
        "number": Slot(data["number"]),
        "day": DaySlot(day, language),
        "authority": Slot(_in(data["authority"]["name"], languages)),
        "official": Person(Slot(data["official"]["full_name"]), Slot(_in(data["official"]["position"], languages))),
        "seal": _seal(data, languages, mark),
        "copy": paper_words()[language]["copy"] if copy else None,
        "foot": foot.of_document(catalogue, form, data, languages),
    }
    return Sheet(form.template(text.id, language), context, _moment(day), mark.png, tuple(attachments))


def blank(catalogue: Catalogue, wording: Wording) -> Sheet:
    """The sheet of an empty form for filling by hand: no number, no mark, no signature."""
    languages = _languages(wording.form, wording.language)
    first = wording.first.known or wording.first.earliest
    texts: Mapping[str, Sequence[str]] = dict.fromkeys(catalogue.grounds, ())
    context = {
        **_frame(wording.form, languages, first),
        "f": _view(wording.form, wording.text, None, languages, texts),
        "number": Slot(None, "s"),
        "day": DaySlot(None, wording.language, given=False),
        "authority": Slot(None, "l"),
        "official": Person(Slot(None, "l"), Slot(None, "l")),
        "seal": None,
        "copy": None,
        "foot": foot.of_empty_form(catalogue, wording, languages),
    }
    return Sheet(wording.template, context, _moment(first))


def _languages(form: Form, language: Language) -> tuple[Language, ...]:
    """The languages that stand on one page."""
    return LANGUAGES if form.file.bilingual else (language,)


def _in(texts: Mapping[Language, str], languages: Sequence[Language]) -> str:
    return bilingual.both({language: texts[language] for language in languages})


def _view(
    form: Form,
    text: Edition,
    values: Mapping[str, Any] | None,
    languages: Sequence[Language],
    texts: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """The `f` of a wording; on a bilingual page every value that is given by language stands in both."""
    specs = form.fields(text.id)
    if len(languages) > 1:
        values = values and bilingual.values_of(specs, values)
        specs = bilingual.specs_of(specs)
    return fields_view(specs, values, languages[0], texts)


def _frame(form: Form, languages: Sequence[Language], day: date) -> dict[str, Any]:
    return {"language": languages[0], "title": _in(form.title, languages), "created": _moment(day).isoformat()}


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), ALMATY)


def _seal(data: Data, languages: Sequence[Language], mark: DrawnMark) -> dict[str, Any]:
    day = date.fromisoformat(data["day"])
    position, organisation = data["official"]["position"], data["authority"]["name"]
    return {
        "signed": _own("signed", languages),
        "official": data["official"]["full_name"],
        "holders": [f"{position[language]}, {organisation[language]}" for language in languages],
        "day": _in({language: day_in_words(day, language) for language in languages}, languages),
        "stand_in": _own("stand_in", languages) if data["stand_in"] else None,
        "alt": _own("qr", languages),
        "code": mark.code,
        "address": mark.address,
        "how": _own("how", languages),
    }


def _own(name: str, languages: Sequence[Language]) -> str:
    """Words of the paper itself."""
    return _in({language: paper_words()[language][name] for language in languages}, languages)
