"""Everything is killed once in the middle of issuing under load; what was acknowledged is there, once, and valid.

The server, one of its worker processes, PostgreSQL, the store of documents: each dies without a word while
decisions are being sent over HTTP, and comes back. Whoever sends does what the documentation says: on 429, on 503 and
when the line is cut, he sends the decision again.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import buckets
import httpx
import postgres
import pytest
from homes import QUJAT, descendants, environment_of, free_port, make_home
from offices import Pki, a_decision

from qujat.checking import check_number
from qujat.jobs.work import database_of
from qujat.office import open_office
from qujat.settings import Settings

BIN = "990440001234"
COUNT = 12
SENDERS = 3
PATIENCE = 240.0  # seconds in all; on a quiet machine it takes a tenth of that


@dataclass
class Cluster:
    """A PostgreSQL server of its own, which can be killed."""

    folder: Path

    def make(self) -> None:
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--locale=C.UTF-8", "--no-sync")
        self.start()

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def start(self) -> None:
        words = f"-c listen_addresses= -c fsync=off -c shared_buffers=32MB -k {self.folder}"
        self.run("pg_ctl", "start", "-D", self.data, "-w", "-s", "-l", str(self.folder / "log"), "-o", words)

    def kill(self) -> None:
        """Every process of it ends at once; at the next start it recovers from its log."""
        self.run("pg_ctl", "stop", "-D", self.data, "-m", "immediate", "-s")

    def run(self, program: str, *words: str) -> None:
        postgres._run(program, *words)


@dataclass
class Server:
    """`qujat serve`, which can be killed and started again."""

    settings: Settings
    port: int
    running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [QUJAT, "serve", "--port", str(self.port), "--workers", "2"]
        with (self.settings.root / "log").open("ab") as log:
            self.running = subprocess.Popen(command, env=environment_of(self.settings), stdout=log, stderr=log)

    def end(self) -> None:
        if self.running:
            self.running.terminate()
            self.running.wait()

    def kill(self) -> None:
        """Its children see that it is gone, and end."""
        assert self.running
        left = descendants(self.running.pid)
        self.running.kill()
        self.running.wait()
        until(lambda: not any(alive(pid) for pid in left))

    def kill_a_worker(self) -> None:
        assert self.running
        grandchildren = [pid for pid in descendants(self.running.pid) if b"forkserver" in cmdline(pid)]
        os.kill(grandchildren[-1], signal.SIGKILL)


def alive(pid: int) -> bool:
    return bool(cmdline(pid))


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def until(what: Callable[[], bool], seconds: float = PATIENCE) -> None:
    give_up = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < give_up, "it takes too long"
        time.sleep(0.05)


@dataclass
class Load:
    """Senders that send until every decision is acknowledged. `strange`: answers that nobody should get."""

    url: str
    key: str
    numbers: dict[str, str] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    put_off: int = 0
    threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, names: list[str]) -> None:
        for n in range(SENDERS):
            self.threads.append(threading.Thread(target=self._send_all, args=(names[n::SENDERS],)))
            self.threads[-1].start()

    def _send_all(self, names: list[str]) -> None:
        give_up = time.monotonic() + PATIENCE
        with httpx.Client(headers={"Authorization": f"Bearer {self.key}"}, timeout=60) as http:
            for name in names:
                while time.monotonic() < give_up and not self._send(http, name):
                    time.sleep(0.2)

    def _send(self, http: httpx.Client, name: str) -> bool:
        try:
            answer = http.post(f"{self.url}/v1/documents", json=a_decision(id=name, languages=["kk"]))
        except httpx.TransportError:
            return False
        if answer.status_code in (200, 201):
            self.numbers[name] = answer.json()["number"]
            return True
        if answer.status_code not in (429, 503) or "Retry-After" not in answer.headers:
            self.strange.append(f"{answer.status_code} {answer.text}")
        self.put_off += 1
        return False

    def end(self) -> None:
        for thread in self.threads:
            thread.join()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="qujat-faults-"))
    folder.chmod(0o755)
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    made = Cluster(folder)
    made.make()
    yield made
    made.kill()
    shutil.rmtree(folder)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[buckets.Server]:
    (tmp_path / "s3").mkdir()
    made = buckets.Server(tmp_path / "s3", free_port())
    made.start()
    made.make_bucket("documents")
    yield made
    made.kill()


def test_whatever_is_killed_in_the_middle_no_document_is_missing_or_doubled(
    tmp_path: Path, pki: Pki, cluster: Cluster, store: buckets.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUJAT_S3_SECRET", buckets.SECRET)
    s3 = buckets.settings(store.endpoint)
    home = make_home(tmp_path / "var", pki, cluster.url, blobs="s3://documents", s3=s3)
    qujat(home, "register", "upgrade")
    key = json.loads(qujat(home, "clients", "add", "load", "--authority", BIN, "--json"))["key"]
    server = Server(home, free_port())
    server.start()
    names = [f"fault-{n}" for n in range(COUNT)]
    load = Load(server.url, key)
    with ExitStack() as ending:
        ending.callback(server.end)
        ending.callback(load.end)
        load.begin(names)

        def acknowledged(more: int) -> None:
            so_far = len(load.numbers)
            until(lambda: len(load.numbers) >= min(COUNT, so_far + more) or bool(load.strange))

        acknowledged(2)
        server.kill_a_worker()
        acknowledged(2)
        cluster.kill()
        time.sleep(1)
        cluster.start()
        acknowledged(2)
        store.kill()
        time.sleep(1)
        store.start()
        acknowledged(2)
        server.kill()
        server.start()
        until(lambda: len(load.numbers) == COUNT or bool(load.strange))
    assert load.strange == []
    assert load.put_off > 0, "nothing was killed in the middle of anything"
    audit(home, load.numbers)


def qujat(home: Settings, *words: str) -> str:
    done = subprocess.run([QUJAT, *words], env=environment_of(home), check=True, capture_output=True, text=True)
    return done.stdout


def audit(home: Settings, numbers: dict[str, str]) -> None:
    """Every acknowledged document is there under its number, whole and valid; no other is, and no number is twice."""
    office = open_office(home)
    with closing(database_of(office)):
        found = {document.data["id"]: document.number for document in office.register.issued()}
        assert found == numbers
        assert len(set(found.values())) == COUNT
        assert [check_number(number, office).value for number in found.values()] == ["valid"] * COUNT
