"""Clients are known: keys that are kept as hashes, scopes, a trail of every deed, rates."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from apis import BIN, OTHER_BIN, Api, api_of, problem
from offices import Pki, a_decision

from qujat.errors import ConfigurationError, QujatError, RegisterUnreachable
from qujat.office import now
from qujat.server.api.access import Rates
from qujat.server.clients import SCOPES, opened
from qujat.settings import ServerSettings, Settings

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
    for file in api.home.glob("clients.sqlite*"):
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
    with closing(sqlite3.connect(api.home / "clients.sqlite")) as db:
        written = "\n".join(db.iterdump())
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


def test_a_store_of_clients_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    with pytest.raises(QujatError) as raised:
        opened(f"sqlite:///{tmp_path / 'none' / 'clients.sqlite'}", now)
    assert raised.value.code == "register-unreachable"
    assert OTHER_BIN not in raised.value.message
