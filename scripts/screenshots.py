"""Take the pictures of the pages for applicants: docs/screenshots/<page>.<language>.<phone|desk>.png.

    python scripts/screenshots.py [PAGE…]

Look at every one of them before they are committed: it is what a citizen would see.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import offices  # noqa: E402
import pageserver  # noqa: E402
from pageserver import Issue, fragment, token  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
WIDTHS = {"phone": (390, 844), "desk": (1280, 860)}
TONGUES = ("kk", "ru")
_COLOURS = 64

Visit = Callable[[Page, Issue, str], None]


def home(page: Page, issued: Issue, tongue: str) -> None:
    page.goto(f"/?lang={tongue}")


def genuine(page: Page, issued: Issue, tongue: str) -> None:
    page.goto(f"/d/{token(issued.genuine)}?lang={tongue}{fragment(issued.genuine)}")
    expect(page.locator("#proof")).to_be_visible()


def annulled(page: Page, issued: Issue, tongue: str) -> None:
    page.goto(f"/d/{token(issued.annulled)}?lang={tongue}")


def superseded(page: Page, issued: Issue, tongue: str) -> None:
    page.goto(f"/d/{token(issued.old)}?lang={tongue}")


def forged(page: Page, issued: Issue, tongue: str) -> None:
    page.goto(f"/d/{token(issued.genuine)}?lang={tongue}{fragment(issued.new)}")
    expect(page.locator("#proof")).to_be_visible()


def missing(page: Page, issued: Issue, tongue: str) -> None:
    page.goto(f"/d/{'a' * 20}?lang={tongue}")


def holder(page: Page, issued: Issue, tongue: str) -> None:
    page.goto(f"/d/{token(issued.genuine)}?lang={tongue}")
    page.locator("[name=iin]").fill("910412305665")
    page.locator("[name=birth_date]").fill("13.04.1991")
    page.locator("#holder button").click()
    expect(page.locator("#holder .note").first).to_be_visible()


def tampered(page: Page, issued: Issue, tongue: str) -> None:
    """Compared here, and refuted."""
    page.goto(f"/?lang={tongue}")
    page.wait_for_selector("form.drop")
    content = {"name": "2026-000001.kk.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 another"}
    page.locator("input[type=file]").set_input_files(content)
    expect(page.locator("#compared.bad")).to_be_visible()


def sent(page: Page, issued: Issue, tongue: str) -> None:
    """The full check of a file that was sent."""
    page.goto(f"/?lang={tongue}")
    page.wait_for_selector("form.drop")
    content = {"name": "copy.pdf", "mimeType": "application/pdf", "buffer": issued.genuine.pdf("kk") + b"\n"}
    page.locator("input[type=file]").set_input_files(content)
    page.locator(".send button").click()
    expect(page.locator(".said h1")).to_be_visible()


def offline(page: Page, issued: Issue, tongue: str) -> None:
    page.goto("/")
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("navigator.serviceWorker.controller")
    page.context.set_offline(True)
    genuine(page, issued, tongue)


VISITS: dict[str, Visit] = {
    visit.__name__: visit
    for visit in (home, genuine, annulled, superseded, forged, missing, holder, tampered, sent, offline)
}


def main() -> None:
    wanted = sys.argv[1:] or list(VISITS)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        issued = pageserver.issue(Path(folder) / "office", offices.make_pki(Path(folder) / "keys"))
        with sync_playwright() as playwright, pageserver.serving(issued.office) as base:
            arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
            for name, tongue, size in itertools.product(wanted, TONGUES, WIDTHS):
                picture(browser, base, issued, name, tongue, size)
            browser.close()


def picture(browser: Browser, base: str, issued: Issue, name: str, tongue: str, size: str) -> None:
    """One page in one language at one width, whole, in few colours."""
    width, height = WIDTHS[size]
    context = browser.new_context(base_url=base, locale=tongue, viewport={"width": width, "height": height})
    page = context.new_page()
    VISITS[name](page, issued, tongue)
    page.wait_for_load_state("load")
    taken = Image.open(BytesIO(page.screenshot(full_page=True)))
    taken.convert("RGB").quantize(_COLOURS).save(FOLDER / f"{name}.{tongue}.{size}.png", optimize=True)
    context.close()


if __name__ == "__main__":
    main()
