"""What confirms at the time of a signature that its signer's certificate was good (ddcard-spec, «Требования к ЭЦП»).

An OCSP answer whose thisUpdate is within five minutes of the timestamp; or a list of revoked certificates whose window
covers it, with the delta list where the authority issues such.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as x509_ocsp

from qujat.errors import CardInvalid, CertificateRevoked
from qujat.signing import ocsp
from qujat.signing.evidence import Evidence, evidence
from qujat.signing.trust import load_crl, speaks_for

_Crl = x509.CertificateRevocationList
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One OCSP answer, or a list with its delta if there is one. values: the same in DER, and nothing else."""

    values: Evidence
    answer: x509_ocsp.OCSPResponse | None = None
    base: _Crl | None = None
    delta: _Crl | None = None


def confirmation(held: Evidence, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime) -> Confirmation:
    """What in `held` confirms that the certificate was good at `at`.

    Raises CardInvalid (card-no-revocation-values, card-evidence-window, card-delta-missing), CertificateRevoked.
    """
    return _answer(held, certificate, issuer, at) or _list(held, certificate, issuer, at)


def answers_about(encoded: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> ocsp.Answer | None:
    """What an OCSP response in DER says of the certificate; None if nothing that counts."""
    try:
        return ocsp.read(encoded, certificate, issuer)
    except ocsp.NoAnswer:
        return None


def issues_deltas(certificate: x509.Certificate) -> bool:
    """Whether the authority of a certificate issues delta lists: the certificate says where (RFC 5280 4.2.1.15)."""
    return _extension(certificate.extensions, x509.FreshestCRL) is not None


def is_whole_list(crl: _Crl, issuer: x509.Certificate) -> bool:
    """Whether it is a list of the issuer, not a part of one and not a delta."""
    return crl.issuer == issuer.subject and speaks_for(crl, issuer)


def _answer(
    held: Evidence, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime
) -> Confirmation | None:
    """The first OCSP answer about the certificate within the window; None if no answer is about it."""
    late = None
    for encoded in held.ocsps:
        said = answers_about(encoded, certificate, issuer)
        if said is None:
            continue
        if abs(said.first - at) > ocsp.WINDOW:
            late = said
            continue
        if said.revoked_at:
            raise _revoked(said.revoked_at)
        return Confirmation(evidence(ocsps=[encoded]), answer=ocsp.load(encoded))
    if late and not held.crls:
        raise _outside(f"an OCSP answer of {_text(late.first)}", f"within {ocsp.WINDOW} of the timestamp's {_text(at)}")
    return None


def _list(held: Evidence, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime) -> Confirmation:
    """A list of the issuer whose window covers `at`, with the delta list if the issuer has such."""
    whole = [crl for crl in map(load_crl, held.crls) if is_whole_list(crl, issuer)]
    if not whole:
        raise CardInvalid(
            "card-no-revocation-values",
            "expected an OCSP answer or a list of revoked certificates about the signer in the unsigned attribute"
            " revocation-values (1.2.840.113549.1.9.16.2.24), came none",
        )
    bases = [crl for crl in whole if _covers(crl, at)]
    if not bases:
        raise _outside(f"a list of {_text(whole[0].last_update_utc)}", f"whose window covers {_text(at)}")
    base = max(bases, key=lambda crl: crl.last_update_utc)
    delta = _delta(held, certificate, issuer, base, at)
    entry = base.get_revoked_certificate_by_serial_number(certificate.serial_number)
    if delta is not None:
        newer = delta.get_revoked_certificate_by_serial_number(certificate.serial_number)
        entry = newer if newer is not None else entry
    if entry is not None and not _is_removed(entry) and entry.revocation_date_utc <= at:
        raise _revoked(entry.revocation_date_utc)
    return Confirmation(
        evidence(crls=[crl.public_bytes(Encoding.DER) for crl in (base, delta) if crl is not None]),
        base=base,
        delta=delta,
    )


def _delta(
    held: Evidence,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    base: _Crl,
    at: datetime,
) -> _Crl | None:
    """The delta list over `base` for `at` (RFC 5280 5.2.4); None if the issuer has none (no freshestCRL)."""
    if not issues_deltas(certificate):
        return None
    number = _extension(base.extensions, x509.CRLNumber)
    for crl in map(load_crl, held.crls):
        over = _extension(crl.extensions, x509.DeltaCRLIndicator)
        fits = over and number and over.crl_number <= number.crl_number
        if fits and _covers(crl, at) and _is_by(crl, issuer):
            return crl
    raise CardInvalid(
        "card-delta-missing",
        "expected a delta list beside the list: the authority issues such (freshestCRL), came none that covers"
        f" {_text(at)}",
    )


def _covers(crl: _Crl, at: datetime) -> bool:
    return crl.next_update_utc is not None and crl.last_update_utc <= at <= crl.next_update_utc


def _is_by(crl: _Crl, issuer: x509.Certificate) -> bool:
    """Whether the issuer signed a delta list: like `speaks_for`, but the critical mark of a delta is understood."""
    usage, key = _extension(issuer.extensions, x509.KeyUsage), issuer.public_key()
    unknown = [e for e in crl.extensions if e.critical and not isinstance(e.value, x509.DeltaCRLIndicator)]
    if crl.issuer != issuer.subject or not usage or not usage.crl_sign or unknown:
        return False
    if not isinstance(crl.signature_hash_algorithm, SHA256 | SHA384 | SHA512):
        return False
    return isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) and crl.is_signature_valid(key)


def _is_removed(entry: x509.RevokedCertificate) -> bool:
    reason = _extension(entry.extensions, x509.CRLReason)
    return reason is not None and reason.reason == x509.ReasonFlags.remove_from_crl


def _extension(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    return next((e.value for e in extensions if isinstance(e.value, kind)), None)


def _outside(came: str, expected: str) -> CardInvalid:
    return CardInvalid(
        "card-evidence-window", f"expected an OCSP answer or a list {expected}, came {came}; it proves another time"
    )


def _revoked(since: datetime) -> CertificateRevoked:
    return CertificateRevoked(
        f"expected a signer's certificate in good standing, came one revoked on {_text(since)};"
        " do not rely on this signature"
    )


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
