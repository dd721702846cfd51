"""Signatures that are made elsewhere: what is handed out to be signed, and what is made of the CMS that comes back.

An official's key stays on his own machine; his tool (NCALayer, eGov Mobile, openssl) gives a plain CMS: content type,
signing time, message digest, perhaps a timestamp. From it are taken the signed attributes, the signature and the
timestamp, byte for byte; the frame around them, which nobody signed, is written anew in the one spelling that
`signeddata` knows. So a page that was signed elsewhere is checked as strictly as one that was signed here
(docs/decisions/0010-signed-elsewhere.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from qujat.errors import SignatureRefused, TimestampUnavailable
from qujat.signing import cms, der, pades, received, signeddata, timestamp
from qujat.signing.proof import Level
from qujat.signing.revision import Revision
from qujat.signing.signeddata import SignedData
from qujat.signing.timestamp import TimestampAuthority
from qujat.signing.trust import Trust

_LAST = 2 * 1024 * 1024  # bytes at the end of a prepared page in which its revision stands
_PLACE = re.compile(rb"/ByteRange \[0 (\d{1,10}) (\d{1,10}) (\d{1,10})\] */Contents <(0+)>")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A signature that came back, verified, in the one spelling that is written; not stamped by us yet."""

    message: SignedData
    certificate: x509.Certificate


def bytes_to_sign(prepared: bytes) -> bytes:
    """What a signer signs of a prepared page: all of it but /Contents (ISO 32000-1 12.8.1)."""
    place = _place(prepared)
    return prepared[: place.contents - 1] + prepared[place.contents + place.room + 1 :]


def level_of(prepared: bytes) -> Level:
    """The level for which a page was prepared."""
    return pades.prepared_level(_place(prepared).room)


def accepted(received_cms: bytes, content: bytes, trust: Trust, *, at: datetime, level: Level | None) -> Accepted:
    """A signature over `content` that came back, verified; who may sign is another question (`policy`).

    `level`: the level that the file must be of, where it was decided before. Its certificates must be good at the
    time of its timestamp, or without one at `at`. Raises SignatureRefused (not one signature, not of these bytes, not
    of the kind asked for), VerificationError.
    """
    message = received.read(received_cms)
    try:
        _check_kind(message, content, level)
    except (ValueError, IndexError) as error:  # DerError among them
        raise SignatureRefused(
            f"expected well-formed signed attributes, came others: {error}; sign again with another program"
        ) from error
    digest = sha256(content).digest()
    message = replace(message, content=None)
    certificate = signeddata.verify(message, digest, attributes=cms.PLAIN_ATTRIBUTES, optional=cms.PLAIN_OPTIONAL)
    stamped = timestamp.verify(message.token, message.signature, trust).time if message.token else at
    path = trust.path(certificate, signeddata.embedded_chain(message), at=stamped, purpose="sign")
    return Accepted(replace(message, certificates=_encoded(path[:-1])), certificate)


def stamped(found: Accepted, level: Level, timestamper: TimestampAuthority | None) -> bytes:
    """The CMS in DER, of this level: with its own timestamp, or one of ours. Raises TimestampUnavailable."""
    encoded = found.message.encode()
    if level == "B-B" or found.message.token:
        return encoded
    if timestamper is None:
        raise TimestampUnavailable(
            "expected a timestamp authority, since the page was prepared for a timestamp, came none; set [timestamp]"
            " url as it was, or prepare the document again when its ticket has expired"
        )
    return cms.stamped(encoded, timestamper)


def in_page(prepared: bytes, encoded: bytes, trust: Trust, *, at: datetime) -> bytes:
    """The finished page, verified as any page is. Raises SignatureRefused if it does not fit, VerificationError."""
    place = _place(prepared)
    if 2 * len(encoded) > place.room:
        raise SignatureRefused(
            f"expected a signature of at most {place.room // 2} bytes, came {len(encoded)}; sign with a shorter chain"
        )
    file = place.filled(encoded.hex().encode())
    pades.verify(file, trust, at=at)
    return file


def _check_kind(message: SignedData, content: bytes, level: Level | None) -> None:
    """What a person can mend by signing again is told here, before anything is verified."""
    if message.content not in (None, content) or _digest(message) != sha256(content).digest():
        raise SignatureRefused(
            "expected a signature of the bytes that were handed out, came one of other bytes; sign the file itself (not"
            " its hash, and not the PDF that is for reading) and send the signature under the name of its file"
        )
    surplus = message.attribute_values().keys() - cms.PLAIN_ATTRIBUTES - cms.PLAIN_OPTIONAL
    missing = cms.PLAIN_ATTRIBUTES - message.attribute_values().keys()
    if surplus or missing:
        raise SignatureRefused(
            f"expected content type, message digest and signing time as signed attributes, {_told(surplus, missing)};"
            " sign with a tool that writes these"
        )
    if message.token and level == "B-B":
        raise SignatureRefused(
            'expected a signature without a timestamp, since this office works without ([timestamp] url = "none"), came'
            " one with it; sign again without (NCALayer: leave tsaProfile out)"
        )


def _digest(message: SignedData) -> bytes:
    """The message digest among the signed attributes; empty if there is none."""
    value = message.attribute_values().get(signeddata.MESSAGE_DIGEST)
    return der.one(value).content if value else b""


def _told(surplus: Set[bytes], missing: Set[bytes]) -> str:
    kinds = (("came also", surplus), ("did not come", missing))
    return "; ".join(f"{words} {', '.join(sorted(map(der.dotted, names)))}" for words, names in kinds if names)


def _encoded(certificates: Sequence[x509.Certificate]) -> tuple[bytes, ...]:
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in certificates)


def _place(prepared: bytes) -> Revision:
    """Where the signature of a prepared page goes. Raises SignatureRefused if it is no prepared page."""
    found = list(_PLACE.finditer(prepared, max(0, len(prepared) - _LAST)))
    if len(found) != 1:
        raise SignatureRefused("expected a page that was prepared for a signature, came another; prepare it again")
    return Revision(prepared, found[0].start(4), len(found[0][4]))
