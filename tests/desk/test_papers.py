"""From a draft to a document and to its end, without scripts; and what a clerk of another authority sees of it."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import deskserver
import offices
import pytest
from deskserver import CLERK, DAY, STRANGER, Place, Visitor
from fastapi import FastAPI

from qujat import pagetext
from qujat.server.desk import clerks, drafts, trail


def _issue(clerk: Visitor, annex: str = "o20-n01", **more: Any) -> str:
    """A document, as a clerk makes it; the address of its page."""
    sent = offices.a_decision(annex)
    address = clerk.begin(annex, sent["day"])
    fields = deskserver.typed(sent) | {"/languages": ["ru"], "do": "sign", **more}
    assert clerk.press(address, fields).headers.get("location") == f"{address}/sign"
    answer = clerk.press(f"{address}/sign")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).partition("?")[0]


@pytest.fixture(scope="module")
def issued(clerk: Visitor) -> str:
    """A document of the clerk's authority."""
    return _issue(clerk)


@pytest.fixture(scope="module")
def stranger(app: FastAPI) -> Visitor:
    """A clerk of another authority."""
    return deskserver.logged_in(app, STRANGER)


def _number(page: str) -> str:
    found = re.search(r"№ ([0-9]{4}-[0-9]{6})", page)
    assert found
    return found[1]


def test_a_draft_becomes_a_document_that_checks_as_genuine(clerk: Visitor, issued: str) -> None:
    page = clerk.get(f"{issued}?check=1").text
    assert "Документ подлинный и действует." in page


def test_the_draft_is_gone_when_its_document_is_issued(place: Place, clerk: Visitor) -> None:
    _issue(clerk)
    found = clerks.named(place.store, CLERK)
    assert [draft for draft in drafts.of_clerk(place.store, found) if draft.contents["fields"]] == []


def test_a_draft_that_is_signed_twice_gives_one_document(clerk: Visitor) -> None:
    sent = offices.a_decision("o20-n01")
    address = clerk.begin("o20-n01", sent["day"])
    clerk.press(address, deskserver.typed(sent) | {"/languages": ["ru"], "do": "sign"})
    token = clerk.token()
    first, second = (clerk.send(f"{address}/sign", {"token": token}) for _ in range(2))
    assert first.status_code == 303
    assert second.status_code == 404  # the draft is a document now; nothing was issued again


def test_a_head_who_does_not_hold_the_key_is_refused_and_the_draft_stays(clerk: Visitor) -> None:
    sent = offices.a_decision("o20-n01")
    address = clerk.begin("o20-n01", sent["day"])
    clerk.press(address, deskserver.typed(sent) | {"/official/iin": "910412305665", "/languages": ["ru"], "do": "sign"})
    answer = clerk.press(f"{address}/sign")
    assert answer.status_code == 422
    assert "Этот ключ не вправе подписать документ" in answer.text
    assert clerk.get(address).status_code == 200


def test_what_is_changed_after_a_number_was_reserved_is_another_decision(clerk: Visitor) -> None:
    sent = offices.a_decision("o20-n01")
    address = clerk.begin("o20-n01", sent["day"])
    fields = deskserver.typed(sent) | {"/languages": ["ru"], "do": "sign", "/official/iin": sent["official"]["iin"]}
    clerk.press(address, fields)
    with _no_blobs(clerk.app):
        assert clerk.press(f"{address}/sign").status_code == 503
    clerk.press(address, fields | {"/fields/application_number": "106-2026"})
    again = clerk.press(f"{address}/sign")
    assert again.headers["location"] == f"{address}/sign"
    assert "/office/documents/" in clerk.press(f"{address}/sign").headers["location"]


def _no_blobs(app: FastAPI) -> Any:
    """The store of files does not answer, after the number was reserved."""
    from contextlib import contextmanager
    from dataclasses import replace

    from qujat.errors import StoreError
    from qujat.server.workers import Here

    class Broken:
        def put(self, content: bytes) -> str:
            raise StoreError("expected a disk, came none")

    @contextmanager
    def broken() -> Any:
        before = app.state.workers
        app.state.workers = Here(replace(app.state.office, blobs=Broken()))
        yield
        app.state.workers = before

    return broken()


def test_the_preview_says_on_every_page_that_it_is_a_draft(clerk: Visitor) -> None:
    address = clerk.begin("o20-a05")
    clerk.press(address, deskserver.typed(offices.a_decision()))
    answer = clerk.get(f"{address}/preview/kk.pdf")
    text = " ".join(word for page in pagetext.read(answer.content).pages for word in page.split())
    assert answer.headers["content-type"] == "application/pdf"
    assert "Оспанов Ерлан" in text
    assert "ЖОБА: құжат емес" in text


def test_the_script_is_told_what_is_wrong_but_not_what_is_missing(clerk: Visitor) -> None:
    address = clerk.begin("o20-a05")
    told = clerk.press(f"{address}/kept", {"/fields/recipients/0/iin": "12", "/fields/recipients#count": "1"}).json()
    assert [error["path"] for error in told["errors"]] == ["/fields/recipients/0/iin"]
    assert told["left"] > 1
    assert clerk.get(told["pages"][0]).content.startswith(b"\x89PNG")


def test_the_next_draft_begins_with_the_head_of_the_last_document(clerk: Visitor, issued: str) -> None:
    page = clerk.get(clerk.begin("o20-a05")).text
    assert "Ахметова Гүлнар Серікқызы" in page


@pytest.mark.parametrize("after", ["", "/end", "/files/x.pdf", "/word/ru.docx", "/picture/ru.png", "?check=1"])
def test_a_document_of_another_authority_is_not_there(stranger: Visitor, issued: str, after: str) -> None:
    assert stranger.get(issued + after).status_code == 404


def test_a_document_of_another_authority_cannot_be_annulled(stranger: Visitor, issued: str) -> None:
    answer = stranger.press(f"{issued}/end", {"/reason": "мешает", "do": "sure"})
    assert answer.status_code == 404


def test_a_draft_of_another_clerk_is_not_there(clerk: Visitor, stranger: Visitor) -> None:
    address = clerk.begin("o20-a05")
    for path in (address, f"{address}/sign", f"{address}/preview/kk.pdf", f"{address}/preview/kk/1.png"):
        assert stranger.get(path).status_code == 404
    assert stranger.press(address, {"do": "discard"}).status_code == 404


def test_a_clerk_finds_only_documents_of_his_authority(stranger: Visitor, clerk: Visitor, issued: str) -> None:
    assert issued in clerk.get("/office/documents").text
    assert "/office/documents/" not in stranger.get("/office/documents").text.replace('href="/office/documents"', "")


def test_a_list_does_not_go_on_to_documents_of_others(
    stranger: Visitor, issued: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qujat.server.desk.finding.ON_A_PAGE", 1)
    assert "?after=" not in stranger.get("/office/documents").text


def test_a_clerk_of_one_form_uses_and_sees_no_other(place: Place, app: FastAPI, issued: str) -> None:
    bin = offices.a_decision()["authority"]["bin"]
    clerks.add(place.store, "receipts", bin, deskserver.PASSWORD, ["o20-a03"])
    narrow = deskserver.logged_in(app, "receipts")
    assert narrow.get(issued).status_code == 404
    assert narrow.get("/office/forms/o20-n01").status_code == 404
    assert narrow.press("/office/drafts", {"form": "o20-n01"}).status_code == 404
    assert "/office/forms/o20-n01" not in narrow.get("/office/forms").text


FOUND = [{"number": "{number}"}, {"number": "{code}"}, {"person": "{surname}"}, {"first": DAY, "status": "active"}]


@pytest.mark.parametrize("sought", FOUND, ids=["number", "code", "person", "day"])
def test_a_document_is_found_by(clerk: Visitor, issued: str, sought: dict[str, str]) -> None:
    page = clerk.get(issued).text
    known = {
        "number": _number(page),
        "code": issued.rpartition("/")[2],
        "surname": offices.a_decision("o20-n01")["fields"]["applicant"].split()[0].upper(),
    }
    asked = {name: text.format(**known) for name, text in sought.items()}
    place = clerk.press("/office/documents", asked).headers["location"]
    assert issued in (place + clerk.get(place).text)


def test_an_iin_finds_whom_it_is_of_and_stands_in_no_address(clerk: Visitor) -> None:
    sent = offices.a_decision("o20-a05")
    document = _issue(clerk, "o20-a05")
    answer = clerk.press("/office/documents", {"person": sent["fields"]["recipients"][0]["iin"]})
    assert answer.headers["location"] == "/office/documents"
    assert document in clerk.get("/office/documents").text


def test_nothing_is_found_by_a_name_that_nobody_has(clerk: Visitor) -> None:
    clerk.press("/office/documents", {"person": "Никто"})
    assert "Такого документа не нашлось" in clerk.get("/office/documents").text
    clerk.press("/office/documents", {"do": "all"})


def test_the_list_goes_on_from_page_to_page(clerk: Visitor, issued: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qujat.server.desk.finding.ON_A_PAGE", 1)
    first = clerk.get("/office/documents").text
    after = re.search(r'href="(/office/documents\?after=[0-9]+)"', first)
    assert after
    second = clerk.get(after[1]).text
    codes = [re.findall(r'href="/office/documents/([0-9A-Z-]{14})"', page) for page in (first, second)]
    assert len(codes[0]) == len(codes[1]) == 1
    assert codes[0] != codes[1]


def test_a_document_ends_only_after_it_was_asked_twice(place: Place, clerk: Visitor) -> None:
    document = _issue(clerk)
    reason = {"/reason": "Заявление отозвано"}
    assert "Точно прекратить действие" in clerk.press(f"{document}/end", reason | {"do": "ask"}).text
    assert "действует" in clerk.get(document).text
    clerk.press(f"{document}/end", reason | {"do": "sure"})
    page = clerk.get(document).text
    assert "аннулирован" in page
    assert "Заявление отозвано" in page
    told = [
        deed.deed for deed in trail.of_document(place.store, offices.a_decision()["authority"]["bin"], _number(page))
    ]
    assert told == ["issue", "annul"]


def test_a_document_does_not_end_without_a_reason(clerk: Visitor) -> None:
    document = _issue(clerk)
    answer = clerk.press(f"{document}/end", {"/reason": " ", "do": "sure"})
    assert answer.status_code == 422
    assert "аннулирован" not in clerk.get(document).text


def test_a_document_is_replaced_by_another_of_the_same_authority(clerk: Visitor) -> None:
    old, new = _issue(clerk), _issue(clerk)
    number = _number(clerk.get(new).text)
    clerk.press(f"{old}/end", {"/reason": "Уточнены данные", "/superseded_by": number, "do": "sure"})
    page = clerk.get(old).text
    assert "заменен" in page
    assert new in page


@pytest.mark.parametrize("other", ["2026-999999", "{own}"])
def test_a_document_is_not_replaced_by_itself_or_by_none(clerk: Visitor, other: str) -> None:
    document = _issue(clerk)
    number = other.format(own=_number(clerk.get(document).text))
    answer = clerk.press(f"{document}/end", {"/reason": "Ошибка", "/superseded_by": number, "do": "sure"})
    assert answer.status_code == 422
    assert "Другого выданного документа с таким номером" in answer.text


def test_its_files_are_to_be_had_as_they_were_signed(clerk: Visitor, issued: str) -> None:
    page = clerk.get(issued).text
    paths = re.findall(rf'href="({issued}/files/[^"?]+)\?save=1"', page)
    found = [clerk.get(path) for path in paths]
    assert {answer.content[:5] for answer in found} >= {b"%PDF-", b"<docu"}
    assert all(answer.headers["cache-control"] == "no-store" for answer in found)


def test_the_word_copy_is_a_word_file(clerk: Visitor, issued: str) -> None:
    answer = clerk.get(f"{issued}/word/ru.docx")
    assert "word/document.xml" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert clerk.get(f"{issued}/word/kk.docx").status_code == 404  # it was issued in Russian alone


@pytest.mark.parametrize("what", ["blank", "specimen"])
def test_empty_forms_and_specimens_of_an_edition_are_printed(clerk: Visitor, what: str) -> None:
    answer = clerk.get(f"/office/forms/o20-a05/{what}/order_359.kk.pdf")
    assert answer.content.startswith(b"%PDF-")


def test_an_edition_whose_words_are_not_held_has_no_empty_form(clerk: Visitor) -> None:
    assert clerk.get("/office/forms/o20-a05/blank/order_173.kk.pdf").status_code == 404


def test_a_form_that_is_not_held_says_what_to_issue_in_its_place(clerk: Visitor) -> None:
    page = clerk.get("/office/forms/o259-a08?day=2026-11-01").text
    assert "Документ этим днем выдать нельзя" in page
    assert "/office/forms/o259-n08" in page


def test_forms_are_found_by_the_beginnings_of_their_words(clerk: Visitor) -> None:
    page = clerk.get("/office/forms?q=распис+отказ").text
    assert "/office/forms/o20-a03" in page
    assert "/office/forms/o20-a05" not in page


def test_drafts_go_when_their_time_is_over(place: Place, clerk: Visitor) -> None:
    found = clerks.named(place.store, CLERK)
    draft = drafts.begin(place.store, found, "o20-a05", {"fields": {}})
    later = type(place.store)(place.store.engine, lambda: place.clock.at + drafts.KEPT)
    assert drafts.find(later, found, draft.id) is None
