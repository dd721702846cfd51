"""Signing elsewhere, checking files, forms: over HTTP as the command line does them."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import leaves
import offices
import pytest
from apis import BIN, Api, api_of, problem
from jsonschema import Draft202012Validator
from leaves import Leaf
from offices import Pki, a_decision
from pypdfium2 import PdfDocument

from qujat import catalogue
from qujat.languages import LANGUAGES
from qujat.server.api import bodies
from qujat.server.api.models import DOCX, PDF
from qujat.signing.keys import Person


@pytest.fixture(scope="module")
def head(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Leaf:
    """The head of `a_decision()`, with a key on a machine of his own."""
    return leaves.leaf(tmp_path_factory.mktemp("head"), pki.folder, pki.passphrase, offices.head(), kind="rsa")


def signed(prepared: dict[str, Any], signer: Leaf) -> dict[str, Any]:
    """What is sent to /v1/complete when the signer has signed every file."""
    made = {file["name"]: signer.cms(base64.b64decode(file["content"])) for file in prepared["files"]}
    return {"ticket": prepared["ticket"], "signatures": {n: base64.b64encode(cms).decode() for n, cms in made.items()}}


def test_what_was_signed_elsewhere_becomes_a_document(api: Api, head: Leaf) -> None:
    decision = a_decision(id="elsewhere", languages=["kk"])
    prepared = api("POST", "/v1/prepare", json=decision).json()
    assert api("POST", "/v1/prepare", json=decision).json() == prepared
    assert {file["name"] for file in prepared["files"]} == {"page.kk", "data"}
    assert base64.b64decode(prepared["reading"][0]["content"]).startswith(b"%PDF-")
    sent = signed(prepared, head)
    first, again = (api("POST", "/v1/complete", json=sent) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["number"] == prepared["number"]
    problem(api("POST", "/v1/prepare", json=decision), 409, "already-issued")


def test_a_signature_of_other_bytes_is_refused_and_the_ticket_stays_open(api: Api, head: Leaf) -> None:
    prepared = api("POST", "/v1/prepare", json=a_decision(id="refused", languages=["kk"])).json()
    sent = signed(prepared, head)
    names = sorted(sent["signatures"])
    wrong = dict(zip(names, [sent["signatures"][name] for name in reversed(names)], strict=True))
    problem(api("POST", "/v1/complete", json=sent | {"signatures": wrong}), 422, "signature-refused")
    assert api("POST", "/v1/complete", json=sent).status_code == 201


def test_where_two_sign_the_second_is_asked_when_the_first_has_signed(head: Leaf, tmp_path: Path, pki: Pki) -> None:
    forms = catalogue.load()
    form = forms.form("o20-a05")
    asked = replace(form, file=form.file.model_copy(update={"signers": ["official", "head"]}))
    person = Person("800101300016", "Үлгібаев Әбдіғали", BIN, "Басқарма")
    named = {"iin": person.iin, "full_name": person.full_name, "position": {"kk": "маман", "ru": "специалист"}}
    official = leaves.leaf(tmp_path / "official", pki.folder, pki.passphrase, person, roles=leaves.EMPLOYEE)
    with api_of(pki, tmp_path / "home", forms=replace(forms, forms={**forms.forms, form.key: asked})) as api:
        decision = a_decision(id="two", languages=["kk"], prepared_by=named)
        problem(api("POST", "/v1/documents", json=decision), 422, "several-signers")
        first = api("POST", "/v1/prepare", json=decision).json()
        second = api("POST", "/v1/complete", json=signed(first, official))
        assert (first["signer"], second.status_code, second.json()["signer"]) == ("official", 202, "head")
        assert api("POST", "/v1/complete", json=signed(second.json(), head)).status_code == 201


def test_a_ticket_of_another_authority_is_as_if_it_were_not_there(api: Api, head: Leaf) -> None:
    sent = signed(api("POST", "/v1/prepare", json=a_decision(id="ticket", languages=["kk"])).json(), head)
    theirs = problem(api("POST", "/v1/complete", json=sent, key="stranger"), 404, "unknown-ticket")
    none = problem(api("POST", "/v1/complete", json=sent | {"ticket": "none"}, key="stranger"), 404, "unknown-ticket")
    assert theirs | {"request": ""} == none | {"request": ""}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"signatures": {}}, "/signatures"),
        ({"signatures": {"data": "not base64!"}}, "/signatures/data"),
        ({"ticket": 1}, "/ticket"),
        ({"more": 1}, "/more"),
    ],
)
def test_a_completion_that_is_none_is_refused(changes: dict[str, Any], pointer: str, api: Api) -> None:
    sent = {"ticket": "t", "signatures": {"data": "AA=="}} | changes
    said = problem(api("POST", "/v1/complete", json=sent), 422, "field-errors")
    assert [fault["pointer"] for fault in said["errors"]] == [pointer]


def checked(api: Api, content: bytes, **sent: Any) -> dict[str, Any]:
    answer = api("POST", "/v1/check", files={"file": ("anything.bin", content), **sent.pop("files", {})}, **sent)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture(scope="module")
def document(api: Api) -> dict[str, bytes]:
    """The files of a document by their role."""
    path = f"/v1/documents/{api.issued('checked')['number']}"
    types = {"page": PDF, "data": "application/xml", "cms": "application/pkcs7-signature"}
    return {role: api("GET", path, headers={"Accept": type}).content for role, type in types.items()}


def test_a_file_of_ours_is_judged_as_one(api: Api, document: dict[str, bytes]) -> None:
    told = checked(api, document["page"])
    assert (told["ours"], told["verdict"], told["trust"]) == (True, "valid", "stand-in")
    altered = bytearray(document["page"])
    altered[2000] ^= 1
    assert checked(api, bytes(altered))["verdict"] == "invalid"


def test_a_detached_signature_is_judged_with_what_it_signed(api: Api, document: dict[str, bytes]) -> None:
    assert checked(api, document["cms"], files={"data": ("d", document["data"])})["verdict"] == "valid"
    assert checked(api, document["cms"])["verdict"] == "indeterminate"


def test_a_strangers_file_is_never_an_error(api: Api) -> None:
    for content in (b"", b"%PDF-1.7 nothing", b"PK\x03\x04", b"<a>" * 100_000):
        told = checked(api, content)
        assert told["ours"] is False
        assert told["verdict"] != "valid"


def test_a_verdict_is_about_the_moment_that_was_asked_about(api: Api, document: dict[str, bytes]) -> None:
    before = checked(api, document["page"], params={"at": "2020-01-01T00:00:00+05:00"})
    assert before["verdict"] != "valid"
    for moment in ("2020-01-01", "2020-01-01T00:00:00", "1577836800"):
        answer = api("POST", "/v1/check", files={"file": b"x"}, params={"at": moment})
        problem(answer, 422, "bad-parameters")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"content": b"%PDF-", "headers": {"Content-Type": "application/pdf"}}, 415, "unsupported-media-type"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "bad-request"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 400, "bad-request"),
        ({"files": {"other": b"x"}}, 422, "bad-parameters"),
        ({"files": [("file", b"x"), ("file", b"y")]}, 422, "bad-parameters"),
        ({"files": [("file", b"x"), ("data", b"y"), ("more", b"z")]}, 400, "bad-request"),
        ({"files": {"file": b"x"}, "data": {"more": "words"}}, 400, "bad-request"),
    ],
)
def test_an_upload_that_is_none_is_refused(sent: dict[str, Any], status: int, code: str, api: Api) -> None:
    problem(api("POST", "/v1/check", **sent), status, code)


def test_an_upload_that_is_too_large_is_refused(api: Api) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(64 * 1024 * 1024 + 1)}
    problem(api("POST", "/v1/check", content=b"x", headers=headers), 413, "too-large")


def test_only_so_many_files_are_held_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_UPLOADS", 0)
    answer = api("POST", "/v1/check", files={"file": b"x"})
    problem(answer, 503, "busy")
    assert int(answer.headers["retry-after"]) > 0
    monkeypatch.setattr(bodies, "MOST_UPLOADS", 1)
    for _ in range(3):  # each gives back the place it took, also one that is refused
        checked(api, b"x")
        problem(api("POST", "/v1/check", content=b"x"), 415, "unsupported-media-type")


def test_forms_are_listed_with_what_is_in_force(api: Api) -> None:
    rows = {row["annex"]: row for row in api("GET", "/v1/forms?on=2026-03-02").json()}
    assert rows.keys() == {form.annex for form in api.office.forms.forms.values()}
    assert rows["o20-a05"]["on"]["kk"]["edition"] == "order_359"
    assert "on" not in api("GET", "/v1/forms").json()[0]


def test_every_form_is_shown_in_full(api: Api) -> None:
    for key, form in api.office.forms.forms.items():
        told = api("GET", f"/v1/forms/{form.annex}").json()
        assert (told["form"], set(told["fields"])) == (key, set(form.file.fields))
        assert told == api("GET", f"/v1/forms/{key}").json()


def test_the_schema_of_a_form_takes_the_fields_of_its_decisions(api: Api) -> None:
    told = api("GET", "/v1/forms/o20-a05/schema?on=2026-03-02").json()
    validator = Draft202012Validator(told)
    assert validator.is_valid(a_decision()["fields"])
    assert not validator.is_valid({})


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_form_is_a_pdf_or_a_word_file(language: str, api: Api) -> None:
    path = f"/v1/forms/o20-a05/blank?on=2026-03-02&language={language}"
    pdf, docx = api("GET", path), api("GET", path, headers={"Accept": DOCX})
    with PdfDocument(io.BytesIO(pdf.content)) as opened:
        assert len(opened) == 1
    assert (pdf.headers["content-type"], docx.headers["content-type"]) == (PDF, DOCX)
    assert docx.content[:2] == b"PK"
    problem(api("GET", path, headers={"Accept": "text/html"}), 406, "not-acceptable")
