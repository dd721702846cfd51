"""Signed PDFs: second opinions from pyHanko, pdfsig and qpdf; and nothing but what was signed is ever accepted."""

import re
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qujat.errors import (
    CertificateRevoked,
    CertificateUntrusted,
    DocumentAltered,
    EvidenceLapsed,
    NotSigned,
    RenderingError,
    RevocationUnknown,
    SigningError,
    TimestampInvalid,
    VerificationError,
)
from qujat.signing import keys, pades, revision, signeddata
from qujat.signing.acceptance import Policy
from qujat.signing.revision import Claim
from qujat.signing.signer import KeySigner

LEVELS = ["B-B", "B-T"]
SHAPES = ["page", "classic_page"]


@pytest.fixture(scope="module")
def sign(ring, now):
    """Signs a page at a level."""

    def call(page, level="B-B", signer=ring.signer, **changes):
        given = {"at": now, "reason": "Шешім", "name": "Әбдіғали (%%EOF)", **changes}
        return pades.sign(page, signer, timestamper=ring.timestamper if level == "B-T" else None, **given)

    return call


@pytest.fixture(scope="module")
def signed(sign, page, classic_page):
    """One document of each level and shape."""
    shapes = {"page": page, "classic_page": classic_page}
    return {(level, shape): sign(content, level) for level in LEVELS for shape, content in shapes.items()}


def refused(pdf, trust, error=VerificationError, **options):
    with pytest.raises(error) as raised:
        pades.verify(pdf, trust, **options)
    return raised.value


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("level", LEVELS)
class TestEachLevel:
    """Each level, over both forms of cross-reference section."""

    def test_the_page_comes_back_as_it_was_rendered(self, signed, request, ring, now, level, shape):
        page = request.getfixturevalue(shape)
        assert signed[level, shape].startswith(page)
        found = pades.verify(signed[level, shape], ring.trust)
        assert found.page == page
        assert found.level == level
        assert (found.certificate, found.chain) == (ring.signer.certificate, ring.signer.chain)
        assert (found.claimed_at, found.signed_at) == (now, now)
        assert found.timestamp == (now if level == "B-T" else None)
        assert (found.name, found.reason) == ("Әбдіғали (%%EOF)", "Шешім")

    def test_qpdf_finds_nothing_wrong(self, signed, run, tmp_path, level, shape):
        (tmp_path / "signed.pdf").write_bytes(signed[level, shape])
        assert "No syntax or stream encoding errors" in run("qpdf", "--check", tmp_path / "signed.pdf")

    def test_pdfsig_calls_it_valid_whole_and_trusted(self, signed, run, tmp_path, nss, level, shape):
        (tmp_path / "signed.pdf").write_bytes(signed[level, shape])
        output = run("pdfsig", "-no-ocsp", "-nssdir", f"sql:{nss}", tmp_path / "signed.pdf")
        for expected in ("Signature is Valid", "Total document signed", "Certificate is Trusted", "SHA-256"):
            assert expected in output
        assert "ETSI.CAdES.detached" in output
        assert output.count("Signature #") == 1

    def test_pyhanko_accepts_it_in_every_respect(self, signed, ring, der_of, level, shape):
        status = by_pyhanko(signed[level, shape], ring, der_of)
        assert status.bottom_line
        assert status.coverage.name == "ENTIRE_FILE"
        assert status.docmdp_ok
        assert status.trusted
        assert (status.timestamp_validity is not None) == (level == "B-T")
        if level == "B-T":
            assert status.timestamp_validity.valid
            assert status.timestamp_validity.trusted

    def test_openssl_accepts_the_message_in_it(self, signed, run, tmp_path, ca_file, level, shape):
        _, _, found = revision.locate(signed[level, shape])
        whole = signed[level, shape]
        (tmp_path / "data").write_bytes(whole[: found.contents - 1] + whole[found.contents + found.room + 1 :])
        (tmp_path / "cms").write_bytes(pades._contents(found))
        run("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", tmp_path / "cms", "-content",
            tmp_path / "data", "-CAfile", ca_file, "-crl_check_all", "-out", tmp_path / "out")  # fmt: skip

    def test_everything_but_the_signature_is_covered(self, signed, level, shape):
        whole = signed[level, shape]
        start, first, second, last = map(int, re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", whole).groups())
        assert start == 0
        assert whole[first : first + 1] == b"<"
        assert whole[second - 1 : second] == b">"
        assert second - first == pades.ROOM[level] + 2
        assert second + last == len(whole)


def by_pyhanko(pdf, ring, der_of):
    from asn1crypto import crl as asn1_crl
    from asn1crypto import x509 as asn1_x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    def context():
        return ValidationContext(
            trust_roots=[asn1_x509.Certificate.load(der_of(c)) for c in ring.trust.anchors],
            crls=[asn1_crl.CertificateList.load(c.public_bytes(Encoding.DER)) for c in ring.trust.crls],
            allow_fetching=False,
            revocation_mode="require",
        )

    (embedded,) = PdfFileReader(BytesIO(pdf)).embedded_signatures
    return validate_pdf_signature(embedded, context(), ts_validation_context=context())


def test_signing_twice_gives_the_same_bytes(sign, page):
    assert sign(page) == sign(page)


def test_the_widget_shows_nothing_and_prints(sign, page):
    """PDF/A-3 6.3.2: print set, nothing hidden. A widget without area needs no appearance (6.3.3)."""
    added = sign(page)[len(page) :]
    assert b"/F 132/Rect [0 0 0 0]" in added
    assert b"/AP" not in added


def test_links_of_the_first_page_survive(sign, page, ring):
    from pyhanko.pdf_utils.reader import PdfFileReader

    kids = PdfFileReader(BytesIO(sign(page))).root["/Pages"]["/Kids"]
    assert [str(a.get_object()["/Subtype"]) for a in kids[0]["/Annots"]] == ["/Link", "/Widget"]
    assert str(kids[0]["/Tabs"]) == "/S"
    assert "/Annots" not in kids[1]


def test_a_page_without_annotations_gets_its_first(sign, page, ring):
    from weasyprint import HTML

    plain = HTML(string="<html lang=kk><title>x</title><p>x").write_pdf(pdf_identifier=True)
    assert pades.verify(sign(plain), ring.trust).page == plain


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=250, derandomize=True, deadline=None)
@given(how=st.data())
def test_no_damaged_document_is_accepted(ring, signed, level, how):
    whole = signed[level, "page"]
    at = how.draw(st.integers(0, len(whole) - 1))
    junk = how.draw(st.binary(min_size=1, max_size=8))
    kind = how.draw(st.sampled_from(["bit", "byte", "cut", "append", "insert", "remove", "prepend"]))
    changed = {
        "bit": whole[:at] + bytes([whole[at] ^ 1 << how.draw(st.integers(0, 7))]) + whole[at + 1 :],
        "byte": whole[:at] + bytes([(whole[at] + how.draw(st.integers(1, 255))) % 256]) + whole[at + 1 :],
        "cut": whole[:at],
        "append": whole + junk,
        "insert": whole[:at] + junk + whole[at:],
        "remove": whole[:at] + whole[at + len(junk) :],
        "prepend": junk + whole,
    }[kind]
    refused(changed, ring.trust)


@pytest.mark.parametrize("level", LEVELS)
def test_no_changed_byte_of_the_revision_is_accepted(ring, signed, page, level):
    """Every byte that a signature adds, the padding included."""
    whole = signed[level, "page"]
    for at in range(len(page), len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 7
        refused(bytes(changed), ring.trust)


def test_upper_case_digits_are_not_accepted(ring, signed):
    whole = signed["B-B", "page"]
    _, _, found = revision.locate(whole)
    digits = found.hexadecimal()
    refused(whole.replace(digits, digits.upper()), ring.trust, DocumentAltered)


def test_junk_after_the_end_is_not_accepted(ring, signed):
    for junk in (b"\n", b" ", b"%", b"%%EOF\n", b"\0" * 100):
        refused(signed["B-B", "page"] + junk, ring.trust, DocumentAltered)


def test_a_further_revision_is_not_accepted_whatever_is_in_it(ring, signed):
    from pyhanko.pdf_utils.generic import NameObject, pdf_string
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    for level in LEVELS:
        writer = IncrementalPdfFileWriter(BytesIO(signed[level, "page"]))
        writer.root[NameObject("/Lang")] = pdf_string("ru")
        writer.update_root()
        out = BytesIO()
        writer.write(out)
        refused(out.getvalue(), ring.trust, DocumentAltered)


def test_a_second_signature_is_not_accepted_nor_made(ring, sign, signed):
    with pytest.raises(RenderingError):
        sign(signed["B-B", "page"])
    twice = signed["B-B", "page"] + signed["B-T", "page"]
    refused(twice, ring.trust, DocumentAltered)


def test_a_genuine_signature_by_another_program_is_not_one_of_ours(ring, page, now, der_of):
    """The right key, the right page, every checker content: but not in the sealed shape."""
    from asn1crypto import x509 as asn1_x509
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import PdfSignatureMetadata, signers
    from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
    from pyhanko.sign.signers.pdf_cms import Signer as PyhankoSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    class Ours(PyhankoSigner):
        async def async_sign_raw(self, data, digest_algorithm, dry_run=False):
            return ring.signer.sign(data)

    others = SimpleCertificateStore()
    others.register(asn1_x509.Certificate.load(der_of(ring.signer.chain[0])))
    signer = Ours(signing_cert=asn1_x509.Certificate.load(der_of(ring.signer.certificate)), cert_registry=others)
    metadata = PdfSignatureMetadata(
        field_name="S", subfilter=SigSeedSubFilter.PADES, certify=True, docmdp_permissions=MDPPerm.NO_CHANGES,
        md_algorithm="sha256",
    )  # fmt: skip
    signed = signers.sign_pdf(IncrementalPdfFileWriter(BytesIO(page)), metadata, signer).getvalue()
    assert by_pyhanko(signed, ring, der_of).bottom_line
    refused(signed, ring.trust, DocumentAltered)


def test_a_page_swapped_under_a_genuine_signature_is_not_accepted(ring, signed, page):
    """The attachment's bytes changed, the length kept."""
    whole = signed["B-B", "page"]
    at = whole.index(b"endstream") - 3
    changed = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
    refused(changed, ring.trust, DocumentAltered)


def test_a_gap_in_the_byte_range_is_not_accepted_even_if_the_key_signed_it(ring, page, now):
    """A signer who leaves a gap (a hidden place for later content) does not get a document that verifies."""
    prepared = revision.compose(page, Claim(now, "x", "x"), pades.ROOM["B-B"])
    marker = b"/ByteRange [0 %d %d" % (prepared.contents - 1, prepared.contents + prepared.room + 1)
    wider = b"/ByteRange [0 %d %d" % (prepared.contents - 1, prepared.contents + prepared.room + 2)
    gap = replace(prepared, file=prepared.file.replace(marker, wider))
    assert gap.file != prepared.file
    signature = signeddata.make(gap.digest(), ring.signer)
    refused(gap.filled(signature.hex().encode()), ring.trust, DocumentAltered)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"/P 1/V /1.2", b"/P 2/V /1.2"),
        (b"/F 132", b"/F 130"),
        (b"/Rect [0 0 0 0]", b"/Rect [0 0 9 9]"),
        (b"/SigFlags 3", b"/SigFlags 1"),
        (b"/ETSI.CAdES.detached", b"/adbe.pkcs7.detached"),
        (b"/Perms", b"/Perm5"),
    ],
)
def test_another_shape_is_not_accepted_even_if_the_key_signed_it(ring, page, now, before, after):
    prepared = revision.compose(page, Claim(now, "x", "x"), pades.ROOM["B-B"])
    assert prepared.file.count(before) == 1
    assert len(before) == len(after)
    changed = replace(prepared, file=prepared.file.replace(before, after))
    signature = signeddata.make(changed.digest(), ring.signer)
    refused(changed.filled(signature.hex().encode()), ring.trust, DocumentAltered)


def test_the_room_of_the_other_level_is_not_accepted(ring, page, now):
    prepared = revision.compose(page, Claim(now, "x", "x"), pades.ROOM["B-T"])
    signature = signeddata.make(prepared.digest(), ring.signer)
    refused(prepared.filled(signature.hex().encode()), ring.trust, DocumentAltered)


def test_a_timestamp_taken_away_or_put_in_does_not_pass(ring, signed):
    for level, token in (("B-T", None), ("B-B", _message(signed["B-T", "page"]).token)):
        _, _, found = revision.locate(signed[level, "page"])
        changed = replace(_message(signed[level, "page"]), token=token).encode()
        refused(found.filled(changed.hex().encode()), ring.trust, (DocumentAltered, TimestampInvalid))


def _message(pdf):
    return signeddata.parse(pades._contents(revision.locate(pdf)[2]))


def test_a_signature_moved_to_another_page_does_not_pass(ring, sign, signed, classic_page):
    _, _, mine = revision.locate(signed["B-B", "page"])
    _, _, other = revision.locate(signed["B-B", "classic_page"])
    refused(other.filled(mine.hexadecimal()), ring.trust, DocumentAltered)


def test_an_unsigned_page_is_not_signed(ring, page):
    for content in (page, b"", b"%PDF-1.7\n", b"<xml/>", b"PK\3\4"):
        refused(content, ring.trust, NotSigned)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(junk=st.binary(max_size=300))
def test_junk_is_refused_in_good_order(ring, junk):
    for content in (junk, b"%PDF-1.7\n" + junk, b"%PDF-1.7\n/ByteRange [" + junk + b"startxref\n9\n%%EOF\n"):
        refused(content, ring.trust, (NotSigned, DocumentAltered))


@settings(max_examples=150, derandomize=True, deadline=None)
@given(how=st.data())
def test_only_a_page_that_we_rendered_is_signed(sign, page, classic_page, how):
    """A damaged page is either refused as one, or still has all that a revision refers to."""
    whole = how.draw(st.sampled_from([page, classic_page]))
    at = how.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + how.draw(st.binary(min_size=1, max_size=4)) + whole[at + 2 :]
    try:
        signed = sign(changed)
    except RenderingError:
        return
    assert signed.startswith(changed)


def test_a_document_of_another_pki_with_the_same_names_is_untrusted(ring, new_pki, sign, page):
    _, foreign = new_pki()
    refused(sign(page, signer=foreign.signer), ring.trust, CertificateUntrusted)


def test_a_stamped_document_outlives_its_certificate_and_a_plain_one_does_not(ring, signed, now):
    later = now + timedelta(days=400)
    refused(signed["B-B", "page"], ring.trust, EvidenceLapsed, at=later)
    refused(signed["B-T", "page"], ring.trust, RevocationUnknown, at=later)
    anchored = Policy(tsa_is_anchor=True)
    assert pades.verify(signed["B-T", "page"], ring.trust, at=later, policy=anchored).level == "B-T"


def test_revocation_spoils_what_was_signed_after_it(new_pki, page, now, passphrase):
    folder, own = new_pki()
    keys.revoke(folder, passphrase, at=now + timedelta(minutes=1))
    trust = keys.open_trust(folder)
    options = {"at": now, "reason": "x", "name": "x"}
    stamped = pades.sign(page, own.signer, timestamper=own.timestamper, **options)
    assert pades.verify(stamped, trust, at=now + timedelta(days=1)).signed_at == now
    plain = pades.sign(page, own.signer, timestamper=None, **options)
    refused(plain, trust, EvidenceLapsed, at=now + timedelta(days=1))
    late = keys.open_keys(folder, passphrase, clock=lambda: now + timedelta(minutes=2)).timestamper
    stamped_late = pades.sign(page, own.signer, timestamper=late, **options)
    refused(stamped_late, trust, CertificateRevoked, at=now + timedelta(days=1))


def test_a_chain_that_does_not_fit_is_refused(ring, sign, page, issue):
    many = KeySigner(ring.signer.key, ring.signer.certificate, ring.signer.chain * 1 + ring.trust.anchors * 1)
    long = tuple(issue({}).certificate for _ in range(8))
    assert sign(page, signer=many)
    with pytest.raises(SigningError, match="shorter chain"):
        sign(page, signer=KeySigner(ring.signer.key, ring.signer.certificate, long))


def test_no_error_names_a_person(ring, signed, person, new_pki, sign, page):
    _, foreign = new_pki()
    documents = [sign(page, signer=foreign.signer), signed["B-B", "page"][:-1], signed["B-B", "page"] + b"x", page]
    for document in documents:
        said = refused(document, ring.trust).message
        for secret in (person.iin, person.full_name, person.bin):
            assert secret not in said
