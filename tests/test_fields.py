"""The check of a decision's fields: every fault, at its place, all at once, and nobody's data in the messages."""

from __future__ import annotations

import re
import signal
import unicodedata
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import date
from typing import Any

import cases
import pytest
from cases import Case
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qujat.errors import FieldErrors
from qujat.fields import MAX_ROWS, MAX_TEXT, Context, FieldSpec, check
from qujat.identifiers import check_digit
from qujat.languages import LANGUAGES, Language
from qujat.texts import letters_of_the_face

GONE = object()
SEX = {"male": {"kk": "ер", "ru": "мужской"}, "female": {"kk": "әйел", "ru": "женский"}}
CONTEXT = Context(LANGUAGES, date(2026, 3, 2), {"refusals": 5})
hostile = settings(max_examples=60, derandomize=True, deadline=None)


def spec(type_: str, **more: Any) -> FieldSpec:
    return FieldSpec.model_validate({"type": type_, "label": {"kk": "өріс", "ru": "поле"}, **more})


COLUMNS = {
    "iin": spec("iin", required=False),
    "full_name": spec("name"),
    "birth_date": spec("day"),
    "sex": spec("choice", choices=SEX, required=False),
    "relation": spec("text", by_language=True),
}
SPECS = {
    "iin": spec("iin"),
    "birth_date": spec("day"),
    "sex": spec("choice", choices=SEX),
    "full_name": spec("name"),
    "number": spec("text"),
    "address": spec("text", by_language=True),
    "employer": spec("bin", required=False),
    "people": spec("integer", min=1, max=9),
    "phone": spec("phone"),
    "papers": spec("list", min=1, max=3),
    "remarks": spec("list", by_language=True, required=False),
    "family": spec("rows", columns=COLUMNS, required=False),
    "accepted_on": spec("day"),
    "executed_on": spec("day", not_before="accepted_on"),
    "seen_on": spec("day", required=False),
    "grounds": spec("grounds", list="refusals"),
}


def an_iin(first_eleven: str) -> str:
    return f"{first_eleven}{check_digit(first_eleven)}"


ERLAN, OTHER, AIGUL = an_iin("91041230566"), an_iin("91041230567"), an_iin("93081140012")
ROW = {"iin": AIGUL, "full_name": "Оспанова Айгүл", "birth_date": "1993-08-11", "sex": "female"}
ROW_WITH_RELATION = ROW | {"relation": {"kk": "зайыбы", "ru": "супруга"}}
GOOD: dict[str, Any] = {
    "iin": ERLAN,
    "birth_date": "1991-04-12",
    "sex": "male",
    "full_name": "Оспанов Ерлан",
    "number": "105-2026",
    "address": {"kk": "Павлодар қаласы", "ru": "город Павлодар"},
    "employer": an_iin("99044000123"),
    "people": 2,
    "phone": "+7 (7182) 12-34-56",
    "papers": ["паспорт"],
    "remarks": [{"kk": "жоқ", "ru": "нет"}],
    "family": [ROW_WITH_RELATION],
    "accepted_on": "2026-02-10",
    "executed_on": "2026-03-02",
    "seen_on": "2026-02-10",
    "grounds": [2, 5],
}


def faults(context: Context = CONTEXT, /, **changes: Any) -> list[tuple[str, str]]:
    """(path below /fields, code) of everything wrong with the good values so changed; GONE leaves a field out."""
    values = {name: value for name, value in (GOOD | changes).items() if value is not GONE}
    return [(error.path.removeprefix("/fields"), error.code) for error in check(SPECS, values, context)]


def test_good_values_have_no_fault_with_and_without_what_is_optional() -> None:
    assert faults() == []
    assert faults(**{name: GONE for name, of_field in SPECS.items() if not of_field.required}) == []


@pytest.mark.parametrize("name", [name for name, of_field in SPECS.items() if of_field.required])
def test_a_missing_field_is_named_with_its_label_in_both_languages(name: str) -> None:
    (error,) = check(SPECS, {key: value for key, value in GOOD.items() if key != name}, CONTEXT)
    assert (error.path, error.code) == (f"/fields/{name}", "missing-field")
    assert "өріс" in error.message
    assert "поле" in error.message


def test_a_field_that_the_form_does_not_have_is_named_by_a_json_pointer() -> None:
    assert faults(**{"colour": 1, "a/b~c": 1, "": None}) == [
        ("/colour", "unknown-field"),
        ("/a~1b~0c", "unknown-field"),
        ("/", "unknown-field"),
    ]
    assert faults(family=[ROW_WITH_RELATION | {"x/y": 1}]) == [("/family/0/x~1y", "unknown-field")]


@pytest.mark.parametrize("values", [None, [], "x", 1, True, 1.5])
def test_fields_that_are_no_object_are_refused(values: Any) -> None:
    (error,) = check(SPECS, values, CONTEXT)
    assert (error.path, error.code) == ("/fields", "wrong-type")


WRONG: list[tuple[str, str, list[Any]]] = [
    ("iin", "wrong-type", [None, 1, True, [], {}, 1.5]),
    ("iin", "bad-iin", ["", "1", ERLAN[:-1], f"{ERLAN} ", f"{ERLAN[:-1]}0", an_iin("91043130566")]),
    ("employer", "wrong-type", [None, 1, True, [], {}]),
    ("employer", "bad-bin", ["", an_iin("99134000123"), an_iin("99043000123"), f"{an_iin('99044000123')}\n"]),
    ("full_name", "wrong-type", [1, True, ["x"], {}]),
    ("full_name", "not-a-name", ["5", "Оспанов2", "-Оспанов", "Оспанов, Ерлан", "<b>Оспанов</b>", "Оспанов_Ли", "’"]),
    ("number", "wrong-type", [1, False, [], {}, 0.0]),
    ("number", "empty", ["", " ", "\u00a0", "\n"]),
    ("address", "wrong-type", [1, "text", ["x"], True]),
    ("people", "wrong-type", ["2", 2.0, True, [], {}]),
    ("people", "out-of-range", [0, 10, -1, 10**30]),
    ("papers", "wrong-type", ["x", 1, {}, True]),
    ("papers", "wrong-count", [[], ["а"] * 4]),
    ("remarks", "wrong-type", [None, "x", 1, {}]),
    ("family", "wrong-type", [None, "x", 1, {}, True]),
    ("sex", "unknown-choice", ["", "MALE", "ер", 1, True, [], {}, ["male"]]),
    (
        "phone",
        "bad-phone",
        ["", "12345", "+", "++77182123456", "7" * 27, "звоните", 7, [], True, "+7٧١٨٢٢٢٢"],
    ),
    ("phone", "bad-phone", ["+7 (7182) 12-34-56\n", "\n+7 7182 123456", "+7 7182\u00a0123456"]),
    ("seen_on", "bad-day", ["", "2026-2-10", "10.02.2026", "2026-02-30", "20260210", "2026-W07-2", 1, True, [], {}]),
    ("seen_on", "bad-day", ["2026-02-10\n", "2026-02-10T00:00:00", " 2026-02-10", "٢٠٢٦-٠٢-١٠", "0000-01-01"]),
    ("seen_on", "bad-day", ["1899-12-31", "0001-01-01"]),
    ("seen_on", "wrong-type", [None]),
    ("seen_on", "day-after-decision", ["2026-03-03", "9999-12-31"]),
    ("grounds", "unknown-ground", [[], [0], [6], [-1], [1, 1], [True], [1.0], ["1"], [[1]], [{}], 1, "1", {}]),
]
RIGHT: dict[str, list[Any]] = {
    "full_name": ["Ли", "Ы", "Әбдірахманов-Мұхаметқали Нұрсұлтан", "John Smith", "О'Коннор", "О’Коннор", "Маʼруф"],
    "people": [1, 9],
    "papers": [["а"], ["а"] * 3],
    "phone": ["87182123456", "+7 7182 123456", "8 (7182) 12-34-56"],
    "seen_on": ["2026-03-02", "1900-01-01", "2024-02-29"],
    "grounds": [[1], [5, 4, 3, 2, 1]],
    "number": ["a" * MAX_TEXT, "№ 5 «Ә» – “x” & <b>"],
    "remarks": [[]],
    "family": [[]],
}


@pytest.mark.parametrize(("name", "code", "value"), [(name, code, v) for name, code, vs in WRONG for v in vs])
def test_a_value_that_the_type_does_not_allow_is_one_fault_at_its_place(name: str, code: str, value: Any) -> None:
    assert faults(**{name: value}) == [(f"/{name}", code)]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in RIGHT.items() for value in values])
def test_a_value_at_the_edge_of_its_type_is_accepted(name: str, value: Any) -> None:
    assert faults(**{name: value}) == []


HOSTILE = {
    "а\u0000б": ["invisible-character"],
    "а\nб": ["invisible-character"],
    "а\x1b[1;б": ["invisible-character"],
    "а\u200bб": ["invisible-character"],
    "а\u00adб": ["invisible-character"],
    "а\u202eб": ["invisible-character"],
    "а\u2066б\u2069": ["invisible-character"],
    "а\u2028б": ["invisible-character"],
    "а\u2029б": ["invisible-character"],
    "а\ufeffб": ["invisible-character"],
    "а\ud800б": ["invisible-character"],
    "а\ue000б": ["invisible-character"],
    "а\U000e0041б": ["invisible-character"],
    "Оспанов\n": ["padded", "invisible-character"],
    "и\u0306": ["not-nfc"],
    "\u212bb": ["not-nfc"],
    "Оспанoв": ["mixed-script"],
    "iс": ["mixed-script"],
    "Әбдірaхман Ли": ["mixed-script"],
    "漢": ["unprintable-character"],
    "а🙂": ["unprintable-character"],
    "а" * (MAX_TEXT + 1): ["too-long"],
    "а\u0000" * 10**6: ["too-long"],
}


@pytest.mark.parametrize(("text", "codes"), HOSTILE.items(), ids=lambda v: ascii(v)[:40])
def test_a_hostile_text_is_refused_wherever_text_stands(text: str, codes: list[str]) -> None:
    both = {"kk": text, "ru": "жоқ"}
    row = ROW_WITH_RELATION | {"relation": both}
    assert faults(full_name=text) == [("/full_name", code) for code in codes]
    assert faults(number=text) == [("/number", code) for code in codes]
    assert faults(address=both) == [("/address/kk", code) for code in codes]
    assert faults(papers=["паспорт", text]) == [("/papers/1", code) for code in codes]
    assert faults(remarks=[both]) == [("/remarks/0/kk", code) for code in codes]
    assert faults(family=[row]) == [("/family/0/relation/kk", code) for code in codes]


@pytest.fixture
def _no_hanging() -> Iterator[None]:
    """Ends a check that would never end: of a pattern that goes back and forth in a text."""

    def end(*_: object) -> None:
        raise TimeoutError("the check does not come to an end")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("_no_hanging")
@pytest.mark.parametrize("part", ["ʼ", "ʻ", "’", "'", ".", "-", "а", "а ", "а-", " а", "ʼа", "7"], ids=ascii)
def test_a_long_name_or_phone_is_checked_to_the_end(part: str) -> None:
    long = "А" + part * (MAX_TEXT // len(part) - 2)
    assert faults(full_name=f"{long}!") == [("/full_name", "not-a-name")]
    assert faults(phone=f"{long}!") == [("/phone", "bad-phone")]


# Letters that share a glyph of the face: a PDF gives one of them back as the other.
TWINS = "\u018f\u0259\u01c1\u2215"


@hostile
@given(st.text(min_size=1, max_size=40) | st.text("ҚаbсІіiӘ -'\u0306\u200d", min_size=1))
def test_a_text_that_is_accepted_is_seen_as_it_was_sent(text: str) -> None:
    """Composed, trimmed, with nothing invisible, every letter in the face of the paper, every word in one alphabet."""
    words = re.findall(r"[^\W\d_]+", text)
    scripts = [{unicodedata.name(c, "").split(" ")[0] for c in word} for word in words]
    sound = (
        text == text.strip() == unicodedata.normalize("NFC", text)
        and all(ord(c) in letters_of_the_face() and unicodedata.category(c)[0] != "C" for c in text)
        and not any({"LATIN", "CYRILLIC"} <= of_word for of_word in scripts)
        and not any(c == "\u034f" or unicodedata.bidirectional(c) in ("R", "AL") for c in text)
        and not any(0xFB00 <= ord(c) <= 0xFB06 for c in text)  # ligatures: a PDF gives back their letters
        and not any(c in TWINS for c in text)
    )
    assert (faults(number=text) == []) == sound


@pytest.mark.parametrize(
    ("languages", "value", "expected"),
    [
        (["kk"], {"kk": "жоқ"}, []),
        (["kk"], {"ru": "нет"}, [("/kk", "missing-language")]),
        (["kk"], {"kk": "жоқ", "ru": " "}, [("/ru", "empty")]),
        (["ru"], {"kk": "жоқ"}, [("/ru", "missing-language")]),
        (["kk", "ru"], {}, [("/kk", "missing-language"), ("/ru", "missing-language")]),
        (["kk", "ru"], {"kk": None, "ru": 1}, [("/kk", "wrong-type"), ("/ru", "wrong-type")]),
        (["kk"], {"en": "no", "kk": "жоқ", "x/y": 1}, [("/en", "unknown-language"), ("/x~1y", "unknown-language")]),
        (["kk"], "жоқ", [("", "wrong-type")]),
        (["kk"], ["жоқ"], [("", "wrong-type")]),
    ],
)
def test_text_that_differs_by_language_is_given_in_every_language_of_the_document(
    languages: list[Language], value: Any, expected: list[tuple[str, str]]
) -> None:
    context = Context(languages, CONTEXT.day, CONTEXT.grounds)
    assert faults(context, address=value) == [(f"/address{path}", code) for path, code in expected]
    assert faults(context, remarks=[value]) == [(f"/remarks/0{path}", code) for path, code in expected]
    row = ROW_WITH_RELATION | {"relation": value}
    assert faults(context, family=[row]) == [(f"/family/0/relation{path}", code) for path, code in expected]


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, []), (40, []), (41, [("/family", "wrong-count")])])
def test_a_table_has_room_for_forty_rows(count: int, expected: list[tuple[str, str]]) -> None:
    assert MAX_ROWS == 40
    assert faults(family=[{k: v for k, v in ROW_WITH_RELATION.items() if k != "iin"}] * count) == expected


def test_every_fault_of_every_row_is_told_and_a_person_stands_once() -> None:
    rows = [ROW_WITH_RELATION, {"iin": ERLAN}, "x", ROW_WITH_RELATION, ROW_WITH_RELATION | {"age": 1}]
    assert faults(family=rows) == [
        ("/family/1/full_name", "missing-field"),
        ("/family/1/birth_date", "missing-field"),
        ("/family/1/relation", "missing-field"),
        ("/family/2", "wrong-type"),
        ("/family/4/age", "unknown-field"),
        ("/family/3/iin", "repeated-iin"),
        ("/family/4/iin", "repeated-iin"),
    ]
    rows = [
        ROW_WITH_RELATION | {"iin": iin, "birth_date": "1991-04-12", "sex": "male"} for iin in (OTHER, ERLAN, ERLAN)
    ]
    (error,) = check(SPECS, GOOD | {"family": rows}, CONTEXT)
    assert (error.path, "row 2" in error.message) == ("/fields/family/2/iin", True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"birth_date": "1991-04-13"}, [("birth_date", "iin-disagrees")]),
        ({"birth_date": "1891-04-12"}, [("birth_date", "bad-day"), ("birth_date", "iin-disagrees")]),
        ({"birth_date": "2091-04-12"}, [("birth_date", "day-after-decision"), ("birth_date", "iin-disagrees")]),
        ({"birth_date": "no day"}, [("birth_date", "bad-day")]),
        ({"sex": "female"}, [("sex", "iin-disagrees")]),
        ({"iin": "1", "sex": "female", "birth_date": "1990-04-12"}, [("iin", "bad-iin")]),
        ({"iin": an_iin("91041200005"), "sex": "female"}, []),
        ({"iin": an_iin("91041200005"), "birth_date": "1991-04-13"}, [("birth_date", "iin-disagrees")]),
    ],
)
def test_an_iin_agrees_with_the_birth_date_and_sex_beside_it(
    changes: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    row = ROW_WITH_RELATION | {"iin": ERLAN, "birth_date": "1991-04-12", "sex": "male"} | changes
    assert faults(**changes) == [(f"/{name}", code) for name, code in expected]
    assert faults(family=[row]) == [(f"/family/0/{name}", code) for name, code in expected]


def test_a_day_is_not_before_the_day_that_it_follows() -> None:
    assert faults(accepted_on="2026-03-02", executed_on="2026-03-02") == []
    assert faults(accepted_on="2026-03-02", executed_on="2026-03-01") == [("/executed_on", "day-too-early")]
    assert faults(accepted_on=GONE, executed_on="2026-03-01") == [("/accepted_on", "missing-field")]


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_form() -> None:
    wrong: dict[str, Any] = {name: {} for name in reversed(SPECS)} | {"sex": "none", "colour": "red"}
    order = [error.path.split("/")[2] for error in check(SPECS, wrong, CONTEXT)]
    assert list(dict.fromkeys(order)) == ["colour", *SPECS]


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([ERLAN, AIGUL, "1991-04-12"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from([*SPECS, *COLUMNS]), inner),
    max_leaves=12,
)


def _target(pointer: str, values: Any) -> bool:
    """True if a JSON Pointer leads to a value, or to a member that an object lacks."""
    place: Any = {"fields": values}
    *way, last = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    for token in way:
        place = place[int(token)] if isinstance(place, list) else place[token]
    return isinstance(place, dict) or (isinstance(place, list) and int(last) < len(place))


@hostile
@given(st.dictionaries(st.sampled_from([*SPECS]) | st.text(), json_values) | json_values)
def test_whatever_json_comes_every_fault_points_to_its_place(values: Any) -> None:
    errors = check(SPECS, values, CONTEXT)
    assert errors
    for error in errors:
        assert _target(error.path, values), error.path
        assert error.message


@hostile
@given(st.data())
def test_nobodys_number_or_name_stands_in_a_message(data: st.DataObject) -> None:
    """Whatever is wrong with the decision: the values themselves, or what stands around them."""
    secret = st.sampled_from(
        [ERLAN, AIGUL, "0" + ERLAN[1:], ERLAN + "7", "Оспанов Ерлан", "Оспанoв Ерлан", "Оспанов\u202e"]
    )
    values = deepcopy(GOOD)
    for name in data.draw(st.sets(st.sampled_from([*SPECS]), min_size=1)):
        values[name] = data.draw(
            secret | st.lists(secret, min_size=1) | st.dictionaries(st.sampled_from(LANGUAGES), secret)
        )
    for row in values["family"] if isinstance(values["family"], list) else []:
        if isinstance(row, dict):
            row.update(data.draw(st.dictionaries(st.sampled_from([*COLUMNS]), secret)))
    values["family"] = (
        [*values["family"], *values["family"]] if isinstance(values["family"], list) else values["family"]
    )
    message = str(FieldErrors(check(SPECS, values, CONTEXT)))
    assume(message)
    assert not re.search(r"[0-9]{6,}", message)
    for name in ("Оспанов", "Оспанoв", "Ерлан", "Айгүл"):
        assert name not in message


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
@pytest.mark.parametrize("case", cases.cases(), ids=str)
def test_of_every_form_each_missing_extra_or_mistyped_field_is_one_fault(case: Case, *, long: bool) -> None:
    fields: dict[str, Any] = case.decision(long=long)["fields"]
    specs, language = cases.without_rules(case.wording.fields), case.language
    lists = {of_field.list_key for of_field in specs.values() if of_field.type == "grounds"}
    context = Context([language], case.day, {name: cases.catalogue().count_grounds(name, case.day) for name in lists})

    def found(values: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [(error.path, error.code) for error in check(specs, values, context)]

    assert found(fields) == []
    assert found(fields | {"colour": "red"}) == [("/fields/colour", "unknown-field")]
    for name, of_field in specs.items():
        missing = {key: value for key, value in fields.items() if key != name}
        is_required = of_field.required or any(fields[name] in codes for name, codes in of_field.given_with.items())
        assert found(missing) == ([(f"/fields/{name}", "missing-field")] if is_required else [])
        assert [path for path, _ in found(fields | {name: 0.5})] == [f"/fields/{name}"]
