"""Refusals: a status and words in three languages for every error there is; nothing of what came, or of our inside."""

from __future__ import annotations

import ast
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apis import BIN, Api, problem
from offices import a_decision

import qujat.errors
from qujat import decision
from qujat.errors import FieldError, FieldErrors, QujatError, StoreError
from qujat.rendering import TEMPLATES
from qujat.server.api import problems

ROOT = Path(qujat.errors.__file__).parent
WORDS: dict[str, Any] = tomllib.loads((TEMPLATES / "web" / "problems.toml").read_text(encoding="utf-8"))


def kinds(kind: type[QujatError] = QujatError) -> Iterator[type[QujatError]]:
    """Every error of errors.py below this one."""
    for below in kind.__subclasses__():
        if below.__module__ == "qujat.errors":
            yield below
            yield from kinds(below)


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_and_words_of_its_own(kind: type[QujatError]) -> None:
    error = kind.__new__(kind)
    error.__dict__ |= {"message": "", "errors": ()}
    refused = problems.refusal(error)
    assert 400 <= refused.status < 600
    assert refused.said_as in WORDS
    assert refused.code == ("unexpected" if refused.status == 500 else kind.code)
    assert ("Retry-After" in refused.headers) == (refused.status == 503)


def test_every_refusal_of_http_has_words() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "server").rglob("*.py")]
    codes = {code for source in sources for code in re.findall(r'Refused\(\s*\d+,\s*"([a-z-]+)"', source)}
    assert {"not-authenticated", "not-permitted", "too-large", "unexpected"} <= codes <= WORDS.keys()


def test_every_fault_of_a_field_has_words() -> None:
    """Read out of the code that finds faults: the second of what FieldError is made with, and what `faults` yields."""
    found: set[str] = set()
    for path in ROOT.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in (
                "FieldError",
                "_by_pattern",
                "_by_fault",
            ):
                found |= {a.value for a in node.args[1:2] if isinstance(a, ast.Constant)}
            if path.name == "texts.py" and isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                found |= {node.value.elts[0].value}  # type: ignore[attr-defined]
    assert {"bad-iin", "mixed-script", "day-in-future", "bad-email"} <= found
    assert found <= WORDS["field"].keys()


def test_what_pydantic_refuses_of_a_decision_has_words() -> None:
    wrong = [{}, [], {**a_decision(), "id": "", "form": 1, "languages": [], "number": "x" * 65, "fields": []}]
    wrong += [{**a_decision(), "id": "x" * 129, "languages": "kk", "authority": {"bin": BIN, "name": []}, "more": 1}]
    wrong += [{**a_decision(), "id": "a b", "languages": ["en"]}]
    for each in wrong:
        with pytest.raises(FieldErrors) as raised:
            decision.parse(json.dumps(each))
        assert {error.code for error in raised.value.errors} <= WORDS["field"].keys()


def sentences(words: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    for key, value in words.items():
        if isinstance(value, dict):
            yield from sentences(value, f"{path}/{key}")
        else:
            yield f"{path}/{key}", key, value


def test_words_are_there_in_each_language_and_in_its_own_letters() -> None:
    for code, said in WORDS.items():
        if code != "field":
            assert said.keys() == {"title", "kk", "ru"}, code
            assert said["title"].keys() == {"kk", "ru", "en"}, code
    assert all(said.keys() == {"kk", "ru"} for said in WORDS["field"].values())
    for path, language, text in sentences(WORDS):
        for word in re.findall(r"[^\W\d_]{2,}", text):
            scripts = {unicodedata.name(letter).split()[0] for letter in word}
            assert len(scripts) == 1, f"{path}: {word}"
        assert language != "ru" or not set(text.lower()) & set("әғқңөұүһі"), path


@pytest.mark.parametrize(
    ("wanted", "language", "title"),
    [
        ("kk", "kk", "Шешімнің мазмұнында қате бар"),
        ("ru-RU, kk;q=0.5", "ru", "В содержании решения есть ошибки"),
        ("de, en;q=0.9, kk;q=0.95", "kk", "Шешімнің мазмұнында қате бар"),
        ("ru;q=0, *", "en", "The decision's contents are wrong"),
        ("", "en", "The decision's contents are wrong"),
    ],
)
def test_a_refusal_is_in_the_language_of_the_caller(wanted: str, language: str, title: str, api: Api) -> None:
    broken = a_decision(id="language", day="yesterday")
    answer = api("POST", "/v1/documents", json=broken, headers={"Accept-Language": wanted})
    said = problem(answer, 422, "field-errors")
    assert (said["title"], answer.headers["content-language"]) == (title, language)
    (fault,) = said["errors"]
    expected = WORDS["field"]["bad-day"].get(language, 'expected the day of the decision as "YYYY-MM-DD"')
    assert (fault["pointer"], fault["code"], fault["detail"]) == ("/day", "bad-day", expected)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not-found"),
        ("GET", "/v1/forms/o99-a01", 404, "unknown-form"),
        ("DELETE", "/v1/forms", 405, "method-not-allowed"),
        ("GET", "/v1/forms/o20-a05/blank?on=2026-03-02&language=en", 422, "bad-parameters"),
        ("GET", "/v1/forms/o20-a05/schema?on=1772400000", 422, "bad-parameters"),
        ("GET", "/v1/forms?on=2026-02-30", 422, "bad-parameters"),
        ("GET", "/v1/forms/o20-a05/schema?on=2020-01-01", 422, "no-edition-in-force"),
    ],
)
def test_an_address_or_a_parameter_that_is_wrong_is_told(
    method: str, path: str, status: int, code: str, api: Api
) -> None:
    answer = api(method, path)
    problem(answer, status, code)
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("body", "type", "status", "code"),
    [
        (b"{}", "text/plain", 415, "unsupported-media-type"),
        (b"{}", "", 415, "unsupported-media-type"),
        (b"", "application/json", 400, "bad-json"),
        (b"{", "application/json", 400, "bad-json"),
        (b'{"id": NaN}', "application/json", 400, "bad-json"),
        (b'{"id": "a", "id": "b"}', "application/json", 400, "bad-json"),
        (b'{"id": "\xff"}', "application/json", 400, "bad-json"),
        (b"[" * 65 + b"]" * 65, "application/json", 400, "bad-json"),
        (b'{"a":' * 100_000, "application/json", 400, "bad-json"),
        (b" " * (1024 * 1024 + 1), "application/json", 413, "too-large"),
        (b" " * 1_000_001, "application/json", 413, "too-large"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(body: bytes, type: str, status: int, code: str, api: Api) -> None:
    for path in ("/v1/documents", "/v1/prepare"):
        problem(api("POST", path, content=body, headers={"Content-Type": type}), status, code)


def test_brackets_within_texts_do_not_count_as_depth(api: Api) -> None:
    answer = api("POST", "/v1/complete", json={"ticket": "[" * 70, "signatures": {'\\"[{"' * 20: "AA=="}})
    problem(answer, 404, "unknown-ticket")


def test_a_body_of_no_told_length_is_counted_as_it_comes(api: Api) -> None:
    whole = json.dumps({"ticket": "none", "signatures": {"data": "AA=="}}).encode()

    def parts(spaces: int) -> Iterator[bytes]:
        yield b" " * spaces
        yield whole

    headers, most = {"Content-Type": "application/json"}, 1024 * 1024 - len(whole)
    problem(api("POST", "/v1/complete", content=parts(most), headers=headers), 404, "unknown-ticket")
    problem(api("POST", "/v1/complete", content=parts(most + 1), headers=headers), 413, "too-large")


def test_very_many_faults_are_not_all_told(api: Api) -> None:
    broken = a_decision(id="many") | {f"more{n}": 1 for n in range(20_000)}
    answer = api("POST", "/v1/documents", json=broken)
    assert len(problem(answer, 422, "field-errors")["errors"]) == 200
    assert len(answer.content) < 65536


def test_a_fault_of_ours_says_nothing_of_our_inside(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("Оспанов 910412305665 /secret/path")

    monkeypatch.setattr("qujat.issuing.issued_before", broken)
    answer = api("POST", "/v1/documents", json=a_decision(id="broken"))
    said = problem(answer, 500, "unexpected")
    assert "RuntimeError" not in answer.text
    assert "Оспанов" not in answer.text
    assert answer.headers["x-request-id"] == said["request"]


def test_a_store_that_does_not_answer_is_asked_again_later(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise StoreError("the disk of /secret/path is full")

    monkeypatch.setattr(type(api.office.blobs), "put", broken)
    answer = api("POST", "/v1/documents", json=a_decision(id="no-store"))
    problem(answer, 503, "store-error")
    assert int(answer.headers["retry-after"]) > 0
    monkeypatch.undo()
    assert api("POST", "/v1/documents", json=a_decision(id="no-store")).status_code == 201


def test_an_iin_in_an_error_is_masked(api: Api) -> None:
    broken = a_decision(id="masked", form="910412305665") | {"910412305665": 1}
    answer = api("POST", "/v1/documents", json=broken)
    problem(answer, 422, "field-errors")
    assert "910412305665" not in answer.text
    assert "************" in answer.text
    assert "910412305665" not in api("GET", "/v1/forms/910412305665").text


def test_an_error_comes_out_of_another_process_as_it_was() -> None:
    import pickle

    errors = [FieldErrors([FieldError("/a", "bad-iin", "no")]), qujat.errors.CardInvalid("card-x", "no")]
    errors += [qujat.errors.Busy("later", 7)]
    for error in errors:
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.__dict__, again.args) == (type(error), error.__dict__, error.args)
