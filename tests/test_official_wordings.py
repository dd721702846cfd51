"""Official wordings stand in the templates verbatim and whole, typos included."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qujat import pages, rendering
from qujat.catalogue import Catalogue, Form, Wording, load
from qujat.languages import Language

LAW = Path(__file__).parent.parent / "fixtures" / "law"
CATALOGUE: Catalogue = load()


def _official() -> list[tuple[Form, str, Language]]:
    return [
        (form, edition.id, language)
        for form in CATALOGUE.forms.values()
        for edition in form.editions
        for language, status in edition.wording.items()
        if status == "official"
    ]


def _words(text: str) -> list[str]:
    """Words and signs as a reader sees them: blanks, dot leaders and hyphens of a line break do not count."""
    text = re.sub(r"_+|…+|\.{4,}|-{6,}|(?<= )_(?= )", " ", text)
    text = re.sub(r"\s+([;:,.)/])", r"\1", re.sub(r"[\s\u00a0]+", " ", text))
    return re.findall(r"\w+|[^\w\s]", text)


def _printed(form: Form, edition: str, language: Language) -> str:
    """The words of the empty form, without the paper's own foot."""
    chosen = form.edition(edition)
    wording = Wording(form, language, chosen, chosen, "official", chosen.first, None)
    body = rendering.tree(rendering.html(pages.blank(CATALOGUE, wording))).find("body")
    assert body is not None
    return " ".join(t for child in body if child.get("class") != "foot" for t in child.itertext())


@pytest.mark.parametrize(("form", "edition", "language"), _official(), ids=lambda v: getattr(v, "annex", v))
def test_an_official_wording_is_printed_word_for_word(form: Form, edition: str, language: Language) -> None:
    law = (LAW / f"{form.annex}.{edition}.{language}.txt").read_text(encoding="utf-8")
    assert _words(_printed(form, edition, language)) == _words(law)
