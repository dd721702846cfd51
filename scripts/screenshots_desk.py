"""Pictures of the clerks' office in both languages, at desk and at phone width: docs/screenshots/office-*.png.

    .venv/bin/python scripts/screenshots_desk.py [folder]

The office is one of the tests': invented people, stand-in keys. A clerk's day is gone through in a real Chromium.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import deskserver  # noqa: E402
import offices  # noqa: E402
import uvicorn  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

SIZES = {"desk": (1280, 900), "phone": (390, 844)}


@contextmanager
def serving(made: deskserver.Place) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(made.app(), "127.0.0.1", 0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        made = deskserver.place(Path(home) / "office", offices.make_pki(Path(home) / "keys"))
        arguments = ["--disable-dev-shm-usage"] + ["--no-sandbox"] * (os.geteuid() == 0)
        with serving(made) as base, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
            for size, (width, height) in SIZES.items():
                for tongue, locale in (("kk", "kk-KZ"), ("ru", "ru-RU")):
                    context = browser.new_context(
                        viewport={"width": width, "height": height}, locale=locale, base_url=base, color_scheme="light"
                    )
                    day(context.new_page(), folder, f"{size}.{tongue}")
                    context.close()
            browser.close()


def day(page: Page, folder: Path, end: str) -> None:
    def picture(name: str, *, full: bool = True) -> None:
        page.screenshot(path=folder / f"office-{name}.{end}.png", full_page=full)

    page.goto("/office")
    picture("login")
    page.fill("#name", deskserver.CLERK)
    page.fill("#password", deskserver.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/office")
    picture("home")
    page.goto(f"/office/forms?day={deskserver.DAY}")
    picture("forms", full=False)
    page.goto("/office/axis")
    picture("axis", full=False)
    page.goto(f"/office/forms/o20-a05?day={deskserver.DAY}")
    picture("form")
    page.click("form[action='/office/drafts'] button")
    page.wait_for_selector("#leaf img")
    picture("draft-empty", full=False)
    sent = offices.a_decision("o20-a05")
    for name, value in deskserver.typed(sent).items():
        if name.startswith("/fields") and "#" not in name:
            put(page, name, value)
    page.fill("[name='/fields/recipients/0/iin']", "910412305666")
    page.wait_for_timeout(2500)
    picture("draft", full=False)
    picture("draft-whole")
    page.click("[value=sign]")
    page.wait_for_selector("#faults")
    picture("faults", full=False)
    page.fill("[name='/fields/recipients/0/iin']", sent["fields"]["recipients"][0]["iin"])
    page.click("[value=sign]")
    page.wait_for_url("**/sign")
    page.wait_for_load_state("networkidle")
    picture("sign")
    page.click("form[data-once] button")
    page.wait_for_url("**/documents/**")
    page.wait_for_load_state("networkidle")
    picture("document")
    page.goto(page.url.split("?")[0] + "?check=1")
    picture("checked")
    page.goto(page.url.split("?")[0] + "/end")
    page.fill("[name='/reason']", "Өтініш қайта қаралды" if end.endswith("kk") else "Заявление рассмотрено заново")
    picture("end")
    page.click("[value=ask]")
    picture("sure")
    page.click("[value=sure]")
    page.wait_for_load_state("networkidle")
    page.goto("/office/documents")
    picture("documents")


def put(page: Page, name: str, value: object) -> None:
    found = page.locator(f"[name='{name}']")
    kind = found.first.get_attribute("type")
    if kind in ("radio", "checkbox"):
        for code in value if isinstance(value, list) else [value]:
            page.check(f"[name='{name}'][value='{code}']")
    elif found.first.evaluate("one => one.tagName") == "SELECT":
        found.select_option(str(value))
    else:
        found.fill(str(value))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots")
