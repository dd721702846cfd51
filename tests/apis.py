"""The API of an office of its own, in the process of the tests: requests as decision systems send them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import offices
from offices import HandClock, Pki
from starlette.testclient import TestClient

from qujat.office import Office
from qujat.server.app import application
from qujat.server.clients import SCOPES, KeptClients, kept
from qujat.settings import Settings

BIN = offices.a_decision()["authority"]["bin"]
OTHER_BIN = "060340005606"


@dataclass
class Api:
    """The API as decision systems see it, and what is behind it."""

    http: TestClient
    office: Office
    clients: KeptClients
    home: Path
    keys: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, path: str, *, key: str = "all", **sent: Any) -> httpx.Response:
        """One request with the key of a client; "" sends none."""
        headers = {"Authorization": f"Bearer {self.keys[key]}"} if key else {}
        return self.http.request(method, path, headers=headers | sent.pop("headers", {}), **sent)

    def add(self, name: str, authorities: list[str], forms: list[str], scopes: list[str]) -> None:
        """A client more, whose key has its name."""
        self.keys[name] = self.clients.add(name, authorities, forms, scopes)[1]

    def issued(self, id: str, **changes: Any) -> dict[str, Any]:
        """A document issued over the API."""
        answer = self("POST", "/v1/documents", json=offices.a_decision(id=id, **changes))
        assert answer.status_code in (200, 201), answer.text
        told: dict[str, Any] = answer.json()
        return told


@contextmanager
def api_of(pki: Pki, home: Path, settings: Settings | None = None, **changes: Any) -> Iterator[Api]:
    """An office whose clients are: all (everything of the authority of `a_decision()`), stranger (of another one).

    `changes` replace members of the Office.
    """
    office = offices.office_in(home, pki, HandClock(pki.now), **changes)
    clients = kept(office.register, office.clock)
    app = application(office, settings or Settings(base=home), clients=clients)
    with TestClient(app, raise_server_exceptions=False) as http:
        made = Api(http, office, clients, home)
        made.add("all", [BIN], ["*"], list(SCOPES))
        made.add("stranger", [OTHER_BIN], ["*"], list(SCOPES))
        yield made


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem of an answer that has this status and code."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    said: dict[str, Any] = json.loads(answer.content)
    assert (said["status"], said["code"]) == (status, code)
    return said
