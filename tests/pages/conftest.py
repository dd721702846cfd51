"""One office with documents of every fate, one server, one browser, for all tests of the pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import camera
import pageserver
import pytest
from offices import Pki
from pageserver import Issue
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from visitor import Visitor

from qujat.server.app import application
from qujat.settings import Settings

# A busy machine is slow, which is no fault of a page.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def issued(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Issue:
    return pageserver.issue(tmp_path_factory.mktemp("pages") / "office", pki)


@pytest.fixture
def client(issued: Issue) -> Visitor:
    """A visitor without JavaScript, of a service that has counted no attempts yet."""
    return Visitor(application(issued.office, Settings()))


@pytest.fixture(scope="session")
def base(issued: Issue) -> Iterator[str]:
    with pageserver.serving(issued.office) as address:
        yield address


@pytest.fixture(scope="module")
def browser(issued: Issue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium of the system, whose camera sees the genuine document; without Chromium the pages are untried.

    For one module: while Playwright is open its loop runs in this thread, and nothing can be signed here.
    """
    path = shutil.which("chromium")
    assert path, "chromium is not installed: the pages must be tried in a real browser (scripts/setup tests)"
    film = tmp_path_factory.mktemp("camera") / "page.y4m"
    camera.film(issued.genuine.pdf("kk"), film)
    arguments = [
        "--disable-dev-shm-usage",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


@pytest.fixture
def open_in(browser: Browser, base: str) -> Iterator[Callable[..., Page]]:
    """`open_in("/d/…", locale="ru-RU")`: a page on which no script may fail and the policy may stop nothing."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(path: str, **options: object) -> Page:
        made = {"locale": "ru-RU", "viewport": {"width": 390, "height": 844}, "base_url": base, **options}
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


@pytest.fixture(scope="session")
def axe() -> str:
    return (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
