"""Timestamps of anybody (RFC 3161): worth something only if they stamp this very value, and we trust their maker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from qujat.errors import (
    CertificateRevoked,
    CertificateUntrusted,
    RevocationUnknown,
    UnsupportedAlgorithm,
)
from qujat.signing import der
from qujat.signing.der import DerError
from qujat.signing.trust import Trust
from qujat.verifier import algorithms, certificates, cms, message
from qujat.verifier.algorithms import Digest
from qujat.verifier.cms import Signed
from qujat.verifier.message import Message
from qujat.verifier.report import Objection

MOST_TOKENS = 16
SKEW = timedelta(minutes=5)  # how far two honest clocks may be apart

_KEPT = frozenset(("gost", "weak-algorithm", "unsupported-algorithm", "too-costly"))


@dataclass(frozen=True, slots=True)
class Stamp:
    """That the stamped value existed at `time`, by the word of `certificate`."""

    time: datetime
    certificate: x509.Certificate


def verify(token: bytes, parts: Callable[[], Iterable[bytes | memoryview]], trust: Trust, now: datetime) -> Stamp:
    """What a token proves of the bytes that `parts` gives. Raises Objection."""
    return verify_message(_parsed(token), parts, trust, now)


def verify_message(
    found: Message, parts: Callable[[], Iterable[bytes | memoryview]], trust: Trust, now: datetime
) -> Stamp:
    """What a parsed token proves of the bytes that `parts` gives. Raises Objection."""
    digest, imprint, time = _statement(found)
    signed = _signed(found)
    if imprint != algorithms.hashed(digest, parts()):
        raise Objection("timestamp-other")
    if time > now + SKEW:
        raise Objection("timestamp-order", f"{time:%Y-%m-%dT%H:%M:%SZ} has not come yet")
    _trusted(signed, certificates.with_crls(trust, found.crls), time)
    return Stamp(time, signed.certificate)


def _parsed(token: bytes) -> Message:
    try:
        return message.parse(token)
    except Objection as error:
        raise _of_timestamp(error) from error


def _statement(found: Message) -> tuple[Digest, bytes, datetime]:
    """Digest algorithm, imprint and genTime of the TSTInfo (RFC 3161 2.4.2)."""
    try:
        if found.content_type != message.TST_INFO or found.content is None:
            raise DerError("no TSTInfo")
        version, policy, imprint, serial, time, *_ = der.one(found.content, der.SEQUENCE).children()
        algorithm, hashed = imprint.children()
        if version.encoded != der.integer(1) or (policy.tag, serial.tag) != (der.OID, der.INTEGER):
            raise DerError("a TSTInfo of another version")
        return algorithms.digest_of(algorithm), der.one(hashed.encoded, der.OCTETS).content, der.moment(time)
    except (ValueError, IndexError) as error:
        raise Objection("timestamp-malformed", str(error)) from error


def _signed(found: Message) -> Signed:
    content = found.content or b""
    try:
        cms.check_digest(found, lambda: (content,), message.TST_INFO)
        return cms.check_signature(found)
    except Objection as error:
        raise _of_timestamp(error) from error


def _trusted(signed: Signed, trust: Trust, time: datetime) -> None:
    """RFC 3161 2.3: an authority for timestamps and nothing else, whose path was good when it stamped."""
    if not signed.names_certificate:
        raise Objection("timestamp-malformed", "no signing-certificate-v2 (RFC 5816)")
    try:
        trust.path(signed.certificate, signed.others, at=time, purpose="timestamp")
    except CertificateRevoked as error:
        raise Objection("timestamp-revoked") from error
    except RevocationUnknown as error:
        raise Objection("timestamp-revocation-unknown") from error
    except UnsupportedAlgorithm as error:
        raise Objection("unsupported-algorithm", "a certificate of the timestamp's path") from error
    except CertificateUntrusted as error:
        raise Objection("timestamp-untrusted", error.message) from error


def _of_timestamp(error: Objection) -> Objection:
    """What was found wrong with the token's own signature, said of the timestamp."""
    if error.code in _KEPT:
        return Objection(error.code, f"timestamp: {error.message}")
    if error.code in ("hash-failure", "signature-failure"):
        return Objection("timestamp-forged", error.message)
    return Objection("timestamp-malformed", f"{error.code} {error.message}".strip())
