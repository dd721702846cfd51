"""Word files: an editable copy of a document, an empty form, and the templates of both. Never the signed thing.

A template is a .docx with docxtpl tags (`{{ f.status }}`, `{%tr for row in f.family %}`), built from the wording by
scripts/build-word.py; an authority may put one of its own in its place (`overrides`). What a tag prints is what the
PDF prints: the same slots, from `pages`. The same input gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

from qujat import overrides, pages
from qujat.catalogue import Catalogue, Wording
from qujat.errors import FormError
from qujat.languages import Language
from qujat.pages import Data, DrawnMark
from qujat.rendering import TEMPLATES
from qujat.slots import Slot
from qujat.wordfilling import filled


def word(catalogue: Catalogue, data: Data, language: Language, folder: Path | None = None) -> bytes:
    """The .docx of a document in one language, marked «көшірме / копия».

    `data` as `document.assemble` gives them; an empty number (a decision that is not issued yet) leaves its place
    blank. `folder` may hold the authority's own templates. Raises UnknownForm, FormError.
    """
    said = {name: value for name, value in data.items() if name != "phrase"}  # a copy is no electronic document
    sheet = pages.page(catalogue, said, language, DrawnMark(b"", "", ""), copy=True)
    words = dict(sheet.words)
    if not data["number"]:
        words |= {"number": Slot(None, "s"), "foot": words["foot"][1:]}
    form, text = catalogue.form(data["form"]), data["editions"][language]["text"]
    found = overrides.find(folder, form.annex, text, language) or _read(_docx(form.template(text, language)))
    return filled(found, words)


def empty(catalogue: Catalogue, wording: Wording, folder: Path | None = None) -> bytes:
    """The .docx of an empty form, with underlined places. Raises FormError."""
    found = overrides.find(folder, wording.form.annex, wording.text.id, wording.language) or template(wording)
    return filled(found, pages.blank(catalogue, wording).words)


def template(wording: Wording) -> bytes:
    """The docxtpl template of a wording, with its tags: what an authority's own template may begin with.

    Raises FormError if it has not been built.
    """
    return _read(_docx(wording.template))


def _docx(wording: str) -> str:
    return wording.removesuffix(".html.j2") + ".docx"


def _read(name: str) -> bytes:
    try:
        return (TEMPLATES / name).read_bytes()
    except FileNotFoundError:
        raise FormError(f"templates/{name} has not been built: run python scripts/build-word.py") from None
