"""A draft on paper: the page as it will be, marked as a draft on every sheet, without a number and without a mark.

What is not typed yet, or is wrong, is an empty place. Nothing of it can be taken for a document: its QR code is a plain
sentence, and its foot says what it is.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

import pypdfium2
from markupsafe import Markup

from qujat import bilingual, foot, pages, qr, rendering
from qujat.catalogue import Catalogue, Wording
from qujat.fields import FieldSpec, ground_lists
from qujat.foot import paper_words
from qujat.gallery.specimens import NO_CODE
from qujat.languages import LANGUAGES, Language
from qujat.office import Office
from qujat.pagetext import PDFIUM
from qujat.phrases import phrase_on
from qujat.rendering import Sheet
from qujat.server.desk.words import words
from qujat.slots import DaySlot, Slot
from qujat.terms import completed
from qujat.views import Person, fields_view
from qujat.words import day_in_words

QR_TEXT = "JOBA / PROEKT / DRAFT. This page is a draft, not a document: it is not signed and is in no register."
_SCALE = 1.75  # pixels a point: sharp at the width of a column, small to send


@dataclass(frozen=True, slots=True)
class Typed:
    """What is known of a document to be. `fields`: those that can be printed (`judging.printable`)."""

    form: str
    day: date
    languages: tuple[Language, ...]
    authority: Mapping[str, str]
    official: str
    position: Mapping[str, str]
    fields: Mapping[str, Any] = field(repr=False)


def pdf(office: Office, typed: Typed, language: Language) -> bytes:
    """The draft in one language as a PDF. Raises as `Catalogue.in_force` does, FormError."""
    return rendering.pdf(sheet(office, typed, language))


def pictures(office: Office, typed: Typed, language: Language) -> tuple[bytes, ...]:
    """The pages of the draft as PNG."""
    return drawn(pdf(office, typed, language))


def drawn(content: bytes) -> tuple[bytes, ...]:
    """The pages of a PDF as PNG."""
    with PDFIUM:
        document = pypdfium2.PdfDocument(content)
        try:
            return tuple(_png(page) for page in document)
        finally:
            document.close()


def _png(page: pypdfium2.PdfPage) -> bytes:
    written = io.BytesIO()
    page.render(_SCALE, grayscale=True).to_pil().quantize(16).save(written, "PNG")
    return written.getvalue()


def sheet(office: Office, typed: Typed, language: Language) -> Sheet:
    """The sheet of a draft. Raises as `Catalogue.in_force` does."""
    catalogue = office.forms
    wording = catalogue.in_force(typed.form, typed.day, language)
    languages = LANGUAGES if wording.form.file.bilingual else (language,)
    empty = pages.blank(catalogue, wording)
    shown = {
        **empty.words,
        "f": _fields(catalogue, wording, typed, languages),
        "day": DaySlot(typed.day, language),
        "authority": _slot(typed.authority, languages),
        "official": Person(Slot(typed.official or None, "l"), _slot(typed.position, languages)),
        "seal": _seal(typed, languages, stand_in=office.trust.stand_in),
        "foot": _foot(office, wording, typed, languages),
    }
    return replace(empty, words=shown, mark=_qr())


def _slot(texts: Mapping[str, str], languages: Sequence[Language]) -> Slot:
    said = {language: texts[language] for language in languages if texts.get(language)}
    return Slot(bilingual.both(said) or None, "l")


def _fields(catalogue: Catalogue, wording: Wording, typed: Typed, languages: Sequence[Language]) -> dict[str, Any]:
    specs, values = wording.fields, completed(wording.fields, typed.fields, typed.day)
    values = {name: value for name, value in values.items() if name in specs}
    if len(languages) > 1:
        values, specs = bilingual.values_of(specs, _whole(values)), bilingual.specs_of(specs)
    texts = {name: catalogue.ground_texts(name, typed.day, wording.language) for name in ground_lists(specs)}
    return view(specs, values, wording.language, texts)


def _whole(value: Any) -> Any:
    """Without the entries of lists that are wrong; `bilingual.values_of` knows none."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value if one is not None]
    return value


def view(
    specs: Mapping[str, FieldSpec], values: Mapping[str, Any], language: Language, texts: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The `f` of a wording, blank wherever a value that is asked for is not there."""
    return {name: _view(name, spec, values.get(name), language, texts) for name, spec in specs.items()}


def _view(name: str, spec: FieldSpec, value: Any, language: Language, texts: Mapping[str, Sequence[str]]) -> Any:
    known = _known(spec, value, language)
    if known in (None, [], {}):
        # Something optional that is not given is a dash in the document, too.
        given: dict[str, Any] | None = None if spec.required or spec.given_with else {}
        return fields_view({name: spec}, given, language, texts)[name]
    if spec.type == "rows":
        return [view(spec.columns, row, language, texts) for row in known]
    return fields_view({name: spec}, {name: known}, language, texts)[name]


def _known(spec: FieldSpec, value: Any, language: Language) -> Any:
    """What of a value can be shown in this language."""
    if isinstance(value, list):
        entries = [one for one in value if one is not None]
        return [one for one in entries if language in one] if spec.type == "list" and spec.by_language else entries
    if spec.by_language and isinstance(value, dict):
        return value if language in value else None
    return value


def _seal(typed: Typed, languages: Sequence[Language], *, stand_in: bool) -> dict[str, Any]:
    """The place of the signature and of the mark, as large as it will be."""
    said = words(languages[0])["draft_page"]
    named = [(typed.position.get(tongue), typed.authority.get(tongue)) for tongue in languages]
    holders = [", ".join(name for name in pair if name) for pair in named]
    return {
        "signed": said["signed"],
        "official": typed.official or "…",
        "holders": [holder or "…" for holder in holders],
        "day": bilingual.both({tongue: day_in_words(typed.day, tongue) for tongue in languages}),
        "stand_in": bilingual.both({t: paper_words()[t]["stand_in"] for t in languages}) if stand_in else None,
        "alt": said["alt"],
        "code": NO_CODE,
        "address": "",
        "how": said["how"],
    }


@cache
def _qr() -> bytes:
    return qr.draw(QR_TEXT).png


def _foot(office: Office, wording: Wording, typed: Typed, languages: Sequence[Language]) -> list[str]:
    """What the foot will say, with the draft's own line first."""
    catalogue, form = office.forms, wording.form
    state = {"edition": wording.edition.id, "text": wording.text.id, "wording": wording.status}
    lists = ground_lists(wording.fields)
    data: dict[str, Any] = {
        "number": "",
        "day": typed.day.isoformat(),
        "editions": dict.fromkeys(languages, state),
        "fields": typed.fields,
        "grounds": {name: catalogue.grounds_on(name, typed.day)[1].id for name in lists},
    }
    phrase = {tongue: phrase_on(typed.day, tongue, configured=office.phrases) for tongue in typed.languages}
    if not office.trust.stand_in and phrase and all(phrase.values()):
        data["phrase"] = phrase
    return [_first_line(languages[0], form.annex), *foot.of_document(catalogue, form, data, languages)[1:]]


def _first_line(language: Language, annex: str) -> Markup:
    said = words(language)["draft_page"]
    line = rendering.fill(
        "gallery/specimen.html.j2", {"across": said["across"], "foot": said["foot"].format(form=annex)}
    )
    return Markup(line)  # noqa: S704  the template has escaped its values
