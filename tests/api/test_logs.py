"""What is logged, counted and told: one JSON line a request, the eight steps, and nothing personal anywhere."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from apis import Api, problem
from offices import a_decision

import qujat.pipeline
from qujat.server import logs
from qujat.settings import ServerSettings

ROOT = Path(qujat.pipeline.__file__).parent

PERSONAL = ("910412305665", "780515400017", "Оспанов", "Ерлан", "Ахметова", "Гүлнар")


@dataclass
class Log:
    """Everything that was logged, as it goes to the standard error."""

    written: io.StringIO

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    written = io.StringIO()
    logs.configure(written)
    yield Log(written)
    root.handlers[:], root.level = before, level


def test_a_request_is_one_line_with_its_id_and_the_pattern_of_its_path(api: Api, log: Log) -> None:
    number = api.issued("logged")["number"]
    answer = api("GET", f"/v1/documents/{number}", headers={"X-Request-ID": "my-request-1"})
    (line,) = [line for line in log.lines if line["request"] == "my-request-1"]
    assert answer.headers["x-request-id"] == "my-request-1"
    assert (line["route"], line["method"], line["status"]) == ("/v1/documents/{number}", "GET", 200)
    assert (line["message"], line["client"], line["level"]) == ("answered", "all", "info")


@pytest.mark.parametrize("given", ["short", "910412305665", "x" * 65, "a b c d e f", "имя-имя-имя".encode(), ""])
def test_an_id_that_is_none_is_not_taken(given: str, api: Api) -> None:
    made = api("GET", "/healthz", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert len(made) == 32
    assert made != given


def test_the_eight_steps_of_issuing_are_logged_under_the_id_of_their_request(api: Api, log: Log) -> None:
    answer = api("POST", "/v1/documents", json=a_decision(id="steps"))
    lines = [line for line in log.lines if line["logger"] == "qujat.pipeline"]
    assert [line["message"].split(":")[0] for line in lines] == [
        "1 find", "2 check", "3 number", "4 mark", "5 render", "6 sign", "7 store", "8 register",
    ]  # fmt: skip
    assert {line["request"] for line in lines} == {answer.headers["x-request-id"]}


def everything_that_can_go_wrong(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bodies of answers to good and bad requests that are full of people."""
    decision = a_decision(id="personal")
    number = api.issued("personal")["number"]
    path = f"/v1/documents/{number}"
    answers = [
        api("POST", "/v1/documents", json=decision | {"day": "2026-03-03"}),
        api("POST", "/v1/documents", json=decision | {"id": "910412305665", "form": "Оспанов"}),
        api("POST", "/v1/documents", json=decision | {"id": "x", "fields": {"iin": "910412305665", "Оспанов": 1}}),
        api("POST", "/v1/documents", json=decision | {"id": "x", "official": decision["fields"]["recipients"][0]}),
        api("POST", "/v1/documents", content=json.dumps(decision).encode()[:-40]),
        api("GET", "/v1/documents/910412305665"),
        api("GET", "/v1/910412305665/Оспанов?name=Ерлан"),
        api("GET", "/v1/forms?on=910412305665"),
        api("GET", path, headers={"Accept": "Оспанов/910412305665".encode()}),
        api("POST", f"{path}/annul", json={"reason": " Оспанов Ерлан 910412305665"}),
        api("POST", f"{path}/annul", json={"reason": "Оспанов Ерлан", "910412305665": 1}),
        api("POST", "/v1/complete", json={"ticket": "910412305665", "signatures": {"Оспанов": "AA=="}}),
        api("POST", "/v1/check", files={"file": ("Оспанов 910412305665.pdf", b"%PDF-1.7 Ospanov 910412305665")}),
        api("POST", "/v1/check", files={"Оспанов": b"910412305665"}),
        api("GET", path, key="stranger"),
        api("GET", path, key="", headers={"Authorization": "Bearer 910412305665"}),
    ]

    def broken(*args: object) -> None:
        logging.getLogger("some.library").warning("cannot draw %s", "Оспанов 910412305665")
        raise RuntimeError(f"cannot issue {args[0]}")

    monkeypatch.setattr("qujat.issuing.wordings", broken)
    answers.append(api("POST", "/v1/documents", json=decision | {"id": "broken"}))
    problem(answers[-1], 500, "unexpected")
    return [answer.text for answer in answers]


def test_no_iin_and_no_name_reaches_the_log_or_an_answer_that_refuses(
    api: Api, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = everything_that_can_go_wrong(api, monkeypatch)
    written = log.written.getvalue()
    assert len(log.lines) > 15
    for secret in PERSONAL:
        assert secret not in written
        assert json.dumps(secret)[1:-1] not in written
    for secret in ("910412305665", "780515400017"):
        assert all(secret not in body for body in bodies)
    assert all(secret not in api("GET", "/metrics").text for secret in PERSONAL)
    assert "cannot draw %s" in written  # a library's line stays, without what it was filled with


def test_an_exception_is_logged_by_its_kind_and_places_without_its_message() -> None:
    try:
        try:
            raise KeyError("910412305665")
        except KeyError as error:
            raise ValueError("Оспанов") from error
    except ValueError:
        record = logging.LogRecord("qujat.server", logging.ERROR, "", 0, "a fault", None, sys.exc_info())
    said = json.loads(logs.JsonLines().format(record))
    assert (said["trace"][0], said["trace"][2]) == ("ValueError", "KeyError")
    assert "test_logs.py" in said["trace"][1]
    assert "Оспанов" not in json.dumps(said, ensure_ascii=False)


def test_hexadecimal_that_holds_twelve_digits_is_no_iin() -> None:
    assert logs.masked("iin 910412305665, id 12ab910412305665") == "iin ************, id 12ab910412305665"


def counted(api: Api, name: str) -> float:
    text = api("GET", "/metrics", key="").text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def test_deeds_and_requests_are_counted_by_how_they_ended(api: Api) -> None:
    names = ('qujat_deeds_total{deed="issue",outcome="ok"}', 'qujat_deeds_total{deed="issue",outcome="bad-json"}')
    names += ('qujat_requests_total{method="POST",route="/v1/documents",status="400"}',)
    before = [counted(api, name) for name in names]
    api.issued("counted")
    api("POST", "/v1/documents", content=b"{", headers={"Content-Type": "application/json"})
    assert [counted(api, name) for name in names] == [before[0] + 1, before[1] + 1, before[2] + 1]


def test_addresses_that_are_not_there_are_counted_as_one(api: Api) -> None:
    before = counted(api, "qujat_requests_total{")
    for n in range(5):
        api("GET", f"/nothing/{n}")
        api(f"BREW{n}", "/v1/forms")
    assert "nothing" not in api("GET", "/metrics").text
    assert "BREW" not in api("GET", "/metrics").text
    assert counted(api, "qujat_requests_total{") >= before + 10


def test_health_is_told_to_anybody_and_readiness_by_what_answers(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert api("GET", "/healthz", key="").json() == {"status": "ok"}
    ready = api("GET", "/readyz", key="")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    for part, broken in (("register", api.office.register), ("blobs", api.office.blobs)):
        with monkeypatch.context() as patched:
            name = "by_token" if part == "register" else "get"
            patched.setattr(type(broken), name, _unreachable)
            answer = api("GET", "/readyz", key="")
            assert (answer.status_code, answer.json()[part]) == (503, "unreachable")
    with monkeypatch.context() as patched:
        patched.setattr(type(api.http.app.state.workers), "alive", lambda self: 0)
        assert api("GET", "/readyz", key="").status_code == 503


def _unreachable(*args: object) -> None:
    from qujat.errors import RegisterUnreachable

    raise RegisterUnreachable("gone")


def test_the_operators_page_names_what_is_counted_and_what_is_set(api: Api) -> None:
    page = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
    api("GET", "/healthz")
    kinds = dict(re.findall(r"^# TYPE (qujat_\w+) (\w+)$", api("GET", "/metrics").text, re.MULTILINE))
    counted = {name for name in kinds if not name.endswith("_created")}
    assert counted == set(re.findall(r"`(qujat_\w+)`", page))
    assert {f"`{name}`" for name in ServerSettings.model_fields} <= set(re.findall(r"`\w+`", page))
