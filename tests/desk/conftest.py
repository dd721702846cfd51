"""One office of clerks, one server and one browser for all tests of the desk."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import deskserver
import ncalayer_mock
import pytest
import uvicorn
from deskserver import Place, Visitor
from fastapi import FastAPI
from offices import Pki
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from qujat.server.desk import clerks, entrance

# A busy machine is slow, which is no fault of a page.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """What makes guessing dear would make these tests slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clerks, "COST", (1, 1024, 1))
        clerks._hasher.cache_clear()
        yield
    clerks._hasher.cache_clear()


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
    return (Path(__file__).parent.parent / "pages" / "axe" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of the system; without it the office is untried, which is a failure.

    For one module: while Playwright is open its loop runs in this thread, and nothing can be signed here.
    """
    path = shutil.which("chromium")
    assert path, "chromium is not installed: the office must be tried in a real browser (scripts/setup tests)"
    arguments = [f"--ignore-certificate-errors-spki-list={ncalayer_mock.pin()}", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="module")
def base(app: FastAPI) -> Iterator[str]:
    """The address of the office while it runs, in a thread of its own."""
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="warning", lifespan="on", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def open_in(browser: Browser, base: str) -> Iterator[Callable[..., Page]]:
    """`open_in("/office", locale="ru-RU")`: a page on which no script may fail and the policy may stop nothing."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(path: str = "/office/login", **options: object) -> Page:
        made = {"locale": "ru-RU", "viewport": {"width": 1280, "height": 900}, "base_url": base, **options}
        contexts.append(browser.new_context(**made))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
