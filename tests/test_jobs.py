"""Work that outlives a request: kept in the register's database, done by workers of which any may be killed."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import postgres
import pytest
from homes import QUJAT, children, descendants, environment_of, make_home
from offices import Pki, a_decision
from sqlalchemy import text

from qujat.batch import Row
from qujat.errors import BatchChanged, BatchRefused, KeyUnavailable, StoreError, UnknownBatch
from qujat.jobs import batches as kept
from qujat.jobs import queue, webhooks
from qujat.jobs.batches import ATTEMPTS, Batches, Permit, Sent
from qujat.jobs.work import database_of, open_work
from qujat.office import Office, open_office
from qujat.registers.opening import in_postgresql
from qujat.settings import Settings

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
OURS = "990440001234"
ALL = Permit(frozenset([OURS]), frozenset("*"))
KK = ["kk"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Settings:
    """A deployment on either database."""
    return a_home(tmp_path_factory.mktemp("jobs") / "var", pki, request.param)


def a_home(folder: Path, pki: Pki, kind: str) -> Settings:
    if kind == "sqlite":
        return make_home(folder, pki)
    return make_home(folder, pki, postgres.url_of(folder))


@pytest.fixture(scope="module")
def office(home: Settings) -> Office:
    os.environ.pop("QUJAT_PASSPHRASE", None)
    return open_office(home, signing=True)


@pytest.fixture
def batches(office: Office) -> Batches:
    return Batches(database_of(office))


def jsonl(*decisions: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(sent).encode() + b"\n" for sent in decisions)


def numbered(name: str, count: int) -> list[dict[str, Any]]:
    return [a_decision(id=f"{name}-{n}", languages=KK) for n in range(count)]


def sent(name: str, content: bytes, owner: str = "client-1", permit: Permit = ALL) -> Sent:
    return Sent(owner, name, permit, io.BytesIO(content))


def fake_rows(lines: Any, *_: object, **__: object) -> Iterator[Row]:
    """Rows as of issued decisions, without the time that issuing takes."""
    return (Row(line.number, json.loads(line.text)["id"], f"n-{line.number}") for line in lines)


def mine(batches: Batches, name: str) -> list[tuple[int, int]]:
    """The parts that are left of one batch."""
    with batches.database.reading() as db:
        row = kept._row(db, "client-1", name)
    return [part for part in batches.open_parts(1000) if part[0] == row.id]


def do_all(batches: Batches, name: str, office: Office) -> None:
    for part in mine(batches, name):
        batches.do(*part, office)


def test_a_batch_is_done_part_by_part_with_a_row_for_each_decision(
    batches: Batches, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "issue_part", fake_rows)
    content = b"\n".join(jsonl(row).strip() + b"\n" for row in numbered("parts", 25))  # every other line is empty
    assert batches.take(sent("parts", content), 25, AT).state == "running"
    parts = mine(batches, "parts")
    assert len(parts) == 3
    batches.do(*parts[1], office)
    assert batches.standing("client-1", "parts").done == 10
    do_all(batches, "parts", office)
    standing = batches.standing("client-1", "parts")
    assert (standing.state, standing.issued, standing.refused) == ("finished", 25, 0)
    rows = [json.loads(line) for line in "".join(batches.rows("client-1", "parts")).splitlines()]
    assert [(row["line"], row["decision"]) for row in rows] == [(2 * n + 1, f"parts-{n}") for n in range(25)]


def test_decisions_that_are_done_are_not_kept_a_second_time(
    batches: Batches, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "issue_part", fake_rows)
    batches.take(sent("gone", jsonl(*numbered("gone", 1))), 9, AT)
    do_all(batches, "gone", office)
    with batches.database.reading() as db:
        left = db.execute(text("SELECT count(*) FROM part WHERE content IS NOT NULL AND rows IS NOT NULL")).scalar()
    assert left == 0


def test_decisions_of_a_batch_are_issued_and_those_not_permitted_refused(batches: Batches, office: Office) -> None:
    one, other = numbered("real", 2)
    content = jsonl(one, other | {"form": "o20-a07"}, other | {"form": "no-such-form"})
    batches.take(sent("real", content, permit=Permit(frozenset([OURS]), frozenset(["o20-a05"]))), 9, AT)
    do_all(batches, "real", office)
    rows = [json.loads(line) for line in "".join(batches.rows("client-1", "real")).splitlines()]
    assert office.register.by_number(rows[0]["number"]).data["id"] == "real-0"
    assert rows[1]["error"]["errors"][0]["code"] == "not-permitted"
    assert rows[2]["error"]["code"] == "unknown-form"


def test_an_authority_that_the_owner_may_not_act_for_is_refused(batches: Batches, office: Office) -> None:
    permit = Permit(frozenset(["990140000017"]), frozenset("*"))
    batches.take(sent("theirs", jsonl(*numbered("theirs", 1)), permit=permit), 9, AT)
    do_all(batches, "theirs", office)
    assert batches.standing("client-1", "theirs").refused == 1


def test_a_batch_sent_again_goes_on_and_one_with_other_contents_is_refused(batches: Batches) -> None:
    first = batches.take(sent("again", jsonl(*numbered("again", 3))), 9, AT)
    assert batches.take(sent("again", jsonl(*numbered("again", 3))), 9, AT) == first
    with pytest.raises(BatchChanged, match="3 decisions"):
        batches.take(sent("again", jsonl(*numbered("again", 2))), 9, AT)


def test_a_batch_is_its_owners_alone(batches: Batches) -> None:
    batches.take(sent("own", jsonl(*numbered("own", 1))), 9, AT)
    with pytest.raises(UnknownBatch):
        batches.standing("client-2", "own")
    with pytest.raises(UnknownBatch):
        batches.rows("client-2", "own")
    batches.take(sent("own", jsonl(*numbered("own", 2)), owner="client-2"), 9, AT)
    assert batches.standing("client-1", "own").decisions == 1


@pytest.mark.parametrize("count", [0, 4])
def test_a_batch_without_decisions_or_with_too_many_is_refused(batches: Batches, count: int) -> None:
    with pytest.raises(BatchRefused, match=f"1 to 3 decisions, one a line, came {count}"):
        batches.take(sent("size", b"\n \n" + jsonl(*numbered("size", count))), 3, AT)
    with pytest.raises(UnknownBatch):
        batches.standing("client-1", "size")


def raising(error: Exception) -> Callable[..., Iterator[Row]]:
    def issue_part(*_: object, **__: object) -> Iterator[Row]:
        raise error

    return issue_part


def test_a_part_that_fails_again_and_again_stops_the_batch_until_it_is_sent_again(
    batches: Batches, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = jsonl(*numbered("stop", 1))
    batches.take(sent("stop", content), 9, AT)
    monkeypatch.setattr(kept, "issue_part", raising(KeyUnavailable("no key")))
    (part,) = mine(batches, "stop")
    for _ in range(ATTEMPTS):
        assert batches.standing("client-1", "stop").state == "running"
        with pytest.raises(KeyUnavailable):
            batches.do(*part, office)
    batches.do(*part, office)  # not even tried
    standing = batches.standing("client-1", "stop")
    assert (standing.state, standing.trouble) == ("stopped", "key-unavailable")
    assert mine(batches, "stop") == []
    assert batches.take(sent("stop", content), 9, AT).state == "running"
    assert mine(batches, "stop") == [part]


def test_trouble_that_passes_by_itself_never_stops_a_batch(
    batches: Batches, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches.take(sent("wait", jsonl(*numbered("wait", 1))), 9, AT)
    monkeypatch.setattr(kept, "issue_part", raising(StoreError("the store does not answer")))
    for _ in range(ATTEMPTS + 1):
        with pytest.raises(StoreError):
            batches.do(*mine(batches, "wait")[0], office)
    assert batches.standing("client-1", "wait").state == "running"


class Killed(BaseException):
    """The process ends here."""


def test_a_part_that_kills_its_process_each_time_stops_the_batch(
    batches: Batches, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches.take(sent("poison", jsonl(*numbered("poison", 1))), 9, AT)
    monkeypatch.setattr(kept, "issue_part", raising(Killed()))  # type: ignore[arg-type]
    (part,) = mine(batches, "poison")
    for _ in range(ATTEMPTS):
        with pytest.raises(Killed):
            batches.do(*part, office)
    standing = batches.standing("client-1", "poison")
    assert (standing.state, standing.trouble) == ("stopped", "worker-died")


# Procrastinate


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Office:
    home = a_home(tmp_path_factory.mktemp("queue") / "var", pki, "postgresql")
    return open_office(home)


def jobs(office: Office, task: str) -> int:
    with database_of(office).reading() as db:
        asked = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :task")
        return int(db.execute(asked, {"task": task}).scalar_one())


def test_a_job_is_enqueued_in_the_transaction_of_the_entry(shared: Office) -> None:
    before = jobs(shared, "deliver")
    with database_of(shared).writing() as db:
        queue.defer_delivery(db, 1)
        db.rollback()
    assert jobs(shared, "deliver") == before
    with database_of(shared).writing() as db:
        queue.defer_delivery(db, 1)
    assert jobs(shared, "deliver") == before + 1


def test_the_parts_of_a_batch_are_enqueued_once(shared: Office) -> None:
    batches = Batches(database_of(shared))
    before = jobs(shared, "issue_part")
    batches.take(sent("once", jsonl(*numbered("once", 25))), 99, AT)
    batches.take(sent("once", jsonl(*numbered("once", 25))), 99, AT)
    assert jobs(shared, "issue_part") == before + 3


@dataclass
class Noted:
    """Work that only notes what it was asked to do."""

    parts: list[tuple[int, int]] = field(default_factory=list)
    deliveries: list[int] = field(default_factory=list)

    def issue_part(self, batch: int, place: int) -> None:
        self.parts.append((batch, place))

    def deliver(self, delivery: int) -> datetime | None:
        """The first one is put off."""
        self.deliveries.append(delivery)
        return AT + timedelta(seconds=77) if len(self.deliveries) == 1 else None

    def now(self) -> datetime:
        return AT


def test_the_rights_of_the_operators_page_are_enough_to_work_and_a_delivery_waits_as_long_as_it_asks(
    tmp_path: Path,
) -> None:
    url, noted = postgres.service_url(tmp_path), Noted()
    register = in_postgresql(url)
    batches = Batches(register.database)
    batches.take(sent("rights", jsonl(*numbered("rights", 11))), 99, AT)
    with register.database.writing() as db:
        queue.defer_delivery(db, 7)
    quiet = {"wait": False, "install_signal_handlers": False, "listen_notify": False, "delete_jobs": "successful"}
    queue.app(url, noted).run_worker(**quiet)  # type: ignore[arg-type]
    assert (len(noted.parts), noted.deliveries) == (2, [7])
    with register.database.reading() as db:
        left = db.execute(text("SELECT task_name, scheduled_at - now() FROM procrastinate_jobs")).all()
    register.close()
    assert [(name, round(wait.total_seconds() / 10)) for name, wait in left if name == "deliver"] == [("deliver", 8)]
    assert not [name for name, _ in left if name == "issue_part"]


# Workers


@contextmanager
def listening() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address that is told, and what it was told."""
    came: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", came
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def worker(home: Settings, processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """A `qujat worker` in a group of processes of its own."""
    command = [QUJAT, "worker", "--processes", str(processes)]
    with subprocess.Popen(
        command, env=environment_of(home), stderr=subprocess.DEVNULL, start_new_session=True
    ) as running:
        yield running
        running.terminate()
        running.wait(60)


def until(what: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 180
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def add_webhook(home: Settings, office: Office, url: str) -> None:
    vault = webhooks.open_vault(home.key_folder, make=True)
    with database_of(office).writing() as db:
        webhooks.add(db, vault, url, ("issued",), OURS, AT)


def audit(office: Office, name: str, count: int) -> None:
    """One row a line, one document a decision, one number each, and nothing that was not asked for."""
    rows = [json.loads(line) for line in "".join(Batches(database_of(office)).rows("client-1", name)).splitlines()]
    assert [row["line"] for row in rows] == list(range(1, count + 1))
    found = {document.data["id"]: document.number for document in office.register.issued()}
    assert found == {row["decision"]: row["number"] for row in rows}
    assert len(set(found.values())) == count


def take(office: Office, name: str, count: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], kept.Standing]:
    """Send a batch in parts of one line; gives how it stands."""
    monkeypatch.setattr(kept, "PART", 1)
    batches = Batches(database_of(office))
    batches.take(sent(name, jsonl(*numbered(name, count))), 99, AT)
    return lambda: batches.standing("client-1", name)


def test_of_two_workers_one_is_killed_and_the_other_finishes_and_nothing_is_doubled(
    tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = a_home(tmp_path / "var", pki, "postgresql")
    office = open_office(home)
    standing = take(office, "two", 8, monkeypatch)
    with listening() as (url, came), worker(home, 1), worker(home, 1) as killed:
        add_webhook(home, office, url)
        until(lambda: standing().done >= 2)
        with database_of(office).reading() as db:
            taken = text("SELECT count(DISTINCT worker_id) FROM procrastinate_jobs WHERE status = 'doing'")
            until(lambda: db.execute(taken).scalar() == 2 or standing().done > 4)
        for pid in [*descendants(killed.pid), killed.pid]:
            os.kill(pid, signal.SIGKILL)
        until(lambda: standing().state == "finished")
        until(lambda: len({event["decision"] for event in came}) == 8)
    audit(office, "two", 8)
    assert standing().issued == 8


def test_on_one_machine_a_killed_process_is_replaced_and_nothing_is_doubled(
    tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = a_home(tmp_path / "var", pki, "sqlite")
    office = open_office(home)
    standing = take(office, "one", 6, monkeypatch)
    with listening() as (url, came), worker(home, 2) as running:
        add_webhook(home, office, url)
        until(lambda: standing().done >= 1)
        other = subprocess.run([QUJAT, "worker"], env=environment_of(home), capture_output=True, text=True, check=False)
        assert (other.returncode, "worker-busy" in other.stderr) == (6, True)
        os.kill(next(grand for child in children(running.pid) for grand in children(child)), signal.SIGKILL)
        until(lambda: standing().state == "finished")
        until(
            lambda: len({event["decision"] for event in came}) >= 5
        )  # the first may have been before it was asked for
    audit(office, "one", 6)


def test_evidence_that_lapses_soon_is_renewed(home: Settings, office: Office) -> None:
    from qujat import pipeline
    from qujat.decision import parse

    issued = pipeline.issue(parse(a_decision(id="renewed", languages=KK)), office)
    work = replace(open_work(office, home), months=600)
    before = {number for number, _ in work.due()}
    assert issued.number in before
    assert work.courier.rules.private
