"""eGov Mobile comes to us: the forms of the operator's guide, and everything that must not pass."""

import base64
import io
import json
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import kzcms
import pytest
from kzcms import EXCHANGES, HEAD_BIN, HEAD_IIN, rsa_head

from qujat.errors import ConfigurationError, RevocationUnknown, SignatureInvalid, SignerNotEntitled
from qujat.signing.adapters.egov_mobile import LARGEST_BODY, Desk, Organisation, application, expiry, respond
from qujat.signing.adapters.exchange import Signatory, ToSign
from qujat.signing.adapters.sessions import InMemory, start
from qujat.signing.adapters.web import Request

NOW = datetime(2026, 6, 1, 9, 0, 0, 60_000, tzinfo=UTC)
ORGANISATION = Organisation({"kk": "«Үлгі» басқармасы", "ru": "Управление «Үлгі»"}, HEAD_BIN)
DOCUMENTS = [
    ToSign("page.kk", {"kk": "Шешім", "ru": "Решение", "en": "Decision"}, b"%PDF kk"),
    ToSign("data", {"kk": "Деректер", "ru": "Данные"}, b"<data/>", "application/xml"),
]


def published(name):
    return json.loads((EXCHANGES / "egov_mobile" / f"{name}.json").read_text(encoding="utf-8"))["body"]


class Office:
    def __init__(self, documents=DOCUMENTS):
        self.sessions = InMemory()
        self.brought = []
        self.refusal = None
        self.now = NOW
        self.session = start(
            self.sessions,
            documents,
            Signatory(HEAD_BIN, HEAD_IIN),
            {"kk": "2026-7 шешімі", "ru": "Решение 2026-7"},
            now=NOW,
        )
        self.desk = Desk(
            "https://qujat.example/egov", ORGANISATION, self.sessions, self.complete, clock=lambda: self.now
        )

    def complete(self, session, signed):
        if self.refusal:
            raise self.refusal
        self.brought.append(signed)

    def ask(self, method="GET", path="documents", body=b"", token=..., session=None, **headers):
        bearer = self.session.token if token is ... else token
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        if bearer is not None:
            named.setdefault("authorization", f"Bearer {bearer}")
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return respond(Request(method, f"/{session or self.session.id}/{path}", named, sent), self.desk)

    def got(self):
        return json.loads(self.ask().body)

    def signed(self, *signatures):
        """The object of API 2 with signatures in place of the contents, as the app sends it."""
        found = self.got()
        for one, cms in zip(found["documentsToSign"], signatures, strict=True):
            one["document"]["file"]["data"] = base64.b64encode(cms).decode()
        return found

    def put(self, *signatures, **how):
        return self.ask("PUT", body=self.signed(*signatures), **how)

    @property
    def state(self):
        return self.sessions.get(self.session.id).state


@pytest.fixture
def office():
    return Office()


def signatures():
    return [rsa_head().cms(document.content) for document in DOCUMENTS]


def shape(value):
    """The members of a JSON value, all the way down, without what they hold."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


# The forms of the guide


def test_api_1_has_the_form_of_the_guide(office):
    response = office.ask(path="mgovSign", token=None)
    assert response.status == 200
    said = json.loads(response.body)
    assert shape(said) == shape(published("api1"))
    assert said["document"] == {
        "uri": f"https://qujat.example/egov/{office.session.id}/documents",
        "auth_type": "Token",
        "auth_token": office.session.token,
    }
    assert said["organisation"]["bin"] == HEAD_BIN
    assert said["description"] == "2026-7 шешімі / Решение 2026-7"


def test_the_time_is_written_as_in_the_guide():
    assert expiry(NOW) == "2026-06-01T14:00:00.06+0500"
    form = re.sub(r"\d", "0", expiry(NOW))
    assert form == re.sub(r"\d", "0", published("api1")["expiry_date"])


def test_api_2_has_the_form_of_the_guide(office):
    said, guide = office.got(), published("api2-cms")
    assert said["signMethod"] == guide["signMethod"] == "CMS_SIGN_ONLY"
    one, two = said["documentsToSign"]
    assert shape(one | {"meta": [{"name": "", "value": ""}]}) == shape(guide["documentsToSign"][0])
    assert (one["id"], two["id"]) == (1, 2)
    assert one["document"]["file"] == {"mime": "@file/pdf", "data": base64.b64encode(b"%PDF kk").decode()}
    assert two["document"]["file"]["mime"] == "application/xml"
    assert (one["nameEn"], two["nameEn"]) == ("Decision", "Данные")


def test_no_personal_number_is_handed_out(office):
    assert HEAD_IIN not in office.ask(path="mgovSign").body.decode() + office.ask().body.decode()


def test_the_qr_code_leads_to_api_1(office):
    assert office.desk.qr_text(office.session) == f"mobileSign:https://qujat.example/egov/{office.session.id}/mgovSign"
    assert " " not in office.desk.qr_text(office.session)


def test_the_links_for_one_device_are_those_of_the_operator(office):
    entrance = f"https://qujat.example/egov/{office.session.id}/mgovSign"
    assert office.desk.same_device_link(office.session) == (
        f"https://m.egov.kz/mobileSign?link={entrance}&isi=1476128386&ibi=kz.egov.mobile&apn=kz.mobile.mgov"
    )
    assert "apn=kz.mobile.mgov.business" in office.desk.same_device_link(office.session, "business")


def test_signatures_of_the_documents_end_the_session(office):
    response = office.put(*signatures())
    assert response.status == 200, response.body
    (signed,) = office.brought
    assert [(one.id, one.cms) for one in signed] == list(zip(["page.kk", "data"], signatures(), strict=True))
    assert office.state == "signed"


def test_the_app_may_send_pem_and_members_of_its_own(office):
    body = office.signed(*signatures()) | {"version": 1, "status": "SIGNED"}
    body["documentsToSign"][0]["document"]["file"]["data"] = (
        "-----BEGIN CMS-----\n" + base64.encodebytes(signatures()[0]).decode() + "-----END CMS-----"
    )
    assert office.ask("PUT", body=body).status == 200


def test_declining_in_the_app_ends_the_session_unsigned(office):
    signed = office.signed(*signatures())
    declined = office.got() | {name: published("cancelled")[name] for name in ("version", "status")}
    assert office.ask("PUT", body=declined).status == 200
    assert office.state == "cancelled"
    assert office.ask("PUT", body=signed).status == 410
    assert office.brought == []


# What must not pass


@pytest.mark.parametrize("token", [None, "", "wrong", "ә", lambda t: t[:-1], lambda t: t + "a", lambda t: t.swapcase()])
def test_without_the_token_there_are_no_documents(office, token):
    given = token(office.session.token) if callable(token) else token
    for method in ("GET", "PUT"):
        response = office.ask(method, token=given)
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert b"PDF" not in response.body


@pytest.mark.parametrize("scheme", ["Basic", "Token", ""])
def test_the_token_goes_as_bearer(office, scheme):
    assert office.ask(authorization=f"{scheme} {office.session.token}").status == 401


def test_the_token_of_another_session_does_not_do(office):
    texts = {"kk": "а", "ru": "б"}
    other = start(office.sessions, DOCUMENTS, office.session.signatory, texts, now=NOW)
    assert office.ask(token=other.token).status == 401


def test_time_ends_a_session(office):
    body = office.signed(*signatures())
    office.now = NOW + timedelta(minutes=5)
    asked = [office.ask(path="mgovSign"), office.ask(), office.ask("PUT", body=body)]
    assert [response.status for response in asked] == [410] * 3
    assert office.brought == []


def test_a_signed_session_takes_nothing_again(office):
    body = office.signed(*signatures())
    assert office.ask("PUT", body=body).status == 200
    assert office.ask("PUT", body=body).status == 410
    assert office.ask().status == 410
    assert len(office.brought) == 1


def test_of_two_at_once_one_is_taken(office):
    body, entered, go_on = office.signed(*signatures()), threading.Event(), threading.Event()

    def slowly(session, signed):
        entered.set()
        go_on.wait(10)
        office.brought.append(signed)

    office.desk = replace(office.desk, complete=slowly)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(office.ask, "PUT", body=body)
        assert entered.wait(10)
        assert office.ask("PUT", body=body).status == 410
        go_on.set()
        assert first.result().status == 200
    assert len(office.brought) == 1


def test_signatures_under_each_other_s_number_are_refused(office):
    assert office.put(*reversed(signatures())).status == 403
    assert office.brought == []
    assert office.state == "open"


def test_a_signature_of_another_document_is_refused(office):
    assert office.put(signatures()[0], rsa_head().cms(b"<other/>")).status == 403
    assert office.brought == []


def test_a_gost_signature_of_another_document_is_refused(office):
    """Streebog is computed here, so this needs no service."""
    assert office.put(signatures()[0], kzcms.detached(kzcms.head_cms())).status == 403
    assert office.brought == []


def test_a_gost_signature_of_the_document_is_handed_on():
    office = Office([ToSign("data", {"kk": "Деректер", "ru": "Данные"}, kzcms.HEAD_CONTENT)])
    assert office.put(kzcms.detached(kzcms.head_cms())).status == 200


def test_a_signature_with_the_document_inside_is_refused(office):
    attached = rsa_head().cms(DOCUMENTS[0].content, attached=True)
    assert office.put(attached, signatures()[1]).status == 403


def test_a_signature_of_nobody_is_refused(office):
    assert office.put(kzcms.without_signers(signatures()[0]), signatures()[1]).status == 403


def test_the_documents_themselves_are_no_signatures(office):
    assert office.ask("PUT", body=office.got()).status == 403
    assert office.brought == []


@pytest.mark.parametrize("numbers", [[1], [1, 1], [1, 3], [0, 1], [-1, 2], [1, 2, 2]])
def test_other_numbers_than_were_handed_out_are_refused(office, numbers):
    body = office.signed(*signatures())
    rows = (body["documentsToSign"] * 2)[: len(numbers)]
    body["documentsToSign"] = [row | {"id": number} for row, number in zip(rows, numbers, strict=True)]
    assert office.ask("PUT", body=body).status == 403
    assert office.brought == []


@pytest.mark.parametrize(
    "change",
    [
        {"signMethod": "XML"},
        {"signMethod": "CMS_WITH_DATA"},
        {"documentsToSign": []},
        {"documentsToSign": [{"id": 1, "documentXml": "<a/>"}]},
        {"documentsToSign": [{"id": "x", "document": {"file": {"data": "MII="}}}]},
        {"documentsToSign": "all"},
    ],
)
def test_another_form_is_refused(office, change):
    assert office.ask("PUT", body=office.signed(*signatures()) | change).status == 400


@pytest.mark.parametrize("body", [b"", b"null", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(office, body):
    assert office.ask("PUT", body=body).status == 400


def test_too_large_a_body_is_refused(office):
    assert office.ask("PUT", body=b" " * (LARGEST_BODY + 1)).status == 413


@pytest.mark.parametrize(
    ("refusal", "code", "says"),
    [
        (SignatureInvalid("x"), "signature-invalid", "не прошла проверку"),
        (SignerNotEntitled("x"), "signer-not-entitled", "не прошла проверку"),
        (RevocationUnknown("x"), "revocation-unknown", "Повторите через"),
    ],
)
def test_a_signature_that_does_not_pass_is_403_and_may_be_made_again(office, refusal, code, says):
    office.refusal = refusal
    response = office.put(*signatures(), accept_language="ru")
    said = json.loads(response.body)
    assert (response.status, said["code"]) == (403, code)
    assert says in said["message"]
    office.refusal = None
    assert office.put(*signatures()).status == 200


def test_attempts_come_to_an_end(office):
    office.refusal, body = SignatureInvalid("x"), office.signed(*signatures())
    assert [office.ask("PUT", body=body).status for _ in range(6)] == [403] * 5 + [410]


@pytest.mark.parametrize(
    ("language", "word"), [("kk", "сұрау"), ("kz", "сұрау"), ("ru-RU", "запроса"), ("en", "request"), ("de", "запроса")]
)
def test_the_app_s_language_is_spoken(office, language, word):
    response = office.ask(session="a" * 32, accept_language=language)
    assert response.status == 404
    assert word in json.loads(response.body)["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "mgovSign", "GET"), ("POST", "documents", "GET, PUT"), ("DELETE", "documents", "GET, PUT")],
)
def test_other_methods_are_refused(office, method, path, allowed):
    response = office.ask(method, path)
    assert (response.status, response.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/", "/x/mgovSign", f"/{'a' * 32}/other", f"/{'a' * 31}ә/documents"])
def test_an_unknown_address_is_not_found(office, path):
    assert respond(Request("GET", path), office.desk).status == 404


@pytest.mark.parametrize(
    "address", ["http://a.example", "https://a.example/", "https://a.example?x=1", "https://a b", ""]
)
def test_the_address_is_https_and_plain(office, address):
    with pytest.raises(ConfigurationError):
        replace(office.desk, address=address)


def test_no_number_name_token_or_id_gets_into_a_log(office, caplog):
    caplog.set_level(logging.DEBUG)
    office.refusal = SignatureInvalid(f"{HEAD_IIN}")
    office.put(*signatures())
    office.refusal = None
    office.put(*signatures())
    assert len(caplog.records) == 2
    hidden = [HEAD_IIN, HEAD_BIN, "ТЕСТОВ", office.session.id, office.session.token, "Решение"]
    assert [word for word in hidden if word in caplog.text] == []
    assert [word for word in (HEAD_IIN, office.session.id, office.session.token) if word in repr(office.session)] == []


# WSGI around it


def call(office, method, path, body=b"", **environ):
    started = []
    given = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_AUTHORIZATION": f"Bearer {office.session.token}",
    }
    answer = b"".join(application(office.desk)(given | environ, lambda *told: started.append(told)))
    ((status, headers),) = started
    return status, dict(headers), answer


def test_it_runs_under_wsgi(office):
    status, headers, answer = call(office, "GET", f"/{office.session.id}/documents")
    assert status == "200 OK"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Length"] == str(len(answer))
    body = json.dumps(office.signed(*signatures())).encode()
    assert call(office, "PUT", f"/{office.session.id}/documents", body)[0] == "200 OK"


@pytest.mark.parametrize("length", [str(LARGEST_BODY + 1), "-1", "many"])
def test_a_body_too_large_is_not_even_read(office, length):
    class Unread(io.BytesIO):
        def read(self, *size):
            raise AssertionError("it was read")

    path = f"/{office.session.id}/documents"
    status, _, _ = call(office, "PUT", path, CONTENT_LENGTH=length, **{"wsgi.input": Unread()})
    assert status.startswith("413")
