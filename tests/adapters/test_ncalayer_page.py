"""The signing page in real Chromium, against an NCALayer of our own that says what was recorded, or signs."""

import base64
import json
import subprocess
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import chromium
import kzcms
import ncalayer_mock
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from ncalayer_mock import CLOSE, HANG, frame, pem
from playwright.sync_api import expect

from qujat.errors import RevocationUnknown, SignatureInvalid
from qujat.signing.adapters import cmsfacts, ncalayer
from qujat.signing.adapters.exchange import Signatory, ToSign
from qujat.signing.adapters.messages import message, page_words
from qujat.signing.adapters.sessions import InMemory, start
from qujat.signing.adapters.web import wsgi

DOCUMENTS = [
    ToSign("page.kk", {"kk": "Шешім (қазақша)", "ru": "Решение (на казахском)"}, b"%PDF kk", shown=b"%PDF-1.7 kk"),
    ToSign("page.ru", {"kk": "Шешім (орысша)", "ru": "Решение (на русском)"}, b"%PDF ru" * 40000),
    ToSign("data", {"kk": "Деректер", "ru": "Данные"}, "<шешім/>".encode(), "application/xml"),
]
WHO = Signatory(kzcms.HEAD_BIN, kzcms.HEAD_IIN)
DESCRIPTION = {"kk": "«Үлгі» басқармасының 2026-000123 шешімі", "ru": "Решение управления «Үлгі» № 2026-000123"}


@pytest.fixture(scope="module")
def browser():
    with chromium.running(f"--ignore-certificate-errors-spki-list={ncalayer_mock.pin()}") as started:
        yield started


@pytest.fixture
def layer(tmp_path):
    with ncalayer_mock.running(tmp_path) as running:
        yield running


class Office:
    """Our server: sessions, what came in, and what becomes of it."""

    def __init__(self, layer, documents=DOCUMENTS, lasting=timedelta(minutes=5)):
        self.sessions = InMemory()
        self.brought = []
        self.refusal = None
        self.session = start(self.sessions, documents, WHO, DESCRIPTION, now=datetime.now(UTC), lasting=lasting)
        self.desk = ncalayer.Desk(self.sessions, self._complete, address=layer.address)
        self.url = ""

    def _complete(self, session, signed):
        self.brought.append(list(signed))
        if self.refusal:
            raise self.refusal

    @property
    def state(self):
        return self.sessions.get(self.session.id).state


class Quiet(WSGIRequestHandler):
    def log_message(self, format, *args):
        """Nothing: addresses are secrets."""


@pytest.fixture
def office(layer):
    made = Office(layer)
    application = wsgi(lambda request: ncalayer.respond(request, made.desk), ncalayer.LARGEST_BODY)

    def mounted(environ, start):
        assert environ["PATH_INFO"].startswith("/sign/"), environ["PATH_INFO"]
        return application({**environ, "PATH_INFO": environ["PATH_INFO"].removeprefix("/sign")}, start)

    server = make_server("127.0.0.1", 0, mounted, server_class=WSGIServer, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/sign/{made.session.id}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def page(browser):
    """A page on which nothing may go wrong unnoticed: no error of a script, nothing against the policy."""
    context = browser.new_context(locale="ru-RU")
    opened = context.new_page()
    wrong = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    context.close()
    assert wrong == []


def open_page(page, office, language="ru"):
    page.goto(f"{office.url}?lang={language}")
    return page_words(language)


def press(page, words):
    page.get_by_role("button", name=words["sign"]).click()


def says(page, text):
    expect(page.get_by_role("status")).to_have_text(text)


def sign_with(head):
    """What NCALayer does with a key: a CMS of each document in PEM, of the bytes that are in the Base64."""

    def answer(request):
        data = request["args"]["data"]
        signed = [pem(head.cms(base64.b64decode(one))) for one in ([data] if isinstance(data, str) else data)]
        return json.dumps({"status": True, "body": {"result": signed}})

    return answer


def test_a_real_signature_of_each_document_comes_back(page, office, layer, tmp_path):
    head = kzcms.rsa_head()
    layer.answers = [(sign_with(head),)]
    words = open_page(page, office)
    press(page, words)
    says(page, words["signed"])
    expect(page.get_by_role("button")).to_have_count(0)
    assert office.state == "signed"
    (signed,) = office.brought
    assert [one.id for one in signed] == ["page.kk", "page.ru", "data"]
    root = tmp_path / "root.pem"
    root.write_bytes(head.root.certificate.public_bytes(Encoding.PEM))
    for document, one in zip(DOCUMENTS, signed, strict=True):
        assert cmsfacts.read(one.cms).content is None
        _openssl_verifies(one.cms, document.content, root, tmp_path)


def _openssl_verifies(cms, content, root, folder):
    (folder / "signed.p7s").write_bytes(cms)
    (folder / "content").write_bytes(content)
    command = "openssl cms -verify -binary -inform DER -in signed.p7s -content content -CAfile root.pem -purpose any"
    at = int((kzcms.SIGNED_AT + timedelta(minutes=1)).timestamp())
    done = subprocess.run(
        [*command.split(), "-attime", str(at), "-out", "out"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "out").read_bytes() == content


def test_exactly_the_request_of_the_server_goes_to_ncalayer(page, office, layer):
    layer.answers = [(frame("cancelled-head"),)]
    words = open_page(page, office, "kk")
    press(page, words)
    says(page, words["cancelled"])
    assert layer.received == [ncalayer.sign_request(office.session, "kk")]


def test_one_document_may_come_as_text(page, office, layer):
    office.session = start(office.sessions, DOCUMENTS[:1], WHO, DESCRIPTION, now=datetime.now(UTC))
    office.url = f"{office.url.rpartition('/')[0]}/{office.session.id}"
    layer.answers = [(json.dumps({"status": True, "body": {"result": pem(b"0\x03abc")}}),)]
    words = open_page(page, office)
    press(page, words)
    says(page, words["signed"])
    ((signed,),) = office.brought
    assert signed.cms == b"0\x03abc"


@pytest.mark.parametrize(
    ("answers", "word"),
    [
        ((frame("cancelled-head"),), "cancelled"),
        ((frame("cancelled-legacy"),), "cancelled"),
        ((json.dumps({"status": False, "code": "USER_CANCELED", "message": "x"}),), "cancelled"),
        ((frame("bad-params"),), "failed"),
        ((frame("error-legacy"),), "failed"),
        ((json.dumps({"status": False, "code": "500", "message": "java.lang.NullPointerException"}),), "failed"),
        ((frame("module-missing"),), "outdated"),
        ((CLOSE,), "closed"),
        (("not json",), "unclear"),
        (("[]",), "unclear"),
        (("null",), "unclear"),
        ((json.dumps({"responseObject": "x"}),), "unclear"),
        ((json.dumps({"status": True, "body": {"result": ["one", "two"]}}),), "unclear"),
        ((json.dumps({"status": True, "body": {"result": ["one", "two", ""]}}),), "unclear"),
        ((json.dumps({"status": True, "body": {"result": {"signatures": ["a", "b", "c"]}}}),), "unclear"),
        ((json.dumps({"status": "true", "body": {"result": ["a", "b", "c"]}}),), "failed"),
    ],
)
def test_what_is_no_signature_is_told_and_nothing_is_sent(page, office, layer, answers, word):
    layer.answers = [answers]
    words = open_page(page, office)
    press(page, words)
    says(page, words[word])
    assert office.brought == []
    assert office.state == "open"


def test_heartbeats_and_greetings_are_no_answers(page, office, layer):
    layer.greeting = (frame("heartbeat"), frame("greeting"))
    good = sign_with(kzcms.rsa_head())
    layer.answers = [(frame("heartbeat"), "{}", frame("greeting"), good)]
    words = open_page(page, office)
    press(page, words)
    says(page, words["signed"])


def test_after_a_refusal_of_the_official_he_may_press_again(page, office, layer):
    layer.answers = [(frame("cancelled-head"),), (sign_with(kzcms.rsa_head()),)]
    words = open_page(page, office)
    press(page, words)
    says(page, words["cancelled"])
    page.get_by_role("button", name=words["again"]).click()
    says(page, words["signed"])


def test_while_the_window_is_open_there_is_no_second_request(page, office, layer):
    layer.answers = [(HANG, frame("cancelled-head"))]
    words = open_page(page, office)
    press(page, words)
    says(page, words["waiting"])
    expect(page.get_by_role("button", name=words["sign"])).to_be_disabled()
    layer.release.set()
    says(page, words["cancelled"])
    assert len(layer.received) == 1


def test_ncalayer_that_does_not_run_is_told_in_plain_words(page, office):
    office.desk = replace(office.desk, address="wss://127.0.0.1:9")
    words = open_page(page, office)
    press(page, words)
    says(page, words["not_running"])


PUBLIC = "https://page.example"


def public(page, office):
    """Our server at a public address: answered without a network, which Chromium takes for public."""

    def answer(route):
        path, _, query = route.request.url.removeprefix(f"{PUBLIC}/sign").partition("?")
        sent = route.request.post_data_buffer or b""
        language = {"lang": query.removeprefix("lang=")}
        asked = ncalayer.Request(route.request.method, path, dict(route.request.headers), sent, language)
        said = ncalayer.respond(asked, office.desk)
        route.fulfill(status=said.status, headers=said.all_headers(), body=said.body)

    page.route(f"{PUBLIC}/**", answer)
    page.goto(f"{PUBLIC}/sign/{office.session.id}?lang=ru")
    return page_words("ru")


def test_a_browser_that_keeps_the_page_from_this_computer_is_told_apart(page, office, layer):
    """Chromium 147 and later: a page of a public address reaches 127.0.0.1 only with leave (Local Network Access)."""
    words = public(page, office)
    press(page, words)
    says(page, words["blocked"])
    assert layer.received == []


def test_with_leave_a_page_of_a_public_address_signs(page, office, layer):
    page.context.grant_permissions(["local-network-access"], origin=PUBLIC)
    layer.answers = [(sign_with(kzcms.rsa_head()),)]
    words = public(page, office)
    press(page, words)
    says(page, words["signed"])


def test_something_else_on_the_port_is_not_taken_for_ncalayer(page, office, layer):
    layer.greeting = (json.dumps({"hello": "world"}),)
    words = open_page(page, office)
    press(page, words)
    says(page, words["unclear"])
    assert layer.received == []


@pytest.mark.parametrize(
    ("refusal", "name"), [(SignatureInvalid("x"), "refused"), (RevocationUnknown("x"), "undecided")]
)
def test_a_signature_that_does_not_pass_is_told_and_may_be_made_again(page, office, layer, refusal, name):
    office.refusal = refusal
    layer.answers = [(sign_with(kzcms.rsa_head()),)] * 2
    words = open_page(page, office)
    press(page, words)
    says(page, message(name, "ru"))
    assert office.state == "open"
    office.refusal = None
    page.get_by_role("button", name=words["again"]).click()
    says(page, words["signed"])


def test_a_session_that_ended_meanwhile_is_told(page, office, layer):
    words = open_page(page, office)
    office.sessions.close(office.session.id, "cancelled")
    press(page, words)
    says(page, words["over"])
    assert layer.received == []


def test_the_page_of_a_session_that_is_over_offers_nothing(page, office):
    office.sessions.close(office.session.id, "signed")
    words = open_page(page, office)
    says(page, words["over"])
    expect(page.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_page_speaks_the_language_that_is_asked_for(page, office, language):
    words = open_page(page, office, language)
    expect(page.get_by_role("heading", level=1)).to_have_text(words["title"])
    expect(page.locator("html")).to_have_attribute("lang", language)


def test_the_page_loads_only_from_its_own_server(page, office):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    open_page(page, office)
    page.wait_for_load_state("networkidle")
    origin = office.url.split("/sign/")[0]
    assert [url for url in asked if not url.startswith(origin)] == []
    assert any(url.endswith("serif.ttf") for url in asked)


def test_nothing_stands_out_of_a_narrow_screen(page, office):
    page.set_viewport_size({"width": 320, "height": 640})
    open_page(page, office, "kk")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
