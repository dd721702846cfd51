"""What any register tells of what is entered, and how documents are found in it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from qujat.register import Document, Entry, Register, StoredFile, Wanted
from registers import AT, OPENERS, OURS, PAGE, THEIRS, claim, draw, issued, reserve


@pytest.fixture(params=OPENERS)
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Register:
    return OPENERS[request.param](tmp_path)


# What is entered is told in its transaction.


def entries_of(register: Register) -> tuple[Register, list[Entry]]:
    told: list[Entry] = []
    return register.watched(lambda _, entry: told.append(entry)), told


def test_every_entry_is_told_once_with_the_document_as_it_is_from_now_on(register: Register) -> None:
    watched, told = entries_of(register)
    document = issued(watched, claim(), PAGE)
    other = issued(watched, claim("d-2"))
    renewed = watched.renew(document, [replace(PAGE, sha256="d" * 64)], AT + timedelta(days=1))
    ended = watched.annul(document.number, "reason", AT + timedelta(days=2), other.number)
    assert [(entry.kind, entry.document, entry.at) for entry in told] == [
        ("issued", document, AT),
        ("issued", other, AT),
        ("renewed", renewed, AT + timedelta(days=1)),
        ("superseded", ended, AT + timedelta(days=2)),
    ]


def test_whoever_enters_second_tells_nothing(register: Register) -> None:
    watched, told = entries_of(register)
    document = issued(watched, claim(), PAGE)
    watched.record(document, [PAGE], AT)
    watched.renew(document, [replace(PAGE, sha256="d" * 64)], AT)
    watched.renew(document, [replace(PAGE, sha256="e" * 64)], AT)
    watched.annul(document.number, "reason", AT)
    watched.annul(document.number, "reason", AT)
    assert [entry.kind for entry in told] == ["issued", "renewed", "annulled"]


def test_what_is_told_is_entered_with_what_the_listener_writes_or_not_at_all(register: Register) -> None:
    """A job for a document that was not issued, or a document without its job, would be a lie."""
    document = reserve(register, claim())

    def fail(db: Connection, entry: Entry) -> None:
        db.execute(text("CREATE TABLE job (number TEXT)"))
        db.execute(text("INSERT INTO job VALUES (:number)"), {"number": entry.document.number})
        raise KeyError("no queue")

    def heed(db: Connection, entry: Entry) -> None:
        db.execute(text("CREATE TABLE job (number TEXT)"))
        db.execute(text("INSERT INTO job VALUES (:number)"), {"number": entry.document.number})

    with pytest.raises(KeyError):
        register.watched(fail).record(document, [PAGE], AT)
    assert not register.by_number(document.number).issued
    assert register.watched(heed).record(document, [PAGE], AT).issued
    seen: list[object] = []
    look = register.watched(lambda db, _: seen.extend(db.execute(text("SELECT number FROM job")).scalars()))
    look.annul(document.number, "reason", AT)
    assert seen == [document.number]


def test_several_listeners_are_told_in_the_order_in_which_they_came(register: Register) -> None:
    told: list[str] = []
    twice = register.watched(lambda *_: told.append("first")).watched(lambda *_: told.append("second"))
    issued(twice, claim())
    assert told == ["first", "second"]


def test_a_closed_register_opens_again(register: Register) -> None:
    document = issued(register, claim())
    register.close()
    assert register.by_number(document.number) == document


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_was_forked_has_connections_of_its_own(register: Register) -> None:
    """Otherwise parent and child would read each other's answers, and the first to end would close both."""
    document = issued(register, claim())
    if not (child := os.fork()):
        own = reserve(register, claim("d-2")).number
        register.close()
        os._exit(0 if own == "2026-000002" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert register.by_number(document.number) == document
    assert reserve(register, claim("d-3")).number == "2026-000003"


# Finding documents.

KANDAS, WORKER = "Қалиева Әсел Нұрланқызы", "Ли Ая"


def about(register: Register, decision: str, **data: Any) -> Document:
    def assembled(number: str) -> dict[str, Any]:
        return {"number": number, "key": "quota_kandas_refusal", "day": "2026-03-02", **data}

    authority = THEIRS if decision.startswith("their") else OURS
    return register.reserve(claim(decision, authority=authority), assembled, draw, AT)


@pytest.fixture
def filled(register: Register) -> Register:
    """Four documents: two in effect, one annulled, one of another authority and only reserved."""
    family = [{"full_name": "Қалиев Нұрлан", "iin": "650101300019"}]
    first = about(register, "d-1", fields={"full_name": KANDAS, "iin": "900101400013", "family": family})
    second = about(register, "d-2", key="foreign_permit", fields={"workers": [{"full_name": WORKER, "iin": ""}]})
    third = about(register, "d-3", day="2026-04-30", fields={"applicant": " ҚАЛИЕВА   әсел "})
    about(register, "their-1", fields={"surname": "Қалиева", "given_name": "Әсел", "iin": "900101400013"})
    for document in (first, second, third):
        register.record(document, [StoredFile("page", "kk", "1", f"{document.id}")], AT)
    register.annul(second.number, "reason", AT)
    return register


SEARCHES: dict[str, tuple[Wanted, list[int]]] = {
    "everything": (Wanted(), [4, 3, 2, 1]),
    "authority": (Wanted(authority=OURS), [3, 2, 1]),
    "number": (Wanted(number="2026-000001"), [4, 1]),
    "number of an authority": (Wanted(number="2026-000001", authority=THEIRS), [4]),
    "form": (Wanted(form="foreign_permit"), [2]),
    "iin": (Wanted(iin="900101400013"), [4, 1]),
    "iin of a relative": (Wanted(iin="650101300019"), [1]),
    "no iin is no iin": (Wanted(iin="0"), []),
    "name in other letters": (Wanted(name="қАЛИЕВА ӘСЕЛ"), [4, 3, 1]),
    "name, its beginning": (Wanted(name="Қали"), [4, 3, 1]),
    "name, its end": (Wanted(name="Әсел"), []),
    "name of a worker": (Wanted(name="ли"), [2]),
    "name with a wildcard": (Wanted(name="%"), []),
    "name and iin of one person": (Wanted(name="Қалиев Н", iin="650101300019"), [1]),
    "name and iin of two persons": (Wanted(name="Қалиева", iin="650101300019"), []),
    "day": (Wanted(first_day=date(2026, 4, 30), last_day=date(2026, 4, 30)), [3]),
    "from a day": (Wanted(first_day=date(2026, 3, 3)), [3]),
    "to a day": (Wanted(last_day=date(2026, 4, 29)), [4, 2, 1]),
    "reserved": (Wanted(status="reserved"), [4]),
    "in effect": (Wanted(status="active"), [3, 1]),
    "annulled": (Wanted(status="annulled"), [2]),
    "superseded": (Wanted(status="superseded"), []),
    "all at once": (
        Wanted(OURS, "quota_kandas_refusal", "900101400013", "Қалиева", "2026-000001", "active", date(2026, 3, 2)),
        [1],
    ),
}


@pytest.mark.parametrize("search", SEARCHES)
def test_documents_are_found_by_what_they_are_about_newest_first(filled: Register, search: str) -> None:
    wanted, expected = SEARCHES[search]
    found = filled.find(wanted)
    assert ([document.id for document in found.documents], found.after) == (expected, None)


def test_what_is_found_is_the_whole_document(filled: Register) -> None:
    for document in filled.find(Wanted(authority=OURS)).documents:
        assert document == filled.by_number(document.number, OURS)


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1, 1, 1, 1]), (2, [2, 2]), (3, [3, 1]), (4, [4]), (5, [4])])
def test_page_by_page_everything_is_found_once(filled: Register, limit: int, sizes: list[int]) -> None:
    pages, after = [], None
    while (not pages or after is not None) and len(pages) < 9:
        found = filled.find(Wanted(), after, limit)
        pages.append([document.id for document in found.documents])
        after = found.after
    assert [len(page) for page in pages] == sizes
    assert [number for page in pages for number in page] == [4, 3, 2, 1]


def test_a_page_after_any_number_whatever_is_answered(filled: Register) -> None:
    assert len(filled.find(Wanted(), after=10**30).documents) == 4
    assert filled.find(Wanted(), after=-(10**30)).documents == ()
