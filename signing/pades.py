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
from qujat.signing.revision import Claim, Revision, Spelling
from qujat.signing.signer import Signer, is_rsa
from qujat.signing.timestamp import TimestampAuthority
from qujat.signing.trust import Trust

# Hexadecimal digits of room for the CMS; RSA, and what is signed elsewhere, have twice as much. Fixed, so that level,
# spelling and kind of key alone decide the shape of the file.
ROOM: dict[Level, int] = {"B-B": 8 * 1024, "B-T": 16 * 1024}
_PLAIN = 2

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
    spelling: Spelling = "cades"

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
    room = room_for("B-T" if timestamper else "B-B", signer.certificate)
    prepared = revision.compose(page, Claim(at, name, reason), room)
    made = cades.sign(prepared.digest(), signer)
    signature = cms.stamped(made, timestamper) if timestamper else made
    if 2 * len(signature) > room:
        raise SigningError(
            f"expected a signature of at most {room // 2} bytes, came {len(signature)}: too many or too large"
            " certificates; sign with a shorter chain"
        )
    return prepared.filled(signature.hex().encode())


def prepare(page: bytes, *, at: datetime, level: Level, reason: str, name: str) -> bytes:
    """The page with a revision for a signature that is made elsewhere: as `sign` gives it, but for the CMS.

    The level is decided here: the finished file must be of it. Raises RenderingError (not a page that we rendered, or
    one that could be primed: `lint`).
    """
    lint.check(page)
    return revision.compose(page, Claim(at, name, reason, "plain"), _PLAIN * ROOM[level]).file


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
    plain = claim.spelling == "plain"
    attributes, optional = (cms.PLAIN_ATTRIBUTES, cms.PLAIN_OPTIONAL) if plain else (cms.PADES_ATTRIBUTES, cms.NONE)
    signature = cms.verify_digest(encoded, signed.digest(), trust, at=at, attributes=attributes, optional=optional)
    level: Level = "B-T" if signature.timestamp else "B-B"
    room = _PLAIN * ROOM[level] if plain else room_for(level, signature.certificate)
    _check_revision(page, claim, signed, room)
    return SignedPage(
        page,
        signature.certificate,
        signature.chain,
        signature.timestamp or claim.at,
        signature.timestamp,
        claim.at,
        claim.name,
        claim.reason,
        claim.spelling,
    )


def prepared_level(room: int) -> Level:
    """The level of which a prepared page with this room for its signature will be."""
    return "B-T" if room == _PLAIN * ROOM["B-T"] else "B-B"


def room_for(level: Level, certificate: x509.Certificate) -> int:
    """Hexadecimal digits of room for a CMS of this level by this certificate's key."""
    return ROOM[level] * (2 if is_rsa(certificate) else 1)


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


def _check_revision(page: bytes, claim: Claim, signed: Revision, room: int) -> None:
    try:
        again = revision.compose(page, claim, room)
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
