"""The page of a form is made of the form's own fields: every form, every field type, both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from html.parser import HTMLParser
from typing import Any

import deskserver
import offices
import pytest
from deskserver import Place, Visitor

from qujat import catalogue
from qujat.catalogue import Form
from qujat.errors import FieldError
from qujat.fields import FieldSpec, FieldType
from qujat.languages import LANGUAGES, Language
from qujat.server.desk import drafts, drawing, judging, questions, typed
from qujat.server.desk.drawing import Typed
from qujat.server.desk.questions import INPUTS
from qujat.server.desk.standing import Standing, standing
from qujat.server.desk.words import fault

FORMS = catalogue.load()


def _issuable() -> Iterator[tuple[Form, date]]:
    """Every form that can be issued on the day of its fixture, with that day."""
    for form in FORMS.forms.values():
        if (offices.FIXTURES / f"{form.annex}.json").exists():
            day = date.fromisoformat(offices.a_decision(form.annex)["day"])
            if standing(FORMS, form, day).can_be_issued:
                yield form, day


EVERY = [pytest.param(form.annex, day, id=form.annex) for form, day in _issuable()]


class Page(HTMLParser):
    """The names of the fields of a page, what they have, what is said beside them, and all of its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.wrong: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.text = ""
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag in ("input", "select", "textarea") and "name" in found:
            self.names.add(found["name"])
            if found.get("type") not in ("radio", "checkbox"):
                self.values[found["name"]] = found.get("value", "")
        self._open = found.get("data-wrong", "") if tag == "p" else self._open
        self._area = found["name"] if tag == "textarea" else ""

    def handle_endtag(self, tag: str) -> None:
        self._open = "" if tag == "p" else self._open
        self._area = ""

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open and data.strip():
            self.wrong[self._open] = data.strip()
        if getattr(self, "_area", ""):
            self.values[self._area] = data


def _paths(specs: dict[str, FieldSpec], languages: list[Language], above: str = "/fields") -> Iterator[str]:
    """Where each field of a form must be asked for, rows and lists with one entry."""
    for name, spec in specs.items():
        path = f"{above}/{name}" + ("/0" if spec.type in ("rows", "list") else "")
        if spec.type == "rows":
            yield from _paths(spec.columns, languages, path)
        elif spec.by_language:
            yield from (f"{path}/{language}" for language in languages)
        else:
            yield path


@pytest.mark.parametrize("tongue", LANGUAGES)
@pytest.mark.parametrize(("annex", "day"), EVERY)
def test_every_form_asks_for_all_its_fields_in_the_words_of_the_clerk(
    clerk: Visitor, annex: str, day: date, tongue: Language
) -> None:
    address = clerk.begin(annex, day.isoformat())
    stands = standing(FORMS, FORMS.form(annex), day)
    for name, spec in stands.specs().items():
        if spec.type == "rows":
            clerk.press(address, {"do": f"add /fields/{name}"})
    page = Page(clerk.get(f"{address}?lang={tongue}").text)
    assert set(_paths(stands.specs(), list(stands.wordings))) <= page.names
    labels = [spec.label[tongue] for spec in stands.specs().values()]
    assert [label for label in labels if label not in page.text] == []


@pytest.mark.parametrize(("annex", "day"), EVERY)
def test_a_decision_typed_into_its_page_is_the_decision(annex: str, day: date) -> None:
    sent = offices.a_decision(annex)
    stands = standing(FORMS, FORMS.form(annex), day)
    given = _Form(deskserver.typed(sent))
    before: dict[str, Any] = {"fields": {}, "languages": [], "number": "", "day": day.isoformat(), "authority": {}}
    kept = typed.contents(stands.specs(), given, before | {"official": {}})
    made = typed.decision_of(kept, stands.specs(), id=sent["id"], form=annex, authority=sent["authority"]["bin"])
    assert made == {**sent, "fields": {name: value for name, value in sent["fields"].items() if value != []}}


class _Form(dict[str, Any]):
    """A form as it was sent, in this process."""

    def getlist(self, key: str) -> list[Any]:
        found = self.get(key, [])
        return found if isinstance(found, list) else [found]


@pytest.mark.parametrize(("annex", "day"), EVERY)
def test_every_form_is_drawn_with_nothing_and_with_half_of_it_typed(office, annex: str, day: date) -> None:
    sent, stands = offices.a_decision(annex), standing(FORMS, FORMS.form(annex), day)
    halves = [dict(list(sent["fields"].items())[start::2]) for start in (0, 1)]
    for fields in ({}, *halves, sent["fields"]):
        shown = Typed(annex, day, tuple(stands.wordings), sent["authority"]["name"], "", {}, fields)
        for language in stands.wordings:
            drawn = drawing.rendering.html(drawing.sheet(office, shown, language))
            assert "ЖОБА / ПРОЕКТ" in drawn


def test_what_is_not_typed_yet_is_an_empty_place_and_what_need_not_be_is_a_dash() -> None:
    specs = dict(FORMS.form("o20-a05").file.fields["recipients"].columns)
    drawn = drawing.view(specs, {}, "kk", {})
    assert (drawn["full_name"].is_blank, drawn["iin"].text) == (True, "–")


def test_every_type_of_a_field_has_an_input() -> None:
    asked_otherwise = {"choice", "many", "rows", "grounds"}
    assert set(FieldType.__args__) == set(INPUTS) | asked_otherwise


WRONG: list[tuple[str, str, str, str]] = [
    # annex, where, what is typed, what stands beside it
    ("o20-a05", "/fields/recipients/0/iin", "910412305666", "одна цифра набрана неверно"),
    ("o20-a05", "/fields/recipients/0/iin", "12", "ровно 12 цифр"),
    ("o20-a05", "/fields/recipients/0/full_name", "Ерлан 5", "Имя состоит только из букв"),
    ("o20-a05", "/fields/recipients/0/birth_date", "1992-04-12", "По ИИН дата рождения другая"),
    ("o20-a05", "/fields/recipients/0/sex", "female", "По ИИН пол другой"),
    ("o20-a05", "/fields/recipients/0/relation/ru", "", "Документ выдается и на этом языке"),
    ("o20-a05", "/fields/executed_on", "2026-02-09", "не может быть раньше 10.02.2026"),
    ("o20-a05", "/fields/executed_on", "2026-03-03", "не может быть позже дня решения (02.03.2026)"),
    ("o20-a05", "/fields/application_number", "", "Это нужно заполнить"),
    ("o20-a05", "/fields/status/ru", "отkазано", "смешаны латинские и кириллические"),
    ("o20-a05", "/fields/grounds", "9", "хотя бы одно основание"),
    ("o234-a11", "/fields/amount", "1", "По закону здесь должно быть: 7 028 125,00"),
    ("o234-a11", "/fields/amount", "много", "сумму в тенге"),
    ("o234-a11", "/fields/account", "KZ", "В номере счета 20 знаков"),
    ("o234-a11", "/fields/bank_bic", "AB", "Это не БИК"),
    ("o234-a11", "/fields/bank_bin", "123456789012", "одна цифра набрана неверно"),
    ("o234-a13", "/fields/recipients/0/amount_mci", "x", "целое число"),
    ("o20-a03", "/fields/phone", "нет", "Напишите номер телефона"),
]


def _with(annex: str, where: str, text: str) -> dict[str, Any]:
    fields = deskserver.typed(offices.a_decision(annex))
    changed: dict[str, Any] = fields | {where: [text] if isinstance(fields.get(where), list) else text}
    return changed


@pytest.mark.parametrize(("annex", "where", "text", "said"), WRONG)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    clerk: Visitor, annex: str, where: str, text: str, said: str
) -> None:
    clerk.get("/office?lang=ru")
    address = clerk.begin(annex, offices.a_decision(annex)["day"])
    answer = clerk.get(clerk.press(address, _with(annex, where, text) | {"do": "sign"}).headers["location"])
    page = Page(answer.text)
    assert said in page.wrong.get(where, "").replace("\u00a0", " ")
    assert f'href="#{where}"' in answer.text
    assert page.values.get(where, text) == text


def test_faults_are_told_in_kazakh_too(clerk: Visitor) -> None:
    address = clerk.begin("o20-a05")
    clerk.press(address, _with("o20-a05", "/fields/executed_on", "2026-02-09"))
    page = Page(clerk.get(f"{address}?checked=1&lang=kk").text)
    clerk.get("/office?lang=ru")
    assert page.wrong["/fields/executed_on"] == "Бұл күн 10.02.2026 күнінен ерте болмауға тиіс."


def test_every_fault_that_the_checks_know_has_words_for_clerks() -> None:
    sources = [catalogue.ROOT / name for name in ("fields.py", "together.py", "texts.py", "amounts.py", "issuing.py")]
    codes = {code for path in sources for code in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', path.read_text("utf-8"))}
    known = set(judging.SHOWN_THOUGH_WRONG) | {"missing-field", "bad-iin", "wrong-type", "unknown-ground"}
    assert known - {"amount-unknown"} <= codes
    for language in LANGUAGES:
        for code in known:
            assert fault(FieldError("", code, "expected 2026-03-02 1.00 1 2"), language)


def test_rows_are_added_and_removed_without_scripts(clerk: Visitor) -> None:
    address = clerk.begin("o20-a05")
    sent = deskserver.typed(offices.a_decision())
    answer = clerk.press(address, sent | {"do": "add /fields/recipients"})
    assert answer.headers["location"].endswith("#/fields/recipients")
    two = Page(clerk.get(address).text)
    assert two.values["/fields/recipients#count"] == "2"
    assert two.values["/fields/recipients/0/full_name"] == "Оспанов Ерлан"
    clerk.press(address, {"do": "remove /fields/recipients/0"})
    one = Page(clerk.get(address).text)
    assert (one.values["/fields/recipients#count"], one.values["/fields/recipients/0/full_name"]) == ("1", "")


def test_rows_in_which_nothing_was_typed_are_no_fault(clerk: Visitor) -> None:
    address = clerk.begin("o20-a05")
    clerk.press(address, deskserver.typed(offices.a_decision()) | {"do": "add /fields/recipients"})
    assert clerk.press(address, {"do": "sign"}).headers["location"] == f"{address}/sign"


def test_the_grounds_stand_on_the_page_in_the_words_of_the_law(clerk: Visitor) -> None:
    grounds, edition = FORMS.grounds_on("quota_kandas", date(2026, 3, 2))
    page = clerk.get(clerk.begin("o20-a05")).text
    assert [text for text in grounds.file.texts[edition.id]["ru"] if text not in unescape(page)] == []


def test_the_page_says_which_edition_it_has_chosen_and_why(clerk: Visitor) -> None:
    page = Page(clerk.get(clerk.begin("o20-a05")).text.replace("\u00a0", " "))
    assert "в редакции приказа от 14 ноября 2025 года № 359; действует с 01.01.2026" in page.text


def test_another_day_asks_for_another_edition_and_keeps_what_was_typed(clerk: Visitor) -> None:
    address = clerk.begin("o20-a05")
    clerk.press(address, {"do": "day", "/day": "2026-09-01", "/fields/application_number": "105-2026"})
    page = clerk.get(address).text
    assert Page(page).values["/fields/application_number"] == "105-2026"
    assert "/fields/status/kk" not in Page(page).names
    assert "Текст этой редакции не внесен" in page


def test_the_decision_day_cannot_be_ahead(clerk: Visitor) -> None:
    address = clerk.begin("o20-n01", "2099-01-05")
    assert "День решения еще не наступил" in clerk.get(f"{address}?checked=1").text


def test_a_form_that_does_not_stand_on_a_day_cannot_be_begun(clerk: Visitor) -> None:
    answer = clerk.press("/office/drafts", {"form": "o234-a01", "day": deskserver.DAY})
    assert answer.status_code == 409
    assert "не действует или ее текст не внесен" in answer.text


def test_a_field_of_another_choice_waits_for_its_choice() -> None:
    form = FORMS.form("o329-a04")
    stands = Standing(form, date(2026, 9, 1), standing(FORMS, form, date(2026, 9, 1)).stands)
    asked = questions.questions(stands.specs(), {}, questions.Asking("ru", LANGUAGES, {}))
    when = {question.path: question.when for question in asked}
    assert when["/fields/grounds"] == ("/fields/decision", ("refuse", "refuse_extension"))


SUMS = {"1 625 000,5": "1625000.50", "7": "7.00", "10.25": "10.25", "12 ₸": "12.00", "-1": "-1", "1,234": "1,234"}


@pytest.mark.parametrize(("text", "written"), SUMS.items())
def test_sums_are_written_as_a_decision_has_them(text: str, written: str) -> None:
    spec = FieldSpec(type="money", label={"kk": "", "ru": ""})
    assert typed.values_of({"sum": spec}, {"sum": text}, ["ru"]) == {"sum": written}


def test_an_older_browser_may_send_a_day_as_people_write_it() -> None:
    spec = FieldSpec(type="day", label={"kk": "", "ru": ""})
    assert typed.values_of({"on": spec}, {"on": "2.3.2026"}, ["ru"]) == {"on": "2026-03-02"}


HEAD = {"iin": "780525350014", "full_name": "Үлгібаев Әбдіғали", "position": {"kk": "Басшы", "ru": "Руководитель"}}
KNOWN = {"authority": {"name": {"kk": "Басқарма", "ru": "Управление"}}, "official": HEAD}


@pytest.mark.parametrize(
    ("official", "kept"),
    [
        ({"position": {"kk": "Басшы"}}, {"kk": "Басшы", "ru": "Руководитель"}),
        ({"position": {"kk": "Басшының орынбасары"}}, {"kk": "Басшының орынбасары"}),
        ({"position": {"kk": "Басшы"}, "iin": "800101300016"}, {"kk": "Басшы"}),
        ({"position": {"kk": "Басшы"}, "full_name": "Омаров Асқар"}, {"kk": "Басшы"}),
        ({"position": {"kk": "Басшы", "ru": "Начальник"}}, {"kk": "Басшы", "ru": "Начальник"}),
    ],
    ids=["the same", "another position", "another person", "another name", "both languages"],
)
def test_after_a_document_in_one_language_the_other_is_still_known_if_nothing_else_changed(
    place: Place, official: dict[str, Any], kept: dict[str, str]
) -> None:
    bin = "060340005606"
    drafts.remember(place.store, bin, KNOWN)
    drafts.remember(place.store, bin, {"authority": {"name": {"kk": "Басқарма"}}, "official": HEAD | official})
    now = drafts.letterhead(place.store, bin)
    assert now["official"] == HEAD | official | {"position": kept}
    assert now["authority"] == KNOWN["authority"]
