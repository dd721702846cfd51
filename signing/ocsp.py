"""Answers to "was this certificate revoked?" (OCSP, RFC 6960): how they are asked for, and when they are believed.

`read` believes an answer only if the certificate's issuer signed it, or one to whom the issuer gave that right: a
certificate issued by the very same issuer, with extended key usage OCSPSigning and with id-pkix-ocsp-nocheck (RFC 6960
4.2.2.2), so that the question of who vouches for the responder ends there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha1, sha256
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm as NotImplementedHere
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from qujat.signing import der
from qujat.signing.signer import SMALLEST_RSA

# An answer that names no next update is good for this long: what the archive card allows between a timestamp and the
# answer about its signer's certificate.
WINDOW = timedelta(minutes=5)

_MALFORMED = (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion)
_DIGESTS = {"sha1": sha1, "sha256": sha256}


class NoAnswer(ValueError):
    """An OCSP response that says nothing of this certificate, or not with the right to say it."""


class Answer(NamedTuple):
    """What an issuer says of one certificate. `last` is the end of the time that it speaks of."""

    first: datetime
    last: datetime
    revoked_at: datetime | None
    reason: x509.ReasonFlags | None


def read(encoded: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> Answer:
    """What an OCSP response in DER says of `certificate`, by the word of its issuer. Raises NoAnswer."""
    try:
        response = load(encoded)
        single = _single(response)
        _check_subject(single, certificate, issuer)
        _check_responder(response, issuer)
    except NotImplementedHere as error:
        raise NoAnswer("a response signed in a way that is not known here, such as GOST") from error
    except NoAnswer:
        raise
    except _MALFORMED as error:
        raise NoAnswer(f"no OCSP response in DER: {error}") from error
    if single.certificate_status == ocsp.OCSPCertStatus.UNKNOWN:
        raise NoAnswer("the responder does not know the certificate")
    first = single.this_update_utc
    return Answer(first, single.next_update_utc or first + WINDOW, single.revocation_time_utc, single.revocation_reason)


@lru_cache(maxsize=256)
def load(encoded: bytes) -> ocsp.OCSPResponse:
    """A response from its DER, parsed once. ValueError for anything else."""
    return ocsp.load_der_ocsp_response(encoded)


def request(certificate: x509.Certificate, issuer: x509.Certificate, nonce: bytes) -> bytes:
    """An OCSPRequest in DER (RFC 6960 4.1). SHA-1 only names the certificate here; every responder knows it."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, SHA1())  # noqa: S303
    return builder.add_extension(x509.OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)


def nonce_of(encoded: bytes) -> bytes | None:
    """The nonce of a response, None if it has none (RFC 9654: not every responder repeats it)."""
    found = [e.value for e in load(encoded).extensions if isinstance(e.value, x509.OCSPNonce)]
    return found[0].nonce if found else None


def _single(response: ocsp.OCSPResponse) -> ocsp.OCSPSingleResponse:
    if response.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise NoAnswer(f"the responder refused: {response.response_status.name.lower()}")
    singles = list(response.responses)
    if len(singles) != 1:
        raise NoAnswer(f"{len(singles)} answers where there is one")
    if any(e.critical for e in response.extensions) or any(e.critical for e in response.single_extensions):
        raise NoAnswer("a critical extension that is not known here")
    return singles[0]


def _check_subject(single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    """CertID (RFC 6960 4.1.1): issuer's name and key by their digests, and the serial number."""
    digest = _DIGESTS.get(single.hash_algorithm.name)
    if digest is None:
        raise NoAnswer("a certificate named by another digest than SHA-1 or SHA-256")
    named = (single.issuer_name_hash, single.issuer_key_hash, single.serial_number)
    name, key = certificate.issuer.public_bytes(), _key_bits(issuer)
    if named != (digest(name).digest(), digest(key).digest(), certificate.serial_number):
        raise NoAnswer("an answer about another certificate")


def _check_responder(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> None:
    signer = issuer if _is_named(response, issuer) else _delegate(response, issuer)
    if not isinstance(response.signature_hash_algorithm, SHA256 | SHA384 | SHA512):
        raise NoAnswer("a response signed with a weaker digest than SHA-2")
    try:
        _verify(signer, response.signature, response.tbs_response_bytes, response.signature_hash_algorithm)
    except InvalidSignature as error:
        raise NoAnswer("a response that its responder did not sign") from error


def _delegate(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> x509.Certificate:
    """The certificate of the responder in the response. Raises NoAnswer unless the issuer made it one."""
    found = [certificate for certificate in response.certificates if _is_named(response, certificate)]
    if len(found) != 1:
        raise NoAnswer(f"{len(found)} certificates of the responder where there is one")
    (responder,) = found
    try:
        responder.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise NoAnswer("a responder that the certificate's issuer did not appoint") from error
    if not isinstance(responder.signature_hash_algorithm, SHA256 | SHA384 | SHA512):
        raise NoAnswer("a responder appointed with a weaker digest than SHA-2")
    if not responder.not_valid_before_utc <= response.produced_at_utc <= responder.not_valid_after_utc:
        raise NoAnswer("a responder whose certificate was not valid when it answered")
    values = [extension.value for extension in responder.extensions]
    usages = [usage for value in values if isinstance(value, x509.ExtendedKeyUsage) for usage in value]
    if ExtendedKeyUsageOID.OCSP_SIGNING not in usages:
        raise NoAnswer("a responder without the right to answer (extended key usage OCSPSigning)")
    if not any(isinstance(value, x509.OCSPNoCheck) for value in values):
        raise NoAnswer("a responder of whom it is not known whether it was revoked (no id-pkix-ocsp-nocheck)")
    return responder


def _is_named(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    """ResponderID (RFC 6960 4.2.1): by name, or by the SHA-1 of the key."""
    if response.responder_name is not None:
        return response.responder_name == certificate.subject
    return response.responder_key_hash == sha1(_key_bits(certificate)).digest()  # noqa: S324


def _verify(signer: x509.Certificate, signature: bytes, signed: bytes, digest: HashAlgorithm) -> None:
    key = signer.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.verify(signature, signed, ec.ECDSA(digest))
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA:
        return key.verify(signature, signed, padding.PKCS1v15(), digest)
    raise NoAnswer("a responder's key that is neither elliptic nor RSA of 2048 bits or more")


@lru_cache(maxsize=64)
def _key_bits(certificate: x509.Certificate) -> bytes:
    """The subjectPublicKey BIT STRING without its count of unused bits (RFC 5280 4.1.2.7)."""
    fields = der.one(certificate.tbs_certificate_bytes, der.SEQUENCE).children()
    info = fields[6 if fields[0].tag == 0xA0 else 5]
    return info.children()[1].content[1:]
