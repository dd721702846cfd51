"""The rules of `ncanode_verdict`, each a question about one signer that is answered from the bytes where possible.

Each rule returns a remark (empty if there is nothing to say) or raises: Failed, or an error of Qujat.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm as NotImplementedHere
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from qujat.errors import CertificateRevoked, QujatError, RevocationUnknown, UnsupportedAlgorithm
from qujat.signing import policy
from qujat.signing.adapters.cmsfacts import SignerFacts, Stamp, hash_of, weak
from qujat.signing.trust import MALFORMED

if TYPE_CHECKING:
    from qujat.signing.adapters.ncanode_verdict import Expected, Told

_SHA256 = "2.16.840.1.101.3.4.2.1"
_RSA = ("1.2.840.113549.1.1.11", "1.2.840.113549.1.1.1")
_ECDSA = ("1.2.840.10045.4.3.2",)
_GOST = "1.2.398.3.10.1.1."  # Kazakhstan's signature algorithms
_SMALLEST_RSA = 2048
# What NCANode of 2026 says of a signer after the signature itself was found good (AdesVerificationService.grade).
_BEYOND_MATHEMATICS = frozenset(
    {"TIMESTAMP_INVALID", "OUT_OF_BOUNDS_NO_POE", "CHAIN_INCOMPLETE", "CERT_REVOKED", "REVOCATION_DATA_MISSING"}
)
_WRONG = frozenset({"SIG_CRYPTO_FAILURE", "CERT_HASH_MISMATCH"})
_MAY_SIGN = frozenset({"CEO", "CAN_SIGN"})


class Failed(QujatError):
    """A rule that is not met: `value` and `code` are those of the check."""

    def __init__(self, value: Literal["invalid", "indeterminate"], code: str, message: str) -> None:
        super().__init__(message)
        self.value = value
        self.code = code


def content(signer: SignerFacts, data: bytes) -> str:
    """The signed digest is that of the bytes that were given out. NCANode may have looked at others."""
    if name := weak(signer.digest_algorithm):
        raise Failed("invalid", "signature-invalid", f"a digest by {name}, which proves nothing")
    computed = hash_of(data, signer.digest_algorithm)
    if computed is None:
        raise UnsupportedAlgorithm(f"a digest by {signer.digest_algorithm}, which is not computed here")
    if computed != signer.message_digest:
        raise Failed("invalid", "document-altered", "the signed digest is of other bytes")
    return ""


def mathematics(signer: SignerFacts, certificate: x509.Certificate, told: Told) -> str:
    """The signature is by the key of the certificate: computed here for RSA and P-256, told for GOST."""
    if not is_gost(signer, certificate):
        _verify(signer, certificate)
        return "checked here"
    if told.signer.status is not None:
        return _told_by_status(told)
    if told.whole or told.whole_without:
        return "told by NCANode"
    if told.without is not None and told.without.valid:
        raise Failed("invalid", "signature-invalid", "the certificate is good and the whole is not: a wrong signature")
    raise Failed("indeterminate", "signature-unproven", "an answer that may be about the certificate or the signature")


def _told_by_status(told: Told) -> str:
    status, reason = told.signer.status, told.signer.sub_indication
    if reason in _WRONG:
        raise Failed("invalid", "signature-invalid", f"NCANode says {reason}")
    if status == "VALID" or reason in _BEYOND_MATHEMATICS:
        return "told by NCANode"
    raise Failed("indeterminate", "signature-unproven", f"NCANode says {status}, {reason}")


def is_gost(signer: SignerFacts, certificate: x509.Certificate) -> bool:
    """Whether only NCANode can check the key. Raises UnsupportedAlgorithm for what neither can, or should."""
    try:
        key = certificate.public_key()
    except (NotImplementedHere, *MALFORMED):
        if signer.signature_algorithm.startswith(_GOST):
            return True
        raise UnsupportedAlgorithm(f"a signature by {signer.signature_algorithm}") from None
    strong = isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SMALLEST_RSA
    if strong or (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        return False
    raise UnsupportedAlgorithm("a key that is too weak, or of a kind that is not used for signing here")


def _verify(signer: SignerFacts, certificate: x509.Certificate) -> None:
    key, algorithm = certificate.public_key(), signer.signature_algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm in _RSA and signer.digest_algorithm == _SHA256:
            return key.verify(signer.signature, signer.signed, padding.PKCS1v15(), SHA256())
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm in _ECDSA:
            return key.verify(signer.signature, signer.signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise Failed("invalid", "signature-invalid", "not by the key of the certificate") from None
    raise UnsupportedAlgorithm(f"a signature by {algorithm} with a digest by {signer.digest_algorithm}")


def timestamp(signer: SignerFacts, told: Told, expected: Expected, now: datetime) -> str:
    """The timestamp is over this very signature, by a pinned authority, at a possible time; NCANode found it sound."""
    stamp = signer.stamp
    if stamp is None:
        if expected.timestamp == "receipt":
            return "none: judged at its receipt"
        raise Failed("indeterminate", "no-timestamp", "no timestamp, and one is required")
    _imprint(stamp, signer.signature)
    earliest = expected.prepared_at - expected.skew if expected.prepared_at else stamp.time
    if not earliest <= stamp.time <= now + expected.skew:
        raise Failed("invalid", "timestamp-invalid", "a time before the document, or ahead")
    _authority(stamp, expected)
    tsp = told.signer.tsp
    if tsp is None:
        raise Failed("indeterminate", "timestamp-unproven", "NCANode does not say that the timestamp is sound")
    if tsp.time != stamp.time or (tsp.hash is not None and tsp.hash.lower() != stamp.imprint.hex()):
        raise Failed("indeterminate", "service-differs", "NCANode speaks of another timestamp")
    return ""


def _imprint(stamp: Stamp, signature: bytes) -> None:
    """RFC 3161 2.4.2: NCANode checks a token's own signature, not that it is of this signature."""
    if name := weak(stamp.algorithm):
        raise Failed("invalid", "timestamp-invalid", f"an imprint by {name}, which proves nothing")
    computed = hash_of(signature, stamp.algorithm)
    if computed is None:
        raise UnsupportedAlgorithm(f"a timestamp's imprint by {stamp.algorithm}, which is not computed here")
    if computed != stamp.imprint:
        raise Failed("invalid", "timestamp-invalid", "the timestamp is of something else")


def _authority(stamp: Stamp, expected: Expected) -> None:
    if stamp.policy not in expected.tsa_policies:
        raise Failed("indeterminate", "timestamp-untrusted", f"a timestamp under the policy {stamp.policy}")
    held = stamp.certificate
    if held is None or hashlib.sha256(held).hexdigest() not in expected.tsa_certificates:
        raise Failed("indeterminate", "timestamp-untrusted", "a timestamp by an authority that is not pinned")
    validity = asn1_x509.Certificate.load(held)["tbs_certificate"]["validity"]
    if not validity["not_before"].native <= stamp.time <= validity["not_after"].native:
        raise Failed("invalid", "timestamp-invalid", "a timestamp outside its authority's validity")


def certificate(
    signer: SignerFacts, certificate: x509.Certificate, told: Told, expected: Expected, moment: datetime
) -> str:
    """The certificate was in force at the moment, not now, and leads to an authority that is known."""
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if (told.certificate.not_before, told.certificate.not_after) != (first, last):
        raise Failed("indeterminate", "service-differs", "NCANode speaks of another certificate")
    if not first <= moment <= last:
        raise Failed("invalid", "certificate-expired", "signed outside the validity of the certificate")
    if not is_gost(signer, certificate):
        if expected.trust is None:
            raise Failed("indeterminate", "chain-unknown", "no trust of our own for this kind of key")
        # The path is looked for together with revocation, which is the next rule's to tell.
        with suppress(CertificateRevoked, RevocationUnknown):
            expected.trust.path(certificate, (), at=moment, purpose="sign")
        return "checked here"
    if not (told.certificate.valid or (told.without is not None and told.without.valid)):
        raise Failed("indeterminate", "chain-unknown", "NCANode does not know the issuer, or judges at another time")
    return "told by NCANode"


def revocation(
    signer: SignerFacts,
    certificate: x509.Certificate,
    told: Told,
    expected: Expected,
    moment: datetime,
    now: datetime,
) -> str:
    """Not revoked at the moment: by our own evidence, or for GOST by an OCSP answer that NCANode relays.

    NCANode does not check who signed an OCSP answer or a CRL, and takes a CRL that it does not hold for a clean one.
    """
    revoked = [r for r in told.certificate.revocations if r.revoked]
    before = [r for r in revoked if r.revocation_time is None or r.revocation_time <= moment]
    if not is_gost(signer, certificate):
        if expected.trust is None:
            raise RevocationUnknown("no evidence of our own for this kind of key, and NCANode does not check its own")
        expected.trust.path(certificate, (), at=moment, purpose="sign")
        if before:
            raise RevocationUnknown("our evidence says good, NCANode says revoked; fetch new evidence and try again")
        return "checked here"
    if before:
        raise Failed("invalid", "certificate-revoked", f"revoked, says {before[0].by}")
    # Revoked only afterwards: good at the moment. A responder need not know a certificate that has run out, and may
    # call it good (RFC 6960 4.4.4).
    good = [r for r in told.certificate.revocations if r.by == "OCSP" and (r.good or r.revoked)]
    if not good or now > certificate.not_valid_after_utc:
        raise RevocationUnknown("no OCSP answer that says good; try again later")
    return "told by NCANode"


def entitled(certificate: x509.Certificate, told: Told, expected: Expected) -> str:
    """The official in person, of the authority, with a key for signing; NCANode must not say otherwise."""
    who = expected.signatory
    policy.entitled(certificate, bin=who.bin, iin=who.iin)
    info, subject = told.certificate, told.certificate.subject
    same = subject is not None and (subject.bin, subject.iin) == (who.bin, who.iin)
    if info.key_usage != "SIGN" or not _MAY_SIGN & set(info.key_user) or not same:
        raise Failed("indeterminate", "service-differs", "NCANode speaks of another holder or another kind of key")
    return ""
