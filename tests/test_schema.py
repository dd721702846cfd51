"""The published JSON Schema of each form says what the check will say, and the declared fields hang together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import cases
import pytest
from cases import Case
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from qujat.catalogue import Form
from qujat.fields import MAX_TEXT, Context, FieldSpec, check
from qujat.identifiers import check_digit
from qujat.languages import LANGUAGES, Language
from qujat.schema import DIALECT, schema

CATALOGUE = cases.catalogue()
CASES = cases.cases()
Path = tuple[str | int, ...]

each_case = pytest.mark.parametrize("case", CASES, ids=str)
each_form = pytest.mark.parametrize("form", CATALOGUE.forms.values(), ids=lambda form: form.annex)
hostile = settings(max_examples=60, derandomize=True, deadline=None)


def texts_of_grounds(case: Case) -> dict[str, list[str]]:
    lists = {spec.list_key for spec in case.wording.fields.values() if spec.type == "grounds"}
    in_force = {name: CATALOGUE.grounds_on(name, case.day) for name in lists}
    return {name: list(grounds.file.texts[edition.id][case.language]) for name, (grounds, edition) in in_force.items()}


def published(case: Case, *languages: Language) -> dict[str, Any]:
    wording = case.wording
    identifier = f"{case.form.annex}:{case.edition.id}"
    return schema(case.form.title, identifier, wording.fields, languages or [case.language], texts_of_grounds(case))


@dataclass(frozen=True)
class Judge:
    """The two answers about the fields of one wording."""

    specs: Mapping[str, FieldSpec]
    context: Context
    validator: Draft202012Validator

    def is_accepted(self, fields: Any) -> bool:
        return not check(self.specs, fields, self.context)

    def is_valid(self, fields: Any) -> bool:
        return bool(self.validator.is_valid(fields))

    def both(self, fields: Any) -> tuple[bool, bool]:
        return self.is_accepted(fields), self.is_valid(fields)


def judge_of(case: Case) -> Judge:
    counts = {name: len(texts) for name, texts in texts_of_grounds(case).items()}
    context = Context([case.language], case.day, counts)
    return Judge(cases.without_rules(case.wording.fields), context, Draft202012Validator(published(case)))


@each_case
def test_a_schema_is_valid_itself_and_names_its_form(case: Case) -> None:
    choices: list[list[Language]] = [["kk"], ["ru"], ["kk", "ru"]]
    for languages in choices:
        made = published(case, *languages)
        Draft202012Validator.check_schema(made)
        assert made["$schema"] == DIALECT == Draft202012Validator.META_SCHEMA["$id"]
        assert made["$id"] == f"urn:qujat:form:{case.form.annex}:{case.edition.id}"
        assert json.loads(json.dumps(made)) == made
        assert all(case.form.title[language] in made["title"] for language in LANGUAGES)
    for name, spec in case.wording.fields.items():
        assert all(spec.label[language] in made["properties"][name]["title"] for language in LANGUAGES)


@each_form
def test_a_schema_made_without_the_texts_of_the_grounds_is_valid_too(form: Form) -> None:
    Draft202012Validator.check_schema(schema(form.title, form.annex, form.file.fields))


@each_case
def test_a_schema_lists_the_grounds_in_force_by_number_and_text(case: Case) -> None:
    for name, spec in case.wording.fields.items():
        if spec.type == "grounds":
            grounds, edition = CATALOGUE.grounds_on(spec.list_key, case.day)
            listed = published(case)["properties"][name]["items"]["oneOf"]
            assert [entry["const"] for entry in listed] == list(range(1, grounds.count(edition.id) + 1))
            assert [entry["title"] for entry in listed] == [
                grounds.text(edition.id, entry["const"], case.language) for entry in listed
            ]


def everything(case: Case) -> dict[str, Any]:
    """The longest decision on file, every field given; of a table its first row."""
    fields = case.decision(long=True)["fields"]
    tables = {name for name, spec in case.wording.fields.items() if spec.type == "rows"}
    return {name: value[:1] if name in tables else value for name, value in fields.items()}


def members(value: Any, path: Path = ()) -> Iterator[Path]:
    """The ways to everything in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in inner:
        yield (*path, name)
        yield from members(entry, (*path, name))


def without(value: Any, path: Path) -> Any:
    copy = deepcopy(value)
    place = copy
    for token in path[:-1]:
        place = place[token]
    del place[path[-1]]
    return copy


def with_(value: Any, path: Path, entry: Any) -> Any:
    copy = deepcopy(value)
    place = copy
    for token in path[:-1]:
        place = place[token]
    place[path[-1]] = entry
    return copy


def at(value: Any, path: Path) -> Any:
    for token in path:
        value = value[token]
    return value


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
@each_case
def test_a_decision_that_the_check_accepts_is_valid_by_the_schema(case: Case, *, long: bool) -> None:
    assert judge_of(case).both(case.decision(long=long)["fields"]) == (True, True)


def is_required(spec: FieldSpec, fields: dict[str, Any]) -> bool:
    return spec.required or any(fields[choice] in codes for choice, codes in spec.given_with.items())


@each_case
def test_what_is_missing_or_too_much_is_told_alike_by_check_and_schema(case: Case) -> None:
    fields, judge = everything(case), judge_of(case)
    missing = {path: judge.both(without(fields, path)) for path in members(fields)}
    assert {path for path, (accepted, valid) in missing.items() if accepted != valid} == set()
    required = {(name,) for name, spec in judge.specs.items() if is_required(spec, fields)}
    assert required == {path for path, told in missing.items() if told == (False, False) and len(path) == 1}
    for path in [(), *members(fields)]:
        if isinstance(at(fields, path), dict):
            assert judge.both(with_(fields, (*path, "colour"), "red")) == (False, False), path


@each_case
def test_a_value_of_another_type_is_refused_by_check_and_schema(case: Case) -> None:
    fields, judge = everything(case), judge_of(case)
    others: list[Any] = [0.5, True, "\n", [[]], {"kk": 1}]
    for path in members(fields):
        for wrong in others:
            if not isinstance(wrong, type(at(fields, path))) or isinstance(wrong, bool):
                assert judge.both(with_(fields, path, wrong)) == (False, False), (path, wrong)


@each_case
def test_a_null_is_told_alike_by_check_and_schema(case: Case) -> None:
    fields, judge = everything(case), judge_of(case)
    told = {path: judge.both(with_(fields, path, None)) for path in members(fields)}
    assert {path for path, (accepted, valid) in told.items() if accepted != valid} == set()


def distinct(row: dict[str, Any], spec: FieldSpec, count: int) -> list[dict[str, Any]]:
    """The row as that many people: a person may be listed once, so each has a number of his own if one is asked for."""
    if "iin" not in spec.columns or not spec.columns["iin"].required:
        return [{column: value for column, value in row.items() if column != "iin"}] * count
    first = (row["iin"][:7] + f"{serial:04}" for serial in range(10_000))
    sound = (f"{eleven}{digit}" for eleven in first if (digit := check_digit(eleven)) is not None)
    return [row | {"iin": next(sound)} for _ in range(count)]


@each_case
def test_what_is_too_long_or_too_many_is_refused_by_check_and_schema(case: Case) -> None:
    fields, judge = everything(case), judge_of(case)

    def both(name: str, value: Any) -> tuple[bool, bool]:
        return judge.both(fields | {name: value})

    for name, spec in judge.specs.items():
        text = {"kk": "а" * MAX_TEXT, "ru": "б"} if spec.by_language else "а" * MAX_TEXT
        longer = {"kk": "а" * (MAX_TEXT + 1), "ru": "б"} if spec.by_language else "а" * (MAX_TEXT + 1)
        if spec.type == "text":
            assert (both(name, text), both(name, longer)) == ((True, True), (False, False))
        elif spec.type == "list":
            assert (both(name, [text]), both(name, [longer])) == ((True, True), (False, False))
            assert (both(name, [text] * spec.max), both(name, [text] * (spec.max + 1))) == (
                (True, True),
                (False, False),
            )
            assert both(name, []) == (spec.min == 0, spec.min == 0)
        elif spec.type == "grounds":
            count = judge.context.grounds[spec.list_key]
            assert both(name, list(range(1, count + 1))) == (True, True)
            for wrong in ([], [count + 1], [0], [1, 1], ["1"], [True]):
                assert both(name, wrong) == (False, False), wrong
        elif spec.type == "rows":
            rows = distinct(fields[name][0], spec, spec.max + 1)
            told = (both(name, rows[: spec.max]), both(name, rows))
            assert told == ((True, True), (False, False))


@hostile
@given(st.data())
def test_whatever_the_check_accepts_is_valid_by_the_schema(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([case for case in CASES if case.wording.fields]), label="case")
    fields, judge = everything(case), judge_of(case)
    numbers = st.integers() | st.booleans() | st.floats()
    entries: st.SearchStrategy[Any] = st.text() | numbers | st.lists(st.integers(1, 3)) | st.just({})
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([*members(fields)]))
        same = st.sampled_from([at(fields, other) for other in members(fields)])
        fields = with_(fields, path, data.draw(entries | same))
        accepted, valid = judge.both(fields)
        assert valid or not accepted


def inner(specs: Mapping[str, FieldSpec]) -> Iterator[Mapping[str, FieldSpec]]:
    """The fields of an object and those of every table in it."""
    yield specs
    for spec in specs.values():
        if spec.columns:
            yield from inner(spec.columns)


@each_form
def test_the_declared_fields_of_a_form_hang_together(form: Form) -> None:
    editions = {edition.id for edition in form.editions}
    for specs in inner(form.file.fields):
        for name, spec in specs.items():
            assert set(spec.editions) <= editions, name
            assert set(spec.label) == set(LANGUAGES), name
            assert (spec.type in ("choice", "many")) == bool(spec.choices), name
            assert all(set(words) == set(LANGUAGES) for words in spec.choices.values()), name
            assert (spec.type == "rows") == bool(spec.columns), name
            assert (spec.type == "grounds") == (spec.list_key in CATALOGUE.grounds), name
            assert spec.not_before == "" or specs[spec.not_before].type == spec.type == "day", name
            assert spec.min <= spec.max, name
            assert not spec.by_language or spec.type in ("text", "list", "name"), name
    assert set(form.title) == set(LANGUAGES)
    assert form.file.order in CATALOGUE.orders


@each_form
def test_the_subject_of_a_form_is_a_name_or_a_table_of_named_people_in_every_edition(form: Form) -> None:
    subject = form.file.subject
    for edition in form.editions:
        if subject and any(status != "not-held" for status in edition.wording.values()):
            spec = form.fields(edition.id)[subject]
            assert spec.type == "name" or spec.columns["full_name"].type == "name"
            assert spec.required


def test_every_list_of_grounds_is_asked_for_by_a_form_or_says_what_it_waits_for() -> None:
    asked = {spec.list_key for form in CATALOGUE.forms.values() for spec in form.file.fields.values()}
    waiting = {name for name, grounds in CATALOGUE.grounds.items() if grounds.file.waits_for}
    assert set(CATALOGUE.grounds) == asked - {""} | waiting
    assert not asked & waiting
