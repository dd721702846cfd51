"""A signed PDF: PAdES-B-B, B-T with a timestamp, or B-LTA with evidence that lasts (ETSI EN 319 142-1), as one
certification of the whole page.

The shape is sealed. A signed document is a page, the revision of its signature, and pairs of a store of evidence and a
timestamp over everything; each revision is byte for byte what `sign` and `extend` would write. So `read` has no attack
to recognise: it writes every revision again and compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise

from cryptography import x509

from qujat.errors import DocumentAltered, NotSigned, RenderingError, SigningError
from qujat.signing import cades, cms, lint, proof, revision, timestamp
from qujat.signing.acceptance import Policy
from qujat.signing.evidence import NONE, Evidence, evidence
from qujat.signing.proof import Layer, Level, Proof, Recorded, Signed
from qujat.signing.revision import Claim, Draft, Revision, Spelling
from qujat.signing.signer import Signer, is_rsa
from qujat.signing.timestamp import TimestampAuthority
from qujat.signing.trust import Trust

# Hexadecimal digits of room for the CMS; RSA, and what is signed elsewhere, have twice as much. Fixed, so that level,
# spelling and kind of key alone decide the shape of the file. Evidence has revisions of its own.
ROOM: dict[Level, int] = {"B-B": 8 * 1024, "B-T": 16 * 1024, "B-LTA": 16 * 1024}
STAMP_ROOM = 12 * 1024
_PLAIN = 2

_SIGNED = re.compile(rb"/ByteRange\s*\[")
_HEXADECIMAL = re.compile(rb"(?:[0-9a-f]{2})+")


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A signed page whose bytes are right: the page, the signature, and what the signer says of himself."""

    page: bytes
    signed: Signed
    claim: Claim


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
    spelling: Spelling
    level: Level
    proof: Proof


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
    return _filled(prepared, signature, "signature", "too many or too large certificates; sign with a shorter chain")


def prepare(page: bytes, *, at: datetime, level: Level, reason: str, name: str) -> bytes:
    """The page with a revision for a signature that is made elsewhere: as `sign` gives it, but for the CMS.

    Whether with a timestamp is decided here: the finished file must be so. Raises RenderingError (not a page that we
    rendered, or one that could be primed: `lint`).
    """
    lint.check(page)
    return revision.compose(page, Claim(at, name, reason, "plain"), _PLAIN * ROOM[level]).file


def extend(pdf: bytes, new: Evidence, timestamper: TimestampAuthority) -> bytes:
    """A signed PDF with a store of what is new in this evidence, and a timestamp over all of it.

    The result begins with `pdf`: the first time it makes B-LTA of B-T, later times renew it. Raises what `read` raises,
    SigningError.
    """
    parts = _take_apart(pdf)
    draft = revision.stored(parts.draft, pdf, new - parts.signed.evidence)
    _, prepared = revision.timestamped(draft, STAMP_ROOM)
    token = timestamp.stamp_digest(timestamper, prepared.digest())
    return _filled(prepared, token, "timestamp", "too many certificates in it; name another authority")


def read(pdf: bytes) -> ReadPage:
    """What was signed in `pdf`; every byte of it is right, but nothing is known yet of who signed.

    Raises NotSigned, DocumentAltered, SignatureInvalid, TimestampInvalid, UnsupportedAlgorithm.
    """
    parts = _take_apart(pdf)
    return ReadPage(parts.page, parts.signed, parts.claim)


def verify(
    pdf: bytes,
    trust: Trust,
    *,
    at: datetime | None = None,
    policy: Policy | None = None,
    recorded: Recorded = proof.nowhere,
) -> SignedPage:
    """What was signed in `pdf`, by whom and when, as it can be proven at the moment `at` (default: now).

    Raises what `read` and `proof.judge` raise. Who may sign is another question: `policy.entitled`.
    """
    found = read(pdf)
    proven = proof.judge(found.signed, trust, at=at or datetime.now(UTC), policy=policy, recorded=recorded)
    signed, claim = found.signed, found.claim
    return SignedPage(
        found.page,
        signed.certificate,
        signed.chain,
        proven.signed_at,
        signed.timestamp,
        claim.at,
        claim.name,
        claim.reason,
        claim.spelling,
        signed.level,
        proven,
    )


def prepared_level(room: int) -> Level:
    """The level of which a prepared page with this room for its signature will be, before there is evidence."""
    return "B-T" if room == _PLAIN * ROOM["B-T"] else "B-B"


def room_for(level: Level, certificate: x509.Certificate) -> int:
    """Hexadecimal digits of room for a CMS of this level by this certificate's key."""
    return ROOM[level] * (2 if is_rsa(certificate) else 1)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A signed file taken apart, with the draft that its next revision would be appended to."""

    page: bytes
    claim: Claim
    signed: Signed
    draft: Draft


def _take_apart(pdf: bytes) -> _Parts:
    ends = revision.ends(pdf)
    found = revision.claim_of(pdf, *ends[:2]) if len(ends) > 1 else None
    if found is None:
        raise _not_ours(pdf)
    claim, signed = found
    signature = _signature(claim, signed)
    try:
        draft = _signed_again(pdf[: ends[0]], claim, signed, signature)
        layers, draft = _layers(pdf, ends[1:], draft, signature)
    except (RenderingError, ValueError) as error:
        raise _altered("the signed page is not one that is rendered here") from error
    digest = sha256(pdf).hexdigest()
    plain = claim.spelling == "plain"
    whole = Signed(signature.certificate, signature.chain, claim.at, tuple(layers), digest, plain)
    return _Parts(pdf[: ends[0]], claim, whole, draft)


def _signature(claim: Claim, signed: Revision) -> Signed:
    """The CMS in the signature's revision, with the attributes that the claim's spelling asks for."""
    plain = claim.spelling == "plain"
    attributes, optional = (cms.PLAIN_ATTRIBUTES, cms.PLAIN_OPTIONAL) if plain else (cms.PADES_ATTRIBUTES, cms.NONE)
    found = cms.read_digest(_contents(signed), signed.digest(), attributes=attributes, optional=optional)
    if found.level == "B-LTA":
        raise _altered("the signature holds an archive timestamp; a PDF keeps its evidence after the signature")
    return found


def _signed_again(page: bytes, claim: Claim, signed: Revision, signature: Signed) -> Draft:
    """Write the signature's revision again; the draft after it. Raises DocumentAltered if it differs."""
    level = signature.level
    room = _PLAIN * ROOM[level] if claim.spelling == "plain" else room_for(level, signature.certificate)
    draft, again = revision.begin(page, claim, room)
    _check_same(again, signed, "the file holds something else than a page and its one signature")
    return draft


def _layers(pdf: bytes, ends: list[int], draft: Draft, signature: Signed) -> tuple[list[Layer], Draft]:
    """The timestamps of a file from the inside out, each revision after the signature's written again and compared."""
    held, before = NONE, sha256(pdf[: ends[0]]).hexdigest()
    layers = [replace(layer, digest=before) for layer in signature.layers]
    for begin, stored_end, end in _pairs(ends):
        new = revision.values_of(pdf, begin, stored_end, draft)
        if new != evidence(new.certificates, new.ocsps, new.crls) - held:
            raise _altered("the file holds evidence that is not in its one order")
        draft = revision.stored(draft, pdf[:begin], new)
        held |= new
        draft, layer = _timestamp(pdf, stored_end, end, draft, new)
        layers.append(layer)
    return layers, draft


def _pairs(ends: list[int]) -> Iterator[tuple[int, int, int]]:
    """Each store and its timestamp: where the pair begins, where the store ends, where the timestamp ends."""
    if len(ends) % 2 == 0:
        raise _altered("the file holds evidence that no timestamp covers")
    bounds = list(pairwise(ends))
    for (begin, stored), (_, end) in zip(bounds[::2], bounds[1::2], strict=True):
        yield begin, stored, end


def _timestamp(pdf: bytes, begin: int, end: int, draft: Draft, covered: Evidence) -> tuple[Draft, Layer]:
    """Write the store and the timestamp after it again and compare, both at once: the draft holds the store."""
    found = revision.timestamp_of(pdf, begin, end)
    if found is None:
        raise _altered("the file does not end with a timestamp over its evidence")
    draft, again = revision.timestamped(draft, STAMP_ROOM)
    _check_same(again, found, "the file holds something else than evidence and a timestamp after its signature")
    stamp = timestamp.read_digest(_contents(found), found.digest())
    return draft, Layer("archive-timestamp", stamp, covered, sha256(found.file).hexdigest())


def _check_same(again: Revision, found: Revision, what: str) -> None:
    if (again.contents, again.room) != (found.contents, found.room) or again.filled(found.hexadecimal()) != found.file:
        raise _altered(what)


def _filled(prepared: Revision, contents: bytes, what: str, advice: str) -> bytes:
    if 2 * len(contents) > prepared.room:
        raise SigningError(f"expected a {what} of at most {prepared.room // 2} bytes, came {len(contents)}: {advice}")
    return prepared.filled(contents.hex().encode())


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


def _not_ours(pdf: bytes) -> NotSigned | DocumentAltered:
    if pdf.startswith(b"%PDF-") and _SIGNED.search(pdf):
        return _altered("the file does not end with the signature")
    return NotSigned("expected a signed PDF, came a file without a signature; ask for the document as it was issued")


def _altered(what: str) -> DocumentAltered:
    return DocumentAltered(
        f"expected a document as it was signed, came another: {what}; get the document again from its issuer"
    )
