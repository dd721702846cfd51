"""Documents that are signed elsewhere: prepared, handed out under a ticket, and completed with what comes back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import leaves
import offices
import pytest
import verapdf
from leaves import Leaf
from messages import by_gost
from offices import Decision, HandClock, Pki, parsed
from opinions import by_pyhanko

from qujat import handover, pipeline
from qujat.blobs import Memory
from qujat.errors import (
    AlreadyIssued,
    BlobAltered,
    BlobMissing,
    CertificateRevoked,
    CertificateUntrusted,
    DecisionChanged,
    QujatError,
    SignatureRefused,
    SignerNotEntitled,
    TicketExpired,
    TicketUsed,
    TimestampUnavailable,
    UnknownTicket,
    UnsupportedAlgorithm,
)
from qujat.office import Office
from qujat.pipeline import Issued, Prepared, check, complete, issue, prepare, rerender
from qujat.signing import elsewhere, pades
from qujat.signing.keys import Person
from qujat.signing.timestamp import HttpAuthority

Heads = Callable[..., Leaf]


@pytest.fixture(scope="module")
def head(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Leaf:
    """The head of `a_decision()`, with an RSA key on a machine of his own."""
    return leaves.leaf(tmp_path_factory.mktemp("head"), pki.folder, pki.passphrase, offices.head(), kind="rsa")


@pytest.fixture
def another(pki: Pki, tmp_path: Path) -> Heads:
    """Somebody else, or the head with another certificate."""

    def make(person: Person | None = None, **options: object) -> Leaf:
        return leaves.leaf(tmp_path / "another", pki.folder, pki.passphrase, person or offices.head(), **options)

    return make


@pytest.fixture
def desk(office_in_memory: Office) -> Office:
    """An office of one test. It has a key too, which no test here uses."""
    return office_in_memory


def signatures(prepared: Prepared, signer: Leaf, *options: str) -> dict[str, bytes]:
    """What the signer's tool makes of the files of a ticket."""
    return {file.name: signer.cms(file.content, *options) for file in prepared.files}


def one(**changes: object) -> Decision:
    return parsed(languages=["kk"], **changes)


def stored(office: Office) -> set[str]:
    assert isinstance(office.blobs, Memory)
    return set(office.blobs.content)


def nothing_happened(prepared: Prepared, office: Office, before: set[str]) -> None:
    """Nothing was stored, nothing issued, and the ticket is open as it was."""
    assert stored(office) == before
    assert not office.register.by_number(prepared.number).issued
    assert handover.prepared(prepared.ticket, office) == prepared


def refused(
    error: type[QujatError], prepared: Prepared, sent: Mapping[str, bytes], office: Office, said: str | None = None
) -> str:
    before = stored(office)
    with pytest.raises(error, match=said) as raised:
        complete(prepared.ticket, sent, office)
    nothing_happened(prepared, office, before)
    return raised.value.message


@pytest.mark.parametrize("options", [(), ("-cades",), ("-nodetach", "-stream")], ids=["plain", "cades", "attached"])
def test_a_document_signed_elsewhere_checks_as_valid_in_every_way(
    desk: Office, head: Leaf, options: tuple[str, ...]
) -> None:
    prepared = prepare(parsed(), desk)
    issued = complete(prepared.ticket, signatures(prepared, head, *options), desk)
    assert isinstance(issued, Issued)
    assert issued.number == prepared.number == "2026-000001"
    names = [f"{issued.number}.{end}" for end in ("kk.pdf", "ru.pdf", "xml", "xml.p7s", "mark.txt")]
    assert list(issued.files) == names
    for what in [*(issued.files[name] for name in names[:3]), issued.number, issued.mark]:
        verdict = check(what, desk)
        assert (verdict.value, verdict.code) == ("valid", "genuine"), verdict.checks
    assert {page.outcome for page in rerender(issued.number, desk).pages} == {"identical"}
    assert by_pyhanko(issued.pdf("kk"), desk.trust).bottom_line


def test_the_page_is_pdf_a_and_pdf_ua(desk: Office, head: Leaf, tmp_path: Path) -> None:
    prepared = prepare(one(), desk)
    issued = complete(prepared.ticket, signatures(prepared, head), desk)
    (tmp_path / "signed.pdf").write_bytes(issued.pdf("kk"))
    assert verapdf.failures([tmp_path / "signed.pdf"]) == []


def test_it_says_exactly_what_is_to_be_signed(desk: Office) -> None:
    prepared = prepare(parsed(), desk)
    assert [(f.name, f.role, f.language) for f in prepared.files] == [
        ("page.kk", "page", "kk"),
        ("page.ru", "page", "ru"),
        ("data", "data", ""),
    ]
    for file in prepared.files:
        assert file.sha256 == sha256(file.content).hexdigest()
    pages = prepared.files[:2]
    assert list(prepared.reading.values()) == [file.whole for file in pages]
    assert all(file.content == elsewhere.bytes_to_sign(file.whole) for file in pages)


def test_what_waits_is_not_issued_and_checks_as_nothing(desk: Office) -> None:
    prepared = prepare(parsed(), desk)
    assert check(prepared.number, desk).code == "not-issued"
    for content in [*prepared.reading.values(), *(file.content for file in prepared.files)]:
        assert check(content, desk).value == "invalid"


def test_prepared_twice_it_is_the_same_ticket_while_it_is_open(desk: Office, clock: HandClock) -> None:
    prepared = prepare(one(), desk)
    clock.step(minutes=59, seconds=59)
    assert prepare(one(), desk) == prepared
    assert prepared.expires_at == clock.at + timedelta(seconds=1)


def test_after_it_has_expired_there_is_a_new_ticket_under_the_same_number(
    desk: Office, clock: HandClock, head: Leaf
) -> None:
    prepared = prepare(one(), desk)
    clock.step(hours=1)
    before = stored(desk)
    with pytest.raises(TicketExpired, match="prepare the decision again"):
        complete(prepared.ticket, signatures(prepared, head), desk)
    with pytest.raises(TicketExpired):
        handover.prepared(prepared.ticket, desk)
    assert stored(desk) == before
    again = prepare(one(), desk)
    assert (again.number, again.ticket != prepared.ticket) == (prepared.number, True)
    issued = complete(again.ticket, signatures(again, head), desk)
    assert (issued.number, check(issued.pdf("kk"), desk).value) == (prepared.number, "valid")
    with pytest.raises(TicketUsed):
        complete(prepared.ticket, signatures(prepared, head), desk)


def test_the_same_signatures_sent_again_are_the_same_document_even_after_the_ticket(
    desk: Office, clock: HandClock, head: Leaf
) -> None:
    prepared = prepare(one(), desk)
    sent = signatures(prepared, head)
    issued = complete(prepared.ticket, sent, desk)
    clock.step(hours=2)
    assert complete(prepared.ticket, sent, desk) == issued


def test_other_signatures_for_a_used_ticket_are_refused(desk: Office, clock: HandClock, head: Leaf) -> None:
    prepared = prepare(one(), desk)
    issued = complete(prepared.ticket, signatures(prepared, head), desk)
    before = stored(desk)
    for other in (signatures(prepared, head, "-nosmimecap"), {}):
        with pytest.raises(TicketUsed):
            complete(prepared.ticket, other, desk)
    assert stored(desk) == before
    assert issue(one(), desk) == issued


def test_a_ticket_that_nobody_gave_out_is_unknown(desk: Office) -> None:
    prepared = prepare(one(), desk)
    for ticket in ("", "0" * 40, prepared.ticket[:-1], prepared.ticket.upper()):
        with pytest.raises(UnknownTicket):
            complete(ticket, {}, desk)


def test_tickets_cannot_be_guessed_and_are_not_in_the_log(desk: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    prepared = [prepare(one(id=f"d-{n}"), desk) for n in range(3)]
    assert len({p.ticket for p in prepared}) == 3
    assert all(len(p.ticket) == 40 for p in prepared)
    assert not any(p.ticket in caplog.text for p in prepared)


def test_a_changed_or_lost_file_takes_no_signature(desk: Office, head: Leaf) -> None:
    prepared = prepare(one(), desk)
    sent, (page, _) = signatures(prepared, head), prepared.files
    assert isinstance(desk.blobs, Memory)
    kept = desk.blobs.content.pop(page.kept.sha256)
    with pytest.raises(BlobMissing):
        complete(prepared.ticket, sent, desk)
    desk.blobs.content[page.kept.sha256] = kept.replace(b"/P 1/V", b"/P 2/V")
    with pytest.raises(BlobAltered):
        complete(prepared.ticket, sent, desk)
    desk.blobs.content[page.kept.sha256] = kept
    assert isinstance(complete(prepared.ticket, sent, desk), Issued)


def test_every_file_needs_its_signature_and_no_other_comes(desk: Office, head: Leaf) -> None:
    prepared = prepare(one(), desk)
    sent = signatures(prepared, head)
    for wrong in ({}, {"page.kk": sent["page.kk"]}, sent | {"page.ru": b""}, {"page.kk": b"", "Data": b""}):
        refused(SignatureRefused, prepared, wrong, desk, "page.kk, data")


def test_signatures_under_the_name_of_another_file_are_refused(desk: Office, head: Leaf) -> None:
    prepared = prepare(one(), desk)
    sent = signatures(prepared, head)
    said = refused(SignatureRefused, prepared, {"page.kk": sent["data"], "data": sent["page.kk"]}, desk)
    assert said.startswith("page.kk: ")


def test_the_pdf_for_reading_is_not_what_is_signed(desk: Office, head: Leaf) -> None:
    prepared = prepare(one(), desk)
    sent = signatures(prepared, head) | {"page.kk": head.cms(prepared.files[0].whole)}
    refused(SignatureRefused, prepared, sent, desk, "not the PDF that is for reading")


STRANGERS = {
    "another person": (Person("800101300016", "Үлгібаев Ә.", offices.head().bin, "Басқарма"), {}),
    "another authority": (replace(offices.head(), bin="990140000017"), {}),
    "no head": (None, {"roles": leaves.EMPLOYEE}),
}


@pytest.mark.parametrize(("person", "options"), STRANGERS.values(), ids=STRANGERS)
def test_who_may_not_sign_is_refused_before_anything_is_stored(
    desk: Office, another: Heads, person: Person | None, options: dict[str, object]
) -> None:
    prepared = prepare(one(), desk)
    said = refused(SignerNotEntitled, prepared, signatures(prepared, another(person, **options)), desk)
    assert not any(secret in said for secret in ("800101300016", "Үлгібаев", offices.head().iin))


def test_one_wrong_signature_among_right_ones_is_refused(desk: Office, head: Leaf, another: Heads) -> None:
    prepared = prepare(one(), desk)
    stranger = another(replace(offices.head(), iin="800101300016"))
    for name in ("page.kk", "data"):
        sent = signatures(prepared, head) | {name: signatures(prepared, stranger)[name]}
        assert refused(SignerNotEntitled, prepared, sent, desk).startswith(f"{name}: ")


def test_a_certificate_that_has_run_out_is_refused(desk: Office, another: Heads) -> None:
    prepared = prepare(one(), desk)
    late = another(start=timedelta(days=-9), lasting=timedelta(days=1))
    refused(CertificateUntrusted, prepared, signatures(prepared, late), desk, "valid from")


def test_a_certificate_that_was_revoked_is_refused(desk: Office, pki: Pki, another: Heads) -> None:
    from cryptography import x509

    signer = another()
    crl = x509.load_der_x509_crl(leaves.revocation_list(pki.folder, pki.passphrase, signer.signer.certificate))
    trust = replace(desk.trust, crls=(*desk.trust.crls, crl))
    prepared = prepare(one(), desk)
    refused(CertificateRevoked, prepared, signatures(prepared, signer), replace(desk, trust=trust))


def test_two_signatures_in_one_message_are_refused(desk: Office, head: Leaf, another: Heads) -> None:
    prepared, second = prepare(one(), desk), another()
    both = signatures(prepared, head, "-signer", str(second.certificate_file), "-inkey", str(second.key_file))
    refused(SignatureRefused, prepared, both, desk, "exactly one signature")


def test_a_gost_signature_is_neither_good_nor_bad_and_leaves_the_ticket_open(desk: Office, head: Leaf) -> None:
    prepared = prepare(one(), desk)
    sent = signatures(prepared, head)
    refused(UnsupportedAlgorithm, prepared, {name: by_gost(cms) for name, cms in sent.items()}, desk, "GOST")
    assert isinstance(complete(prepared.ticket, sent, desk), Issued)


def test_without_a_timestamp_the_page_is_issued_as_it_was_prepared(desk: Office, head: Leaf) -> None:
    bare = replace(desk, timestamper=None)
    prepared = prepare(one(), bare)
    issued = complete(prepared.ticket, signatures(prepared, head), bare)
    assert isinstance(issued, Issued)
    assert pades.verify(issued.pdf("kk"), desk.trust).level == "B-B"
    assert check(issued.pdf("kk"), desk).value == "valid"


def test_a_page_prepared_for_a_timestamp_waits_until_there_is_one(desk: Office, head: Leaf) -> None:
    prepared = prepare(one(), desk)
    sent = signatures(prepared, head)
    for authority in (None, HttpAuthority("http://127.0.0.1:1/")):
        refused(TimestampUnavailable, prepared, sent, replace(desk, timestamper=authority))
    assert isinstance(complete(prepared.ticket, sent, desk), Issued)


def test_wrong_signatures_are_not_stamped(desk: Office, head: Leaf, another: Heads) -> None:
    """No authority is asked before every signature is known to be the head's."""
    prepared, asked = prepare(one(), desk), []

    class Authority:
        def token(self, digest: bytes) -> bytes:
            asked.append(digest)
            raise TimestampUnavailable("asked")

    stranger = another(replace(offices.head(), iin="800101300016"))
    sent = signatures(prepared, head) | {"data": signatures(prepared, stranger)["data"]}
    refused(SignerNotEntitled, prepared, sent, replace(desk, timestamper=Authority()))
    assert asked == []


def test_what_was_issued_is_not_prepared_again(desk: Office) -> None:
    issued = issue(one(), desk)
    with pytest.raises(AlreadyIssued, match=issued.number):
        prepare(one(), desk)


def test_a_ticket_of_what_was_issued_meanwhile_is_used(desk: Office, head: Leaf) -> None:
    prepared = prepare(one(), desk)
    sent = signatures(prepared, head)
    issued = issue(one(), desk)
    with pytest.raises(TicketUsed):
        complete(prepared.ticket, sent, desk)
    assert desk.register.by_number(issued.number) == issued.document


def test_a_changed_decision_is_not_prepared(desk: Office) -> None:
    prepare(one(), desk)
    with pytest.raises(DecisionChanged):
        prepare(one(number="17"), desk)


def test_a_wrong_decision_gets_no_ticket_and_leaves_nothing_behind(desk: Office) -> None:
    with pytest.raises(QujatError, match="required"):
        prepare(one(fields={}), desk)
    assert stored(desk) == set()
    assert prepare(one(), desk).number == "2026-000001"


def test_who_prepares_needs_no_key_of_a_signer(desk: Office, head: Leaf) -> None:
    from qujat.signing.signer import NotHere

    office = replace(desk, keys=replace(desk.key_ring(), signer=NotHere()))
    prepared = prepare(one(), office)
    assert isinstance(complete(prepared.ticket, signatures(prepared, head), office), Issued)


def test_the_mark_of_the_page_is_the_one_that_was_handed_out(desk: Office, head: Leaf) -> None:
    """Whatever key marks are signed with when the signatures come."""
    from cryptography.hazmat.primitives.asymmetric import ec

    prepared = prepare(one(), desk)
    ring = desk.key_ring()
    rotated = replace(desk, keys=replace(ring, mark_key=ec.generate_private_key(ec.SECP256R1())))
    issued = complete(prepared.ticket, signatures(prepared, head), rotated)
    assert isinstance(issued, Issued)
    assert check(issued.mark, desk).value == check(issued.pdf("kk"), desk).value == "valid"


def test_data_signed_elsewhere_without_their_signature_are_not_signed(desk: Office, head: Leaf) -> None:
    prepared = prepare(one(), desk)
    issued = complete(prepared.ticket, signatures(prepared, head), desk)
    assert isinstance(issued, Issued)
    xml = issued.files[f"{issued.number}.xml"]
    assert check(xml, desk).value == "valid"
    assert check(xml.replace(b"2026-000001", b"2026-000002"), desk).code == "not-signed"
    cms = next(file for file in issued.document.files if file.role == "cms")
    assert isinstance(desk.blobs, Memory)
    other = desk.blobs.put(head.cms(b"other"))
    desk.blobs.content[cms.sha256] = desk.blobs.content[other]
    with pytest.raises(BlobAltered):
        check(xml, desk)


def test_two_who_prepare_at_once_get_one_ticket(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second has seen no ticket, and hands out what it has rendered."""
    first = prepare(one(), desk)
    monkeypatch.setattr(handover, "waiting", lambda decision, office: None)
    assert prepare(one(), desk) == first


def test_two_who_complete_at_once_get_one_document(desk: Office, head: Leaf, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare(one(), desk)
    sent, other = signatures(prepared, head), signatures(prepared, head, "-nosmimecap")
    done: list[object] = []
    store = pipeline.issuing.store

    def overtaken(*given: object) -> object:
        monkeypatch.setattr(pipeline.issuing, "store", store)
        done.append(complete(prepared.ticket, sent, desk))
        return store(*given)

    monkeypatch.setattr(pipeline.issuing, "store", overtaken)
    assert complete(prepared.ticket, other, desk) == done[0]
    assert complete(prepared.ticket, sent, desk) == done[0]
    with pytest.raises(TicketUsed):
        complete(prepared.ticket, other, desk)
