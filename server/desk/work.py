"""What worker processes do for the office: each function takes the Office of its process first (`server.workers`)."""

from __future__ import annotations

from qujat import pages, rendering
from qujat.catalogue import Form
from qujat.checking import check_number
from qujat.entries import Document
from qujat.errors import UnknownDocument
from qujat.gallery import specimens
from qujat.gallery.contents import Part, part
from qujat.languages import Language
from qujat.office import Office
from qujat.rendering import Sheet
from qujat.server.desk import drawing
from qujat.settings import Settings
from qujat.verdicts import Verdict
from qujat.word import word


def paper(office: Office, annex: str, edition: str, language: Language, *, filled: bool) -> bytes:
    """An empty form of one edition as a PDF, or its specimen. Raises UnknownForm, UnknownDocument, FormError."""
    return rendering.pdf(_sheet(office, held(office.forms.form(annex), edition, language), filled=filled))


def _sheet(office: Office, found: Part, *, filled: bool) -> Sheet:
    if found.wording is None:
        raise UnknownDocument("expected an edition whose words are held, came another")
    return specimens.filled(office.forms, found.wording) if filled else pages.blank(office.forms, found.wording)


def held(form: Form, edition: str, language: Language) -> Part:
    """One edition in a language, if its words are held. Raises UnknownDocument."""
    for candidate in form.editions:
        found = part(form, candidate, language) if candidate.id == edition else None
        if found is not None and found.held:
            return found
    raise UnknownDocument("expected an edition whose words are held in the language, came another")


def verdict(office: Office, number: str, authority: str) -> Verdict:
    """The verdict on every file that the register keeps of a document."""
    return check_number(number, office, authority=authority)


def word_copy(office: Office, found: Document, language: Language, settings: Settings) -> bytes:
    """The editable copy of an issued document. Raises FormError."""
    return word(office.forms, found.data, language, settings.word_overrides)


def first_page(office: Office, content: bytes) -> bytes:
    """The first page of a PDF of ours as PNG."""
    return drawing.drawn(content)[0]
