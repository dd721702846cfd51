"""The clerks' office for tests: a whole office on the disk, two clerks of two authorities, browsers without scripts."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import offices
from fastapi import FastAPI
from offices import HandClock, Pki

from qujat.office import Office
from qujat.server.app import application
from qujat.server.desk import clerks, drafts
from qujat.server.desk.tables import Store, open_store
from qujat.settings import Settings

# A loop of its own in a thread of its own: the thread of the tests may have one already, that of a browser.
_APART = ThreadPoolExecutor(1)

CLERK, PASSWORD = "aigerim", "биік таудың басы"
STRANGER = "daulet"
OTHER_BIN = "060440003455"
DAY = "2026-03-02"


@dataclass(frozen=True)
class Place:
    """An office with its store of clerks."""

    office: Office
    settings: Settings
    clock: HandClock
    store: Store

    def app(self) -> FastAPI:
        return application(self.office, self.settings)


def place(home: Path, pki: Pki, **changes: Any) -> Place:
    """An office whose browsers come by http, as on a fresh machine."""
    clock = HandClock(pki.now)
    office = replace(offices.office_in(home, pki, clock), address="http://127.0.0.1:8000")
    settings = Settings(home=home, **changes)
    store = open_store(settings, clock)
    authority = offices.a_decision()["authority"]["bin"]
    clerks.add(store, CLERK, authority, PASSWORD)
    clerks.add(store, STRANGER, OTHER_BIN, PASSWORD)
    known = offices.a_decision()
    head = {"authority": {"name": known["authority"]["name"]}, "official": known["official"]}
    drafts.remember(store, authority, head)
    return Place(office, settings, clock, store)


@dataclass
class Visitor:
    """A browser without JavaScript: it keeps cookies, names its origin, and sends forms as they stand on a page."""

    app: FastAPI
    origin: str = "http://office.test"
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._sent("GET", path, headers)

    def send(self, path: str, fields: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """A form of a page of this origin; `origin=…` says otherwise."""
        return self._sent("POST", path, {"origin": self.origin, **headers}, data=fields or {})

    def send_json(self, path: str, content: Any) -> httpx.Response:
        """What a script of a page of this origin sends."""
        return self._sent("POST", path, {"origin": self.origin}, json=content)

    def _sent(self, method: str, path: str, headers: dict[str, str], **options: Any) -> httpx.Response:
        sent = {name.replace("_", "-"): text for name, text in headers.items() if text}

        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=self.origin, cookies=self.cookies) as client:
                answer = await client.request(method, path, headers={"accept-language": "ru", **sent}, **options)
                self.cookies = client.cookies
                return answer

        return _APART.submit(lambda: asyncio.run(exchange())).result()

    def login(self, name: str = CLERK, password: str = PASSWORD) -> httpx.Response:
        return self.send("/office/login", {"name": name, "password": password})

    def token(self) -> str:
        return hidden(self.get("/office").text, "token")

    def press(self, path: str, fields: dict[str, Any] | None = None) -> httpx.Response:
        """Send with the token of this session."""
        return self.send(path, {"token": self.token(), **(fields or {})})

    def begin(self, form: str, day: str = DAY) -> str:
        """A new draft; the address of its page."""
        answer = self.press("/office/drafts", {"form": form, "day": day})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


def logged_in(app: FastAPI, name: str = CLERK) -> Visitor:
    """A clerk who is in."""
    visitor = Visitor(app)
    assert visitor.login(name).status_code == 303
    return visitor


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return unescape(found[1])


def typed(decision: dict[str, Any]) -> dict[str, Any]:
    """What a clerk types into the page of a form for this decision."""
    fields = dict(_flat("/fields", decision["fields"]))
    for who in ("official", "prepared_by"):
        if who in decision:
            fields |= dict(_flat(f"/{who}", decision[who]))
    fields |= dict(_flat("/authority/name", decision["authority"]["name"]))
    return fields | {"/languages": decision["languages"], "/languages#shown": "1"}


def _flat(path: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [pair for name, one in value.items() for pair in _flat(f"{path}/{name}", one)]
    if isinstance(value, list):
        if all(isinstance(one, int) or (isinstance(one, str) and _is_code(one)) for one in value):
            return [(path, [str(one) for one in value]), (path + "#shown", "1")]
        entries = [pair for n, one in enumerate(value) for pair in _flat(f"{path}/{n}", one)]
        return [(path + "#count", str(len(value))), *entries]
    return [(path, str(value))]


def _is_code(text: str) -> bool:
    return bool(re.fullmatch(r"[a-z_]+", text))
