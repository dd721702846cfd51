"""Batches over HTTP: taken whole or not at all, asked for by their owner alone, told as they come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from apis import OTHER_BIN, Api, problem
from offices import a_decision

from qujat.jobs.batches import Batches
from qujat.jobs.work import database_of
from qujat.settings import BatchSettings

LINES = {"Content-Type": "application/jsonl"}


def jsonl(name: str, count: int) -> bytes:
    return b"".join(json.dumps(a_decision(id=f"{name}-{n}", languages=["kk"])).encode() + b"\n" for n in range(count))


def send(api: Api, name: str, content: bytes, key: str = "all") -> Any:
    return api("POST", f"/v1/batches?name={name}", key=key, content=content, headers=LINES)


def work(api: Api) -> None:
    """What `qujat worker` does."""
    batches = Batches(database_of(api.office))
    for part in batches.open_parts(100):
        batches.do(*part, api.office)


def test_a_batch_is_taken_told_and_answered_with_a_row_for_each_decision(api: Api) -> None:
    taken = send(api, "whole", jsonl("whole", 2) + b"nonsense\n")
    assert (taken.status_code, taken.headers["Location"]) == (202, "/v1/batches/whole")
    assert (taken.json()["state"], taken.json()["done"]) == ("running", 0)
    work(api)
    standing = api("GET", "/v1/batches/whole").json()
    assert (standing["state"], standing["issued"], standing["refused"]) == ("finished", 2, 1)
    rows = [json.loads(line) for line in api("GET", "/v1/batches/whole/results").text.splitlines()]
    assert [(row["line"], row["decision"]) for row in rows] == [(1, "whole-0"), (2, "whole-1"), (3, None)]
    assert api("GET", f"/v1/documents/{rows[0]['number']}").json()["decision"] == "whole-0"


def test_progress_is_told_as_events_that_end_with_the_batch(api: Api) -> None:
    send(api, "told", jsonl("told", 1))
    work(api)
    answer = api("GET", "/v1/batches/told/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    kinds = [line for line in answer.text.splitlines() if line.startswith("event: ")]
    assert kinds == ["event: progress", "event: end"]
    (data, _) = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert data == api("GET", "/v1/batches/told").json()


def test_the_same_batch_again_changes_nothing_and_another_under_its_name_is_refused(api: Api) -> None:
    send(api, "twice", jsonl("twice", 1))
    work(api)
    again = send(api, "twice", jsonl("twice", 1))
    assert (again.status_code, again.json()["state"]) == (202, "finished")
    problem(send(api, "twice", jsonl("twice", 2)), 409, "batch-changed")


@pytest.mark.parametrize("path", ["", "/events", "/results"])
def test_a_batch_of_another_client_is_as_if_it_were_not_there(api: Api, path: str) -> None:
    send(api, "hidden", jsonl("hidden", 1))
    problem(api("GET", f"/v1/batches/hidden{path}", key="stranger"), 404, "unknown-batch")
    problem(api("GET", f"/v1/batches/none{path}"), 404, "unknown-batch")


def test_a_client_issues_nothing_for_an_authority_that_is_not_its_own(api: Api) -> None:
    send(api, "foreign", jsonl("foreign", 1), key="stranger")
    work(api)
    (row,) = api("GET", "/v1/batches/foreign/results", key="stranger").text.splitlines()
    assert json.loads(row)["error"]["errors"][0]["code"] == "not-permitted"


def test_a_key_without_the_scope_sends_no_batch(api: Api) -> None:
    api.add("reader", [OTHER_BIN], ["*"], ["read"])
    problem(send(api, "scope", jsonl("scope", 1), key="reader"), 403, "not-permitted")
    problem(send(api, "scope", jsonl("scope", 1), key=""), 401, "not-authenticated")


def test_a_batch_that_is_too_large_is_refused_and_nothing_of_it_is_kept(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = api.http.app.state.settings  # type: ignore[attr-defined]
    small = settings.model_copy(update={"batches": BatchSettings(megabytes=1, decisions=2)})
    monkeypatch.setattr(api.http.app.state, "settings", small)  # type: ignore[attr-defined]
    problem(send(api, "large", b" " * (1024 * 1024 + 1)), 413, "too-large")
    problem(send(api, "large", jsonl("large", 3)), 422, "batch-refused")
    problem(api("GET", "/v1/batches/large"), 404, "unknown-batch")


def test_a_batch_that_is_no_json_lines_or_has_no_name_is_refused(api: Api) -> None:
    problem(api("POST", "/v1/batches?name=x", json={}), 415, "unsupported-media-type")
    problem(send(api, "..%2F..", jsonl("name", 1)), 422, "bad-parameters")
    problem(api("POST", "/v1/batches", content=b"{}", headers=LINES), 422, "bad-parameters")
