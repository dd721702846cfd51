"""Clients are known: keys that are kept as hashes, scopes, a trail of every deed, rates."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from apis import BIN, Api, api_of, problem
from offices import Pki, a_decision

from qujat.__main__ import main
from qujat.errors import ConfigurationError, RegisterUnreachable
from qujat.office import now
from qujat.server.api.access import Rates
from qujat.server.clients import SCOPES, kept
from qujat.settings import ServerSettings, Settings
from registers import OPENERS

ROUTES = {
    "issue": [("POST", "/v1/documents"), ("POST", "/v1/prepare"), ("POST", "/v1/complete")],
    "read": [("GET", "/v1/documents/1"), ("GET", "/v1/documents/1/evidence")],
    "annul": [("POST", "/v1/documents/1/annul"), ("POST", "/v1/documents/1/supersede")],
    "check": [("POST", "/v1/check")],
}


def test_every_route_of_the_api_asks_for_a_key(api: Api) -> None:
    described = api("GET", "/v1/openapi.json", key="").json()["paths"]
    routes = [(method, path) for path, methods in described.items() for method in methods]
    assert len(routes) >= 12
    for method, path in routes:
        address = path.replace("{number}", "1").replace("{form}", "o20-a05")
        answer = api(method.upper(), address, key="")
        problem(answer, 401, "not-authenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("credentials", ["Bearer qujat_wrong", "Bearer", "Basic YTpi", "Bearer ключ".encode()])
def test_a_key_that_is_none_opens_nothing(credentials: str, api: Api) -> None:
    problem(api("GET", "/v1/forms", key="", headers={"Authorization": credentials}), 401, "not-authenticated")


def test_a_body_is_not_read_before_the_key(api: Api) -> None:
    problem(api("POST", "/v1/documents", key="", content=b"x" * 2_000_000), 401, "not-authenticated")


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_its_routes_and_no_other(scope: str, api: Api) -> None:
    api.add(f"only-{scope}", [BIN], ["*"], [scope])
    for needed, routes in ROUTES.items():
        for method, path in routes:
            answer = api(method, path, key=f"only-{scope}")
            assert (answer.status_code == 403) == (needed != scope), (method, path, answer.text)
    assert api("GET", "/v1/forms", key=f"only-{scope}").status_code == 200


def test_a_key_is_kept_as_its_hash_and_nowhere_in_clear(api: Api) -> None:
    files = list(api.home.glob("register.sqlite*"))
    assert files
    for file in files:
        content = file.read_bytes()
        assert all(key.encode() not in content for key in api.keys.values())
    assert len({len(key) for key in api.keys.values()}) == 1
    assert len(api.keys["all"]) == len("qujat_") + 43  # 256 bits in Base64


def test_a_revoked_key_opens_nothing_and_its_name_is_not_given_again(api: Api) -> None:
    api.add("gone", [BIN], ["*"], ["read"])
    assert api("GET", "/v1/forms", key="gone").status_code == 200
    api.clients.revoke("gone")
    problem(api("GET", "/v1/forms", key="gone"), 401, "not-authenticated")
    first = api.clients.revoke("gone").revoked_at
    assert first == next(client for client in api.clients.all() if client.name == "gone").revoked_at
    with pytest.raises(ConfigurationError, match="gone"):
        api.clients.add("gone", [BIN], ["*"], ["read"])


@pytest.mark.parametrize(
    ("name", "authorities", "forms", "scopes", "said"),
    [
        ("a b", [BIN], ["*"], ["read"], "name"),
        ("ok", [], ["*"], ["read"], "--authority"),
        ("ok", ["123456789012"], ["*"], ["read"], "--authority"),
        ("ok", [BIN], [], ["read"], "--forms"),
        ("ok", [BIN], ["*"], [], "--scope"),
        ("ok", [BIN], ["*"], ["read", "write"], "--scope"),
    ],
)
def test_a_client_that_is_none_is_not_made(
    name: str, authorities: list[str], forms: list[str], scopes: list[str], said: str, api: Api
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        api.clients.add(name, authorities, forms, scopes)  # type: ignore[arg-type]


def test_every_deed_is_a_row_of_the_trail_however_it_ended(api: Api) -> None:
    api.add("watched", [BIN], ["*"], list(SCOPES))
    number = api.issued("trail")["number"]
    path = f"/v1/documents/{number}"
    api("POST", "/v1/documents", json=a_decision(id="trail"), key="watched", headers={"X-Request-ID": "request-1"})
    api("POST", "/v1/documents", json=a_decision(id="trail", day="2026-03-03"), key="watched")
    api("POST", "/v1/documents", content=b"{", headers={"Content-Type": "application/json"}, key="watched")
    for each in (path, f"{path}/evidence", "/v1/documents/none"):
        api("GET", each, key="watched")
    api("POST", f"{path}/annul", json={"reason": "қате"}, key="watched")
    api("POST", "/v1/check", files={"file": b"x"}, key="watched")
    rows = api.clients.trail("watched")
    assert [(row.deed, row.number, row.outcome) for row in rows] == [
        ("issue", number, "ok"),
        ("issue", "", "decision-changed"),
        ("issue", "", "bad-json"),
        ("read", number, "ok"),
        ("evidence", number, "ok"),
        ("read", "", "unknown-document"),
        ("annul", number, "ok"),
        ("check", "", "ok"),
    ]
    assert rows[0].request == "request-1"
    assert {(row.client, row.at) for row in rows} == {("watched", api.office.clock())}


def test_the_trail_holds_nothing_personal(api: Api) -> None:
    with closing(sqlite3.connect(api.home / "register.sqlite")) as db:
        written = str([db.execute(f"SELECT * FROM {table}").fetchall() for table in ("client", "deed")])
    assert "watched" in written
    for secret in ("910412305665", "780515400017", "Оспанов", "Ахметова"):
        assert secret not in written


def test_no_answer_goes_out_without_its_row(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RegisterUnreachable("gone")

    monkeypatch.setattr(type(api.clients), "enter", broken)
    problem(api("POST", "/v1/documents", json=a_decision(id="no-row")), 503, "register-unreachable")


def test_a_client_that_asks_too_often_is_put_off(pki: Pki, tmp_path: Path) -> None:
    settings = Settings(base=tmp_path, server=ServerSettings(requests_per_minute=3))
    with api_of(pki, tmp_path, settings) as api:
        assert [api("GET", "/v1/forms/o20-a05").status_code for _ in range(3)] == [200] * 3
        answer = api("GET", "/v1/forms/o20-a05")
        problem(answer, 429, "too-many-requests")
        assert 1 <= int(answer.headers["retry-after"]) <= 20
        assert api("GET", "/v1/forms/o20-a05", key="stranger").status_code == 200


def test_a_bucket_fills_evenly_and_holds_a_minutes_worth() -> None:
    rates = Rates(60)
    assert [rates.wait(1, 0.0) for _ in range(61)] == [0.0] * 60 + [1.0]
    assert rates.wait(1, 0.5) == 0.5
    assert rates.wait(1, 1.0) == 0.0
    assert rates.wait(1, 1.5) > 0
    assert [rates.wait(1, 1000.0) for _ in range(61)] == [0.0] * 60 + [1.0]
    assert rates.wait(2, 1000.0) == 0.0


def test_a_row_of_the_trail_is_never_changed_and_no_client_taken_out(api: Api) -> None:
    api("GET", "/v1/documents/none")
    with closing(sqlite3.connect(api.home / "register.sqlite")) as db:
        for table in ("client", "client_revoked", "deed"):
            for said in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = rowid + 1000"):
                if db.execute(f"SELECT 1 FROM {table}").fetchone():
                    with pytest.raises(sqlite3.IntegrityError, match="only grows"):
                        db.execute(said)


def test_the_command_line_makes_lists_and_revokes_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUJAT_HOME", str(tmp_path / "home"))

    def said(*words: str) -> Any:
        assert main(["clients", *words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    made = said("add", "quota", "--authority", BIN, "--forms", "o20-a05,o20-a02", "--scope", "issue,read")
    assert (made["authorities"], made["forms"], made["scopes"]) == ([BIN], ["o20-a02", "o20-a05"], ["issue", "read"])
    assert made["key"].startswith("qujat_")
    assert "key" not in said("list")[0]
    assert said("revoke", "quota")["revoked_at"]
    assert said("trail", "quota") == []
    assert main(["clients", "revoke", "nobody"]) == 2
    assert "qujat clients list" in capsys.readouterr().err
    assert main(["clients", "add", "shown", "--authority", BIN]) == 0
    assert capsys.readouterr().out.count("qujat_") == 1
    assert main(["clients", "list"]) == 0
    assert "shown" in capsys.readouterr().out


@pytest.mark.parametrize("opened", OPENERS)
def test_clients_are_kept_alike_wherever_the_register_is(opened: str, tmp_path: Path) -> None:
    store = kept(OPENERS[opened](tmp_path), now)
    client, key = store.add("one", [BIN], ["*"], ["read"])
    store.enter(client, "read", "1", "ok", "request")
    assert store.by_key(key) == client
    assert store.by_key(key + "x") is None
    assert [(row.client, row.deed, row.number, row.outcome) for row in store.trail()] == [("one", "read", "1", "ok")]
    store.revoke("one")
    assert store.by_key(key) is None
