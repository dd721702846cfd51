"""What was changed, swapped or made by somebody else is never valid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import offices
import pytest
from cases import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from qujat import decision, document, issuing, qr, rendering
from qujat import mark as marks
from qujat.document import Sealed
from qujat.office import Office
from qujat.pipeline import Issued, annul, check, issue, supersede
from qujat.signing import pades, xades


def sent(**changes: object) -> decision.Decision:
    return decision.parse(next(c for c in cases() if c.form.annex == "o20-a05").decision(**changes))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, pki: offices.Pki) -> Office:
    return offices.office_in(tmp_path_factory.mktemp("forgeries"), pki)


@pytest.fixture(scope="module")
def genuine(desk: Office) -> Issued:
    return issue(sent(), desk)


@pytest.fixture(scope="module")
def stranger(desk: Office, tmp_path_factory: pytest.TempPathFactory, pki: offices.Pki) -> Office:
    """An office that trusts the same keys but has never seen the document: it has only the file to go by."""
    return offices.office_in(tmp_path_factory.mktemp("stranger"), pki)


def codes(what: str | bytes, office: Office) -> dict[str, str]:
    return {answer.name: answer.code for answer in check(what, office).checks}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_is_never_valid(place: float, bit: int, genuine: Issued, stranger: Office) -> None:
    content = bytearray(genuine.pdf("kk"))
    content[int(place * len(content))] ^= 1 << bit
    assert check(bytes(content), stranger).value == "invalid"


@settings(max_examples=100, deadline=None, derandomize=True)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit_of_the_xml_is_never_valid(place: float, bit: int, genuine: Issued, stranger: Office) -> None:
    content = bytearray(genuine.files[f"{genuine.number}.xml"])
    content[int(place * len(content))] ^= 1 << bit
    assert check(bytes(content), stranger).value == "invalid"


@pytest.mark.parametrize("added", [b"\n", b" ", b"%%EOF\n", b"\x00" * 100, b"1 0 obj\n<<>>\nendobj\n"])
def test_anything_after_the_end_is_never_valid(added: bytes, genuine: Issued, stranger: Office) -> None:
    assert check(genuine.pdf("kk") + added, stranger).value == "invalid"


def test_the_unsigned_page_is_not_signed(genuine: Issued, desk: Office) -> None:
    page = pades.verify(genuine.pdf("kk"), desk.trust).page
    assert check(page, desk).code == "not-signed"


def test_a_genuine_file_is_not_valid_where_the_register_does_not_know_it(genuine: Issued, stranger: Office) -> None:
    verdict = check(genuine.pdf("kk"), stranger)
    assert (verdict.value, verdict.code) == ("indeterminate", "not-registered")


def forged(genuine: Issued, desk: Office, *, mark: str = "", data: object = None, attached: object = None) -> bytes:
    """A page drawn from other data, another attachment or another mark, signed with the genuine key."""
    shown = replace(genuine.document, data=data or genuine.document.data)
    inside = replace(genuine.document, data=attached or genuine.document.data)
    drawn = issuing.drawn(mark or genuine.mark, genuine.document.token)
    page = issuing.unsigned_page(shown, "kk", drawn, document.to_xml(inside.sealed), desk)
    signer = desk.key_ring().signer
    return pades.sign(page, signer, at=desk.clock(), timestamper=desk.timestamper, reason="o20-a05", name="x")


def with_field(genuine: Issued, **fields: object) -> dict[str, object]:
    data = dict(genuine.document.data)
    return data | {"fields": data["fields"] | fields}


def test_the_same_contents_signed_again_are_not_what_was_issued(genuine: Issued, desk: Office, clock: object) -> None:
    later = replace(desk, timestamper=None)
    again = forged(genuine, later)
    assert codes(again, desk)["register"] == "register-differs"


def test_a_page_that_says_other_than_its_data_is_invalid(genuine: Issued, desk: Office) -> None:
    content = forged(genuine, desk, data=with_field(genuine, application_number="999-2026"))
    found = codes(content, desk)
    assert (found["mark"], found["text"], check(content, desk).value) == ("ok", "text-differs", "invalid")


def test_a_swapped_attachment_is_invalid(genuine: Issued, desk: Office) -> None:
    content = forged(genuine, desk, attached=with_field(genuine, application_number="999-2026"))
    found = codes(content, desk)
    assert (found["mark"], found["register"], check(content, desk).value) == (
        "mark-differs",
        "register-differs",
        "invalid",
    )


def test_a_mark_of_another_document_is_invalid(genuine: Issued, desk: Office) -> None:
    other = issue(sent(id="another"), desk)
    content = forged(genuine, desk, mark=other.mark)
    assert (codes(content, desk)["mark"], check(content, desk).value) == ("mark-differs", "invalid")


def test_a_mark_that_somebody_else_signed_is_never_valid(genuine: Issued, desk: Office, tmp_path: Path) -> None:
    foreign = offices.office_in(tmp_path, offices.make_pki(tmp_path / "keys"))
    mark = issue(sent(), foreign).mark
    assert check(mark, desk).value != "valid"


def test_keys_with_the_same_names_are_not_trusted(desk: Office, tmp_path: Path) -> None:
    foreign = offices.office_in(tmp_path, offices.make_pki(tmp_path / "keys", desk.clock()))
    issued = issue(sent(), foreign)
    verdict = check(issued.pdf("kk"), desk)
    assert (verdict.value, verdict.code) == ("invalid", "certificate-untrusted")


def test_another_authority_may_not_sign(desk: Office, genuine: Issued) -> None:
    data = dict(genuine.document.data)
    data["authority"] = data["authority"] | {"bin": "990440001245"}
    assert codes(forged(genuine, desk, data=data, attached=data), desk)["signer"] == "signer-not-entitled"


def test_an_edition_that_was_not_in_force_is_invalid(desk: Office, genuine: Issued) -> None:
    data = dict(genuine.document.data) | {"day": "2026-08-03"}
    assert codes(forged(genuine, desk, data=data, attached=data), desk)["edition-kk"] == "edition-wrong"


def test_a_flipped_digit_of_a_mark_is_never_valid(genuine: Issued, desk: Office) -> None:
    head, _, digits = genuine.mark.partition("#")
    for place in range(0, len(digits), 17):
        digit = str((int(digits[place]) + 1) % 10)
        assert check(f"{head}#{digits[:place]}{digit}{digits[place + 1 :]}", desk).value == "invalid"


def test_annulled_and_superseded_documents_say_so(desk: Office) -> None:
    first, second = issue(sent(id="first"), desk), issue(sent(id="second"), desk)
    supersede(first.number, second.number, "жаңа шешім", desk)
    annul(second.number, "сот шешімі", desk)
    for issued, code in ((first, "superseded"), (second, "annulled")):
        for what in (issued.pdf("kk"), issued.mark, issued.number, issued.files[f"{issued.number}.xml"]):
            verdict = check(what, desk)
            assert (verdict.value, verdict.code) == ("invalid", code)


def test_the_code_under_the_mark_finds_the_document(genuine: Issued, desk: Office) -> None:
    code = marks.short_code(genuine.document.token)
    assert check(code, desk).value == "valid"
    assert check(code.lower().replace("-", " "), desk).value == "valid"


@pytest.mark.parametrize(
    "what",
    [
        b"",
        b"%PDF-",
        b"%PDF-1.7\n%%EOF",
        b"<",
        b"<a/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"\xff" * 99,
        b"PK\x03\x04",
    ],
)
def test_foreign_files_are_invalid_and_never_crash(what: bytes, desk: Office) -> None:
    assert check(what, desk).value == "invalid"


@pytest.mark.parametrize("what", ["", "2026-999999", "https://qujat.example/d/x#1", "http://", "https://" + "a" * 9000])
def test_foreign_numbers_and_marks_are_not_valid_and_never_crash(what: str, desk: Office) -> None:
    assert check(what, desk).value in ("invalid", "indeterminate")


def test_a_verdict_is_no_truth_value(genuine: Issued, desk: Office) -> None:
    with pytest.raises(TypeError, match="three values"):
        bool(check(genuine.mark, desk))


def test_data_survive_their_xml(genuine: Issued) -> None:
    sealed = genuine.document.sealed
    assert document.from_xml(document.to_xml(sealed)) == Sealed(dict(sealed.data), sealed.token, sealed.salt)


def test_the_printed_mark_has_the_measured_side() -> None:
    css = (Path(rendering.TEMPLATES) / "paper" / "v1" / "paper.css").read_text(encoding="utf-8")
    assert f".qr {{ width: {qr.PRINTED_SIDE_MM:g}mm; height: {qr.PRINTED_SIDE_MM:g}mm;" in css


def test_a_stolen_signature_value_does_not_move(genuine: Issued, desk: Office) -> None:
    """The XML of one document with the data of another."""
    other = issue(sent(id="swap"), desk)
    mine, theirs = (i.files[f"{i.number}.xml"] for i in (genuine, other))
    cut = mine.index(b"<ds:Signature") if b"<ds:Signature" in mine else mine.index(b"<Signature")
    head = theirs[: theirs.index(mine[cut : cut + 12])]
    assert check(head + mine[cut:], desk).value == "invalid"
    assert xades.verify(mine, desk.trust).data != xades.verify(theirs, desk.trust).data
