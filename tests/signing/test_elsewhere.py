"""Signatures that came back: what is taken, what is refused, and that a page signed elsewhere is as sealed as any."""

import base64
import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import leaves
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import NATIONAL_GOST, by_gost, rewritten, with_signer
from opinions import by_pyhanko

from qujat.errors import (
    CertificateUntrusted,
    DocumentAltered,
    QujatError,
    SignatureInvalid,
    SignatureRefused,
    TimestampInvalid,
    TimestampUnavailable,
    UnsupportedAlgorithm,
    VerificationError,
)
from qujat.signing import ber, cms, der, elsewhere, pades, received, revision, signeddata
from qujat.signing.signer import _ORDER, one_spelling

DATA = "Шешім № 1".encode()
LEVELS = ["B-B", "B-T"]


@pytest.fixture(scope="module", params=leaves.KINDS)
def head(request, folder, passphrase, person, tmp_path_factory):
    """A head with his key on a machine of his own, P-256 and RSA."""
    return leaves.leaf(tmp_path_factory.mktemp("head"), folder, passphrase, person, kind=request.param)


@pytest.fixture(scope="module")
def ec_head(folder, passphrase, person, tmp_path_factory):
    return leaves.leaf(tmp_path_factory.mktemp("head"), folder, passphrase, person)


@pytest.fixture(scope="module")
def plain(ec_head):
    """What `openssl cms -sign` gives."""
    return ec_head.cms(DATA)


def taken(content, ring, now, level="B-B"):
    return elsewhere.accepted(content, DATA, ring.trust, at=now + timedelta(minutes=1), level=level)


def refused(content, ring, now, error=SignatureRefused, said="", level="B-B"):
    with pytest.raises(error, match=said or None) as raised:
        taken(content, ring, now, level)
    return raised.value.message


WAYS = {
    "der": ((), "DER"),
    "pem": ((), "PEM"),
    "attached": (("-nodetach",), "DER"),
    "indefinite lengths": (("-stream",), "DER"),
    "attached in pieces": (("-nodetach", "-stream"), "PEM"),
    "key identifier": (("-keyid",), "DER"),
    "no wishes of S/MIME": (("-nosmimecap",), "DER"),
    "with the certificate signed": (("-cades",), "DER"),
}


@pytest.mark.parametrize(("options", "form"), WAYS.values(), ids=WAYS)
def test_what_signing_programs_write_is_taken(head, ring, now, options, form):
    found = taken(head.cms(DATA, *options, form=form), ring, now)
    assert found.certificate == head.signer.certificate
    encoded = elsewhere.stamped(found, "B-B", None)
    assert cms.verify_detached(encoded, DATA, ring.trust, plain=True).chain == ring.trust.intermediates


def test_the_way_in_which_it_came_leaves_no_trace(plain, ring, now):
    """One signature, one spelling."""
    written = elsewhere.stamped(taken(plain, ring, now), "B-B", None)
    pem = b"-----BEGIN CMS-----\r\n" + base64.encodebytes(plain) + b"-----END CMS-----\n"
    old = pem.replace(b"CMS", b"PKCS7")
    for other in (pem, old, base64.b64encode(plain), base64.encodebytes(plain), indefinite(plain)):
        assert elsewhere.stamped(taken(other, ring, now), "B-B", None) == written


def indefinite(encoded):
    """The same in BER: the two outer values without a length, as Java's tools write them."""
    kind, wrapped = der.one(encoded).children()
    return b"\x30\x80" + kind.encoded + b"\xa0\x80" + wrapped.content + b"\0\0" + b"\0\0"


def test_openssl_accepts_what_is_written(head, ring, now, run, tmp_path, ca_file):
    for name, stamp in (("B-B", None), ("B-T", ring.timestamper)):
        signed = elsewhere.stamped(taken(head.cms(DATA), ring, now, name), name, stamp)
        (tmp_path / "data").write_bytes(DATA)
        (tmp_path / "data.p7s").write_bytes(signed)
        run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", tmp_path / "data.p7s", "-content",
            tmp_path / "data", "-CAfile", ca_file, "-crl_check_all", "-purpose", "any",
            "-out", tmp_path / "out")  # fmt: skip


def test_two_signatures_in_one_message_are_refused(head, ec_head, ring, now):
    others = ["-signer", str(ec_head.certificate_file), "-inkey", str(ec_head.key_file)]
    refused(head.cms(DATA, *others), ring, now, said="exactly one signature.*came 2")


def test_no_signature_at_all_is_refused(plain, ring, now):
    refused(rewritten(plain, lambda fields: [*fields[:-1], der.tlv(der.SET)]), ring, now, said="came 0")


GOST = {
    "national": NATIONAL_GOST,
    "of Kalkan": ("1.3.6.1.4.1.6801.1.1.1", "1.3.6.1.4.1.6801.1.2.2"),
    "of Russia": ("1.2.643.7.1.1.2.2", "1.2.643.7.1.1.3.2"),
}


@pytest.mark.parametrize(("digest", "signature"), GOST.values(), ids=GOST)
def test_a_signature_by_gost_is_neither_good_nor_bad(plain, ring, now, digest, signature):
    said = refused(by_gost(plain, digest, signature), ring, now, UnsupportedAlgorithm, "GOST")
    assert "nothing was issued" in said


def test_sha1_is_refused_as_what_it_is(head, ring, now):
    (head.folder / "content").write_bytes(DATA)
    weak = subprocess.run(["openssl", "cms", "-sign", "-binary", "-md", "sha1", "-outform", "DER", "-in", "content",
                           "-signer", "certificate.pem", "-inkey", "key.pem"],
                          cwd=head.folder, capture_output=True, check=True).stdout  # fmt: skip
    refused(weak, ring, now, UnsupportedAlgorithm, r"1\.3\.14\.3\.2\.26")


def test_a_signature_of_other_bytes_is_refused_with_what_to_do(head, ring, now):
    for other in (DATA + b" ", sha256(DATA).digest()):
        for options in ((), ("-nodetach",)):
            refused(head.cms(other, *options), ring, now, said="sign the file itself")


def test_an_attached_copy_that_is_not_what_was_signed_is_refused(ec_head, plain, ring, now):
    """Detached and good; but it carries other contents, which somebody might read."""
    attached = ec_head.cms(DATA, "-nodetach")
    other = attached.replace(DATA, DATA[::-1])
    assert other != attached
    refused(other, ring, now, said="other bytes")


def test_a_signature_without_attributes_or_certificate_is_refused(head, ring, now):
    refused(head.cms(DATA, "-noattr"), ring, now, said="without signed attributes")
    refused(head.cms(DATA, "-nocerts"), ring, now, said="certificate in the CMS")


def test_a_signed_attribute_that_nobody_expects_is_named(ec_head, plain, ring, now):
    message = received.read(plain)
    more = signeddata._attribute(der.oid("1.2.840.113549.1.9.52"), der.tlv(der.SEQUENCE))
    for attributes, said in (
        ([*members(message), more], r"came also 1\.2\.840\.113549\.1\.9\.52"),
        ([m for m in members(message) if signeddata.SIGNING_TIME not in m], r"did not come 1\.2\.840\.113549\.1\.9\.5"),
    ):
        chosen = der.set_of(*attributes)
        changed = replace(message, attributes=chosen, signature=ec_head.signer.sign(chosen)).encode()
        refused(changed, ring, now, said=said)


def test_signed_attributes_that_are_none_are_refused(plain, ring, now):
    message = received.read(plain)
    broken = [der.tlv(der.SEQUENCE, der.octets(b"x"), der.tlv(der.SET, der.tlv(der.NULL))), members(message)[0]]
    for more in broken:
        refused(
            replace(message, attributes=der.set_of(*members(message), more)).encode(), ring, now, said="well-formed"
        )


def test_a_signed_attribute_that_nobody_expects_is_not_verified_either(ec_head, plain, ring):
    message = received.read(plain)
    more = signeddata._attribute(der.oid("1.2.840.113549.1.9.52"), der.tlv(der.SEQUENCE))
    chosen = der.set_of(*members(message), more)
    path = (message.signer, *(c.public_bytes(Encoding.DER) for c in ring.trust.intermediates))
    for attributes, accepted in ((message.attributes, True), (chosen, False)):
        value = one_spelling(ec_head.signer.sign(attributes), ec_head.signer.certificate)
        made = replace(message, attributes=attributes, signature=value, certificates=path).encode()
        if accepted:
            assert cms.verify_detached(made, DATA, ring.trust, plain=True)
            continue
        with pytest.raises(DocumentAltered, match="attributes"):
            cms.verify_detached(made, DATA, ring.trust, plain=True)


def members(message):
    return [element.encoded for element in der.one(message.attributes).children()]


def test_a_signing_certificate_that_names_another_is_refused(ec_head, ring, now):
    message = received.read(ec_head.cms(DATA, "-cades"))
    other = signeddata._signing_certificate(ring.signer.certificate.public_bytes(Encoding.DER))
    kept = [m for m in members(message) if signeddata.SIGNING_CERTIFICATE not in m]
    chosen = der.set_of(*kept, signeddata._attribute(signeddata.SIGNING_CERTIFICATE, other))
    changed = replace(message, attributes=chosen, signature=ec_head.signer.sign(chosen)).encode()
    refused(changed, ring, now, DocumentAltered, "another certificate")


def test_a_signature_by_another_key_is_invalid(plain, ring, now):
    message = received.read(plain)
    forged = replace(message, signature=ring.signer.sign(message.attributes)).encode()
    refused(forged, ring, now, SignatureInvalid)


def test_a_signer_of_another_authority_is_untrusted(new_pki, passphrase, person, ring, now, tmp_path):
    foreign, _ = new_pki()
    stranger = leaves.leaf(tmp_path / "stranger", foreign, passphrase, person)
    refused(stranger.cms(DATA), ring, now, CertificateUntrusted)
    refused(stranger.cms(DATA, "-certfile", str(foreign / "issuing.pem")), ring, now, CertificateUntrusted)


def test_certificates_that_came_beside_are_left_out(ec_head, plain, ring, now, folder):
    more = ec_head.cms(DATA, "-certfile", str(folder / "root.pem"))
    written = elsewhere.stamped(taken(more, ring, now), "B-B", None)
    held = signeddata.parse(written).certificates
    assert held == signeddata.parse(elsewhere.stamped(taken(plain, ring, now), "B-B", None)).certificates
    assert len(held) == 2


def with_token(encoded, ring, times=1):
    stamped = cms.stamped(elsewhere_frame(encoded), ring.timestamper)
    if times == 1:
        return stamped
    return with_signer(stamped, lambda f: [*f[:-1], der.tlv(0xA1, *[e.encoded for e in der.one(f[-1]).children()] * 2)])


def elsewhere_frame(encoded):
    return replace(received.read(encoded), content=None).encode()


def test_a_timestamp_that_came_with_it_is_kept(plain, ring, now):
    stamped = with_token(plain, ring)
    found = taken(stamped, ring, now, "B-T")
    assert elsewhere.stamped(found, "B-T", None) == elsewhere.stamped(found, "B-T", ring.timestamper)
    assert found.message.token == signeddata.parse(stamped).token


def test_a_timestamp_of_another_signature_is_refused(ec_head, plain, ring, now):
    other = signeddata.parse(with_token(ec_head.cms(b"other"), ring)).token
    moved = replace(signeddata.parse(elsewhere_frame(plain)), token=other).encode()
    refused(moved, ring, now, TimestampInvalid, level="B-T")


def test_a_timestamp_that_cannot_be_kept_or_checked_says_what_to_do(plain, ring, now):
    refused(with_token(plain, ring), ring, now, said="tsaProfile", level="B-B")
    refused(with_token(plain, ring, times=2), ring, now, said="at most one timestamp", level="B-T")
    token = signeddata.parse(with_token(plain, ring)).token
    gost = token.replace(der.oid("1.2.840.10045.4.3.2"), der.oid("1.2.398.3.10.1.1.2"))
    changed = replace(signeddata.parse(elsewhere_frame(plain)), token=gost).encode()
    refused(changed, ring, now, UnsupportedAlgorithm, "this office adds its own", level="B-T")


def test_without_an_authority_nothing_is_stamped(plain, ring, now):
    with pytest.raises(TimestampUnavailable, match="prepared for a timestamp"):
        elsewhere.stamped(taken(plain, ring, now, "B-T"), "B-T", None)


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"M",
        b"M\xff",
        b"\x30\x80",
        b"\x30\x80" * 60,
        b"\x30\x03\x02\x01\x01",
        b"-----BEGIN CMS-----\n!\n-----END CMS-----",
    ],
)
def test_what_is_no_cms_is_refused(ring, now, junk):
    refused(junk, ring, now)


def test_a_message_that_is_too_large_is_not_read(ring, now, monkeypatch):
    monkeypatch.setattr(received, "LARGEST", 100)
    refused(b"0" * 101, ring, now, said="detached")


@settings(max_examples=300, derandomize=True, deadline=None)
@given(how=st.data())
def test_a_damaged_message_is_refused_or_is_the_very_same_signature(ring, plain, now, how):
    """What nobody signed may differ (the frame is written anew); what was signed may not."""
    at = how.draw(st.integers(0, len(plain) - 1))
    junk = how.draw(st.binary(min_size=1, max_size=4))
    kind = how.draw(st.sampled_from(["replace", "cut", "append", "insert", "remove"]))
    changed = {
        "replace": plain[:at] + junk + plain[at + len(junk) :],
        "cut": plain[:at],
        "append": plain + junk,
        "insert": plain[:at] + junk + plain[at:],
        "remove": plain[:at] + plain[at + len(junk) :],
    }[kind]
    try:
        found = taken(changed, ring, now)
    except QujatError:
        return
    assert elsewhere.stamped(found, "B-B", None) == elsewhere.stamped(taken(plain, ring, now), "B-B", None)


@pytest.mark.parametrize(
    ("encoded", "wanted"),
    [
        ("3080020101 0000", "3003020101"),
        ("308103020101", "3003020101"),
        ("2480 040101 040102 0000", "04020102"),
        ("2406 040101 040102", "04020102"),
        ("a080 3080 0500 0000 0000", "a0043002 0500"),
        ("30840000000302 0101", "3003020101"),
    ],
)
def test_ber_becomes_der(encoded, wanted):
    assert ber.to_der(bytes.fromhex(encoded)) == bytes.fromhex(wanted)
    assert ber.to_der(bytes.fromhex(wanted)) == bytes.fromhex(wanted)


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "30",
        "3003",
        "300302010100",
        "0480",
        "3080020101",
        "1f0100",
        "30820001",
        "3002020101",
        "24030201 01",
        "30023080 0000",
        "3080" * 5000,
        "308900000000000000000100",
    ],
)
def test_what_is_no_ber_is_refused(encoded):
    with pytest.raises(der.DerError):
        ber.to_der(bytes.fromhex(encoded))


# Pages: the place is prepared before, the signature put in after.


@pytest.fixture(scope="module")
def prepared(page, now):
    return {level: pades.prepare(page, at=now, level=level, reason="Шешім", name="№ 1") for level in LEVELS}


@pytest.fixture(scope="module")
def finish(ring, now):
    """Signs a prepared page with a head's key, on his machine, and puts the signature in."""

    def call(whole, signer, *options):
        level, content = elsewhere.level_of(whole), elsewhere.bytes_to_sign(whole)
        signed = signer.cms(content, *options)
        found = elsewhere.accepted(signed, content, ring.trust, at=now + timedelta(minutes=1), level=level)
        stamp = ring.timestamper if level == "B-T" else None
        return elsewhere.in_page(whole, elsewhere.stamped(found, level, stamp), ring.trust, at=now)

    return call


@pytest.fixture(scope="module")
def finished(prepared, finish, ec_head):
    return {level: finish(whole, ec_head) for level, whole in prepared.items()}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("options", [(), ("-cades",)], ids=["plain", "cades"])
def test_a_page_signed_elsewhere_is_verified(prepared, finish, head, ring, page, now, level, options):
    found = pades.verify(finish(prepared[level], head, *options), ring.trust)
    assert (found.page, found.level, found.spelling) == (page, level, "plain")
    assert (found.certificate, found.claimed_at) == (head.signer.certificate, now)
    assert (found.name, found.reason) == ("№ 1", "Шешім")


@pytest.mark.parametrize("level", LEVELS)
def test_foreign_checkers_accept_the_page(prepared, finish, head, ring, run, tmp_path, nss, level):
    (tmp_path / "signed.pdf").write_bytes(finish(prepared[level], head))
    output = run("pdfsig", "-nssdir", f"sql:{nss}", tmp_path / "signed.pdf")
    for expected in ("Signature is Valid", "Total document signed", "Certificate is Trusted", "adbe.pkcs7.detached"):
        assert expected in output
    assert "No syntax or stream encoding errors" in run("qpdf", "--check", tmp_path / "signed.pdf")
    status = by_pyhanko((tmp_path / "signed.pdf").read_bytes(), ring.trust)
    assert status.bottom_line
    assert (status.coverage.name, status.docmdp_ok) == ("ENTIRE_FILE", True)
    assert (status.timestamp_validity is not None) == (level == "B-T")


def test_the_bytes_to_sign_are_those_of_the_byte_range(prepared):
    for whole in prepared.values():
        one, two, three = map(int, re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", whole).groups())
        assert elsewhere.bytes_to_sign(whole) == whole[:one] + whole[two : two + three]


@pytest.mark.parametrize("level", LEVELS)
def test_no_changed_byte_of_the_revision_is_accepted(ring, finished, page, level):
    whole = finished[level]
    for at in range(len(page), len(whole), 7):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 7
        with pytest.raises(VerificationError):
            pades.verify(bytes(changed), ring.trust)


def test_a_timestamp_taken_away_does_not_pass(ring, finished):
    _, _, found = revision.locate(finished["B-T"])
    bare = replace(signeddata.parse(pades._contents(found)), token=None).encode()
    with pytest.raises(DocumentAltered):
        pades.verify(found.filled(bare.hex().encode()), ring.trust)


def test_another_spelling_of_the_frame_does_not_pass(ring, finished):
    """The certificates beside, the other s: what anybody could change without the key."""
    _, _, found = revision.locate(finished["B-B"])
    message = signeddata.parse(pades._contents(found))
    root = ring.trust.anchors[0].public_bytes(Encoding.DER)
    r, s = decode_dss_signature(message.signature)
    for changes in (
        {"certificates": (*message.certificates, root)},
        {"signature": encode_dss_signature(r, _ORDER - s)},
        {"digest_algorithm": signeddata.DIGESTS[1]},
    ):
        with pytest.raises(VerificationError):
            pades.verify(found.filled(replace(message, **changes).encode().hex().encode()), ring.trust)


def test_a_plain_signature_in_a_page_prepared_for_another_does_not_pass(ring, page, now, ec_head):
    """/SubFilter says which kind it is, and is signed."""
    made = revision.compose(page, revision.Claim(now, "x", "x"), 2 * pades.ROOM["B-B"])
    signed = elsewhere.accepted(
        ec_head.cms(elsewhere.bytes_to_sign(made.file)), elsewhere.bytes_to_sign(made.file), ring.trust,
        at=now + timedelta(minutes=1), level="B-B",
    )  # fmt: skip
    with pytest.raises(DocumentAltered):
        elsewhere.in_page(made.file, elsewhere.stamped(signed, "B-B", None), ring.trust, at=now)


def test_what_was_not_prepared_takes_no_signature(page, finished):
    for other in (page, finished["B-B"], b""):
        with pytest.raises(SignatureRefused, match="prepare it again"):
            elsewhere.bytes_to_sign(other)


def test_a_signature_that_does_not_fit_is_refused(prepared, ring, now):
    with pytest.raises(SignatureRefused, match="shorter chain"):
        elsewhere.in_page(prepared["B-B"], b"\x30\x82\xff\xff" + bytes(65535), ring.trust, at=now)
