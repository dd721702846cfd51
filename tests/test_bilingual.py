"""Forms that are one document in both languages: one page, both texts of every value, asked for in both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import offices
import pytest
from cases import catalogue

from qujat import bilingual, decision, pagetext
from qujat.catalogue import Form
from qujat.errors import FieldErrors
from qujat.formfiles import FormFile
from qujat.office import Office
from qujat.pipeline import check, issue, rerender

BILINGUAL = [form for form in catalogue().forms.values() if form.file.bilingual]


@pytest.fixture
def whole(office: Office) -> Office:
    return replace(office, forms=catalogue())


def sent(form: Form, **changes: Any) -> decision.Decision:
    return offices.parsed(form.annex, languages=["kk", "ru"], **changes)


@pytest.mark.parametrize("form", BILINGUAL, ids=lambda form: form.annex)
def test_a_bilingual_form_is_one_page_in_both_languages(form: Form, whole: Office) -> None:
    issued = issue(sent(form), whole)
    assert [(f.language, f.name) for f in issued.document.files if f.role == "page"] == [
        ("kk-ru", f"{issued.number}.kk-ru.pdf")
    ]
    assert issued.pdf("kk") == issued.pdf("ru")
    assert check(issued.pdf("kk"), whole).value == "valid"
    assert [(page.language, page.outcome) for page in rerender(issued.number, whole).pages] == [("kk-ru", "identical")]


@pytest.mark.parametrize("form", BILINGUAL, ids=lambda form: form.annex)
def test_what_is_given_in_both_languages_stands_on_the_page_in_both(form: Form, whole: Office) -> None:
    issued = issue(sent(form), whole)
    shown = pagetext.squeezed("".join(pagetext.read(issued.pdf("kk")).pages))
    data = issued.document.data
    texts = [value for name, value in data["fields"].items() if form.file.fields[name].by_language]
    assert texts
    for text in texts:
        assert pagetext.squeezed(bilingual.both(text)) in shown
    own = ("Электрондық цифрлық қолтаңба қойылған", "Подписано электронной цифровой подписью")
    for words in (*data["authority"]["name"].values(), *data["official"]["position"].values(), *own):
        assert pagetext.squeezed(words) in shown


@pytest.mark.parametrize("form", BILINGUAL, ids=lambda form: form.annex)
@pytest.mark.parametrize("languages", [["kk"], ["ru"]])
def test_a_decision_in_one_language_is_refused_for_a_bilingual_form(
    form: Form, languages: list[str], whole: Office
) -> None:
    with pytest.raises(FieldErrors) as refused:
        issue(offices.parsed(form.annex, languages=languages), whole)
    assert [(error.path, error.code) for error in refused.value.errors] == [("/languages", "both-languages")]


def test_the_order_of_the_languages_of_a_decision_does_not_matter_to_a_bilingual_page(whole: Office) -> None:
    (first, *_) = BILINGUAL
    issued = issue(offices.parsed(first.annex, languages=["ru", "kk"]), whole)
    assert check(issued.pdf("ru"), whole).value == "valid"
    assert [file.language for file in issued.document.files if file.role == "page"] == ["kk-ru"]


def test_equal_texts_stand_once() -> None:
    assert bilingual.both({"kk": "Астана", "ru": "Астана"}) == "Астана"
    assert bilingual.both({"kk": "қызы", "ru": "дочь"}) == "қызы / дочь"


def test_a_bilingual_form_has_one_status_for_both_languages() -> None:
    file = BILINGUAL[0].file.model_dump(by_alias=True)
    file["edition"][0]["wording"] = {"kk": "official"}
    with pytest.raises(ValueError, match="expected one status for both languages"):
        FormFile.model_validate(file)
