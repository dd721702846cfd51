"""Take the pictures of the clerks' office: docs/screenshots/office-<page>.<language>.<phone|desk>.png.

    python scripts/screenshots_desk.py [FOLDER]

A clerk's day is gone through in a real Chromium, with invented people and stand-in keys. Look at every picture before
it is committed: it is what a clerk would see.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import deskhands as hands  # noqa: E402
import deskserver  # noqa: E402
import offices  # noqa: E402

WIDTHS = {"phone": (390, 844), "desk": (1280, 900)}
TONGUES = {"kk": "kk-KZ", "ru": "ru-RU"}
_COLOURS = 64
_REASONS = {"kk": "Өтініш қайта қаралды", "ru": "Заявление рассмотрено заново"}


@contextmanager
def serving(made: deskserver.Place) -> Iterator[str]:
    """The address of an office while it runs."""
    server = uvicorn.Server(uvicorn.Config(made.app(), "127.0.0.1", 0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


class Album:
    """Pictures of one page after another, in one language and at one width."""

    def __init__(self, page: Page, folder: Path, end: str) -> None:
        self.page, self.folder, self.end = page, folder, end

    def take(self, name: str, *, whole: bool = True) -> None:
        self.page.wait_for_load_state("networkidle")
        shot = Image.open(BytesIO(self.page.screenshot(full_page=whole)))
        shot.convert("RGB").quantize(_COLOURS).save(self.folder / f"office-{name}.{self.end}.png", optimize=True)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["--disable-dev-shm-usage"] + ["--no-sandbox"] * (os.geteuid() == 0)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        pki = offices.make_pki(Path(home) / "keys")
        for tongue, locale in TONGUES.items():
            # What an <input type=date> shows is in the language of the browser itself.
            shown = [*arguments, f"--lang={locale}"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=shown)
            for width, (across, down) in WIDTHS.items():
                with serving(deskserver.place(Path(home) / width / tongue, pki)) as base:
                    view = {"width": across, "height": down}
                    context = browser.new_context(viewport=view, locale=locale, base_url=base, color_scheme="light")
                    day(context.new_page(), tongue, folder, f"{tongue}.{width}")
                    context.close()
            browser.close()


def day(page: Page, tongue: str, folder: Path, end: str) -> None:
    """A receipt, a refusal to accept, a decision with a slip of the hand; its end; what was done."""
    album = Album(page, folder, end)
    page.goto("/office/login")
    album.take("login")
    hands.login(page)
    for annex in ("o20-n01", "o20-a03"):
        hands.begin(page, annex)
        hands.fill(page, offices.a_decision(annex))
        hands.sign(page)
    page.goto(f"/office/forms?day={deskserver.DAY}")
    album.take("forms", whole=False)
    page.goto("/office/axis")
    album.take("axis", whole=False)
    page.goto(f"/office/forms/o20-a05?day={deskserver.DAY}")
    album.take("form")
    sent = offices.a_decision("o20-a05")
    hands.begin(page, "o20-a05")
    expect(page.locator("#leaf img")).to_have_count(1)
    album.take("draft-empty", whole=False)
    hands.fill(page, sent)
    iin = page.locator("[name='/fields/recipients/0/iin']")
    iin.fill("910412305666")
    expect(page.locator("[data-wrong='/fields/recipients/0/iin']")).to_be_visible()
    page.locator("legend", has=page.locator("xpath=..//*[@name='/fields/recipients#count']")).first.evaluate(
        "one => one.scrollIntoView()"
    )
    album.take("draft", whole=False)
    page.click("[value=sign]")
    expect(page.locator("#faults")).to_be_visible()
    album.take("faults", whole=False)
    page.goto("/office")
    album.take("home")
    page.go_back()
    page.locator("[name='/fields/recipients/0/iin']").fill(sent["fields"]["recipients"][0]["iin"])
    page.click("[value=sign]")
    page.wait_for_url("**/sign")
    album.take("sign", whole=False)
    page.click("form[data-once] button")
    page.wait_for_url("**/documents/**")
    album.take("document", whole=False)
    page.goto(page.url.split("?")[0] + "?check=1")
    album.take("checked")
    page.goto(page.url.split("?")[0] + "/end")
    page.fill("[name='/reason']", _REASONS[tongue])
    with page.expect_navigation():
        page.click("[value=ask]")
    album.take("end")
    with page.expect_navigation():
        page.click("[value=sure]")
    page.goto("/office/documents")
    album.take("documents")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots")
