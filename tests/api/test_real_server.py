"""A real server with worker processes, as an administrator starts it and an integrator meets it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from offices import FIXTURES, a_decision
from servers import Server, serving

import qujat.pipeline
from qujat.client import ApiError, Qujat
from qujat.errors import DecisionChanged, FieldErrors, UnknownDocument, UnknownForm

ROOT = Path(qujat.pipeline.__file__).parent
PAGE = (ROOT / "docs" / "integrator.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker, two places to wait, two seconds for a head and for a body."""
    limits = {"QUJAT_SERVER__QUEUE": "2", "QUJAT_SERVER__BODY_SECONDS": "2"}
    with serving(tmp_path_factory.mktemp("server"), "--workers", "1", **limits) as running:
        yield running
    assert running.process.returncode == 0, running.log


@pytest.fixture
def client(server: Server) -> Iterator[Qujat]:
    with Qujat(server.url, server.key) as made:
        yield made


@pytest.fixture(scope="module")
def desk(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an integrator who has typed every command of the page."""
    folder = tmp_path_factory.mktemp("integrator")
    shutil.copy(FIXTURES / "o20-a05.json", folder / "decision.json")
    script = "set -eu\n" + "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    run(["sh", "-c", script], folder, server)
    return folder


def run(command: list[str], folder: Path, server: Server) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "QUJAT_URL": server.url, "QUJAT_KEY": server.key}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def read(desk: Path, name: str) -> Any:
    return json.loads((desk / name).read_text(encoding="utf-8"))


def test_every_command_of_the_integrators_page_does_what_it_says(desk: Path) -> None:
    assert read(desk, "issued.json")["decision"] == "demo-o20-a05"
    assert read(desk, "document.json")["number"] == read(desk, "issued.json")["number"]
    for name in ("page.kk.pdf", "page.ru.pdf", "blank.kk.pdf"):
        assert (desk / name).read_bytes().startswith(b"%PDF-"), name
    assert (desk / "data.xml").read_bytes().startswith(b"<document ")
    assert read(desk, "verdict.json")["verdict"] == read(desk, "verdict-cms.json")["verdict"] == "valid"
    assert read(desk, "evidence.json")["verdict"]["verdict"] == "valid"
    assert read(desk, "schema.json")["$id"] == "urn:qujat:form:o20-a05:order_359"
    assert {row["annex"] for row in read(desk, "forms.json")} >= {"o20-a05"}
    assert {file["name"] for file in read(desk, "prepared.json")["files"]} == {"page.kk", "page.ru", "data"}
    assert read(desk, "refused.json")["title"] == "Шешімнің мазмұнында қате бар"


def test_the_python_of_the_page_runs_as_it_stands(desk: Path, server: Server) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert run([sys.executable, "-c", example], desk, server).splitlines() == ["active valid", "/day bad-day"]


def test_the_client_does_everything_with_types(client: Qujat, tmp_path: Path) -> None:
    document = client.issue(a_decision(id="typed"))
    assert client.issue(a_decision(id="typed")) == document
    assert client.document(document.number) == document
    hashes = {file.role: file.sha256 for file in document.files}
    assert hashes.keys() == {"page", "data", "cms"}
    assert client.page(document.number, "ru").startswith(b"%PDF-")
    assert client.word(document.number, "kk").startswith(b"PK")
    assert client.check(client.signature(document.number), client.data(document.number)).verdict == "valid"
    assert {file.state for file in client.evidence(document.number).files} <= {"lasting", "due"}
    assert client.prepare(a_decision(id="typed-elsewhere")).signer == "head"
    assert client.form("o20-a05", date(2026, 3, 2)).form == client.forms()[4].form
    assert client.schema("o20-a05", date(2026, 3, 2))["type"] == "object"
    assert client.blank("o20-a05", date(2026, 3, 2), "kk").startswith(b"%PDF-")
    other = client.issue(a_decision(id="typed-other"))
    assert client.supersede(document.number, other.number, "түзетілді").superseded_by == other.number
    assert client.annul(other.number, "қате").status == "annulled"


def test_the_client_raises_the_error_of_each_code(client: Qujat, server: Server) -> None:
    client.issue(a_decision(id="errors"))
    with pytest.raises(FieldErrors) as raised:
        client.issue(a_decision(id="errors-2", languages=[]))
    assert raised.value.errors[0].path == "/languages"
    with pytest.raises(DecisionChanged):
        client.issue(a_decision(id="errors", day="2026-03-03"))
    with pytest.raises(UnknownDocument):
        client.document("none")
    with pytest.raises(UnknownForm):
        client.form("o99-a01")
    with Qujat(server.url, "qujat_wrong") as stranger, pytest.raises(ApiError) as refused:
        stranger.forms()
    assert (refused.value.code, refused.value.status) == ("not-authenticated", 401)


def test_a_worker_killed_in_the_middle_is_replaced_and_the_decision_finished(client: Qujat, server: Server) -> None:
    (before,) = server.workers()
    begun = server.log.count('"1 find')
    with ThreadPoolExecutor(1) as pool:
        issuing = pool.submit(client.issue, a_decision(id="killed"))
        until = time.monotonic() + 30
        while server.log.count('"1 find') == begun and time.monotonic() < until:
            time.sleep(0.005)
        os.kill(before, signal.SIGKILL)
        document = issuing.result(60)
    assert document.decision == "killed"
    assert "a worker process has ended in the middle of its work" in server.log
    assert server.workers() != [before]
    assert client.issue(a_decision(id="killed")) == document


def test_what_cannot_wait_is_told_to_come_again_and_does(server: Server) -> None:
    def issue(n: int) -> httpx.Response:
        headers = {"Authorization": f"Bearer {server.key}"}
        body = a_decision(id=f"crowd-{n}")
        return httpx.post(f"{server.url}/v1/documents", json=body, headers=headers, timeout=60)

    begun = server.log.count('"1 find')
    with ThreadPoolExecutor(8) as pool:
        issuing = [pool.submit(issue, n) for n in range(8)]
        while server.log.count('"1 find') == begun:
            time.sleep(0.005)
        with Qujat(server.url, server.key) as reader:
            assert reader.document("2026-000001").number == "2026-000001"
        assert not all(future.done() for future in issuing)  # who reads does not wait behind those who issue
        answers = [future.result() for future in issuing]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {201, 503}
    assert all(answer.json()["code"] == "busy" and int(answer.headers["retry-after"]) for answer in refused)
    with Qujat(server.url, server.key) as patient:
        assert patient.issue(a_decision(id="crowd-7")).decision == "crowd-7"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"POST /v1/documents HT", b""),
        (b"POST /v1/documents HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX: ", b""),
        (
            b"POST /v1/documents HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n"
            b"Authorization: Bearer %s\r\n\r\n{",
            b"HTTP/1.1 408",
        ),
    ],
    ids=["line", "head", "body"],
)
def test_a_client_that_is_too_slow_is_left(sent: bytes, answer: bytes, server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as slow:
        slow.sendall(sent.replace(b"%s", server.key.encode()))
        came = b""
        while part := slow.recv(65536):  # until the server hangs up
            came += part
    assert came[: len(answer)] == answer
    assert bool(came) == bool(answer)


def test_everything_that_was_logged_is_json_and_holds_nobody(client: Qujat, server: Server) -> None:
    client.issue(a_decision(id="logged"))
    with pytest.raises(FieldErrors):
        client.issue(a_decision(id="910412305665", official={"iin": "Оспанов", "full_name": "Ерлан"}))
    lines = [json.loads(line) for line in server.log.splitlines()]
    requests = {line["request"] for line in lines if line["message"].startswith("8 register")}
    assert requests <= {line["request"] for line in lines if line["message"] == "answered"} | {""}
    for secret in ("910412305665", "780515400017", "Оспанов", "Ахметова", "Гүлнар", server.key):
        assert secret not in server.log
        assert json.dumps(secret)[1:-1] not in server.log


def test_whoever_starts_it_is_told_the_mark_and_that_it_is_a_stand_in(server: Server) -> None:
    assert re.search(rf"^mark +{re.escape(server.url)}/d/[a-z2-7]{{20}}$", server.printed, re.MULTILINE)
    assert "ДЕМО – не ЭЦП" in server.log
    assert "stand-in keys have been made" in server.log


def test_an_address_that_is_taken_is_told_before_anything_is_made(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "qujat", "serve", "--port", server.url.rpartition(":")[2]]
    env = {"PATH": os.environ["PATH"], "QUJAT_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "bad-configuration: --host 127.0.0.1" in done.stderr
    assert not (tmp_path / "home").exists()
