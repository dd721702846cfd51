"""Detached signatures: the same bytes as pyHanko writes, accepted by OpenSSL, and nothing changed ever accepted."""

import asyncio
import base64
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.sign.signers.pdf_cms import CMSSignedAttributes
from pyhanko.sign.signers.pdf_cms import Signer as PyhankoSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from qujat.errors import (
    CertificateUntrusted,
    DocumentAltered,
    SignatureInvalid,
    TimestampInvalid,
    UnsupportedAlgorithm,
    VerificationError,
)
from qujat.signing import cms, der, signeddata, standin
from qujat.signing.signer import _ORDER, low
from qujat.signing.standin import _head_extensions
from qujat.signing.trust import Trust

DATA = "Шешім № 1".encode()
LEVELS = ["B-B", "B-T"]


@pytest.fixture(scope="module")
def signed(ring, now):
    """One signature of each level."""
    return {
        "B-B": cms.sign_detached(DATA, ring.signer, at=now),
        "B-T": cms.sign_detached(DATA, ring.signer, at=now, timestamper=ring.timestamper),
    }


@pytest.mark.parametrize("level", LEVELS)
def test_a_signature_tells_who_signed_and_when(ring, signed, now, level):
    found = cms.verify_detached(signed[level], DATA, ring.trust)
    assert found.level == level
    assert found.certificate == ring.signer.certificate
    assert found.chain == ring.signer.chain
    assert found.claimed_at == now
    assert found.signed_at == now
    assert found.timestamp == (now if level == "B-T" else None)


def test_the_time_is_the_timestamps_rather_than_the_signers(ring, now):
    signed = cms.sign_detached(DATA, ring.signer, at=now - timedelta(hours=3), timestamper=ring.timestamper)
    found = cms.verify_detached(signed, DATA, ring.trust)
    assert (found.signed_at, found.claimed_at) == (now, now - timedelta(hours=3))


def test_signing_twice_gives_the_same_bytes(ring, signed, now):
    assert cms.sign_detached(DATA, ring.signer, at=now) == signed["B-B"]


class Pyhanko(PyhankoSigner):
    """pyHanko's CMS around our raw signature."""

    def __init__(self, signer):
        others = SimpleCertificateStore()
        others.register_multiple([as_asn1(certificate) for certificate in signer.chain])
        super().__init__(signing_cert=as_asn1(signer.certificate), cert_registry=others, embed_roots=False)
        self._ours = signer

    async def async_sign_raw(self, data, digest_algorithm, dry_run=False):
        assert digest_algorithm == "sha256"
        return low(self._ours.sign(data))


class FixedToken(TimeStamper):
    """Gives pyHanko a token that we have."""

    def __init__(self, token):
        super().__init__()
        self._token = token

    async def async_timestamp(self, message_digest, md_algorithm):
        return asn1_cms.ContentInfo.load(self._token)


def as_asn1(certificate):
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def by_pyhanko(signer, digest, *, pades, at=None, token=None):
    async def sign():
        message = await Pyhanko(signer).async_sign(
            digest,
            "sha256",
            use_pades=True,
            is_pdf_sig=pades,
            signed_attr_settings=CMSSignedAttributes(signing_time=at),
            timestamper=FixedToken(token) if token else None,
        )
        return message.dump()

    return asyncio.run(sign())


@pytest.mark.parametrize("level", LEVELS)
def test_pyhanko_writes_the_same_bytes(ring, signed, now, level):
    token = signeddata.parse(signed[level]).token
    assert signed[level] == by_pyhanko(ring.signer, sha256(DATA).digest(), pades=False, at=now, token=token)
    without_time = cms.sign_digest(sha256(DATA).digest(), ring.signer, signing_time=None, timestamper=None)
    assert without_time == by_pyhanko(ring.signer, sha256(DATA).digest(), pades=True)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("cades", [[], ["-cades"]])
def test_openssl_accepts(ring, signed, run, tmp_path, ca_file, level, cades):
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "data.p7s").write_bytes(signed[level])
    output = run("openssl", "cms", "-verify", *cades, "-binary", "-inform", "DER", "-in", tmp_path / "data.p7s",
                 "-content", tmp_path / "data", "-CAfile", ca_file, "-crl_check_all",
                 "-out", tmp_path / "out")  # fmt: skip
    assert "successful" in output
    assert (tmp_path / "out").read_bytes() == DATA


@pytest.mark.parametrize("level", LEVELS)
def test_pem_is_read_too(ring, signed, level):
    lines = base64.encodebytes(signed[level])
    for end in (b"\n", b"\r\n"):
        pem = b"-----BEGIN CMS-----\n" + lines + b"-----END CMS-----\n"
        assert cms.verify_detached(pem.replace(b"\n", end), DATA, ring.trust).level == level
    with pytest.raises(DocumentAltered):
        cms.verify_detached(b"-----BEGIN CMS-----\n!!!\n-----END CMS-----", DATA, ring.trust)


def test_other_data_is_not_what_was_signed(ring, signed):
    for level in LEVELS:
        with pytest.raises(DocumentAltered, match="digest"):
            cms.verify_detached(signed[level], DATA + b" ", ring.trust)


@pytest.mark.parametrize("level", LEVELS)
def test_no_changed_byte_is_accepted(ring, signed, level):
    """Every byte of the message, flipped in one bit, another one for each position."""
    whole = signed[level]
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        with pytest.raises(VerificationError):
            cms.verify_detached(bytes(changed), DATA, ring.trust)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(how=st.data())
def test_no_damaged_message_is_accepted(ring, signed, how):
    whole = signed[how.draw(st.sampled_from(LEVELS))]
    at = how.draw(st.integers(0, len(whole) - 1))
    kind = how.draw(st.sampled_from(["bit", "cut", "append", "insert", "byte", "remove"]))
    junk = how.draw(st.binary(min_size=1, max_size=8))
    changed = {
        "bit": whole[:at] + bytes([whole[at] ^ 1 << how.draw(st.integers(0, 7))]) + whole[at + 1 :],
        "byte": whole[:at] + bytes([(whole[at] + how.draw(st.integers(1, 255))) % 256]) + whole[at + 1 :],
        "cut": whole[:at],
        "append": whole + junk,
        "insert": whole[:at] + junk + whole[at:],
        "remove": whole[:at] + whole[at + len(junk) :],
    }[kind]
    with pytest.raises(VerificationError):
        cms.verify_detached(changed, DATA, ring.trust)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(junk=st.binary(max_size=200))
def test_junk_is_refused_in_good_order(ring, junk):
    with pytest.raises(VerificationError):
        cms.verify_detached(junk, DATA, ring.trust)


def rebuilt(message, **changes):
    return replace(signeddata.parse(message), **changes).encode()


def test_a_timestamp_copied_from_another_signature_is_refused(ring, signed, now):
    other = cms.sign_detached(b"other", ring.signer, at=now, timestamper=ring.timestamper)
    copied = rebuilt(signed["B-B"], token=signeddata.parse(other).token)
    with pytest.raises(TimestampInvalid):
        cms.verify_detached(copied, DATA, ring.trust)


def test_certificates_beyond_the_path_or_missing_from_it_are_refused(ring, signed, issue):
    certificates = signeddata.parse(signed["B-B"]).certificates
    root, stranger = (
        c.public_bytes(Encoding.DER) for c in (ring.trust.anchors[0], issue(_head_extensions()).certificate)
    )
    signer = ring.signer.certificate.public_bytes(Encoding.DER)
    for wrong in ((*certificates, root), (*certificates, stranger), (signer,), (stranger, signer)):
        with pytest.raises(VerificationError):
            cms.verify_detached(rebuilt(signed["B-B"], certificates=wrong), DATA, ring.trust)


def test_the_timestamps_own_message_is_as_strict(ring, signed):
    token = signeddata.parse(signed["B-T"]).token
    root = ring.trust.anchors[0].public_bytes(Encoding.DER)
    wider = rebuilt(token, certificates=(*signeddata.parse(token).certificates, root))
    twice = rebuilt(token, token=token)
    for wrong in (wider, twice):
        with pytest.raises(TimestampInvalid):
            cms.verify_detached(rebuilt(signed["B-T"], token=wrong), DATA, ring.trust)


def test_the_unused_bits_of_a_certificates_signature_cannot_be_changed(ring, signed):
    """Not signed by anybody, and ignored by most: the count of unused bits in a BIT STRING (X.690 8.6)."""
    issuing = ring.signer.chain[0]
    encoded = issuing.public_bytes(Encoding.DER)
    at = len(encoded) - len(issuing.signature) - 1
    changed = encoded[:at] + b"\1" + encoded[at + 1 :]
    message = signeddata.parse(signed["B-B"])
    certificates = tuple(changed if c == encoded else c for c in message.certificates)
    with pytest.raises(VerificationError):
        cms.verify_detached(rebuilt(signed["B-B"], certificates=certificates), DATA, ring.trust)
    with pytest.raises(VerificationError):
        cms.verify_detached(
            rebuilt(signed["B-B"], certificates=certificates), DATA, replace(ring.trust, intermediates=())
        )


def other_spelling(signature):
    """(r, n - s), which verifies wherever (r, s) does."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, _ORDER - s)


def test_the_other_spelling_of_an_ecdsa_signature_is_refused(ring, signed, run):
    message = signeddata.parse(signed["B-T"])
    ring.signer.certificate.public_key().verify(
        other_spelling(message.signature), message.attributes, ec.ECDSA(SHA256())
    )
    forged = rebuilt(signed["B-B"], signature=other_spelling(signeddata.parse(signed["B-B"]).signature))
    with pytest.raises(SignatureInvalid):
        cms.verify_detached(forged, DATA, ring.trust)
    token = rebuilt(message.token, signature=other_spelling(signeddata.parse(message.token).signature))
    with pytest.raises(TimestampInvalid):
        cms.verify_detached(rebuilt(signed["B-T"], token=token), DATA, ring.trust)


def test_the_other_spelling_of_an_intermediate_certificate_is_refused(ring, signed):
    encoded = ring.signer.chain[0].public_bytes(Encoding.DER)
    fields = der.one(encoded).children()
    other = der.tlv(der.BITS, b"\0", other_spelling(ring.signer.chain[0].signature))
    changed = der.tlv(der.SEQUENCE, fields[0].encoded, fields[1].encoded, other)
    x509.load_der_x509_certificate(changed).verify_directly_issued_by(ring.trust.anchors[0])
    message = signeddata.parse(signed["B-B"])
    certificates = tuple(changed if c == encoded else c for c in message.certificates)
    with pytest.raises(DocumentAltered):
        cms.verify_detached(rebuilt(signed["B-B"], certificates=certificates), DATA, ring.trust)


def test_a_signer_or_authority_may_spell_as_it_likes_but_one_spelling_is_written(ring, now):
    class Other:
        certificate, chain = ring.signer.certificate, ring.signer.chain

        def sign(self, data):
            return other_spelling(ring.signer.sign(data))

        def token(self, digest):
            token = ring.timestamper.token(digest)
            return rebuilt(token, signature=other_spelling(signeddata.parse(token).signature))

    signed = cms.sign_detached(DATA, Other(), at=now, timestamper=Other())
    assert cms.verify_detached(signed, DATA, ring.trust).level == "B-T"


def test_a_signature_by_a_key_of_another_certificate_is_invalid(ring, signed, issue):
    other = issue(_head_extensions())
    message = signeddata.parse(signed["B-B"])
    with pytest.raises(SignatureInvalid):
        cms.verify_detached(rebuilt(signed["B-B"], signature=other.sign(message.attributes)), DATA, ring.trust)


def test_a_signer_of_another_pki_with_the_same_names_is_untrusted(ring, new_pki, now):
    _, foreign = new_pki()
    with pytest.raises(CertificateUntrusted):
        cms.verify_detached(cms.sign_detached(DATA, foreign.signer, at=now), DATA, ring.trust)


def test_without_the_signing_certificate_attribute_it_is_not_ours(ring, signed, now):
    """A plain CMS, as `openssl cms -sign` and today's NCALayer make it: RFC 5035 is not met."""
    attributes = [
        signeddata._attribute(signeddata.CONTENT_TYPE, signeddata.DATA),
        signeddata._attribute(signeddata.MESSAGE_DIGEST, der.octets(sha256(DATA).digest())),
        signeddata._attribute(signeddata.SIGNING_TIME, der.utc_time(now)),
    ]
    chosen = der.set_of(*attributes)
    plain = rebuilt(signed["B-B"], attributes=chosen, signature=ring.signer.sign(chosen))
    with pytest.raises(DocumentAltered, match="attributes"):
        cms.verify_detached(plain, DATA, ring.trust)


@pytest.mark.parametrize(
    "missing", [signeddata.CONTENT_TYPE, signeddata.MESSAGE_DIGEST, signeddata.SIGNING_CERTIFICATE]
)
def test_no_signed_attribute_may_be_missing_or_come_twice(ring, signed, missing):
    message = signeddata.parse(signed["B-B"])
    all_of_them = [e.encoded for e in der.one(message.attributes).children()]
    fewer = [e for e in all_of_them if not der.one(e).content.startswith(missing)]
    assert len(fewer) == 3
    for attributes in (fewer, [*all_of_them, next(e for e in all_of_them if e not in fewer)]):
        chosen = der.set_of(*attributes)
        forged = rebuilt(signed["B-B"], attributes=chosen, signature=ring.signer.sign(chosen))
        with pytest.raises(DocumentAltered):
            cms.verify_detached(forged, DATA, ring.trust)


@pytest.mark.parametrize("digest", ["1.3.14.3.2.26", "1.2.840.113549.2.5", "1.2.398.3.10.1.3.3"])
def test_other_digests_are_not_judged(ring, signed, digest):
    """SHA-1, MD5 and GOST 34.11: neither good nor bad, but not for us to say."""
    for parameters in (b"", der.tlv(der.NULL)):
        changed = rebuilt(signed["B-B"], digest_algorithm=der.tlv(der.SEQUENCE, der.oid(digest), parameters))
        with pytest.raises(UnsupportedAlgorithm, match=digest.replace(".", r"\.")):
            cms.verify_detached(changed, DATA, ring.trust)


def test_an_attached_message_is_not_a_detached_signature(ring, now):
    attached = signeddata.make(sha256(DATA).digest(), ring.signer, content=DATA, signing_time=now)
    with pytest.raises(DocumentAltered):
        cms.verify_detached(attached, DATA, ring.trust)


def test_an_rsa_signer_is_verified_too(ring, folder, passphrase, now):
    """Heads of authorities hold RSA keys of the NCA: what a token signed elsewhere is read the same way."""
    key = rsa.generate_private_key(65537, 2048)
    issuing = ring.trust.intermediates[0]
    builder = (
        x509.CertificateBuilder()
        .subject_name(ring.signer.certificate.subject)
        .issuer_name(issuing.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    for extension, critical in _head_extensions().items():
        builder = builder.add_extension(extension, critical=critical)
    certificate = builder.sign(standin.load_key(folder / "issuing.key.pem", passphrase), SHA256())
    from pyhanko.sign.signers.pdf_cms import SimpleSigner

    others = SimpleCertificateStore()
    others.register(as_asn1(issuing))
    signer = SimpleSigner(
        signing_cert=as_asn1(certificate), signing_key=_asn1_key(key), cert_registry=others, embed_roots=False
    )

    async def sign():
        message = await signer.async_sign_general_data(
            DATA, "sha256", use_cades=True, signed_attr_settings=CMSSignedAttributes(signing_time=now)
        )
        return message.dump()

    signed = asyncio.run(sign())
    assert cms.verify_detached(signed, DATA, ring.trust).certificate == certificate
    changed = bytearray(signed)
    changed[-1] ^= 1
    with pytest.raises(SignatureInvalid):
        cms.verify_detached(bytes(changed), DATA, ring.trust)


def _asn1_key(key):
    from asn1crypto import keys as asn1_keys
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    return asn1_keys.PrivateKeyInfo.load(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def test_an_empty_trust_trusts_nobody(signed):
    with pytest.raises(CertificateUntrusted):
        cms.verify_detached(signed["B-B"], DATA, Trust(()))
