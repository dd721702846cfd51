"""A signed PDF: PAdES-B-B, or B-T with a timestamp (ETSI EN 319 142-1), as one certification of the whole page.

The shape is sealed. A signed document is a page and one revision, and the revision is byte for byte what `sign` would
write; so `verify` has no attack to recognise, it writes the revision again and compares.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from qujat.errors import DocumentAltered, NotSigned, RenderingError, SigningError
from qujat.signing import cades, cms, lint, revision
from qujat.signing.cms import Level
from qujat.signing.revision import Claim, Revision
from qujat.signing.signer import Signer
from qujat.signing.timestamp import TimestampAuthority
from qujat.signing.trust import Trust

# Hexadecimal digits of room for the CMS. Fixed, so that the level alone decides the shape of the file.
ROOM: dict[Level, int] = {"B-B": 8 * 1024, "B-T": 16 * 1024}

_SIGNED = re.compile(rb"/ByteRange\s*\[")
_HEXADECIMAL = re.compile(rb"(?:[0-9a-f]{2})+")


@dataclass(frozen=True, slots=True)
class SignedPage:
    """What was signed: the page, by whom, when. `claimed_at` is the signer's word, `timestamp` the authority's."""

    page: bytes
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    signed_at: datetime
    timestamp: datetime | None
    claimed_at: datetime
    name: str
    reason: str

    @property
    def level(self) -> Level:
        """B-T with a timestamp, else B-B."""
        return "B-T" if self.timestamp else "B-B"


def sign(
    page: bytes, signer: Signer, *, at: datetime, timestamper: TimestampAuthority | None, reason: str, name: str
) -> bytes:
    """The page with a certification signature that permits no change (DocMDP 1) and covers everything but itself.

    `page` is an unsigned PDF as rendered; the result begins with it. `at`, `reason` and `name` are the signer's claims.
    Raises SigningError (the key, the timestamp, a chain too long), RenderingError (not a page that we rendered, or one
    that could be primed: `lint`).
    """
    lint.check(page)
    room = ROOM["B-T" if timestamper else "B-B"]
    prepared = revision.compose(page, Claim(at, name, reason), room)
    made = cades.sign(prepared.digest(), signer)
    signature = cms.stamped(made, timestamper) if timestamper else made
    if 2 * len(signature) > room:
        raise SigningError(
            f"expected a signature of at most {room // 2} bytes, came {len(signature)}: too many or too large"
            " certificates; sign with a shorter chain"
        )
    return prepared.filled(signature.hex().encode())


def verify(pdf: bytes, trust: Trust, *, at: datetime | None = None) -> SignedPage:
    """What was signed in `pdf`, by whom and when.

    The certificates must be good at the timestamp's time, or without one at `at` (default: now).
    Raises NotSigned, DocumentAltered, SignatureInvalid, TimestampInvalid, CertificateUntrusted, CertificateRevoked,
    UnsupportedAlgorithm, RevocationUnknown. Who may sign is another question: `policy.entitled`.
    """
    found = revision.locate(pdf)
    if found is None:
        raise _not_ours(pdf)
    page, claim, signed = found
    encoded = _contents(signed)
    signature = cms.verify_digest(encoded, signed.digest(), trust, at=at, attributes=cms.PADES_ATTRIBUTES)
    _check_revision(page, claim, signed, "B-T" if signature.timestamp else "B-B")
    return SignedPage(
        page,
        signature.certificate,
        signature.chain,
        signature.timestamp or claim.at,
        signature.timestamp,
        claim.at,
        claim.name,
        claim.reason,
    )


def _contents(signed: Revision) -> bytes:
    """The CMS in /Contents: lower-case hexadecimal, then nothing but the digit 0."""
    digits = signed.hexadecimal()
    if not _HEXADECIMAL.fullmatch(digits):
        raise _altered("the signature's place holds something else than lower-case hexadecimal digits")
    padded = bytes.fromhex(digits.decode())
    size = int.from_bytes(padded[2:4], "big") + 4
    if padded[:2] != b"\x30\x82" or any(padded[size:]):
        raise _altered("the signature's place holds more than a signature")
    return padded[:size]


def _check_revision(page: bytes, claim: Claim, signed: Revision, level: Level) -> None:
    try:
        again = revision.compose(page, claim, ROOM[level])
    except RenderingError as error:
        raise _altered("the signed page is not one that is rendered here") from error
    if (again.contents, again.room) != (signed.contents, signed.room) or again.filled(
        signed.hexadecimal()
    ) != signed.file:
        raise _altered("the file holds something else than a page and its one signature")


def _not_ours(pdf: bytes) -> NotSigned | DocumentAltered:
    if pdf.startswith(b"%PDF-") and _SIGNED.search(pdf):
        return _altered("the file does not end with the signature")
    return NotSigned("expected a signed PDF, came a file without a signature; ask for the document as it was issued")


def _altered(what: str) -> DocumentAltered:
    return DocumentAltered(
        f"expected a document as it was signed, came another: {what}; get the document again from its issuer"
    )
