"""Archive cards: built from the register alike every time, checked whoever made them, refused for each defect."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import cards
import offices
import pytest
import verapdf
from cards import MINUTE, ORIGINAL
from hypothesis import given, settings
from hypothesis import strategies as st

from qujat import qr
from qujat.card import building, checking, container, message, qrset, requirements, values
from qujat.card.confirmation import confirmation
from qujat.errors import CardInvalid, CardRefused, DocumentAltered, UnknownDocument, VerificationError
from qujat.office import Office
from qujat.pipeline import Issued, annul, issue
from qujat.renewing import renew
from qujat.signing import cms, signeddata


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, pki: offices.Pki) -> Office:
    return offices.office_in(tmp_path_factory.mktemp("cards"), pki)


@pytest.fixture(scope="module")
def issued(desk: Office) -> Issued:
    return issue(offices.parsed(), desk)


@pytest.fixture(scope="module")
def built(desk: Office, issued: Issued) -> bytes:
    return building.build(issued.number, desk).content


def code(content: bytes, office: Office) -> tuple[str, str]:
    verdict = checking.check(content, office)
    return verdict.value, verdict.code


def card_of(office: Office, *signatures: bytes, original: bytes = ORIGINAL) -> bytes:
    named = [(f"original.txt.{n}.cms", cms_) for n, cms_ in enumerate(signatures, 1)]
    return cards.card([("original.txt", original), *named], office)


# Building


def test_the_first_file_is_the_data_as_issued_and_the_next_its_signature(built: bytes, issued: Issued) -> None:
    original, signature = container.attachments(built)
    assert (original.name, original.content) == (f"{issued.number}.xml", issued.files[f"{issued.number}.xml"])
    assert values.removed(signature.content) == issued.files[f"{issued.number}.xml.p7s"]


def test_the_signature_in_a_card_has_everything_that_the_card_asks_for(built: bytes, issued: Issued) -> None:
    read = message.read(container.attachments(built)[1].content)
    assert read.content is None
    assert read.signer is not None
    assert len(read.tokens) == 1
    (ocsp,) = values.found_in(read).ocsps
    assert ocsp in values.beside(read).ocsps


def test_a_card_of_ours_is_valid(built: bytes, desk: Office) -> None:
    verdict = checking.check(built, desk)
    assert (verdict.value, verdict.code) == ("valid", "card-trusted")
    assert {check.name for check in verdict.checks} == {
        "container",
        "signature-1",
        "evidence-1",
        "order",
        "document",
    }


def test_the_same_document_gives_the_same_card(built: bytes, desk: Office, issued: Issued) -> None:
    later = replace(desk, clock=lambda: desk.clock() + timedelta(days=1))
    assert building.build(issued.number, later).content == built


def test_a_card_is_pdf_a_3_and_pdf_ua(built: bytes, tmp_path: Path) -> None:
    path = tmp_path / "card.pdf"
    path.write_bytes(built)
    assert verapdf.failures([path]) == []


def test_the_pages_say_in_both_languages_that_they_have_no_legal_force(built: bytes) -> None:
    from qujat import pagetext

    first = " ".join(pagetext.read(built).pages[0].split())
    assert "Осы беттердің заңдық күші жоқ" in first
    assert "Эти страницы не имеют юридической силы" in first


def test_the_qr_codes_of_the_pages_give_back_the_signature(built: bytes) -> None:
    assert qrset.rebuilt(qr.read_page(built)) == {1: container.attachments(built)[1].content}


def test_every_page_of_the_contents_is_where_it_is_said_to_be(built: bytes) -> None:
    from qujat import pagetext

    pages = pagetext.read(built).pages
    lines = [line.split() for line in pages[0].splitlines() if line.startswith("1-қолтаңба:")]
    facts, codes = (int(words[-1]) for words in lines)
    assert "1-ҚОЛТАҢБА" in pages[facts - 1]
    assert "QR-кодтарда" in pages[codes - 1]


@pytest.mark.parametrize("without", [("revocation",), ("revocation", "timestamper")], ids=["B-T", "B-B"])
def test_a_document_without_evidence_is_refused_with_what_to_do(desk: Office, without: tuple[str, ...]) -> None:
    less = replace(desk, **dict.fromkeys(without))  # type: ignore[arg-type]
    number = issue(offices.parsed(id=f"less-{len(without)}"), less).number
    missing = "timestamp" if "timestamper" in without else "revocation-values"
    with pytest.raises(CardRefused, match=rf"(?s){missing}.*level = .B-LTA"):
        building.build(number, desk)


def test_a_document_renewed_later_still_has_a_card(desk: Office) -> None:
    number = issue(offices.parsed(id="renewed"), desk).number
    before = building.build(number, desk)
    renew(number, desk)
    after = building.build(number, desk)
    assert after.content != before.content
    assert code(after.content, desk) == code(before.content, desk) == ("valid", "card-trusted")


def test_only_issued_documents_have_a_card(desk: Office) -> None:
    with pytest.raises(UnknownDocument):
        building.build("2026-777777", desk)


def test_signatures_stand_in_the_order_of_their_timestamps(desk: Office) -> None:
    late, early = cards.fit(desk, after=MINUTE), cards.fit(desk)
    found = building.fitting(container.Attached("original.txt", ORIGINAL), [late, early], desk)
    assert [one.file.content for one in found] == [early, late]
    assert [one.sign_id for one in found] == [1, 2]


# Checking what strangers hand in


def test_a_card_of_somebody_else_is_valid_by_its_signatures_alone(desk: Office) -> None:
    verdict = checking.check(card_of(desk, cards.fit(desk), cards.fit(desk, after=MINUTE)), desk)
    assert (verdict.value, verdict.code) == ("valid", "card-trusted")
    assert len(verdict.document["signatures"]) == 2


def test_an_original_of_ours_that_no_register_knows_is_open(built: bytes, pki: offices.Pki) -> None:
    assert code(built, offices.office_in_memory(pki)) == ("indeterminate", "not-registered")


def test_a_card_of_an_annulled_document_says_so(desk: Office) -> None:
    number = issue(offices.parsed(id="annulled"), desk).number
    content = building.build(number, desk).content
    annul(number, "сот шешімі", desk)
    assert code(content, desk) == ("invalid", "annulled")


def test_signatures_in_the_wrong_order_are_invalid(desk: Office) -> None:
    content = card_of(desk, cards.fit(desk, after=MINUTE), cards.fit(desk))
    assert code(content, desk) == ("invalid", "card-order")


def test_a_missing_original_is_invalid(desk: Office) -> None:
    assert code(cards.card([("1.cms", cards.fit(desk))], desk), desk) == ("invalid", "card-original-missing")
    assert code(cards.card([], desk), desk) == ("invalid", "card-original-missing")


def test_a_card_without_signatures_is_invalid(desk: Office) -> None:
    assert code(card_of(desk), desk) == ("invalid", "card-no-signatures")


def test_a_changed_original_is_invalid(desk: Office) -> None:
    content = card_of(desk, cards.fit(desk), original=ORIGINAL + b" ")
    assert code(content, desk) == ("invalid", "document-altered")


def test_a_signature_of_another_document_makes_the_whole_card_invalid(desk: Office) -> None:
    content = card_of(desk, cards.fit(desk), cards.fit(desk, after=MINUTE, original=b"another"))
    assert code(content, desk) == ("invalid", "document-altered")


@pytest.mark.parametrize(
    ("name", "start"), [("open.EXE", b"text"), ("letter.txt", b"MZ\x90\0"), ("letter.txt", b"#!/bin/sh\n")]
)
def test_an_attached_program_is_invalid(desk: Office, name: str, start: bytes) -> None:
    content = cards.card([(name, start), ("1.cms", cards.fit(desk, original=start))], desk)
    assert code(content, desk) == ("invalid", "card-executable")


@pytest.mark.parametrize("name", ["../1.cms", "", "a\nb.cms", "original.txt", "қ" * 128])
def test_a_name_that_no_file_system_takes_is_invalid(desk: Office, name: str) -> None:
    file = container.Attached(name, b"")
    with pytest.raises(CardInvalid, match="names of files"):
        container._check_name(file.name, ["original.txt"])


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_ocsp_answer_out_of_the_window_is_invalid(desk: Office, minutes: int) -> None:
    late = values.added(cards.signed(desk), cards.answer(desk, after=minutes * MINUTE))
    assert code(card_of(desk, late), desk) == ("invalid", "card-evidence-window")


@pytest.mark.parametrize("minutes", [-5, 5])
def test_an_ocsp_answer_at_the_edge_of_the_window_is_valid(desk: Office, minutes: int) -> None:
    edge = values.added(cards.signed(desk), cards.answer(desk, after=minutes * MINUTE))
    assert code(card_of(desk, edge), desk) == ("valid", "card-trusted")


def test_a_signature_without_revocation_values_is_invalid(desk: Office) -> None:
    assert code(card_of(desk, cards.signed(desk)), desk) == ("invalid", "card-no-revocation-values")


def test_a_signature_without_a_timestamp_is_invalid(desk: Office) -> None:
    bare = cms.sign_detached(ORIGINAL, desk.key_ring().signer, at=desk.clock())
    content = card_of(desk, values.added(bare, cards.answer(desk)))
    assert code(content, desk) == ("invalid", "no-timestamp")


def test_a_timestamp_of_another_signature_is_invalid(desk: Office) -> None:
    mine, other = signeddata.parse(cards.signed(desk)), signeddata.parse(cards.signed(desk, original=b"another"))
    grafted = replace(mine, token=other.token).encode()
    content = card_of(desk, values.added(grafted, cards.answer(desk)))
    assert code(content, desk) == ("invalid", "timestamp-invalid")


@pytest.mark.parametrize("content", [b"", b"no PDF", b"%PDF-1.7\n", b"PK\x03\x04"])
def test_bytes_that_are_no_pdf_are_invalid(desk: Office, content: bytes) -> None:
    assert code(content, desk) == ("invalid", "card-not-pdf")


def test_a_pdf_whose_streams_unpack_to_gigabytes_is_refused(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "MAX_UNPACKED", 1_000_000)
    content = cards.card([("original.txt", bytes(2_000_000))], desk)
    assert code(content, desk) == ("invalid", "card-not-pdf")


def test_a_list_whose_window_covers_the_timestamp_confirms_too(desk: Office, pki: offices.Pki) -> None:
    now = desk.clock()
    whole = cards.lists(pki, now - MINUTE, now + MINUTE)
    assert code(card_of(desk, values.added(cards.signed(desk), whole)), desk) == ("valid", "card-trusted")


def test_a_list_of_another_time_is_invalid(desk: Office, pki: offices.Pki) -> None:
    now = desk.clock()
    old = cards.lists(pki, now - 3 * MINUTE, now - 2 * MINUTE)
    assert code(card_of(desk, values.added(cards.signed(desk), old)), desk) == ("invalid", "card-evidence-window")


@pytest.fixture
def with_deltas(desk: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The office's signer as if his certificate named delta lists (freshestCRL)."""
    from qujat.card import confirmation as module

    monkeypatch.setattr(module, "issues_deltas", lambda certificate: True)
    return desk


def test_an_authority_with_delta_lists_wants_one_beside_the_list(with_deltas: Office, pki: offices.Pki) -> None:
    office, now = with_deltas, with_deltas.clock()
    signer, (issuer,) = office.key_ring().signer.certificate, office.trust.intermediates
    whole = cards.lists(pki, now - MINUTE, now + MINUTE, number=7)
    with pytest.raises(CardInvalid, match="delta"):
        confirmation(whole, signer, issuer, now)
    delta = cards.lists(pki, now - MINUTE, now + MINUTE, number=8, over=7)
    assert confirmation(whole | delta, signer, issuer, now).values == whole | delta
    newer = cards.lists(pki, now - MINUTE, now + MINUTE, number=9, over=8)
    with pytest.raises(CardInvalid, match="delta"):
        confirmation(whole | newer, signer, issuer, now)


def test_an_unknown_timestamp_authority_is_invalid(desk: Office, tmp_path: Path) -> None:
    other = offices.office_in_memory(offices.make_pki(tmp_path / "other"))
    foreign = replace(desk, timestamper=other.timestamper)
    content = card_of(desk, values.added(cards.signed(foreign), cards.answer(desk)))
    assert code(content, desk) == ("invalid", "certificate-untrusted")


def test_gost_is_open_not_invalid(desk: Office) -> None:
    sha, gost = bytes.fromhex("0609608648016503040201"), bytes.fromhex("06092a830e030a01030302")[:11]
    content = card_of(desk, cards.fit(desk).replace(sha, gost.ljust(11, b"\1")))
    assert code(content, desk) == ("indeterminate", "unsupported-algorithm")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_never_breaks_the_check(built: bytes, desk: Office, place: float, bit: int) -> None:
    """The pages are not protected, so a bit may change nothing; then the files are those of before."""
    changed = bytearray(built)
    changed[int(place * len(changed))] ^= 1 << bit
    if checking.check(bytes(changed), desk).value == "valid":
        assert container.attachments(bytes(changed)) == container.attachments(built)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_never_gives_a_signature_another_signer_or_time(fitting: bytes, place: float, bit: int) -> None:
    changed = bytearray(fitting)
    changed[int(place * len(changed))] ^= 1 << bit
    genuine = requirements.read(fitting, ORIGINAL)
    try:
        read = requirements.read(bytes(changed), ORIGINAL)
    except VerificationError:
        return
    assert (read.certificate, read.stamp.time) == (genuine.certificate, genuine.stamp.time)


@pytest.fixture(scope="module")
def fitting(desk: Office) -> bytes:
    return cards.fit(desk)


# The pieces


def test_the_attribute_can_be_taken_out_again(desk: Office) -> None:
    bare = cards.signed(desk)
    assert values.removed(values.added(bare, cards.answer(desk))) == bare
    assert values.removed(bare) == bare


@settings(max_examples=30, deadline=None)
@given(content=st.binary(max_size=5000), sign_id=st.integers(1, 999))
def test_any_signature_comes_back_from_its_codes_in_any_order(content: bytes, sign_id: int) -> None:
    texts = qrset.texts(sign_id, content)
    assert all(len(text) <= qrset.CAPACITY for text in texts)
    assert qrset.rebuilt([*reversed(texts), texts[0]]) == {sign_id: content}


def test_a_code_is_json_with_the_four_names_of_the_format() -> None:
    said = json.loads(qrset.texts(9, b"signature")[0])
    assert {name: said[name] for name in ("signId", "total", "index")} == {"signId": 9, "total": 1, "index": 1}
    assert isinstance(said["data"], str)


def test_a_full_code_has_version_25_and_correction_m() -> None:
    drawing = qr.draw_in("a" * qrset.CAPACITY, qrset.VERSION)
    assert (drawing.version, drawing.modules) == (25, 117)


def test_a_missing_code_is_named() -> None:
    texts = qrset.texts(1, bytes(sha256(str(n).encode()).digest()[0] for n in range(3000)))
    with pytest.raises(DocumentAltered, match="no code 2 of"):
        qrset.rebuilt([texts[0], *texts[2:]])


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"signId":1,"total":1,"index":2,"data":""}', '{"signId":true}'])
def test_other_texts_are_no_codes_of_a_signature(text: str) -> None:
    with pytest.raises(DocumentAltered):
        qrset.rebuilt([text])
