"""Webhooks: told once an entry is in, signed so that a stranger can verify it, tried again for days; naming nobody."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from offices import HandClock, Pki, a_decision, office_in, parsed

from qujat import issuing, pipeline
from qujat.errors import ConfigurationError, KeyUnavailable, StoreError, UnknownWebhook
from qujat.jobs import webhooks
from qujat.jobs.delivering import WAITS, Courier
from qujat.jobs.outbox import watcher
from qujat.jobs.posting import NotPosted, Rules, check_url, is_public, post
from qujat.office import Office
from qujat.registers.database import Database
from qujat.registers.sql import SqlRegister
from qujat.registers.sqlite import SqliteFile

DOCUMENTATION = Path(pipeline.__file__).parent / "docs" / "webhooks.md"
OURS, THEIRS = "990440001234", "990140000017"
INSIDE = Rules(private=True, seconds=3)


@dataclass
class Listener:
    """A server that keeps what it is sent, and answers as it is told."""

    url: str
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: bytes = b"HTTP/1.0 204 Fine\r\n\r\n"

    @property
    def bodies(self) -> list[dict[str, str]]:
        return [json.loads(body) for _, body in self.came]


@pytest.fixture(scope="module")
def listening() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.came.append((dict(self.headers), body))
            self.wfile.write(listener.answer)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    listener = Listener(f"http://127.0.0.1:{server.server_port}/hook?x=1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield listener
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def listener(listening: Listener) -> Listener:
    listening.came.clear()
    listening.answer = Listener.answer
    return listening


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def watched(tmp_path: Path, pki: Pki, clock: HandClock) -> Office:
    """An office whose entries are told."""
    office = office_in(tmp_path / "office", pki, clock)
    assert isinstance(office.register, SqlRegister)
    return replace(office, register=office.register.watched(watcher("https://qujat.example")))


def database(office: Office) -> Database:
    assert isinstance(office.register, SqlRegister)
    return office.register.database


def courier(office: Office, keys: Path, rules: Rules = INSIDE) -> Courier:
    return Courier(database(office), lambda: webhooks.open_vault(keys), rules, office.clock)


Add = Callable[..., tuple[str, str]]


@pytest.fixture
def add(watched: Office, keys: Path, listener: Listener) -> Add:
    """Adds a webhook for the listener; gives its id and its secret."""

    def added(*events: str, authority: str = OURS, url: str = listener.url) -> tuple[str, str]:
        vault = webhooks.open_vault(keys, make=True)
        with database(watched).writing() as db:
            return webhooks.add(db, vault, url, events or webhooks.EVENTS, authority, watched.clock())

    return added


def deliver_all(office: Office, keys: Path, rules: Rules = INSIDE) -> None:
    sender = courier(office, keys, rules)
    for due in sender.due():
        sender.deliver(due)


def test_every_entry_of_a_document_is_told_once(watched: Office, keys: Path, add: Add, listener: Listener) -> None:
    add()
    one, two = (pipeline.issue(parsed(id=f"w-{n}", languages=["kk"]), watched) for n in (1, 2))
    pipeline.issue(parsed(id="w-1", languages=["kk"]), watched)
    pipeline.supersede(one.number, two.number, "қате", watched)
    pipeline.annul(two.number, "қате", watched)
    deliver_all(watched, keys)
    deliver_all(watched, keys)
    told = [(body["type"], body["number"]) for body in listener.bodies]
    assert told == [
        ("issued", one.number),
        ("issued", two.number),
        ("superseded", one.number),
        ("annulled", two.number),
    ]
    assert listener.bodies[2]["superseded_by"] == two.number
    assert len({body["id"] for body in listener.bodies}) == 4


def test_renewed_evidence_is_told(watched: Office, keys: Path, add: Add, listener: Listener) -> None:
    from qujat import renewing

    add("renewed")
    issued = pipeline.issue(parsed(languages=["kk"]), watched)
    renewing.renew(issued.number, watched)
    deliver_all(watched, keys)
    assert [body["type"] for body in listener.bodies] == ["renewed"]


def test_what_is_told_names_nobody(watched: Office, keys: Path, add: Add, listener: Listener) -> None:
    add()
    sent = a_decision(languages=["kk"])
    issued = pipeline.issue(parsed(languages=["kk"]), watched)
    deliver_all(watched, keys)
    ((headers, body),) = listener.came
    said = json.loads(body)
    assert said == {
        "id": headers["Qujat-Event"],
        "type": "issued",
        "at": watched.clock().isoformat(timespec="seconds"),
        "number": issued.number,
        "authority": OURS,
        "form": "o20-a05",
        "decision": sent["id"],
        "link": f"https://qujat.example/v1/documents/{issued.number}?authority={OURS}",
    }


def test_only_the_events_and_the_authority_asked_for_are_told(
    watched: Office, keys: Path, add: Add, listener: Listener
) -> None:
    add("annulled")
    add("issued", authority=THEIRS)
    issued = pipeline.issue(parsed(languages=["kk"]), watched)
    pipeline.annul(issued.number, "қате", watched)
    deliver_all(watched, keys)
    assert [body["type"] for body in listener.bodies] == ["annulled"]


def test_an_entry_that_is_not_committed_is_not_told(watched: Office, keys: Path, add: Add) -> None:
    add()

    def refuses(*_: object) -> None:
        raise StoreError("the transaction fails after the event was written")

    assert isinstance(watched.register, SqlRegister)
    failing = replace(watched, register=watched.register.watched(refuses))
    with pytest.raises(StoreError):
        pipeline.issue(parsed(languages=["kk"]), failing)
    assert courier(watched, keys).due() == []


def test_the_documented_verifier_accepts_what_is_sent_and_refuses_what_is_not(
    watched: Office, keys: Path, add: Add, listener: Listener
) -> None:
    _, secret = add("issued")
    pipeline.issue(parsed(languages=["kk"]), watched)
    deliver_all(watched, keys)
    ((headers, body),) = listener.came
    (source,) = re.findall(r"```python\n(.*?)```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Callable[..., bool]] = {}
    exec(source, names)  # the words of the documentation are what is tested
    verify, header = names["verify"], headers["Qujat-Signature"]
    assert verify(secret, header, body)
    assert not verify(secret + "x", header, body)
    assert not verify(secret, header, body + b" ")
    moment = int(re.findall(r"t=(\d+)", header)[0])
    assert not verify(secret, header.replace(str(moment), str(moment + 1)), body)
    old = webhooks.signature(secret, moment - 3600, body)
    assert not verify(secret, old, body)
    assert source.count("\n") <= 14


def test_a_refused_event_is_tried_again_later_and_later_then_given_up(
    watched: Office, keys: Path, add: Add, clock: HandClock, listener: Listener
) -> None:
    add("issued")
    pipeline.issue(parsed(languages=["kk"]), watched)
    listener.answer = b"HTTP/1.0 500 No\r\n\r\n"
    sender = courier(watched, keys)
    (waiting,) = sender.due()
    for wait in WAITS:
        assert sender.deliver(waiting) == clock.at + timedelta(seconds=wait)
        assert sender.due() == []
        clock.step(seconds=wait)
        assert sender.due() == [waiting]
    assert sender.deliver(waiting) is None
    assert sender.due() == []
    with database(watched).reading() as db:
        (lost,) = webhooks.failed(db)
    assert (lost.attempts, lost.trouble) == (len(WAITS) + 1, "the answer was 500")
    assert sum(WAITS) > timedelta(days=3).total_seconds()


def test_what_was_given_up_is_tried_again_when_asked(watched: Office, keys: Path, add: Add, listener: Listener) -> None:
    add("issued")
    pipeline.issue(parsed(languages=["kk"]), watched)
    listener.answer = b"HTTP/1.0 500 No\r\n\r\n"
    sender = replace(courier(watched, keys), waits=())
    sender.deliver(*sender.due())
    listener.answer = Listener.answer
    with database(watched).writing() as db:
        assert webhooks.retry(db, watched.clock()) == 1
    deliver_all(watched, keys)
    with database(watched).reading() as db:
        (told,) = webhooks.listed(db)
    assert (told.delivered, told.waiting, told.given_up) == (1, 0, 0)


def test_a_webhook_that_was_removed_is_told_nothing_more(
    watched: Office, keys: Path, add: Add, listener: Listener
) -> None:
    identity, _ = add("issued")
    pipeline.issue(parsed(languages=["kk"]), watched)
    with database(watched).writing() as db:
        webhooks.remove(db, identity, watched.clock())
    deliver_all(watched, keys)
    pipeline.issue(parsed(id="later", languages=["kk"]), watched)
    deliver_all(watched, keys)
    assert listener.came == []
    with database(watched).writing() as db, pytest.raises(UnknownWebhook):
        webhooks.remove(db, identity, watched.clock())


def test_what_was_delivered_is_not_sent_again_by_a_job_that_comes_twice(
    watched: Office, keys: Path, add: Add, listener: Listener
) -> None:
    add("issued")
    pipeline.issue(parsed(languages=["kk"]), watched)
    sender = courier(watched, keys)
    (waiting,) = sender.due()
    assert [sender.deliver(waiting), sender.deliver(waiting)] == [None, None]
    assert len(listener.came) == 1


# Secrets


def test_the_secret_is_not_in_the_database(watched: Office, add: Add) -> None:
    _, secret = add()
    found = database(watched)
    assert isinstance(found, SqliteFile)
    folder = Path(found.path).parent
    assert all(secret.encode() not in file.read_bytes() for file in folder.glob("register.sqlite*"))


def test_a_secret_moved_to_another_webhook_does_not_open() -> None:
    vault = webhooks.Vault(b"k" * 32)
    kept = vault.shut("whsec_x", "wh_1")
    assert vault.opened(kept, "wh_1") == "whsec_x"
    with pytest.raises(KeyUnavailable):
        vault.opened(kept, "wh_2")


def test_a_key_of_webhooks_that_others_may_read_is_refused(keys: Path) -> None:
    webhooks.open_vault(keys, make=True)
    (keys / webhooks.KEY_FILE).chmod(0o640)
    with pytest.raises(KeyUnavailable, match="0640"):
        webhooks.open_vault(keys)


# Where events may go


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:a00:1::",
        "255.255.255.255",
    ],
)
def test_addresses_inside_the_house_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450:4001:800::200e", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "[::ffff:127.0.0.1]"])
def test_nothing_is_sent_to_an_address_inside_unless_it_is_allowed(host: str) -> None:
    with pytest.raises(NotPosted, match="not public"):
        post(f"https://{host}:9/", b"{}", {}, Rules())


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https:///x",
        "https://a:b@example.org/",
        "https://example.org:99999/",
        "https://example.org/#x",
        "https://пример.рф/",
        "file:///etc/passwd",
        "https://[::1",
        "https://example.org:0/",
    ],
)
def test_an_address_that_cannot_be_posted_to_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        check_url(url, Rules())


def test_a_redirect_is_not_followed(listener: Listener) -> None:
    listener.answer = f"HTTP/1.0 307 Elsewhere\r\nLocation: {listener.url}\r\n\r\n".encode()
    with pytest.raises(NotPosted, match="307"):
        post(listener.url, b"{}", {}, INSIDE)
    assert len(listener.came) == 1


def test_the_path_and_the_query_of_the_address_are_kept(listener: Listener) -> None:
    post(listener.url, b"{}", {"Content-Type": "application/json"}, INSIDE)
    ((headers, _),) = listener.came
    assert headers["Host"] == listener.url.split("/")[2]


@pytest.mark.parametrize("answer", [b"H", b"HTTP/1.1 503 No\r\nX"])
def test_a_server_that_answers_a_byte_at_a_time_is_left(answer: bytes) -> None:
    stop = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def drip() -> None:
            link, _ = server.accept()
            with link:
                try:
                    link.sendall(answer)
                    while not stop.wait(0.05):
                        link.sendall(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        try:
            with pytest.raises(NotPosted):
                post(url, b"{}", {}, replace(INSIDE, seconds=0.5))
        finally:
            stop.set()
            thread.join()


def test_a_certificate_that_nobody_vouches_for_is_refused(pki: Pki) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        with pytest.raises(NotPosted):
            post(f"https://127.0.0.1:{server.getsockname()[1]}/", b"{}", {}, INSIDE)
        thread.join()


def test_how_a_number_with_a_slash_is_linked(watched: Office) -> None:
    from qujat.jobs.outbox import link

    issued = pipeline.issue(parsed(number="Ж/1", languages=["kk"]), watched)
    assert link(issued.document, "https://q.example") == f"https://q.example/v1/documents/%D0%96%2F1?authority={OURS}"
    assert issuing.file_stem("Ж/1") == "Ж_1"
