"""What a signature must be to stand in a card, and what it then proves (ddcard-spec, «Требования к ЭЦП»).

One signer with his certificate inside; the signed data outside; a timestamp, whose genTime is the time of signing;
revocation values that speak of the signer at that time: an OCSP answer within five minutes of it, or a list whose
window covers it, with the delta list where the authority issues such.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509

from qujat.card import message as messages
from qujat.card import values
from qujat.card.confirmation import Confirmation, answers_about, confirmation, is_whole_list
from qujat.errors import CardInvalid, VerificationError
from qujat.signing import cms, proof
from qujat.signing.acceptance import Policy
from qujat.signing.evidence import Evidence, evidence
from qujat.signing.proof import Layer, Proof, Recorded, Signed
from qujat.signing.timestamp import Timestamp
from qujat.signing.trust import Path, Purpose, Trust, load_crl


@dataclass(frozen=True, slots=True)
class Read:
    """A signature of the original whose bytes are right. Whom to trust is not yet asked."""

    encoded: bytes
    certificate: x509.Certificate
    stamp: Timestamp
    signed: Signed
    inside: Evidence
    beside: Evidence


@dataclass(frozen=True, slots=True)
class Proven:
    """A signature that is proven, by this proof, with this confirmation."""

    proof: Proof
    confirmation: Confirmation


def read(encoded: bytes, original: bytes) -> Read:
    """Read one CMS of a card against its original.

    Raises CardInvalid (no-timestamp, card-content-inside), DocumentAltered, SignatureInvalid, TimestampInvalid,
    UnsupportedAlgorithm.
    """
    encoded = cms.der_of(encoded)
    message = messages.read(encoded)
    if message.content is not None:
        raise CardInvalid(
            "card-content-inside", "expected a detached signature, came one with the content inside: eContent"
        )
    certificate = messages.verify(message, original)
    if not message.tokens:
        raise CardInvalid(
            "no-timestamp", "expected a timestamp as an unsigned attribute (1.2.840.113549.1.9.16.2.14), came none"
        )
    stamp = messages.timestamp(message)
    inside, beside = values.found_in(message), values.beside(message)
    signed = _ours(encoded, original) or _anybodys(message, certificate, stamp, inside | beside)
    return Read(encoded, certificate, stamp, signed, inside, beside)


def prove(
    found: Read, trust: Trust, *, at: datetime, policy: Policy | None = None, recorded: Recorded = proof.nowhere
) -> Proven:
    """What is proven of a signature at `at`; its certificates are those that lead to our anchors.

    Raises what `proof.judge` raises, CertificateRevoked, CardInvalid (card-no-revocation-values,
    card-evidence-window, card-delta-missing).
    """
    signed = found.signed
    if signed.level != "B-LTA":
        signed = _narrowed(signed, trust)
    judged = proof.judge(signed, trust, at=at, policy=policy, recorded=recorded)
    issuer = judged.path[1]
    return Proven(judged, confirmation(found.inside, found.certificate, issuer, found.stamp.time))


def _ours(encoded: bytes, original: bytes) -> Signed | None:
    """The signature as the register keeps it, with its archive timestamps, made here or elsewhere; None for others."""
    for plain in (False, True):
        try:
            return cms.read(values.removed(encoded), original, plain=plain)
        except VerificationError:
            continue
    return None


def _anybodys(message: messages.Message, certificate: x509.Certificate, stamp: Timestamp, held: Evidence) -> Signed:
    others = tuple(c for c in message.certificates if c != certificate)
    layer = Layer("signature-timestamp", stamp, held)
    return Signed(certificate, others, messages.claimed_at(message), (layer,))


def _narrowed(signed: Signed, trust: Trust) -> Signed:
    """The same with the certificates of the paths alone and the values that speak of them: strangers embed more."""
    (layer,) = signed.layers
    chain = _between(trust, signed.certificate, signed.chain, "sign")
    stamp = layer.stamp
    stamps_chain = _between(trust, stamp.certificate, (*stamp.chain, *signed.chain), "timestamp")
    paths = (
        trust.paths(signed.certificate, chain, "sign")[0],
        trust.paths(stamp.certificate, stamps_chain, "timestamp")[0],
    )
    pairs = [pair for path in paths for pair in pairwise(path)]
    held = evidence(
        crls=[crl for crl in layer.evidence.crls if any(is_whole_list(load_crl(crl), issuer) for _, issuer in pairs)],
        ocsps=[answer for answer in layer.evidence.ocsps if any(answers_about(answer, *pair) for pair in pairs)],
    )
    stamped = Timestamp(stamp.time, stamp.certificate, stamps_chain)
    return Signed(signed.certificate, chain, signed.claimed_at, (Layer(layer.kind, stamped, held),), signed.digest)


def _between(trust: Trust, certificate: x509.Certificate, pool: Path, purpose: Purpose) -> Path:
    """The certificates between a leaf and its anchor."""
    return trust.paths(certificate, pool, purpose)[0][1:-1]
