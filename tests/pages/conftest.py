"""One office with documents of every fate, one server, one browser, for all tests of the pages."""

from __future__ import annotations

from collections.abc import Iterator

import camera
import chromium
import pageserver
import pytest
from chromium import Opener
from offices import Pki
from pageserver import Issue
from playwright.sync_api import Browser
from visitor import Visitor

from qujat.server.app import application
from qujat.settings import Settings


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
    film = tmp_path_factory.mktemp("camera") / "page.y4m"
    camera.film(issued.genuine.pdf("kk"), film)
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with chromium.running(*fake, f"--use-file-for-fake-video-capture={film}") as started:
        yield started


@pytest.fixture
def open_in(browser: Browser, base: str) -> Iterator[Opener]:
    """`open_in("/d/…", locale="ru-RU")`, as wide as a phone."""
    with chromium.opener(browser, base, (390, 844)) as opened:
        yield opened


@pytest.fixture(scope="session")
def axe() -> str:
    return chromium.axe()
