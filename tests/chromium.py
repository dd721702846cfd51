"""Chromium of the system for tests of pages, the pages that it opens, and the server that they come from."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

# A busy machine is slow, which is no fault of a page.
expect.set_options(timeout=20_000)
AXE = Path(__file__).parent / "pages" / "axe" / "axe.min.js"


@contextmanager
def running(*arguments: str) -> Iterator[Browser]:
    """Chromium; without it the pages are untried, which is a failure.

    Not for a whole session: while Playwright is open its loop runs in this thread, and nothing can be signed here.
    """
    path = shutil.which("chromium")
    assert path, "chromium is not installed: pages must be tried in a real browser (scripts/setup tests)"
    given = ["--disable-dev-shm-usage", *arguments]
    if os.geteuid() == 0:
        given.append("--no-sandbox")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=given)
        yield started
        started.close()


class Opener:
    """`open_in("/office", locale="ru-RU")`: a page on which no script may fail and the policy may stop nothing."""

    def __init__(self, browser: Browser, base: str, size: tuple[int, int], start: str) -> None:
        self.browser, self.base, self.start = browser, base, start
        self.viewport = {"width": size[0], "height": size[1]}
        self.contexts: list[BrowserContext] = []
        self.wrong: list[str] = []

    def __call__(self, path: str = "", **options: object) -> Page:
        made = {"locale": "ru-RU", "viewport": self.viewport, "base_url": self.base, **options}
        self.contexts.append(self.browser.new_context(**made))  # type: ignore[arg-type]
        page = self.contexts[-1].new_page()
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda said: self.wrong.append(said.text) if "Content Security" in said.text else None)
        page.goto(path or self.start)
        return page


@contextmanager
def opener(browser: Browser, base: str, size: tuple[int, int], start: str = "/") -> Iterator[Opener]:
    """Opens `start` unless told another path; closes what it opened, and fails if anything went wrong on it."""
    made = Opener(browser, base, size, start)
    yield made
    for context in made.contexts:
        context.close()
    assert made.wrong == []


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address of an application while it runs, in a thread of its own."""
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="warning", lifespan="on", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def axe() -> str:
    """axe-core, which judges how accessible a page is."""
    return AXE.read_text(encoding="utf-8")
