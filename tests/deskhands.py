"""A clerk's hands in a real browser: comes in, begins a form, fills it as a decision says."""

from __future__ import annotations

from typing import Any

import deskserver
from playwright.sync_api import Page, expect

# Colour contrast is counted on the pictures of pages too; the rest of WCAG 2.2 AA and what is best besides.
_AXE = """() => axe.run(document, {resultTypes: ["violations"]}).then((found) =>
  found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`))"""


def login(page: Page, name: str = deskserver.CLERK) -> None:
    page.fill("#name", name)
    page.fill("#password", deskserver.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".parts")).to_be_visible()


def begin(page: Page, annex: str, day: str = deskserver.DAY) -> None:
    """From the list of forms to the page that asks."""
    page.goto(f"/office/forms/{annex}?day={day}")
    page.click("main form[action='/office/drafts'] button")
    expect(page.locator("form.typing")).to_be_visible()


def fill(page: Page, decision: dict[str, Any]) -> None:
    """Type the fields of a decision, with the button for each entry more."""
    fields = deskserver.typed({"fields": decision["fields"], "authority": {"name": {}}, "languages": []})
    for name, count in ((n.removesuffix("#count"), int(v)) for n, v in fields.items() if n.endswith("#count")):
        while page.locator(f"[name='{name}#count']").input_value() != str(count):
            had = page.locator(f"[name='{name}#count']").input_value()
            page.click(f"[value='add {name}']")
            expect(page.locator(f"[name='{name}#count']")).not_to_have_value(had)
    for name, value in fields.items():
        if "#" not in name and name.startswith("/fields"):
            put(page, name, value)


def put(page: Page, name: str, value: Any) -> None:
    """A value into a field, whatever kind of field it is."""
    found = page.locator(f"[name='{name}']")
    kind = found.first.get_attribute("type")
    if kind in ("radio", "checkbox"):
        for code in value if isinstance(value, list) else [value]:
            page.check(f"[name='{name}'][value='{code}']")
    elif found.first.evaluate("one => one.tagName") == "SELECT":
        found.select_option(str(value))
    else:
        found.fill(str(value))


def sign(page: Page) -> str:
    """From a filled page to its document; the number."""
    page.click("[value=sign]")
    page.wait_for_url("**/sign")
    page.click("form[data-once] button")
    page.wait_for_url("**/documents/**")
    return page.locator("h1").inner_text().split()[1]


def faults(page: Page, axe: str) -> list[str]:
    """What axe finds wrong with the page."""
    page.evaluate(axe)
    found: list[str] = page.evaluate(_AXE)
    return found
