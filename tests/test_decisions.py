"""What a decision system sends: read strictly, refused with the place of the fault, digested whatever its spelling."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from offices import a_decision
from pydantic import ValidationError

from qujat.decision import MAX_BYTES, Decision, parse, parse_many
from qujat.errors import FieldErrors
from qujat.identifiers import check_digit

GOOD = a_decision()
GONE = object()
hostile = settings(max_examples=60, derandomize=True, deadline=None)


def changed(pointer: str, value: Any) -> dict[str, Any]:
    """The good decision with one member set (or left out: GONE)."""
    sent: Any = deepcopy(GOOD)
    *way, last = pointer.split("/")[1:]
    place = sent
    for token in way:
        place = place[token]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    read: dict[str, Any] = sent
    return read


def refused(source: str | bytes | dict[str, Any]) -> list[tuple[str, str]]:
    """(path, code) of everything for which a decision is refused."""
    with pytest.raises(FieldErrors) as faults:
        parse(source)
    assert all(error.message for error in faults.value.errors)
    return [(error.path, error.code) for error in faults.value.errors]


def test_text_bytes_and_object_give_the_same_decision() -> None:
    text = json.dumps(GOOD)
    assert parse(text) == parse(text.encode()) == parse(GOOD) == parse(json.dumps(GOOD, ensure_ascii=False).encode())


def test_a_decision_does_not_change_once_it_is_read() -> None:
    decision = parse(GOOD)
    with pytest.raises(ValidationError, match="frozen"):
        decision.id = "another"
    with pytest.raises(ValidationError, match="frozen"):
        decision.official.iin = "another"


REQUIRED = ["/id", "/form", "/languages", "/authority", "/authority/bin", "/authority/name", "/official"]
REQUIRED += ["/official/iin", "/official/full_name", "/official/position", "/fields"]


@pytest.mark.parametrize("pointer", REQUIRED)
def test_a_missing_member_is_named(pointer: str) -> None:
    assert refused(changed(pointer, GONE)) == [(pointer, "missing")]


def test_a_missing_day_is_asked_for_as_a_day() -> None:
    assert refused(changed("/day", GONE)) == [("/day", "bad-day")]


@pytest.mark.parametrize("pointer", ["/colour", "/authority/phone", "/official/birth_date", "/authority/"])
def test_a_member_that_no_decision_has_is_named(pointer: str) -> None:
    assert refused(changed(pointer, 1)) == [(pointer, "extra-forbidden")]


def test_the_place_of_a_fault_is_a_json_pointer() -> None:
    """RFC 6901: / is written ~1 and ~ is written ~0; a pointer leads to the member itself."""
    assert [path for path, _ in refused(GOOD | {"a/b~c": 1})] == ["/a~1b~0c"]
    assert [path for path, _ in refused(changed("/authority/name/en", "Office"))] == ["/authority/name/en"]


@pytest.mark.parametrize(
    ("pointer", "values"),
    [
        ("/id", [1, None, True, [], {}, "", "a b", "a\n", "\u0430", "x" * 129, "\ud800"]),
        ("/form", [1, None, [], {}]),
        ("/languages", [None, "kk", {}, [], ["kk", "ru", "kk"], ["kk", "kk"]]),
        ("/languages/1", ["en", "KK", "", 1, None]),
        ("/number", [1, [], "", " 1", "1\n", "x" * 65, "a\u0430"]),
        ("/authority", [None, [], "x", 1]),
        ("/authority/bin", [None, 990440001234, "", "990440001235", "99044000123"]),
        ("/authority/name", [None, [], "басқарма"]),
        ("/authority/name/kk", [None, 1, "", " ", "б\n", "x" * 501, GONE]),
        ("/official", [None, [], "x"]),
        ("/official/iin", [None, 780515400017, "", "780515400018"]),
        ("/official/full_name", [None, 1, "", " А", "А\u202eБ", "и\u0306", "\ud800", "x" * 501]),
        ("/official/position/ru", [None, [], "", "баc", GONE]),
        ("/fields", [None, [], "x", 1]),
        ("/day", [None, 1, "", "02.03.2026", "2026-3-2", "2026-02-30", "20260302", "2026-03-02T00:00:00", [], {}]),
        ("/day", ["2026-03-02\n", "\u0662\u0660\u0662\u0666-\u0660\u0663-\u0660\u0662", True, 20514.0]),
    ],
)
def test_a_member_of_another_shape_is_refused_at_its_place(pointer: str, values: list[Any]) -> None:
    for value in values:
        sent = changed(pointer, value) if pointer != "/languages/1" else GOOD | {"languages": ["kk", value]}
        assert {path for path, _ in refused(sent)} == {pointer}, value
        assert {path for path, _ in refused(json.dumps(sent))} == {pointer}, value


def test_everything_wrong_with_the_members_is_told_at_once() -> None:
    sent = changed("/authority/bin", "1") | {"languages": ["ru", "ru"], "number": " "}
    sent["official"] = {"iin": "2", "full_name": "А ", "position": {"kk": "басшы"}}
    assert refused(sent) == [
        ("/languages", "repeated-language"),
        ("/authority/bin", "bad-bin"),
        ("/official/iin", "bad-iin"),
        ("/official/full_name", "padded"),
        ("/number", "empty"),
        ("/official/position/ru", "missing-language"),
        ("/official/position/ru", "missing-language"),
    ]
    assert sorted(path for path, _ in refused({"id": 1, "day": "x", "fields": {}})) == sorted(
        ["/id", "/form", "/day", "/languages", "/authority", "/official"]
    )


def _with(fields: str) -> str:
    """The good decision as JSON text, with `fields` spelled as given."""
    return json.dumps(GOOD | {"fields": "@"}).replace('"@"', fields)


@pytest.mark.parametrize(
    "source",
    ["", " ", "{", "[]", "null", "1", '"x"', "{}{}", "{} x", "{'id': 1}", '{"id": 1,}', '{"id"}', "\x00", "// x\n{}"],
)
def test_what_is_not_one_json_object_is_refused(source: str) -> None:
    assert refused(source)[0][0] == ""
    assert refused(source.encode())[0][0] == ""


@pytest.mark.parametrize(
    "source",
    [
        json.dumps(GOOD)[:-1] + ', "id": "other"}',
        json.dumps(GOOD)[:-1] + ', "id": "demo-o20-a05"}',
        _with('{"a": 1, "a": 1}'),
        _with('{"rows": [{"iin": "1", "b": 2, "iin": "3"}]}'),
        _with('{"a": 1, "\a": 2}'),
    ],
)
def test_a_name_that_stands_twice_in_one_object_is_refused(source: str) -> None:
    assert refused(source) == [("", "bad-json")]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "[NaN]", '{"a": {"b": -Infinity}}', "9" * 5000])
def test_numbers_that_are_not_json_are_refused(number: str) -> None:
    assert refused(_with(f'{{"x": {number}}}')) == [("", "bad-json")]


@pytest.mark.parametrize("depth", [10_000, 100_000, 400_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_without_end_is_refused(opening: str, depth: int) -> None:
    (fault,) = refused((opening * depth)[:MAX_BYTES])
    assert fault == ("", "bad-json")


@pytest.mark.parametrize("source", [b"\xff\xfe\xfa", json.dumps(GOOD).encode()[:-1] + b"\xff}", b'{"id": "\xd0"}'])
def test_bytes_that_are_not_utf_8_are_refused(source: bytes) -> None:
    assert refused(source) == [("", "bad-json")]


@pytest.mark.parametrize("encode", [str, str.encode], ids=["text", "bytes"])
def test_a_decision_takes_a_megabyte_at_most(encode: Callable[[str], str | bytes]) -> None:
    text = json.dumps(GOOD)
    assert parse(encode(text.ljust(MAX_BYTES))) == parse(GOOD)
    assert refused(encode(text.ljust(MAX_BYTES + 1))) == [("", "too-large")]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(str(2**53), id="beyond the whole numbers that JSON readers agree on"),
        pytest.param(str(-(10**30)), id="far below them"),
        pytest.param("1e400", id="a number that reads as infinity"),
        pytest.param('"\\ud800"', id="half a surrogate pair"),
        pytest.param('{"\\udfff": 1}', id="half a surrogate pair in a name"),
    ],
)
def test_what_has_no_canonical_form_is_refused_when_it_is_read(value: str) -> None:
    """RFC 8785 cannot write it, so no digest could ever be told of it."""
    assert refused(_with(f'{{"x": {value}}}')) == [("", "bad-json")]


@pytest.mark.parametrize("depth", [100, 254, 255, 300, 600, 900, 3000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_decision_that_is_read_has_a_digest_however_deep_it_is(opening: str, closing: str, depth: int) -> None:
    with suppress(FieldErrors):
        assert len(parse(_with(f'{{"x": {opening * depth}1{closing * depth}}}')).digest()) == 64


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@hostile
@given(json_values, st.sampled_from(["", *REQUIRED, "/number", "/day", "/fields/x"]))
@example(2**60, "/fields/x")
def test_whatever_json_comes_is_refused_by_field_errors_or_is_a_decision_with_a_digest(
    value: Any, pointer: str
) -> None:
    decision = None
    with suppress(FieldErrors):
        decision = parse(json.dumps(changed(pointer, value) if pointer else value))
    if decision:
        assert len(decision.digest()) == 64
        assert parse(decision.canonical()).digest() == decision.digest()


def shuffled(value: Any, order: random.Random) -> Any:
    """The same JSON with the members of every object in another order."""
    if isinstance(value, dict):
        names = order.sample(list(value), len(value))
        return {name: shuffled(value[name], order) for name in names}
    return [shuffled(entry, order) for entry in value] if isinstance(value, list) else value


@hostile
@given(st.randoms(use_true_random=False), st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_the_digest_does_not_hang_on_order_spaces_or_escapes(
    order: random.Random, is_ascii: bool, indent: int | str | None
) -> None:
    spelled = json.dumps(shuffled(GOOD, order), ensure_ascii=is_ascii, indent=indent)
    assert parse(spelled).digest() == parse(GOOD).digest()


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The ways to every text and number in it."""
    if isinstance(value, (dict, list)):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for name, entry in inner for leaf in leaves(entry, (*path, name))]
    return [path]


@pytest.mark.parametrize("path", leaves(GOOD), ids=lambda path: "/".join(map(str, path)))
def test_the_digest_hangs_on_every_value(path: tuple[str | int, ...]) -> None:
    others = {"day": "2026-03-03", "bin": f"99054000123{check_digit('99054000123')}", "iin": "910412305665"}
    sent: Any = deepcopy(GOOD)
    place = sent
    for token in path[:-1]:
        place = place[token]
    if path[0] == "languages":
        del place[path[-1]]
    elif path in (("authority", "bin"), ("official", "iin"), ("day",)):
        place[path[-1]] = others[str(path[-1])]
    else:
        place[path[-1]] += 1 if isinstance(place[path[-1]], int) else "1"
    assert parse(sent).digest() != parse(GOOD).digest()


def test_the_canonical_form_is_that_of_rfc_8785() -> None:
    """For texts and whole numbers under ASCII names: sorted, without spaces, UTF-8. A number not given is left out."""
    written = json.dumps(GOOD, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert parse(GOOD).canonical() == parse(GOOD | {"number": None}).canonical() == written
    assert parse(GOOD | {"number": "7"}).canonical() != written


def test_nobodys_number_or_name_stands_in_a_message() -> None:
    person = {"iin": "780515400018", "full_name": " Ахметова\u202e"}
    for official in (person, person | {"position": "x", "iin": 780515400018}, person | {"position": {}, "x": "y"}):
        with pytest.raises(FieldErrors) as faults:
            parse(json.dumps(GOOD | {"official": official}))
        assert "7805154" not in faults.value.message
        assert "Ахмет" not in faults.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\n \n\t\n", []),
        ("{}", [(1, "{}")]),
        ("{}\n", [(1, "{}")]),
        ('\n{"a": 1}\r\n\n{"b": 2}', [(2, '{"a": 1}'), (4, '{"b": 2}')]),
        ('{"a": "x\u2028y\u0085z"}\n{}', [(1, '{"a": "x\u2028y\u0085z"}'), (2, "{}")]),
    ],
)
def test_json_lines_are_numbered_by_line_feeds_alone(text: str, expected: list[tuple[int, str]]) -> None:
    """U+2028 and U+0085 may stand raw in a JSON string; only a line feed ends a line."""
    assert [(number, line.rstrip("\r")) for number, line in parse_many(text)] == expected


def test_a_decision_may_be_made_of_the_one_that_was_read() -> None:
    decision = parse(GOOD)
    assert isinstance(decision, Decision)
    assert parse(decision.canonical()) == decision
