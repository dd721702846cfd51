"""The server half of NCALayer: the frame that goes out against recorded ones, and what is taken back."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import ncalayer_mock
import pytest
from ncalayer_mock import pem

from qujat.errors import ConfigurationError, SignatureInvalid
from qujat.signing.adapters import ncalayer
from qujat.signing.adapters.exchange import Signatory, Signed, ToSign
from qujat.signing.adapters.ncalayer import Desk, respond, sign_request
from qujat.signing.adapters.sessions import InMemory, start
from qujat.signing.adapters.web import Request

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
WHO = Signatory("990140000013", "800101300015")
DOCUMENTS = [
    ToSign("page.kk", {"kk": "Шешім", "ru": "Решение"}, b"kk", shown=b"%PDF-1.7"),
    ToSign("page.ru", {"kk": "Шешім", "ru": "<Решение & «прочее»>"}, b"ru"),
]
CMS = b"0\x03abc"


class Office:
    def __init__(self, documents=DOCUMENTS):
        self.sessions = InMemory()
        self.brought = []
        self.refusal = None
        self.now = NOW
        texts = {"kk": "Шешім", "ru": "Решение"}
        self.session = start(self.sessions, documents, WHO, texts, now=NOW)
        self.desk = Desk(self.sessions, self.complete, clock=lambda: self.now)

    def complete(self, session, signed):
        if self.refusal:
            raise self.refusal
        self.brought += signed

    def ask(self, method="GET", path="", body=None, **headers):
        sent = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body or b""
        named = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        return respond(Request(method, f"/{self.session.id}{path}", named, sent, {"lang": "ru"}), self.desk)

    def post(self, *signatures, **headers):
        body = {"signatures": [{"id": name, "cms": text} for name, text in signatures]}
        return self.ask("POST", "/documents", body, **headers)


@pytest.fixture
def office():
    return Office()


BOTH = (("page.kk", pem(CMS)), ("page.ru", pem(CMS + b"d")))


def recorded(name):
    return ncalayer_mock.frames()[name]


def test_the_frame_has_the_members_of_the_recorded_ones(office):
    """What SIGEX recorded, and what the authority's own example adds; nothing of our own."""
    frame, known = sign_request(office.session, "ru", ("AKKaztokenStore",)), recorded("sign-detached")["request"]
    example = recorded("example-members")["request"]
    assert frame.keys() == known.keys()
    assert frame["args"].keys() == known["args"].keys() <= example.keys()
    assert frame["args"]["signingParams"] == known["args"]["signingParams"]
    assert frame["args"]["signerParams"].keys() == example["signerParams"].keys()
    assert frame["args"]["allowedStorages"] == known["args"]["allowedStorages"]
    head = recorded("cancelled-head")["request"]["args"]["signerParams"]["extKeyUsageOids"]
    assert frame["args"]["signerParams"]["extKeyUsageOids"] == head


def test_several_documents_go_as_a_list_as_recorded(office):
    data = sign_request(office.session, "ru")["args"]["data"]
    assert data == [base64.b64encode(d.content).decode() for d in DOCUMENTS]
    assert isinstance(recorded("sign-several")["request"]["args"]["data"], list)


def test_one_document_goes_as_text_as_recorded():
    assert sign_request(Office(DOCUMENTS[:1]).session, "ru")["args"]["data"] == "a2s="
    assert isinstance(recorded("sign-detached")["request"]["args"]["data"], str)


def test_only_keys_of_the_official_are_offered(office):
    params = sign_request(office.session, "ru")["args"]["signerParams"]
    assert (params["iin"], params["bin"]) == (WHO.iin, WHO.bin)


def test_one_entitled_to_sign_is_asked_for_as_such(office):
    other = replace(office.session, signatory=replace(WHO, role="entitled"))
    params = sign_request(other, "ru")["args"]["signerParams"]
    assert params["extKeyUsageOids"] == ["1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.2.2"]


@pytest.mark.parametrize("storages", [None, ncalayer.HARDWARE])
def test_expired_and_revoked_keys_are_never_allowed(office, storages):
    text = json.dumps(sign_request(office.session, "kk", storages))
    assert "allowExpired" not in text
    assert "allowRevoked" not in text
    assert '"chain": []' not in text


def test_the_page_may_reach_itself_and_ncalayer_and_nothing_else(office):
    policy = office.ask().all_headers()["Content-Security-Policy"]
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self';"
        " connect-src 'self' wss://127.0.0.1:13579; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_the_page_holds_no_code_and_nothing_unescaped(office):
    text = office.ask().body.decode()
    assert "&lt;Решение &amp; «прочее»&gt;" in text
    scripts = [tag for tag in text.split("<script ")[1:] if "application/json" not in tag.split(">")[0]]
    assert [tag.split(">")[1] for tag in scripts] == ["</script"]
    assert " style=" not in text
    assert " on" + "click" not in text


def test_the_page_holds_no_personal_number(office):
    assert WHO.iin not in office.ask().body.decode()
    assert WHO.iin.encode() in office.ask(path="/documents").body


def test_nothing_may_be_kept(office):
    for path in ("", "/documents", "/documents/page.kk"):
        assert office.ask(path=path).all_headers()["Cache-Control"] == "no-store"


def test_a_file_to_look_at_is_given_where_there_is_one(office):
    response = office.ask(path="/documents/page.kk")
    assert (response.status, response.body) == (200, b"%PDF-1.7")
    assert response.headers["Content-Type"] == "application/pdf"
    assert office.ask(path="/documents/page.ru").status == 404


def test_signatures_are_handed_on_in_the_order_of_the_documents(office):
    assert office.post(*reversed(BOTH)).status == 200
    assert office.brought == [Signed("page.kk", CMS), Signed("page.ru", CMS + b"d")]
    assert office.sessions.get(office.session.id).state == "signed"


def test_signatures_are_taken_once(office):
    assert office.post(*BOTH).status == 200
    assert office.post(*BOTH).status == 410
    assert len(office.brought) == 2


def test_a_signature_that_does_not_pass_leaves_the_session_open(office):
    office.refusal = SignatureInvalid("x")
    response = office.post(*BOTH)
    assert (response.status, json.loads(response.body)["code"]) == (403, "signature-invalid")
    office.refusal = None
    assert office.post(*BOTH).status == 200


def test_attempts_come_to_an_end(office):
    office.refusal = SignatureInvalid("x")
    assert [office.post(*BOTH).status for _ in range(6)] == [403] * 5 + [410]


def test_an_error_of_ours_leaves_the_session_open(office):
    office.refusal = RuntimeError("a fault of ours")
    with pytest.raises(RuntimeError):
        office.post(*BOTH)
    assert office.sessions.get(office.session.id).state == "open"


@pytest.mark.parametrize(
    "signatures",
    [
        BOTH[:1],
        (*BOTH, BOTH[0]),
        (BOTH[0], ("page.en", pem(CMS))),
        (BOTH[0], BOTH[0]),
        (BOTH[0], ("page.ru", "not Base64!")),
        (BOTH[0], ("page.ru", "-----BEGIN CMS-----\n-----END CMS-----\n")),
        (BOTH[0], ("page.ru", "")),
        (BOTH[0], ("page.ru", base64.b64encode(b"<xml/>").decode())),
    ],
)
def test_what_is_not_one_signature_of_each_document_is_refused(office, signatures):
    assert office.post(*signatures).status == 403
    assert office.brought == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"signatures": []}', b'{"signatures": [{"id": 1, "cms": "x"}]}', b"\xff"]
)
def test_another_body_is_refused(office, body):
    assert office.ask("POST", "/documents", body).status == 400


def test_a_body_that_is_no_json_by_its_type_is_refused(office):
    """A form of another site cannot send JSON without asking first (CORS)."""
    assert office.post(*BOTH, content_type="text/plain").status == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_another_site_is_refused(office, site):
    assert office.post(*BOTH, sec_fetch_site=site).status == 403
    assert office.brought == []


def test_time_ends_a_session(office):
    office.now = NOW + timedelta(minutes=5)
    assert office.ask(path="/documents").status == 410
    assert office.post(*BOTH).status == 410
    assert 'data-open="no"' in office.ask().body.decode()


@pytest.mark.parametrize("path", ["/nobody", "/" + "a" * 32, "/../" + "a" * 32, "", "/assets/../signing.toml"])
def test_an_unknown_address_is_not_found(office, path):
    assert respond(Request("GET", path), office.desk).status == 404


@pytest.mark.parametrize(("method", "path"), [("PUT", "/documents"), ("POST", ""), ("DELETE", "/documents/page.kk")])
def test_other_methods_are_refused(office, method, path):
    response = office.ask(method, path)
    assert response.status == 405
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize(
    "address",
    ["wss://a.example:13579", "wss://127.0.0.1.a.example:1", "wss://127.0.0.1", "wss://127.0.0.1:1@a.example"],
)
def test_ncalayer_is_on_this_machine(office, address):
    with pytest.raises(ConfigurationError):
        replace(office.desk, address=address)


def test_a_session_is_short_and_its_documents_differ():
    sessions, texts = InMemory(), {"kk": "а", "ru": "б"}
    for documents, lasting in ([], 5), ([DOCUMENTS[0]] * 2, 5), (DOCUMENTS, 31), (DOCUMENTS, 0):
        with pytest.raises(Exception, match="expected"):
            start(sessions, documents, WHO, texts, now=NOW, lasting=timedelta(minutes=lasting))


def test_what_is_long_past_is_forgotten():
    sessions, texts = InMemory(), {"kk": "а", "ru": "б"}
    old = start(sessions, DOCUMENTS, WHO, texts, now=NOW)
    start(sessions, DOCUMENTS, WHO, texts, now=NOW + timedelta(hours=1))
    assert sessions.get(old.id) is None
