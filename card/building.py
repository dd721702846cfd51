"""A document of the register → its archive card: the original, its signatures in their order, and pages of facts.

Nothing is made up: the original and the signatures are the bytes of the register, with the revocation values of each
signature copied to where the card wants them. The same document gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from qujat import issuing, rendering
from qujat.card import pages, requirements, values
from qujat.card.confirmation import confirmation
from qujat.card.container import Attached
from qujat.card.requirements import Proven
from qujat.card.requirements import Read as ReadSignature
from qujat.errors import CardRefused, UnknownDocument, VerificationError
from qujat.office import Office
from qujat.register import Document

_WHAT_TO_DO = (
    "The archive asks for evidence of the minutes of the signing, which cannot be made later: issue with"
    ' [signatures] level = "B-LTA" (the default) and a timestamp authority; for this document, send the decision'
    " again under an id of its own and supersede the old document"
)


@dataclass(frozen=True, slots=True)
class Card:
    """A card: its file name and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that fits into a card. `sign_id` counts from 1 in the order of the timestamps."""

    sign_id: int
    file: Attached
    read: ReadSignature
    proven: Proven


def build(number: str, office: Office, *, authority: str | None = None) -> Card:
    """The card of document `number`, each of its signatures checked.

    Raises UnknownDocument; CardRefused with what is missing and what to do; StoreError; FormError.
    """
    found = office.register.by_number(number, authority)
    if not found.issued:
        raise UnknownDocument(f"document {number} is reserved but not issued; send its decision again to finish it")
    stem = issuing.file_stem(number)
    (data,) = (file for file in found.files if file.role == "data")
    original = Attached(data.name, office.blobs.get(data.sha256))
    detached = [office.blobs.get(file.sha256) for file in found.files if file.role in ("cms", "approval")]
    try:
        signatures = fitting(original, detached, office)
    except VerificationError as error:
        raise CardRefused(f"document {number} cannot have a card: {error.message}.\n{_WHAT_TO_DO}") from error
    return Card(f"{stem}.card.pdf", assembled(original, signatures, found, office))


def fitting(original: Attached, detached: Sequence[bytes], office: Office) -> list[Signature]:
    """The signatures of an original, with their revocation values, in the order of their timestamps.

    Raises VerificationError for the first that does not meet the requirements.
    """
    read = [requirements.read(with_values(cms, original.content, office), original.content) for cms in detached]
    signatures = []
    for sign_id, one in enumerate(sorted(read, key=lambda one: (one.stamp.time, one.encoded)), 1):
        recorded, policy = office.register.recorded_at, office.evidence
        proven = requirements.prove(one, office.trust, at=office.clock(), policy=policy, recorded=recorded)
        signatures.append(Signature(sign_id, Attached(f"{original.name}.{sign_id}.cms", one.encoded), one, proven))
    return signatures


def with_values(cms: bytes, original: bytes, office: Office) -> bytes:
    """A CMS with what speaks of its signer in the attribute that the card wants, if it does not have that yet.

    Raises VerificationError.
    """
    found = requirements.read(cms, original)
    if found.inside:
        return cms
    issuer = office.trust.paths(found.certificate, found.signed.chain, "sign")[0][1]
    return values.added(found.encoded, confirmation(found.beside, found.certificate, issuer, found.stamp.time).values)


def assembled(original: Attached, signatures: Sequence[Signature], found: Document, office: Office) -> bytes:
    """The PDF of a card. Raises FormError."""
    recorded = _recorded(found, office)
    return rendering.pdf(pages.sheet(original, signatures, found, recorded, office))


def _recorded(found: Document, office: Office) -> datetime:
    """When the register took in the newest of these files: the moment that the card speaks of."""
    moments = [office.register.recorded_at(file.sha256) for file in found.files]
    return max(moment for moment in moments if moment)
