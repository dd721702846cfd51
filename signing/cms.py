"""A detached signature beside a file: CAdES-B-B, or B-T with a timestamp (ETSI EN 319 122-1).

openssl cms -verify -cades -binary -inform DER -in file.p7s -content file -CAfile root.pem -purpose any
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

from cryptography import x509

from qujat.errors import DocumentAltered
from qujat.signing import der, signeddata, timestamp
from qujat.signing.signer import Signer
from qujat.signing.timestamp import TimestampAuthority
from qujat.signing.trust import Trust

Level = Literal["B-B", "B-T"]

NONE: frozenset[bytes] = frozenset()
PADES_ATTRIBUTES = frozenset({signeddata.CONTENT_TYPE, signeddata.MESSAGE_DIGEST, signeddata.SIGNING_CERTIFICATE})
_CADES_ATTRIBUTES = PADES_ATTRIBUTES | {signeddata.SIGNING_TIME}
# What the tools of Kazakhstan write (RFC 5652 11.1-11.3), and what some of them add: the certificate, S/MIME's wishes.
PLAIN_ATTRIBUTES = frozenset({signeddata.CONTENT_TYPE, signeddata.MESSAGE_DIGEST, signeddata.SIGNING_TIME})
PLAIN_OPTIONAL = frozenset({signeddata.SIGNING_CERTIFICATE, der.oid("1.2.840.113549.1.9.15")})
_PEM = (b"-----BEGIN CMS-----", b"-----END CMS-----")


@dataclass(frozen=True, slots=True)
class SignedData:
    """Who signed and when. `signed_at` is the timestamp's time, or else what the signer claims (`claimed_at`)."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    signed_at: datetime
    timestamp: datetime | None
    claimed_at: datetime

    @property
    def level(self) -> Level:
        return "B-T" if self.timestamp else "B-B"


@dataclass(frozen=True, slots=True)
class Signature:
    """A verified signature of any container: whose it is, up to which root, and when it was stamped."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    timestamp: datetime | None
    claimed_at: datetime | None


def sign_detached(data: bytes, signer: Signer, *, at: datetime, timestamper: TimestampAuthority | None = None) -> bytes:
    """Sign `data` as of `at`: CAdES in DER, with a timestamp if there is a timestamper. Raises SigningError."""
    return sign_digest(sha256(data).digest(), signer, signing_time=at, timestamper=timestamper)


def verify_detached(
    cms: bytes, data: bytes, trust: Trust, *, at: datetime | None = None, plain: bool = False
) -> SignedData:
    """Who signed `data` with this CMS (DER, or PEM of type CMS); `plain`: made elsewhere, without CAdES's attributes.

    The certificates must be good at the timestamp's time, or without one at `at` (default: now).
    Raises DocumentAltered, SignatureInvalid, TimestampInvalid, CertificateUntrusted, CertificateRevoked,
    UnsupportedAlgorithm, RevocationUnknown.
    """
    attributes, optional = (PLAIN_ATTRIBUTES, PLAIN_OPTIONAL) if plain else (_CADES_ATTRIBUTES, NONE)
    digest = sha256(data).digest()
    found = verify_digest(_der(cms), digest, trust, at=at, attributes=attributes, optional=optional)
    if found.claimed_at is None:
        raise DocumentAltered("expected a signing time (EN 319 122-1 5.2.1), came none; sign again")
    return SignedData(
        found.certificate, found.chain, found.timestamp or found.claimed_at, found.timestamp, found.claimed_at
    )


def sign_digest(
    digest: bytes, signer: Signer, *, signing_time: datetime | None, timestamper: TimestampAuthority | None
) -> bytes:
    """A CMS signature in DER over a SHA-256 digest; `signing_time` is None in PDF. Raises SigningError."""
    if timestamper is None:
        return signeddata.make(digest, signer, signing_time=signing_time)
    return signeddata.make(
        digest, signer, signing_time=signing_time, timestamp=lambda value: timestamp.stamp(timestamper, value)
    )


def stamped(made: bytes, timestamper: TimestampAuthority) -> bytes:
    """A CMS in DER with a timestamp over its signature (EN 319 122-1 5.3). Raises TimestampUnavailable."""
    message = signeddata.parse(made)
    return replace(message, token=timestamp.stamp(timestamper, message.signature)).encode()


def verify_digest(
    encoded: bytes,
    digest: bytes,
    trust: Trust,
    *,
    at: datetime | None,
    attributes: frozenset[bytes],
    optional: frozenset[bytes] = NONE,
) -> Signature:
    """The one verification of CMS, for files and for PDF: canonical, of this digest, stamped, trusted.

    Exactly these signed attributes, and at most the `optional` ones beside them; exactly the certificates of the path,
    without the root.
    """
    message = signeddata.parse(encoded)
    if message.content is not None or message.content_type != signeddata.DATA:
        raise DocumentAltered("expected a detached signature of data, came another kind; sign again")
    certificate = signeddata.verify(message, digest, attributes=attributes, optional=optional)
    _check_spelling(message, certificate)
    stamped = timestamp.verify(message.token, message.signature, trust).time if message.token else None
    chain = signeddata.embedded_chain(message)
    path = trust.path(certificate, chain, at=stamped or at or datetime.now(UTC), purpose="sign")
    if set(chain) != set(path[1:-1]):
        raise DocumentAltered(
            "expected the certificates of the signer's path and no others, came more or fewer; get the document again"
        )
    return Signature(certificate, path[1:-1], stamped, _claimed(message))


def _check_spelling(message: signeddata.SignedData, certificate: x509.Certificate) -> None:
    """The names of the algorithms are not signed and have several spellings: only the one that is written counts."""
    written = (signeddata.SHA256_ALGORITHM, signeddata.algorithm_of(certificate))
    if (message.digest_algorithm, message.signature_algorithm) != written:
        raise DocumentAltered(
            "expected the algorithms named in the one way that is written, came another; get the document again"
        )


def _claimed(message: signeddata.SignedData) -> datetime | None:
    value = message.attribute_values().get(signeddata.SIGNING_TIME)
    try:
        return der.moment(der.one(value)) if value else None
    except ValueError as error:
        raise DocumentAltered(f"expected a signing time in UTC, came another: {error}; sign again") from error


def _der(cms: bytes) -> bytes:
    """DER from DER or PEM (RFC 7468 section 9). Raises DocumentAltered for PEM that is not Base64 throughout."""
    begin, end = _PEM
    text = cms.strip()
    if not text.startswith(begin) or not text.endswith(end):
        return cms
    try:
        return base64.b64decode(b"".join(text[len(begin) : -len(end)].split()), validate=True)
    except binascii.Error as error:
        raise DocumentAltered(f"expected Base64 between the PEM lines, came {error}; get the file again") from error
