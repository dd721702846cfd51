"""Documents over HTTP: issued once, read in every format by those whose they are, ended by an entry."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest
from apis import BIN, OTHER_BIN, Api, problem
from offices import a_decision

from qujat.client import Qujat
from qujat.entries import Claim, Secrets
from qujat.errors import NumberShared
from qujat.jobs.outbox import link
from qujat.server.api.models import CMS, DOCX, PDF, XML
from qujat.server.clients import SCOPES


@pytest.fixture(scope="module")
def document(api: Api) -> dict[str, Any]:
    """A document that its tests only read."""
    return api.issued("read-only")


def fetched(api: Api, document: dict[str, Any], accept: str, **sent: Any) -> httpx.Response:
    return api(
        "GET", f"/v1/documents/{document['number']}", headers={"Accept": accept} | sent.pop("headers", {}), **sent
    )


def test_a_decision_is_issued_once_and_the_same_again_gives_the_same_document(api: Api) -> None:
    first = api("POST", "/v1/documents", json=a_decision(id="once"))
    again = api("POST", "/v1/documents", json=a_decision(id="once"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"] == f"/v1/documents/{first.json()['number']}"
    assert api("GET", first.headers["location"]).json()["decision"] == "once"


def test_the_same_id_with_other_contents_is_a_conflict(api: Api, document: dict[str, Any]) -> None:
    changed = a_decision(id="read-only", day="2026-03-03")
    problem(api("POST", "/v1/documents", json=changed), 409, "decision-changed")


def test_everything_wrong_is_told_at_once_with_pointers(api: Api) -> None:
    decision = a_decision(id="wrong")
    decision["fields"]["recipients"][0]["iin"] = "910412305666"
    del decision["fields"]["local_body"]
    decision["fields"]["more/less~"] = 1
    said = problem(api("POST", "/v1/documents", json=decision), 422, "field-errors")
    assert {(fault["pointer"], fault["code"]) for fault in said["errors"]} == {
        ("/fields/recipients/0/iin", "bad-iin"),
        ("/fields/local_body", "missing-field"),
        ("/fields/more~1less~0", "unknown-field"),
    }


def test_a_document_is_described_without_the_people_in_it(api: Api, document: dict[str, Any]) -> None:
    told = api("GET", f"/v1/documents/{document['number']}").text
    assert "910412305665" not in told
    assert "Оспанов" not in told


@pytest.mark.parametrize(
    ("accept", "language", "name"),
    [
        (PDF, "kk", "{}.kk.pdf"),
        (PDF, "ru", "{}.ru.pdf"),
        (XML, "ru", "{}.xml"),
        (CMS, "kk", "{}.xml.p7s"),
        ("application/pdf;q=0.2, application/xml;q=0.7, */*;q=0.1", "kk", "{}.xml"),
        ("application/*;q=0.5, application/pdf", "ru", "{}.ru.pdf"),
    ],
)
def test_each_file_is_had_by_its_media_type_and_language(
    accept: str, language: str, name: str, api: Api, document: dict[str, Any]
) -> None:
    files = {file["name"]: file for file in document["files"]}
    wanted = files[name.format(document["number"])]
    answer = fetched(api, document, accept, headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == wanted["media_type"]
    assert sha256(answer.content).hexdigest() == wanted["sha256"]
    assert answer.headers["etag"] == f'"{wanted["sha256"]}"'
    assert {"Accept", "Accept-Language", "Authorization"} == set(answer.headers["vary"].split(", "))


def test_the_language_of_the_address_goes_before_that_of_the_header(api: Api, document: dict[str, Any]) -> None:
    path = f"/v1/documents/{document['number']}?language=ru"
    answer = api("GET", path, headers={"Accept": PDF, "Accept-Language": "kk"})
    assert f"{document['number']}.ru.pdf" in answer.headers["content-disposition"]


def test_a_word_copy_is_made_and_is_the_same_each_time(api: Api, document: dict[str, Any]) -> None:
    one, other = (fetched(api, document, DOCX) for _ in range(2))
    assert one.content[:2] == b"PK"
    assert one.headers["etag"] == other.headers["etag"]


def test_json_is_what_one_gets_who_takes_anything(api: Api, document: dict[str, Any]) -> None:
    assert fetched(api, document, "*/*").headers["content-type"] == "application/json"


def test_whoever_has_it_already_is_told_so(api: Api, document: dict[str, Any]) -> None:
    tag = fetched(api, document, XML).headers["etag"]
    answer = fetched(api, document, XML, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (answer.status_code, answer.content) == (304, b"")
    assert fetched(api, document, XML, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("accept", ["image/png", "application/pdf;q=0, image/*", "application/json;q=0"])
def test_what_is_not_to_be_had_is_refused(accept: str, api: Api, document: dict[str, Any]) -> None:
    problem(fetched(api, document, accept), 406, "not-acceptable")


def test_a_language_that_the_document_does_not_have_is_refused(api: Api) -> None:
    only = api.issued("kk-only", languages=["kk"])
    path = f"/v1/documents/{only['number']}?language=ru"
    problem(api("GET", path, headers={"Accept": PDF}), 406, "language-not-held")


def test_a_number_with_a_slash_is_read_percent_encoded(api: Api) -> None:
    told = api.issued("slash", number="Ж-7/2026")
    answer = api("GET", "/v1/documents/%D0%96-7%2F2026")
    assert answer.json()["number"] == told["number"] == "Ж-7/2026"
    assert api("GET", "/v1/documents/%D0%96-7%2F2026/evidence").json()["number"] == "Ж-7/2026"


def test_evidence_is_the_verdict_on_every_file_and_how_long_it_lasts(api: Api, document: dict[str, Any]) -> None:
    told = api("GET", f"/v1/documents/{document['number']}/evidence").json()
    assert (told["verdict"]["verdict"], told["verdict"]["trust"]) == ("valid", "stand-in")
    assert {file["level"] for file in told["files"]} == {"B-LTA"}
    assert {file["file"] for file in told["files"]} == {
        file["name"] for file in document["files"] if file["role"] in ("page", "cms")
    }


def test_annulling_is_an_entry_and_once_more_changes_nothing(api: Api) -> None:
    path = f"/v1/documents/{api.issued('annulled')['number']}"
    ended = api("POST", f"{path}/annul", json={"reason": "қате шығарылды"})
    again = api("POST", f"{path}/annul", json={"reason": "другое"})
    assert ended.status_code == again.status_code == 200
    assert ended.json() == again.json() == api("GET", path).json()
    assert (ended.json()["status"], ended.json()["reason"]) == ("annulled", "қате шығарылды")
    assert api("GET", path, headers={"Accept": PDF}).status_code == 200


def test_a_document_takes_the_place_of_another(api: Api) -> None:
    old, new = api.issued("old")["number"], api.issued("new")["number"]
    told = api("POST", f"/v1/documents/{old}/supersede", json={"by": new, "reason": "түзетілді"}).json()
    assert (told["status"], told["superseded_by"]) == ("superseded", new)
    assert api("GET", f"/v1/documents/{new}").json()["status"] == "active"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/reason"),
        ({"reason": ""}, "/reason"),
        ({"reason": " padded"}, "/reason"),
        ({"reason": 5}, "/reason"),
        ({"reason": "дұрыс", "more": 1}, "/more"),
        ([], ""),
    ],
)
def test_an_annulment_that_is_none_is_refused(body: object, pointer: str, api: Api, document: dict[str, Any]) -> None:
    answer = api("POST", f"/v1/documents/{document['number']}/annul", json=body)
    assert [fault["pointer"] for fault in problem(answer, 422, "field-errors")["errors"]] == [pointer]
    assert api("GET", f"/v1/documents/{document['number']}").json()["status"] == "active"


DEEDS = [
    ("GET", "", None),
    ("GET", "/evidence", None),
    ("POST", "/annul", {"reason": "чужой"}),
    ("POST", "/supersede", {"reason": "чужой", "by": "1"}),
]


@pytest.mark.parametrize(("method", "path", "body"), DEEDS)
def test_a_document_of_another_authority_is_as_if_it_were_not_there(
    method: str, path: str, body: object, api: Api, document: dict[str, Any]
) -> None:
    def answered(number: str) -> dict[str, Any]:
        answer = api(method, f"/v1/documents/{number}{path}", key="stranger", json=body)
        return problem(answer, 404, "unknown-document") | {"request": ""}

    assert answered(document["number"]) == answered("2026-999999")
    assert api("GET", f"/v1/documents/{document['number']}").json()["status"] == "active"


def test_a_number_that_two_authorities_have_given_is_each_ones_own(api: Api) -> None:
    api.issued("shared-1", number="7/7")
    other = a_decision(id="shared-2", number="7/7")
    other["authority"]["bin"] = OTHER_BIN
    problem(api("POST", "/v1/documents", json=other, key="stranger"), 422, "signer-not-entitled")
    prepared = api("POST", "/v1/prepare", json=other, key="stranger")
    assert prepared.status_code == 200, prepared.text
    assert api("GET", "/v1/documents/7%2F7").json()["decision"] == "shared-1"
    problem(api("GET", "/v1/documents/7%2F7", key="stranger"), 404, "unknown-document")  # only reserved
    assert api("GET", "/v1/documents/7%2F7/evidence").json()["verdict"]["verdict"] == "valid"
    ended = api("POST", "/v1/documents/7%2F7/annul", json={"reason": "қате"})
    assert (ended.status_code, ended.json()["status"]) == (200, "annulled")


@pytest.fixture(scope="module")
def shared(api: Api) -> str:
    """A number that two authorities have given, and clients of both: of every form, and of another form there."""
    api.issued("ours", number="8/8")
    ours = api.office.register.by_number("8/8", BIN)
    theirs = {**ours.data, "id": "theirs", "authority": {**ours.data["authority"], "bin": OTHER_BIN}}
    claim = Claim(OTHER_BIN, "theirs", "d" * 64, "8/8", "{seq}", 2026, "o20-a05")
    secrets = Secrets(b"t" * 12, "ANOTHER", b"s" * 16)
    reserved = api.office.register.reserve(claim, lambda _: theirs, lambda: secrets, api.office.clock())
    api.office.register.record(reserved, ours.files, api.office.clock())
    api.add("both", [BIN, OTHER_BIN], ["*"], list(SCOPES))
    return "/v1/documents/8%2F8"


def test_a_client_of_both_says_whose_number_he_means(api: Api, shared: str) -> None:
    refused = api("GET", shared, key="both", headers={"Accept-Language": "ru"})
    assert "БИН" in problem(refused, 409, "number-shared")["detail"]
    for bin, decision in ((BIN, "ours"), (OTHER_BIN, "theirs")):
        assert api("GET", shared, key="both", params={"authority": bin}).json()["decision"] == decision
    assert api("GET", f"{shared}/evidence", key="both", params={"authority": BIN}).json()["number"] == "8/8"
    assert api("GET", shared).json()["decision"] == "ours"
    assert api("GET", shared, key="stranger").json()["decision"] == "theirs"


@pytest.mark.parametrize("key", ["all", "both"])
def test_an_authority_that_is_not_the_clients_is_not_there(api: Api, shared: str, key: str) -> None:
    problem(api("GET", shared, key=key, params={"authority": "990540009999"}), 404, "unknown-document")
    problem(api("GET", shared, key="all", params={"authority": OTHER_BIN}), 404, "unknown-document")
    problem(api("GET", shared, key=key, params={"authority": "12"}), 422, "bad-parameters")


def test_a_number_of_a_form_that_is_not_the_clients_is_no_second_one(api: Api, shared: str) -> None:
    api.add("other-forms", [BIN, OTHER_BIN], ["o20-a02"], list(SCOPES))
    problem(api("GET", shared, key="other-forms"), 404, "unknown-document")


def test_a_shared_number_is_annulled_at_the_authority_that_is_named(api: Api, shared: str) -> None:
    problem(api("POST", f"{shared}/annul", key="both", json={"reason": "қате"}), 409, "number-shared")
    ended = api("POST", f"{shared}/annul", key="both", json={"reason": "қате"}, params={"authority": OTHER_BIN})
    assert (ended.json()["decision"], ended.json()["status"]) == ("theirs", "annulled")
    assert api("GET", shared).json()["status"] == "active"


def test_where_a_document_is_found_again_names_the_authority_for_a_client_of_several(api: Api, shared: str) -> None:
    del shared
    sent = a_decision(id="found-again", languages=["kk"])
    alone, both = (api("POST", "/v1/documents", key=key, json=sent).headers["location"] for key in ("all", "both"))
    assert both == f"{alone}?authority={BIN}"
    assert api("GET", both, key="both").json()["decision"] == "found-again"


def test_a_reserved_number_is_no_document_yet(api: Api) -> None:
    prepared = api("POST", "/v1/prepare", json=a_decision(id="reserved")).json()
    problem(api("GET", f"/v1/documents/{prepared['number']}"), 404, "unknown-document")


def test_another_authoritys_decision_is_not_issued(api: Api) -> None:
    assert a_decision()["authority"]["bin"] == BIN
    for path in ("/v1/documents", "/v1/prepare"):
        problem(api("POST", path, json=a_decision(id="foreign"), key="stranger"), 403, "not-permitted")


def test_a_key_for_some_forms_is_for_no_other(api: Api, document: dict[str, Any]) -> None:
    api.add("notices", [BIN], ["o20-a02"], ["issue", "read", "annul"])
    path = f"/v1/documents/{document['number']}"
    problem(api("POST", "/v1/documents", json=a_decision(id="read-only"), key="notices"), 403, "not-permitted")
    problem(api("GET", path, key="notices"), 404, "unknown-document")
    problem(api("POST", f"{path}/annul", json={"reason": "жоқ"}, key="notices"), 404, "unknown-document")
    assert api("POST", "/v1/documents", json=a_decision("o20-a02", id="a02"), key="notices").status_code == 201


def test_an_unknown_form_is_told_and_not_issued(api: Api) -> None:
    problem(api("POST", "/v1/documents", json=a_decision(id="none", form="o99-a01")), 422, "unknown-form")


def test_what_a_webhook_links_to_is_there(api: Api, document: dict[str, Any]) -> None:
    address = link(api.office.register.by_number(document["number"]), "https://qujat.example")
    assert api("GET", address.removeprefix("https://qujat.example")).json()["decision"] == "read-only"


ASKS: dict[str, Callable[..., object]] = {
    "document": lambda client, **whose: client.document("8/8", **whose),
    "page": lambda client, **whose: client.page("8/8", "kk", **whose),
    "data": lambda client, **whose: client.data("8/8", **whose),
    "signature": lambda client, **whose: client.signature("8/8", **whose),
    "word": lambda client, **whose: client.word("8/8", "ru", **whose),
    "evidence": lambda client, **whose: client.evidence("8/8", **whose),
    "annul": lambda client, **whose: client.annul("8/8", "қате", **whose),
    "supersede": lambda client, **whose: client.supersede("8/8", "8/9", "қате", **whose),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_the_client_in_python_says_whose_number_it_means(ask: Callable[..., object]) -> None:
    asked: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(409, json={"code": "number-shared", "detail": "say which one"})

    with Qujat("http://127.0.0.1", "key", transport=httpx.MockTransport(refuse)) as client:
        for whose in ({}, {"authority": BIN}):
            with pytest.raises(NumberShared, match="say which one"):
                ask(client, **whose)
    assert [request.url.params.get("authority") for request in asked] == [None, BIN]
