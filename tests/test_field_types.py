"""The types of fields: what is taken, what is refused and why, how the schema says it, how a page prints it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, get_args

import jinja2
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qujat.acts import Act, Bound
from qujat.banking import bank_code, bic_fault, iban_fault
from qujat.catalogue import ROOT, Catalogue, load, the_edition_on
from qujat.errors import ConfigurationError, FormError, NoEditionInForce, WordingNotHeld
from qujat.fields import Context, FieldSpec, FieldType, check
from qujat.formfiles import read_acts
from qujat.languages import Language
from qujat.schema import schema
from qujat.views import fields_view

DAY = date(2026, 3, 2)
LABEL = {"kk": "өріс", "ru": "поле"}
SEASON = {"spring": {"kk": "көктем", "ru": "весна"}, "autumn": {"kk": "күз", "ru": "осень"}}
IBAN = "KZ86125KZT5004100100"
Json = Any


def _spec(kind: FieldType, **more: Json) -> FieldSpec:
    return FieldSpec(type=kind, label=LABEL, **more)


def _codes(spec: FieldSpec, value: Json) -> list[str]:
    return [error.code for error in check({"x": spec}, {"x": value}, Context(["kk", "ru"], DAY, {"quota": 5}))]


def _schema_takes(spec: FieldSpec, value: Json) -> bool:
    grounds = {"quota": ["а", "б", "в", "г", "д"]}
    described = schema(LABEL, "x", {"x": spec}, grounds=grounds)
    jsonschema.Draft202012Validator.check_schema(described)
    return bool(jsonschema.Draft202012Validator(described).is_valid({"x": value}))


def _page(
    spec: FieldSpec, value: Json, template: str = "{{ f.x }}", language: Language = "kk", *, blank: bool = False
) -> str:
    """What stands on the page, its markup left out; blanks are [m] by their width."""
    env = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    values = None if blank else {"x": value} if value is not None else {}
    shown = env.from_string(template).render(f=fields_view({"x": spec}, values, language, {}))
    shown = re.sub(r'<span class="blank (\w+)">.</span>', r"[\1]", shown)
    return re.sub(r"<[^>]+>", "", shown)


MONEY = _spec("money")
GOOD: list[tuple[FieldSpec, Json]] = [
    (MONEY, "0.01"),
    (MONEY, "1625000.00"),
    (MONEY, "999999999999.99"),
    (_spec("iban"), IBAN),
    (_spec("bic"), "NBRKKZKX"),
    (_spec("bic"), "HSBKKZKXXXX"),
    (_spec("email"), "a.b+c@mail.example.kz"),
    (_spec("time"), "00:00"),
    (_spec("time"), "23:59"),
    (_spec("percent"), "0"),
    (_spec("percent"), "12.5"),
    (_spec("percent"), "100"),
    (_spec("many", choices=SEASON), ["autumn"]),
    (_spec("many", choices=SEASON), ["autumn", "spring"]),
    (_spec("many", choices=SEASON), []),
    (_spec("day", future=True), "2027-01-15"),
    (_spec("day", future=True), "2026-03-02"),
    (_spec("day"), "2026-03-02"),
    (_spec("phone"), "+7 (7172) 12-34-56"),
    (_spec("choice", choices=SEASON), "spring"),
    (_spec("integer", max=9), 9),
]
BAD: list[tuple[FieldSpec, Json, str]] = [
    *((MONEY, value, "bad-money") for value in ("0.00", "-5.00", "5", "5.0", "05.00", "5,00", "1 000.00", "1e5", "")),
    *((MONEY, value, "bad-money") for value in ("1000000000000.00", "5.00\n", "٥.00", "NaN")),
    (MONEY, 5, "wrong-type"),
    (MONEY, 5.5, "wrong-type"),
    (_spec("iban"), "KZ86125KZT5004100101", "bad-iban"),
    (_spec("iban"), "KZ86 125K ZT50 0410 0100", "bad-iban"),
    (_spec("iban"), "kz86125kzt5004100100", "bad-iban"),
    (_spec("iban"), "DE89370400440532013000", "bad-iban"),
    (_spec("iban"), "KZ86125KZТ5004100100", "bad-iban"),  # a Cyrillic Т
    (_spec("bic"), "NBRKKZK", "bad-bic"),
    (_spec("bic"), "NBRK1ZKX", "bad-bic"),
    (_spec("bic"), "nbrkkzkx", "bad-bic"),
    *((_spec("email"), value, "bad-email") for value in ("a@b", "a b@c.kz", "@c.kz", "a@-c.kz", "а@c.kz", "a@c.kz\n")),
    (_spec("email"), "a" * 250 + "@c.kz", "bad-email"),
    *((_spec("time"), value, "bad-time") for value in ("24:00", "9:30", "09:60", "09:30:00", 930)),
    *((_spec("percent"), value, "bad-percent") for value in ("101", "100.5", "-1", "05", "12,5", "12.345", 12)),
    (_spec("many", choices=SEASON), ["winter"], "unknown-choice"),
    (_spec("many", choices=SEASON), ["spring", "spring"], "unknown-choice"),
    (_spec("many", choices=SEASON), "spring", "unknown-choice"),
    (_spec("many", choices=SEASON), [["spring"]], "unknown-choice"),
    (_spec("many", choices=SEASON, min=1), [], "wrong-count"),
    (_spec("many", choices=SEASON, max=1), ["spring", "autumn"], "wrong-count"),
    (_spec("day"), "2026-03-03", "day-after-decision"),
    (_spec("day"), "1899-12-31", "bad-day"),
    (_spec("day"), "2026-02-30", "bad-day"),
]


@pytest.mark.parametrize(("spec", "value"), GOOD)
def test_a_sound_value_is_taken_and_the_schema_takes_it(spec: FieldSpec, value: Json) -> None:
    assert _codes(spec, value) == []
    assert _schema_takes(spec, value)


@pytest.mark.parametrize(("spec", "value", "code"), BAD)
def test_an_unsound_value_is_refused_with_one_reason(spec: FieldSpec, value: Json, code: str) -> None:
    assert _codes(spec, value) == [code]


def test_a_future_day_far_off_is_a_slip_of_the_hand() -> None:
    assert _codes(_spec("day", future=True), "2057-01-01") == ["bad-day"]
    assert _codes(_spec("day", future=True), "2206-03-02") == ["bad-day"]


@pytest.mark.parametrize("kind", get_args(FieldType))
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x, max_size=3)))
def test_no_value_breaks_a_check(kind: FieldType, value: Json) -> None:
    spec = _spec(kind, choices=SEASON, list="quota", columns={"iin": _spec("iin")})
    _codes(spec, value)


@pytest.mark.parametrize("kind", ["iban", "bic", "email", "money"])
def test_a_message_never_repeats_the_value(kind: FieldType) -> None:
    for error in check({"x": _spec(kind)}, {"x": "secret@"}, Context(["kk"], DAY, {})):
        assert "secret" not in error.message


# Bank details


@pytest.mark.parametrize("iban", [IBAN, "KZ55960A000123456789", "KZ244350000012344567"])
def test_sound_ibans_have_no_fault(iban: str) -> None:
    assert iban_fault(iban) is None


@given(st.integers(2, 19), st.sampled_from("0123456789"))
def test_one_wrong_digit_of_an_iban_is_found(place: int, digit: str) -> None:
    changed = IBAN[:place] + digit + IBAN[place + 1 :]
    assert (iban_fault(changed) is None) == (changed == IBAN)


def test_the_code_of_the_bank_is_three_digits_of_the_iban() -> None:
    assert bank_code(IBAN) == "125"


def test_a_bic_of_nine_characters_says_what_was_expected() -> None:
    assert bic_fault("NBRKKZKX1") == "expected 8 characters, or 11 with the branch, came 9"


# Pages


def test_a_sum_prints_figures_words_and_tiyn() -> None:
    assert _page(MONEY, "7028125.00") == "7\u00a0028\u00a0125,00"
    assert _page(MONEY, "7028125.00", "{{ f.x.words }}").startswith("Жеті миллион жиырма сегіз мың")
    assert _page(MONEY, "105.50", "{{ f.x.words_in_full }}", "ru") == "Сто пять тенге 50\u00a0тиын"
    assert _page(MONEY, "105.50", "{{ f.x.tiyn }}") == "50"


def test_an_account_prints_whole_or_after_the_letters_in_print() -> None:
    assert _page(_spec("iban"), IBAN) == IBAN
    assert "KZ" + _page(_spec("iban"), IBAN, "{{ f.x.after_kz }}") == IBAN


def test_a_time_prints_whole_or_in_parts() -> None:
    assert _page(_spec("time"), "09:30", "{{ f.x }} {{ f.x.hour }} {{ f.x.minute }}") == "09:30 09 30"


def test_per_cent_prints_with_a_decimal_comma() -> None:
    assert _page(_spec("percent"), "12.5") == "12,5"


def test_a_whole_number_has_words() -> None:
    assert _page(_spec("integer"), 5, "{{ f.x }} ({{ f.x.words }})", "ru") == "5 (пять)"


def test_several_choices_print_their_words_and_tick_their_boxes() -> None:
    spec = _spec("many", choices=SEASON)
    assert _page(spec, ["autumn", "spring"]) == "күз, көктем"
    assert _page(spec, ["autumn"], "{{ f.x.is_('autumn') }} {{ f.x.is_('spring') }}") == "True False"
    assert _page(spec, ["autumn", "spring"], "{% for s in f.x %}{{ s }};{% endfor %}", "ru") == "осень;весна;"
    with pytest.raises(KeyError, match="no such choice: winter"):
        _page(spec, [], "{{ f.x.is_('winter') }}")


def test_a_day_has_kazakh_case_endings() -> None:
    template = "{{ f.x.words_in('ablative') }}, {{ f.x.month_in('locative') }}"
    assert _page(_spec("day"), "2026-02-03", template) == "2026\u00a0жылғы\u00a03\u00a0ақпаннан, ақпанда"
    assert _page(_spec("day"), "2026-02-03", template, "ru") == "3\u00a0февраля\u00a02026\u00a0года, февраля"


PARTS = {
    "money": "{{ f.x }} {{ f.x.words }} {{ f.x.words_in_full }} {{ f.x.tiyn }}",
    "iban": "{{ f.x }} {{ f.x.after_kz }}",
    "time": "{{ f.x.hour }} {{ f.x.minute }}",
    "integer": "{{ f.x }} {{ f.x.words }}",
    "many": "{{ f.x }} {% for s in f.x %}{{ s }}{% endfor %}",
    "percent": "{{ f.x }}",
    "day": "{{ f.x.words_in('dative') }} {{ f.x.month_in('dative') }}",
}


@pytest.mark.parametrize("kind", PARTS)
def test_a_value_not_given_is_a_blank_on_an_empty_form_and_a_dash_on_a_document(kind: FieldType) -> None:
    spec = _spec(kind, choices=SEASON, required=False)
    assert set(re.sub(r"\[\w+\]", "_", _page(spec, None, PARTS[kind], blank=True)).split()) == {"_"}
    assert set(_page(spec, None, PARTS[kind]).split()) == {"–"}


def test_a_box_is_drawn_and_holds_no_letter() -> None:
    folder = ROOT / "templates"
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True)
    boxes = env.from_string('{% import "paper/v1/widgets.html.j2" as w %}{{ w.box(false) }}|{{ w.box(true) }}')
    assert boxes.render() == '<span class="tick"></span>|<span class="tick"><span class="ticked"></span></span>'


# Acts that are not known


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def test_an_act_not_known_is_in_force_from_its_bound_on(catalogue: Catalogue) -> None:
    act = catalogue.acts["unknown"]
    interval = catalogue.publications.first_day(act)
    assert (interval.earliest, interval.latest) == (date(1991, 12, 16), None)
    assert act.number == ""


def test_an_edition_of_an_act_not_known_answers_that_its_text_is_not_held(catalogue: Catalogue) -> None:
    form = _form_of(catalogue, "unknown")
    assert the_edition_on(list(form.editions), DAY, what="x").act.key == "unknown"
    forms = Catalogue({form.key: form}, {}, catalogue.acts, catalogue.orders)
    with pytest.raises(WordingNotHeld, match="an act not identified here is in force, and its text is not held"):
        forms.in_force(form.key, DAY, "kk")
    with pytest.raises(NoEditionInForce):
        forms.in_force(form.key, date(1991, 12, 15), "kk")


def test_an_act_not_known_gives_way_to_the_act_after_it(catalogue: Catalogue) -> None:
    form = _form_of(catalogue, "before_348", ("order_348", date(2026, 7, 12)))
    assert the_edition_on(list(form.editions), date(2026, 7, 11), what="x").act.key == "before_348"
    assert the_edition_on(list(form.editions), date(2026, 7, 12), what="x").act.key == "order_348"


def test_nothing_can_be_printed_under_an_act_not_known(catalogue: Catalogue) -> None:
    with pytest.raises(FormError, match="its act is not known, so its wording can only be not-held"):
        _form_of(catalogue, "unknown", wording="official")


def test_an_act_not_known_has_no_day_of_publication() -> None:
    with pytest.raises(ConfigurationError, match="acts whose first day hangs on publication"):
        load({"unknown": date(2020, 1, 1)})


def test_an_act_has_a_number_and_a_day_or_a_bound(tmp_path: Any) -> None:
    path = tmp_path / "acts.toml"
    path.write_text('[x]\nname = "an act"\ntitle.kk = "а"\ntitle.ru = "а"\n', encoding="utf-8")
    with pytest.raises(FormError, match="expected number and day of the act, or else name and first_not_before"):
        read_acts(path)


def test_an_act_with_a_bound_does_not_hang_on_publication() -> None:
    act = Act("x", "", DAY, "an act", LABEL, first_not_before=Bound(DAY, "a reason"))  # type: ignore[arg-type]
    assert not act.hangs_on_publication


def _form_of(catalogue: Catalogue, act: str, *later: tuple[str, date], wording: str = "not-held") -> Any:
    from qujat.catalogue import Form, _editions
    from qujat.formfiles import FormFile

    held = {"kk": wording, "ru": wording}
    file = FormFile.model_validate(
        {
            "key": "a_form",
            "annex": "x-a01",
            "order": "order_259",
            "number": "1",
            "kind": "notice",
            "basis": "point 1",
            "title": LABEL,
            "edition": [
                {"id": "earliest", "act": act, "checked": DAY, "wording": held},
                *({"id": key, "act": key, "first": first, "checked": DAY, "wording": held} for key, first in later),
            ],
        }
    )
    return Form(file, _editions(file.edition, file.key, catalogue.acts, catalogue.publications))
