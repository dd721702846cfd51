"""Tickets in the register: what any register must do with them (`registers` opens them)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from qujat.errors import AlreadyIssued
from qujat.register import Completion, Document, NewTicket, Register, SignerRole, StoredFile, Ticket
from registers import AT, DATA, OPENERS, PAGE, claim, issued, reserve

HOUR = timedelta(hours=1)
APPROVAL = StoredFile("approval", "", "1.xml.official.p7s", "d" * 64)


@pytest.fixture(params=OPENERS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Register]:
    """Opens the register of the test, again at each call."""
    return lambda: OPENERS[request.param](tmp_path)


@pytest.fixture
def register(opened: Callable[[], Register]) -> Register:
    return opened()


def ticket(register: Register, document: Document, signer: SignerRole = "head", at: object = AT) -> Ticket:
    assert at is AT or isinstance(at, type(AT))
    return register.add_ticket(NewTicket(secrets.token_hex(20), document.id, signer, at, at + HOUR), [PAGE, DATA])


def test_a_ticket_is_found_by_itself_and_by_its_document_also_when_the_register_is_opened_again(
    opened: Callable[[], Register],
) -> None:
    document = reserve(opened(), claim())
    given = ticket(opened(), document)
    assert (given.document, given.signer, given.files, given.completion) == (document, "head", (PAGE, DATA), None)
    assert (given.made_at, given.expires_at) == (AT, AT + HOUR)
    assert opened().ticket(given.id) == opened().open_ticket(document, "head", AT) == given


def test_a_ticket_is_open_until_it_expires_and_for_its_signer_alone(register: Register) -> None:
    document, other = reserve(register, claim()), reserve(register, claim("d-2"))
    given = ticket(register, document)
    assert register.open_ticket(document, "head", AT + HOUR - timedelta(seconds=1)) == given
    assert register.open_ticket(document, "head", AT + HOUR) is None
    assert register.open_ticket(document, "official", AT) is None
    assert register.open_ticket(other, "head", AT) is None


def test_while_a_ticket_is_open_no_other_is_given(register: Register) -> None:
    document = reserve(register, claim())
    first = ticket(register, document)
    second = ticket(register, document, at=AT + HOUR - timedelta(seconds=1))
    assert second == first
    assert ticket(register, document, at=AT + HOUR).id != first.id


def test_an_unknown_ticket_is_none(register: Register) -> None:
    assert register.ticket("none") is None


def test_an_issued_document_gets_no_ticket(register: Register) -> None:
    document = issued(register, claim())
    with pytest.raises(AlreadyIssued, match=document.number):
        ticket(register, document)


def test_a_document_is_issued_and_its_ticket_used_at_once(register: Register) -> None:
    given = ticket(register, reserve(register, claim()))
    completion = Completion(given.id, "digest of the signatures")
    register.record(given.document, [PAGE, DATA], AT, completion)
    found = register.ticket(given.id)
    assert found
    assert (found.completion, found.document.issued) == (completion, True)


def test_whoever_records_second_uses_no_ticket(register: Register) -> None:
    given = ticket(register, reserve(register, claim()))
    first = register.record(given.document, [PAGE], AT)
    assert register.record(given.document, [DATA], AT, Completion(given.id, "digest")) == first
    found = register.ticket(given.id)
    assert found
    assert found.completion is None


def test_the_first_approval_of_a_ticket_stays(register: Register) -> None:
    given = ticket(register, reserve(register, claim()), "official")
    first = Completion(given.id, "first", APPROVAL)
    assert register.approve(given, first, AT).completion == first
    assert register.approve(given, Completion(given.id, "second", DATA), AT).completion == first
    assert dict(register.approvals(given.document)) == {"official": APPROVAL}
    assert not register.by_number(given.document.number).issued


def test_a_document_without_approvals_has_none(register: Register) -> None:
    given = ticket(register, reserve(register, claim()))
    register.record(given.document, [PAGE], AT, Completion(given.id, "digest"))
    assert dict(register.approvals(given.document)) == {}


def test_a_document_is_found_by_its_files_once_it_is_issued(register: Register) -> None:
    given = ticket(register, reserve(register, claim()))
    assert register.by_file(PAGE.sha256) is None
    recorded = register.record(given.document, [PAGE, DATA], AT)
    assert register.by_file(PAGE.sha256) == register.by_file(DATA.sha256) == recorded
    assert register.by_file("0" * 64) is None
