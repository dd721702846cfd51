"""Evidence for a signature that was just made, and for one that is renewed: gathered, and checked to suffice.

What is gathered must prove the signature by itself, without the lists that this office happens to hold: otherwise
nothing is issued or renewed (`EvidenceUnavailable`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from qujat.errors import CertificateRevoked, EvidenceUnavailable, SignerRevoked, VerificationError
from qujat.signing import cms, ocsp, pades, proof, xades
from qujat.signing.acceptance import Policy
from qujat.signing.evidence import NONE, Evidence, RevocationSource, evidence
from qujat.signing.proof import Recorded, Signed
from qujat.signing.timestamp import TimestampAuthority
from qujat.signing.trust import Path, Trust


@dataclass(frozen=True, slots=True)
class Extension:
    """What makes the signatures of one document last. Without evidence they stay as they are."""

    evidence: Evidence
    timestamper: TimestampAuthority | None

    def __bool__(self) -> bool:
        return bool(self.evidence)

    def pdf(self, signed: bytes) -> bytes:
        """A signed PDF with the evidence. Raises SigningError."""
        return pades.extend(signed, self.evidence, self.timestamper) if self.timestamper else signed

    def xml(self, signed: bytes) -> bytes:
        """Signed XML with the evidence. Raises SigningError."""
        return xades.extend(signed, self.evidence, self.timestamper) if self.timestamper else signed

    def cms(self, signature: bytes, data: bytes, *, plain: bool = False) -> bytes:
        """A detached signature of `data` with the evidence; `plain` as in `cms.read`. Raises SigningError."""
        if self.timestamper is None:
            return signature
        return cms.extend(signature, data, self.evidence, self.timestamper, plain=plain)


NOTHING = Extension(NONE, None)


def at_signing(
    signed: Signed,
    trust: Trust,
    source: RevocationSource,
    *,
    at: datetime,
    policy: Policy | None = None,
    just_stamped: bool = True,
) -> Evidence:
    """Evidence on a signature that was just stamped, or that came with its own timestamp (not `just_stamped`).

    The OCSP answer about the signer is of the timestamp's time within five minutes, as the archive card asks; where the
    timestamp came with the signature it is of now, which is after it. Raises EvidenceUnavailable, SignerRevoked.
    """
    alone = replace(policy or Policy(), register_is_proof=False)
    try:
        found = gather(signed, trust, source, at=at)
        if just_stamped:
            _check_fresh(signed, trust, found)
        _judge_with(signed, found, trust.bare, at, alone, proof.nowhere)
    except CertificateRevoked as error:
        raise SignerRevoked(
            "expected a signer's certificate in good standing, came a revoked one; sign with a current key"
        ) from error
    except VerificationError as error:
        raise EvidenceUnavailable(
            f"expected evidence that proves the signature, but: {error}; send it again"
        ) from error
    return found


def at_renewal(
    signed: Signed,
    trust: Trust,
    source: RevocationSource,
    *,
    at: datetime,
    policy: Policy | None = None,
    recorded: Recorded = proof.nowhere,
) -> Evidence:
    """Evidence for the next archive timestamp. Raises EvidenceUnavailable, and what `proof.judge` raises: what does not
    hold any more cannot be renewed."""
    found = gather(signed, trust, source, at=at)
    _judge_with(signed, found, trust, at, policy or Policy(), recorded)
    return found


def gather(signed: Signed, trust: Trust, source: RevocationSource, *, at: datetime) -> Evidence:
    """What proves at `at` everything in a file that is not yet covered by an archive timestamp.

    The first time that is the signer and the signature timestamp, afterwards the last archive timestamp. Raises
    EvidenceUnavailable, CertificateUntrusted.
    """
    found = NONE
    if signed.level != "B-LTA":
        signer = trust.paths(signed.certificate, signed.chain, "sign")[0]
        found |= _about(signer, signed.timestamp or at, trust, source)
    if signed.layers:
        stamp = signed.layers[-1].stamp
        found |= _about(trust.paths(stamp.certificate, stamp.chain, "timestamp")[0], at, trust, source)
    return found


def _about(path: Path, moment: datetime, trust: Trust, source: RevocationSource) -> Evidence:
    """The root, and for each certificate below it a word of its issuer that speaks of the moment."""
    found = evidence([path[-1].public_bytes(Encoding.DER)])
    for certificate, issuer in pairwise(path):
        found |= _word(certificate, issuer, moment, trust, source)
    return found


def _word(
    certificate: x509.Certificate, issuer: x509.Certificate, moment: datetime, trust: Trust, source: RevocationSource
) -> Evidence:
    """What the source says now, or where that does not speak of the moment, the list that is held from then."""
    ends = certificate.not_valid_after_utc
    said = source.ask(certificate, issuer)
    if trust.bare.standing(certificate, issuer, said).word(moment, ends):
        return said
    for crl in trust.crls:
        held = evidence(crls=[crl.public_bytes(Encoding.DER)])
        if trust.bare.standing(certificate, issuer, held).word(moment, ends):
            return held
    raise EvidenceUnavailable(
        f"expected an OCSP answer or a list of revoked certificates that speaks of {moment:%Y-%m-%dT%H:%M:%SZ}, came"
        " one of another time, and no list is held from then; try again, or put the list of that day into the folder"
        " of keys"
    )


def _check_fresh(signed: Signed, trust: Trust, found: Evidence) -> None:
    stamped = signed.timestamp
    certificate, issuer = trust.paths(signed.certificate, signed.chain, "sign")[0][:2]
    for encoded in found.ocsps:
        try:
            said = ocsp.read(encoded, certificate, issuer)
        except ocsp.NoAnswer:
            continue
        if stamped and abs(said.first - stamped) > ocsp.WINDOW:
            raise EvidenceUnavailable(
                f"expected an OCSP answer of {stamped:%Y-%m-%dT%H:%M:%SZ} within {ocsp.WINDOW}, came one of"
                f" {said.first:%Y-%m-%dT%H:%M:%SZ}; compare the clocks of the two services, and send the decision again"
            )


def _judge_with(
    signed: Signed, found: Evidence, trust: Trust, at: datetime, policy: Policy, recorded: Recorded
) -> None:
    """Judge a signature as if this evidence stood in its file."""
    layers = signed.layers
    if layers:
        layers = (*layers[:-1], replace(layers[-1], evidence=layers[-1].evidence | found))
    proof.judge(replace(signed, layers=layers), trust, at=at, policy=policy, recorded=recorded)
