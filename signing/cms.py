"""A detached signature beside a file: CAdES-B-B, B-T with a timestamp, or B-LTA with lasting evidence (EN 319 122-1).

openssl cms -verify -cades -binary -inform DER -in file.p7s -content file -CAfile root.pem -purpose any
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509

from qujat.errors import DocumentAltered
from qujat.signing import archive, der, proof, signeddata, timestamp
from qujat.signing.acceptance import Policy
from qujat.signing.evidence import Evidence
from qujat.signing.proof import Layer, Level, Proof, Recorded, Signed
from qujat.signing.signer import Signer
from qujat.signing.timestamp import TimestampAuthority
from qujat.signing.trust import Trust

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
    level: Level
    proof: Proof


def sign_detached(data: bytes, signer: Signer, *, at: datetime, timestamper: TimestampAuthority | None = None) -> bytes:
    """Sign `data` as of `at`: CAdES in DER, with a timestamp if there is a timestamper. Raises SigningError."""
    return sign_digest(sha256(data).digest(), signer, signing_time=at, timestamper=timestamper)


def verify_detached(
    cms: bytes,
    data: bytes,
    trust: Trust,
    *,
    at: datetime | None = None,
    plain: bool = False,
    policy: Policy | None = None,
    recorded: Recorded = proof.nowhere,
) -> SignedData:
    """Who signed `data` with this CMS (DER, or PEM of type CMS), as it can be proven at the moment `at` (default: now).

    `plain` as in `read`. Raises what `read` and `proof.judge` raise.
    """
    signed = read(cms, data, plain=plain)
    proven = proof.judge(signed, trust, at=at or datetime.now(UTC), policy=policy, recorded=recorded)
    claimed = signed.claimed_at or proven.signed_at
    return SignedData(
        signed.certificate, signed.chain, proven.signed_at, signed.timestamp, claimed, signed.level, proven
    )


def read(cms: bytes, data: bytes, *, plain: bool = False) -> Signed:
    """A detached signature of `data`; every byte of it is right, but nothing is known yet of who signed.

    `plain`: made elsewhere, without CAdES's attributes. Raises DocumentAltered, SignatureInvalid, TimestampInvalid,
    UnsupportedAlgorithm.
    """
    attributes, optional = (PLAIN_ATTRIBUTES, PLAIN_OPTIONAL) if plain else (_CADES_ATTRIBUTES, NONE)
    signed = read_digest(der_of(cms), sha256(data).digest(), attributes=attributes, optional=optional)
    if signed.claimed_at is None:
        raise DocumentAltered("expected a signing time (EN 319 122-1 5.2.1), came none; sign again")
    return signed


def extend(cms: bytes, data: bytes, new: Evidence, timestamper: TimestampAuthority, *, plain: bool = False) -> bytes:
    """A detached signature of `data` with this evidence under an archive timestamp: B-LTA of B-T, or renewed.

    `plain` as in `read`. Raises what `read` raises, SigningError.
    """
    read(cms, data, plain=plain)
    return archive.extend(signeddata.parse(der_of(cms)), sha256(data).digest(), new, timestamper).encode()


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


def read_digest(
    encoded: bytes, digest: bytes, *, attributes: frozenset[bytes], optional: frozenset[bytes] = NONE
) -> Signed:
    """The one reading of CMS, for files and for PDF: canonical, of this digest, its algorithms named in one way.

    Exactly these signed attributes, and at most the `optional` ones beside them. Raises what `read` raises.
    """
    message = signeddata.parse(encoded)
    if message.content is not None or message.content_type != signeddata.DATA or message.hash_index:
        raise DocumentAltered("expected a detached signature of data, came another kind; sign again")
    certificate = signeddata.verify(message, digest, attributes=attributes, optional=optional)
    _check_spelling(message, certificate)
    layers = [Layer("signature-timestamp", timestamp.read(message.token, message.signature))] if message.token else []
    embedded = archive.read(message, digest)
    return Signed(
        certificate,
        embedded.chain,
        _claimed(message),
        (*layers, *embedded.layers),
        sha256(encoded).hexdigest(),
        plain=signeddata.SIGNING_CERTIFICATE not in message.attribute_values(),
    )


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


def der_of(cms: bytes) -> bytes:
    """DER from DER or PEM (RFC 7468 section 9). Raises DocumentAltered for PEM that is not Base64 throughout."""
    begin, end = _PEM
    text = cms.strip()
    if not text.startswith(begin) or not text.endswith(end):
        return cms
    try:
        return base64.b64decode(b"".join(text[len(begin) : -len(end)].split()), validate=True)
    except binascii.Error as error:
        raise DocumentAltered(f"expected Base64 between the PEM lines, came {error}; get the file again") from error
