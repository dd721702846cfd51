"""The clerk's whole day in a real browser, at desk and at phone width."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import deskhands as hands
import deskserver
import leaves
import ncalayer_mock
import offices
import pytest
from deskserver import DAY, Place, Visitor
from fastapi import FastAPI
from leaves import Leaf
from ncalayer_mock import pem
from offices import Pki
from playwright.sync_api import Page, expect
from test_several_signers import NAMED, OFFICIAL, two_signers

from qujat.server.desk import entrance, trail

Open = Callable[..., Page]
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(params=["desk", "phone"])
def page(request: pytest.FixtureRequest, open_in: Open, app: FastAPI) -> Page:
    """A clerk who is in: at a desk in Russian, at a telephone in Kazakh."""
    app.state.desk_attempts = entrance.limits()
    locale = {"desk": "ru-RU", "phone": "kk-KZ"}[request.param]
    opened = open_in(viewport=SIZES[request.param], locale=locale, accept_downloads=True)
    hands.login(opened)
    return opened


def test_the_whole_day(page: Page, axe: str, tmp_path: Path) -> None:
    """Every step on every page is looked at by axe, too."""
    wrong: dict[str, list[str]] = {}

    def look(name: str) -> None:
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        # What differs at a telephone is the layout: the long axis is looked at once.
        looked = [] if name == "axis" and page.viewport_size == SIZES["phone"] else hands.faults(page, axe)
        wrong[name] = looked + ["wider than the window"] * wide

    look("home")
    # A person comes with an application: a receipt, with the list of what he brought.
    hands.begin(page, "o20-n01")
    hands.fill(page, offices.a_decision("o20-n01"))
    expect(page.locator("#leaf img")).to_have_count(1)
    look("receipt")
    receipt = hands.sign(page)
    look("issued")
    # Another lacks a document: it is refused to accept.
    hands.begin(page, "o20-a03")
    hands.fill(page, offices.a_decision("o20-a03"))
    hands.sign(page)
    # A decision, with a slip of the hand that is told at once.
    sent = offices.a_decision("o20-a05")
    hands.begin(page, "o20-a05")
    hands.fill(page, sent)
    iin = page.locator("[name='/fields/recipients/0/iin']")
    iin.fill("910412305666")
    told = page.locator("[data-wrong='/fields/recipients/0/iin']")
    expect(told).to_be_visible()
    page.click("[value=sign]")
    expect(page.locator("#faults")).to_be_focused()
    look("faults")
    page.click("#faults a")
    expect(iin).to_be_focused()
    iin.fill(sent["fields"]["recipients"][0]["iin"])
    expect(told).to_be_hidden()
    refusal = hands.sign(page)
    # It is printed, and kept as a Word file.
    with page.expect_download() as got:
        page.click(".files a >> nth=0")
    assert Path(got.value.path()).read_bytes().startswith(b"%PDF-")
    with page.expect_download() as got:
        page.click(".files a[href$='.docx'] >> nth=0")
    assert Path(got.value.path()).read_bytes().startswith(b"PK")
    # Somebody asks for it: it is found by the person.
    page.goto("/office/documents")
    page.fill("[name=person]", "Оспанов")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    look("found")
    with page.expect_navigation():
        page.click(f".rows a:has-text('{refusal}')")
    # It was wrong: it ends, after the clerk was asked whether he is sure.
    with page.expect_navigation():
        page.click("a[href$='/end']")
    page.fill("[name='/reason']", "Өтініш қайта қаралды")
    look("end")
    with page.expect_navigation():
        page.click("[value=ask]")
    look("sure")
    with page.expect_navigation():
        page.click("[value=sure]")
    expect(page.locator("h1 .status")).to_have_class("status bad")
    page.click("a[href$='check=1#verdict']")
    expect(page.locator("#verdict")).to_be_visible()
    look("verdict")
    # An empty form for the queue; the axis; the day's documents at the end of it.
    page.goto(f"/office/forms/o20-a05?day={DAY}")
    look("form")
    with page.expect_popup() as blank:
        page.click(".papers a >> nth=0")
    assert "/blank/" in blank.value.url
    page.goto("/office/axis")
    look("axis")
    page.goto("/office/forms")
    look("forms")
    page.click(".out button")
    expect(page.locator("#password")).to_be_visible()
    look("login")
    assert receipt != refusal
    assert {name: found for name, found in wrong.items() if found} == {}


def test_what_is_typed_is_kept_without_a_button_and_drawn_while_typing(open_in: Open) -> None:
    page = open_in()
    hands.login(page)
    hands.begin(page, "o20-a05")
    expect(page.locator("#leaf img")).to_have_count(1)
    before = page.locator("#leaf img").get_attribute("src")
    page.fill("[name='/fields/application_number']", "77-2026")
    expect(page.locator("#leaf img")).not_to_have_attribute("src", before or "")
    page.reload()
    expect(page.locator("[name='/fields/application_number']")).to_have_value("77-2026")


def test_a_field_of_another_choice_is_shown_with_its_choice_or_when_something_stands_in_it(open_in: Open) -> None:
    page = open_in()
    hands.login(page)
    hands.begin(page, "o329-a04", "2026-09-01")
    grounds = page.locator("fieldset[id='/fields/grounds']")
    expect(grounds).to_be_hidden()
    page.check("[name='/fields/decision'][value=refuse]")
    expect(grounds).to_be_visible()
    page.check("[name='/fields/grounds'] >> nth=0")
    page.check("[name='/fields/decision'][value=assign]")
    expect(grounds).to_be_visible()


def test_a_page_that_lost_its_connection_says_so_and_keeps_trying(open_in: Open) -> None:
    page = open_in()
    hands.login(page)
    hands.begin(page, "o20-a05")
    expect(page.locator("#leaf img")).to_have_count(1)
    page.context.set_offline(True)
    page.fill("[name='/fields/application_number']", "78-2026")
    expect(page.locator("#said")).to_contain_text("Не сохранилось")
    page.context.set_offline(False)
    expect(page.locator("#said")).to_contain_text("Осталось заполнить")


def test_without_scripts_a_document_is_issued_too(open_in: Open) -> None:
    page = open_in(java_script_enabled=False)
    hands.login(page)
    hands.begin(page, "o20-n01")
    hands.fill(page, offices.a_decision("o20-n01"))
    assert hands.sign(page)


@pytest.fixture
def elsewhere(app: FastAPI) -> Iterator[FastAPI]:
    """The same office while its head signs with a key of his own."""
    before = app.state.settings
    signer = before.signer.model_copy(update={"kind": "elsewhere"})
    app.state.settings = before.model_copy(update={"signer": signer})
    yield app
    app.state.settings = before


def test_the_head_signs_with_his_own_key_in_ncalayer(
    open_in: Open, elsewhere: FastAPI, pki: Pki, tmp_path: Path
) -> None:
    head = leaves.leaf(tmp_path / "head", pki.folder, pki.passphrase, offices.head(), kind="rsa")

    def answer(request: Any) -> str:
        data = request["args"]["data"]
        signed = [pem(head.cms(base64.b64decode(one))) for one in ([data] if isinstance(data, str) else data)]
        return json.dumps({"status": True, "body": {"result": signed}})

    with ncalayer_mock.running(tmp_path) as layer:
        elsewhere.state.ncalayer_address = layer.address
        layer.answers = [(answer,)]
        page = open_in()
        hands.login(page)
        hands.begin(page, "o20-n01")
        hands.fill(page, offices.a_decision("o20-n01"))
        page.click("[value=sign]")
        page.click("form[data-once] button")
        page.click("#sign")
        page.wait_for_url("**/documents/**")
        expect(page.locator("h1 .status")).to_have_class("status good")
        page.goto(page.url.partition("?")[0] + "?check=1")
        expect(page.locator("#verdict .note")).to_have_class("note good")


def test_the_official_who_prepared_it_signs_and_then_the_head(place: Place, pki: Pki, tmp_path: Path) -> None:
    """No form on file asks for two signatures yet: one is made to."""
    clerk = deskserver.logged_in(
        replace(place, office=replace(place.office, forms=two_signers(place.office.forms))).app()
    )
    address = clerk.begin("o20-a05")
    nobody = deskserver.typed(offices.a_decision("o20-a05"))
    clerk.press(address, nobody | {"do": "sign"})
    assert "/prepared_by/full_name" in clerk.get(address).text
    assert clerk.get(f"{address}/sign").status_code == 303, "without who prepared it there is nothing to sign"
    sent = offices.a_decision("o20-a05", prepared_by=NAMED)
    assert clerk.press(address, deskserver.typed(sent) | {"do": "sign"}).headers["location"].endswith("/sign")
    assert unescape(clerk.get(f"{address}/sign").text).count(OFFICIAL.full_name) == 1
    session = clerk.press(f"{address}/sign").headers["location"]
    for person, role in ((OFFICIAL, leaves.EMPLOYEE), (offices.head(), leaves.HEAD)):
        key = leaves.leaf(tmp_path / person.iin, pki.folder, pki.passphrase, person, roles=role)
        session = signed_by(clerk, session, person.iin, key)
    assert session.startswith("/office/documents/")
    assert clerk.get(address).status_code == 404, "its draft is done with"
    assert "note good" in clerk.get(session.partition("?")[0] + "?check=1").text
    done = [one.deed for one in trail.newest(place.store) if one.number and one.outcome == "ok"]
    assert done[-3:] == ["prepare", "approve", "issue"]


def signed_by(clerk: Visitor, session: str, iin: str, key: Leaf) -> str:
    """Sign what a session asks this person for, as the page with NCALayer does; the address to go on to."""
    path = session.partition("?")[0]
    asked = clerk.get(f"{path}/documents").json()
    assert asked["request"]["args"]["signerParams"]["iin"] == iin
    data = asked["request"]["args"]["data"]
    contents = [base64.b64decode(one) for one in ([data] if isinstance(data, str) else data)]
    given = [{"id": i, "cms": pem(key.cms(c))} for i, c in zip(asked["ids"], contents, strict=True)]
    assert clerk.send_json(f"{path}/documents", {"signatures": given}).status_code == 200
    return str(clerk.get(f"/office/signed/{path.rpartition('/')[2]}").headers["location"])


def test_what_ncalayer_is_asked_is_for_the_clerk_who_asked(elsewhere: FastAPI) -> None:
    clerk, stranger = deskserver.logged_in(elsewhere), deskserver.logged_in(elsewhere, deskserver.STRANGER)
    sent = offices.a_decision("o20-n01")
    address = clerk.begin("o20-n01", sent["day"])
    clerk.press(address, deskserver.typed(sent) | {"do": "sign"})
    session = clerk.press(f"{address}/sign").headers["location"].partition("?")[0]
    assert clerk.get(session).status_code == 200
    assert clerk.get(f"{session}/documents").status_code == 200
    assert stranger.get(session).status_code == 404
    assert stranger.get(f"{session}/documents").status_code == 404
    refused = clerk.send(f"{session}/documents", {}, origin="https://evil.example")
    assert refused.status_code == 403
