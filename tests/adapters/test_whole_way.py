"""From `prepare` through each adapter and back to `complete`: what comes out is a document that a check finds valid."""

import base64
import json
import ssl
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import leaves
import ncalayer_mock
import offices
import pytest
from test_several_signers import OFFICIAL, sent, two_signers
from websockets.sync.client import connect

from qujat.asking import ask, by_name, completing, documents, signatory
from qujat.errors import SigningError, StoreError
from qujat.pipeline import check, complete, prepare
from qujat.signing.adapters import egov_mobile, ncalayer
from qujat.signing.adapters.egov_mobile import Organisation
from qujat.signing.adapters.ncanode import Pkcs12
from qujat.signing.adapters.ncanode_signing import OrganisationKey
from qujat.signing.adapters.sessionfile import InFile
from qujat.signing.adapters.sessions import MOST_ATTEMPTS, InMemory
from qujat.signing.adapters.web import Request
from qujat.signing.mandates import Mandate, Mandates


@pytest.fixture(scope="module")
def head(pki, tmp_path_factory):
    return leaves.leaf(tmp_path_factory.mktemp("head"), pki.folder, pki.passphrase, offices.head(), kind="rsa")


@pytest.fixture(scope="module")
def official(pki, tmp_path_factory):
    folder = tmp_path_factory.mktemp("official")
    return leaves.leaf(folder, pki.folder, pki.passphrase, OFFICIAL, roles=leaves.EMPLOYEE)


@pytest.fixture(params=["in memory", "in a file"])
def store(request, tmp_path):
    """Gives the same sessions at every call, as each process of a server sees them."""
    if request.param == "in memory":
        one = InMemory()
        return lambda: one
    return lambda: InFile(tmp_path / "sessions.sqlite")


def assert_valid(number, office):
    verdict = check(number, office)
    assert (verdict.value, verdict.code) == ("valid", "genuine")


# eGov Mobile: we are the server


def egov(sessions, office):
    """The desk as a process of a server has it."""
    organisation = Organisation({"kk": "Басқарма", "ru": "Управление"}, offices.head().bin)
    address = "https://qujat.example/egov"
    return egov_mobile.Desk(address, organisation, sessions, completing(office), clock=office.clock)


def app(desk, method, uri, token="", body=b""):
    """The app's request to an address of ours."""
    path = uri.removeprefix("mobileSign:").removeprefix(desk.address)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    response = egov_mobile.respond(Request(method, path, headers, body), desk)
    return response.status, json.loads(response.body)


def phone(qr_text, desk, signer):
    """Everything that the app does with a QR code."""
    status, first = app(desk(), "GET", qr_text)
    assert status == 200
    uri, token = first["document"]["uri"], first["document"]["auth_token"]
    status, handed = app(desk(), "GET", uri, token)
    assert status == 200
    for one in handed["documentsToSign"]:
        file = one["document"]["file"]
        file["data"] = base64.b64encode(signer.cms(base64.b64decode(file["data"]))).decode()
    return app(desk(), "PUT", uri, token, json.dumps(handed).encode())


def test_egov_mobile_from_prepare_to_a_valid_document(office_in_memory, store, head):
    prepared = prepare(offices.parsed(), office_in_memory)
    session = ask(prepared, store(), office_in_memory)
    text = egov(store(), office_in_memory).qr_text(session)
    status, said = phone(text, lambda: egov(store(), office_in_memory), head)
    assert (status, said["code"]) == (200, "success")
    assert store().get(session.id).state == "signed"
    assert_valid(prepared.number, office_in_memory)


def test_what_does_not_pass_leaves_session_and_ticket_open(office_in_memory, store, head, official):
    prepared = prepare(offices.parsed(), office_in_memory)
    session = ask(prepared, store(), office_in_memory)
    text = egov(store(), office_in_memory).qr_text(session)
    status, said = phone(text, lambda: egov(store(), office_in_memory), official)
    assert (status, said["code"]) == (403, "signer-not-entitled")
    assert (store().get(session.id).state, store().get(session.id).attempts) == ("open", 1)
    status, _ = phone(text, lambda: egov(store(), office_in_memory), head)
    assert status == 200
    assert_valid(prepared.number, office_in_memory)


# NCALayer: a page in the signer's browser, played here by a WebSocket of ours


def test_ncalayer_from_prepare_to_a_valid_document(office_in_memory, store, head, tmp_path):
    prepared = prepare(offices.parsed(), office_in_memory)
    session = ask(prepared, store(), office_in_memory)

    def desk():
        return ncalayer.Desk(store(), completing(office_in_memory), stamped=False, clock=office_in_memory.clock)

    def browser(method, body=b""):
        request = Request(method, f"/{session.id}/documents", {"content-type": "application/json"}, body)
        response = ncalayer.respond(request, desk())
        return response.status, json.loads(response.body)

    _, asked = browser("GET")
    signed = layer_signs(asked["request"], head, tmp_path)
    found = [{"id": name, "cms": cms} for name, cms in zip(asked["ids"], signed, strict=True)]
    assert browser("POST", json.dumps({"signatures": found}).encode())[0] == 200
    assert store().get(session.id).state == "signed"
    assert_valid(prepared.number, office_in_memory)


def layer_signs(request, head, folder):
    """What NCALayer answers over its WebSocket, in PEM."""

    def answer(frame):
        result = [ncalayer_mock.pem(head.cms(base64.b64decode(one))) for one in frame["args"]["data"]]
        return json.dumps({"status": True, "body": {"result": result}})

    with ncalayer_mock.running(folder) as layer:
        layer.answers = [(answer,)]
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        with connect(layer.address, ssl=unchecked) as socket:
            assert json.loads(socket.recv())["result"]["version"]
            socket.send(json.dumps(request))
            return json.loads(socket.recv())["body"]["result"]


def test_where_complete_stamps_ncalayer_is_asked_for_no_timestamp(office_in_memory):
    session = ask(prepare(offices.parsed(), office_in_memory), InMemory(), office_in_memory)
    for stamped in (True, False):
        asked = ncalayer.sign_request(session, "kk", stamped=stamped)["args"]["signingParams"]
        assert ("tsaProfile" in asked) == stamped


# NCANode: the organisation's key


def test_ncanode_from_prepare_to_a_valid_document(office_in_memory, mock, head):
    prepared = prepare(offices.parsed(), office_in_memory)
    asked = documents(prepared, office_in_memory)
    contents = iter(asked)
    mock.on("/cms/sign", lambda body: (200, {"cms": base64.b64encode(head.cms(next(contents).content)).decode()}))
    key = OrganisationKey(mock.node, Pkcs12(b"key", "password"), offices.head().bin, with_tsp=False)
    done = complete(prepared.ticket, by_name(key.sign(asked)), office_in_memory)
    assert_valid(done.number, office_in_memory)


# What is asked, and of whom


def test_a_session_says_form_and_number_and_nothing_personal(office_in_memory):
    prepared = prepare(offices.parsed(), office_in_memory)
    session = ask(prepared, InMemory(), office_in_memory)
    assert [one.id for one in session.documents] == ["page.kk", "page.ru", "data"]
    shown = json.dumps([dict(one.names) for one in session.documents] + [dict(session.description)], ensure_ascii=False)
    assert prepared.number in shown
    for personal in (offices.head().full_name, offices.head().iin):
        assert personal not in shown
    assert all(one.shown.startswith(b"%PDF") for one in session.documents)


def test_a_session_never_outlasts_its_ticket(office_in_memory, clock):
    prepared = prepare(offices.parsed(), replace(office_in_memory, ticket_life=timedelta(minutes=7)))
    assert ask(prepared, InMemory(), office_in_memory).expires_at == clock() + timedelta(minutes=5)
    clock.step(minutes=4)
    assert ask(prepared, InMemory(), office_in_memory).expires_at == prepared.expires_at
    clock.step(minutes=3)
    with pytest.raises(SigningError):
        ask(prepared, InMemory(), office_in_memory)


def test_the_official_is_asked_before_the_head(office_in_memory, official, head, store):
    desk = replace(office_in_memory, forms=two_signers(office_in_memory.forms))
    first = prepare(sent(), desk)
    assert (signatory(first, desk).iin, signatory(first, desk).role) == (OFFICIAL.iin, "organisation")
    text = egov(store(), desk).qr_text(ask(first, store(), desk))
    assert phone(text, lambda: egov(store(), desk), official)[0] == 200
    second = prepare(sent(), desk)
    assert (signatory(second, desk).iin, signatory(second, desk).role) == (offices.head().iin, "head")
    text = egov(store(), desk).qr_text(ask(second, store(), desk))
    assert phone(text, lambda: egov(store(), desk), head)[0] == 200
    assert_valid(first.number, desk)


@pytest.mark.parametrize(("power", "role"), [("head", "head"), ("acting", "organisation")])
def test_who_is_acting_may_sign_with_another_key_than_a_heads(office_in_memory, power, role):
    decision = offices.parsed()
    held = Mandate(bin=decision.authority.bin, iin=decision.official.iin, power=power, first=decision.day, basis="1")
    desk = replace(office_in_memory, mandates=Mandates((held,)))
    assert signatory(prepare(decision, desk), desk).role == role
    assert signatory(prepare(decision, desk), desk, "entitled").role == "entitled"


# The store that processes share


@pytest.fixture
def session(office_in_memory, tmp_path):
    return ask(prepare(offices.parsed(), office_in_memory), InFile(tmp_path / "s.sqlite"), office_in_memory)


def test_a_session_comes_back_from_the_file_as_it_was(session, tmp_path):
    assert InFile(tmp_path / "s.sqlite").get(session.id) == session
    assert InFile(tmp_path / "s.sqlite").get("another") is None


def test_of_two_processes_one_takes_a_session(session, tmp_path, office_in_memory):
    path, now = tmp_path / "s.sqlite", office_in_memory.clock()
    program = (
        "import sys; from datetime import datetime; from pathlib import Path\n"
        "from qujat.signing.adapters.sessionfile import InFile\n"
        "print(InFile(Path(sys.argv[1])).claim(sys.argv[2], datetime.fromisoformat(sys.argv[3])))"
    )
    command = [sys.executable, "-c", program, str(path), session.id, now.isoformat()]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(one.communicate()[0].strip() for one in running) == ["False", "True"]


def test_a_session_in_a_file_takes_nothing_when_it_is_over(session, tmp_path, office_in_memory):
    sessions, now = InFile(tmp_path / "s.sqlite"), office_in_memory.clock()
    assert not sessions.claim(session.id, session.expires_at)
    for _ in range(MOST_ATTEMPTS):
        assert sessions.claim(session.id, now)
        assert not sessions.claim(session.id, now)
        sessions.release(session.id)
    assert not sessions.claim(session.id, now)


def test_the_file_is_its_owners_alone_and_knows_no_address(session, tmp_path):
    assert stat.S_IMODE((tmp_path / "s.sqlite").stat().st_mode) == 0o600
    content = b"".join(path.read_bytes() for path in tmp_path.glob("s.sqlite*"))
    assert session.documents[0].content[:100] in content
    assert session.id.encode() not in content


def test_what_is_long_past_is_overwritten_in_the_file(session, tmp_path, office_in_memory, clock):
    clock.step(hours=2)
    InFile(tmp_path / "s.sqlite").add(replace(session, id="another", documents=(), expires_at=clock()), clock())
    assert InFile(tmp_path / "s.sqlite").get(session.id) is None
    assert session.documents[0].content[:100] not in (tmp_path / "s.sqlite").read_bytes()


def test_a_file_that_does_not_answer_is_store_trouble(tmp_path):
    (tmp_path / "s.sqlite").write_bytes(b"no database, but something else that is long enough to be looked at" * 30)
    with pytest.raises(StoreError, match="do not answer"):
        InFile(tmp_path / "s.sqlite").get("any")
    with pytest.raises(StoreError):
        InFile(Path("/proc/none/s.sqlite")).get("any")
