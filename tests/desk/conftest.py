"""One office of clerks, one server and one browser for all tests of the desk."""

from __future__ import annotations

from collections.abc import Iterator

import chromium
import deskserver
import ncalayer_mock
import pytest
from chromium import Opener
from deskserver import Place, Visitor
from fastapi import FastAPI
from offices import Pki
from playwright.sync_api import Browser

from qujat.server.desk import clerks, entrance


def forget() -> None:
    """What was made at another cost."""
    clerks._hasher.cache_clear()
    clerks._nobodys.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """What makes guessing dear would make these tests slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clerks, "COST", (1, 1024, 1))
        forget()
        yield
    forget()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Place:
    """An office for the tests of a module; each finds only what it made itself."""
    return deskserver.place(tmp_path_factory.mktemp("desk") / "office", pki)


@pytest.fixture(scope="module")
def app(place: Place) -> FastAPI:
    """Its application."""
    return place.app()


@pytest.fixture
def visitor(app: FastAPI) -> Visitor:
    """Somebody, at a service that has counted no attempts yet."""
    app.state.desk_attempts = entrance.limits()
    return Visitor(app)


@pytest.fixture(scope="module")
def clerk(app: FastAPI) -> Visitor:
    """A clerk who is in, without JavaScript."""
    return deskserver.logged_in(app)


@pytest.fixture(scope="session")
def axe() -> str:
    return chromium.axe()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while Playwright is open its loop runs in this thread, and nothing can be signed here."""
    with chromium.running(f"--ignore-certificate-errors-spki-list={ncalayer_mock.pin()}") as started:
        yield started


@pytest.fixture(scope="module")
def base(app: FastAPI) -> Iterator[str]:
    """The address of the office while it runs."""
    with chromium.serving(app) as address:
        yield address


@pytest.fixture
def open_in(browser: Browser, base: str) -> Iterator[Opener]:
    """`open_in("/office", locale="ru-RU")`, as wide as a desk."""
    with chromium.opener(browser, base, (1280, 900), "/office/login") as opened:
        yield opened
