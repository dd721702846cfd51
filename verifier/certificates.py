"""Whose signature it is, and whether that certificate could sign at the time: `Trust.path` with ETSI's distinctions.

Trust and its rule of revocation are the same as for documents of our own (`signing.trust`). What a file brings with it
(certificates, CRLs) is added as evidence: an authority's CRL is believed for its signature, wherever it was found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm as NotImplementedHere
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.x509.oid import NameOID

from qujat.errors import (
    CertificateRevoked,
    CertificateUntrusted,
    RevocationUnknown,
    UnsupportedAlgorithm,
    VerificationError,
)
from qujat.signing import der, signeddata
from qujat.signing.trust import MALFORMED, Trust, is_stand_in
from qujat.verifier import algorithms
from qujat.verifier.report import Objection, Who

MOST_CERTIFICATES = 64  # in one signature; a path is of four at most
MOST_CRLS = 64

# Extended key usages that speak of documents: email protection (all signing certificates of Kazakhstan's NCA carry it),
# document signing (RFC 9336), Microsoft's and Adobe's own for documents, any.
_FOR_DOCUMENTS = frozenset(
    x509.ObjectIdentifier(oid)
    for oid in (
        "1.3.6.1.5.5.7.3.4",
        "1.3.6.1.5.5.7.3.36",
        "1.3.6.1.4.1.311.10.3.12",
        "1.2.840.113583.1.1.5",
        "2.5.29.37.0",
    )
)


@dataclass(frozen=True, slots=True)
class Moment:
    """For when a certificate is judged. `stamped`: by a timestamp authority's word; `claimed` is the signer's own."""

    at: datetime
    stamped: bool = False
    claimed: datetime | None = None


def load(encoded: bytes) -> x509.Certificate:
    """A certificate in DER. Raises Objection."""
    try:
        certificate = signeddata.load(encoded)
        _touch(certificate)
    except (VerificationError, *MALFORMED) as error:
        raise Objection("certificate-malformed") from error
    return certificate


def load_others(encoded: Iterable[bytes]) -> tuple[x509.Certificate, ...]:
    """The certificates that can be read; those that cannot help nobody. Raises Objection if there are too many."""
    wanted = list(dict.fromkeys(encoded))
    if len(wanted) > MOST_CERTIFICATES:
        raise Objection("too-costly", f"{len(wanted)} certificates")
    found = []
    for each in wanted:
        try:
            found.append(load(each))
        except Objection:
            continue
    return tuple(found)


def with_crls(trust: Trust, encoded: Iterable[bytes]) -> Trust:
    """The same trust with further CRLs to ask; those that cannot be read, or are signed weakly, are left out."""
    read = [_crl(each) for each in list(dict.fromkeys(encoded))[:MOST_CRLS]]
    found = [crl for crl in read if crl is not None]  # a CRL without entries is false
    return replace(trust, crls=(*trust.crls, *found)) if found else trust


def issuer_and_serial(encoded: bytes) -> bytes:
    """The contents of IssuerAndSerialNumber (RFC 5652 10.2.4) for a certificate in DER. Raises DerError."""
    fields = der.one(encoded, der.SEQUENCE).children()[0].children()
    fields = fields[1:] if fields[0].tag == 0xA0 else fields
    return fields[2].encoded + fields[0].encoded


def key_identifier(certificate: x509.Certificate) -> bytes | None:
    """The subject key identifier, if there is one."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def who(certificate: x509.Certificate) -> Who:
    """What the certificate says of its holder."""
    units = _subject(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME)
    return Who(
        name="; ".join(_subject(certificate, NameOID.COMMON_NAME)),
        organisation="; ".join(_subject(certificate, NameOID.ORGANIZATION_NAME)),
        bin=next((unit.removeprefix("BIN") for unit in units if unit.startswith("BIN")), ""),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        stand_in=is_stand_in(certificate),
    )


def judge(certificate: x509.Certificate, others: tuple[x509.Certificate, ...], trust: Trust, moment: Moment) -> None:
    """Return if the certificate could sign documents at that moment, by this trust. Raises Objection."""
    algorithms.key_of(certificate)
    _for_documents(certificate)
    _within(certificate, moment)
    try:
        trust.path(certificate, others, at=moment.at, purpose="sign")
    except CertificateRevoked as error:
        raise Objection(_revoked(certificate, others, trust, moment)) from error
    except RevocationUnknown as error:
        raise Objection("revocation-unknown") from error
    except UnsupportedAlgorithm as error:
        raise Objection("unsupported-algorithm", "a certificate of the path") from error
    except CertificateUntrusted as error:
        raise Objection("no-chain", error.message) from error


def _within(certificate: x509.Certificate, moment: Moment) -> None:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if first <= moment.at <= last:
        return
    span = f"{first:%Y-%m-%d} … {last:%Y-%m-%d}"
    # A timestamp says that the signature existed by then: before the certificate did is impossible.
    raise Objection(
        "stamped-before-validity" if moment.stamped and moment.at < first else "certificate-out-of-validity", span
    )


def _revoked(certificate: x509.Certificate, others: tuple[x509.Certificate, ...], trust: Trust, moment: Moment) -> str:
    """By the signer's own word after revocation, or with nothing to prove that it was before (EN 319 102-1 5.2.6.4)."""
    if moment.claimed is None:
        return "revoked-no-poe"
    try:
        trust.path(certificate, others, at=moment.claimed, purpose="sign")
    except CertificateRevoked:
        return "revoked"
    except VerificationError:
        return "revoked-no-poe"
    return "revoked-no-poe"


def _for_documents(certificate: x509.Certificate) -> None:
    try:
        usages = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return
    if not usages & _FOR_DOCUMENTS:
        raise Objection("certificate-purpose", ", ".join(sorted(usage.dotted_string for usage in usages)))


def _touch(certificate: x509.Certificate) -> None:
    """Parse now what pyca/cryptography parses when asked, so that nothing further on can fail to be read."""
    _ = (certificate.subject, certificate.issuer, certificate.extensions, certificate.not_valid_before_utc)
    _ = (certificate.not_valid_after_utc, certificate.version)
    try:
        _ = certificate.signature_hash_algorithm
    except NotImplementedHere:
        return


def _crl(encoded: bytes) -> x509.CertificateRevocationList | None:
    try:
        crl = x509.load_der_x509_crl(encoded)
        _ = (crl.issuer, crl.extensions, crl.last_update_utc, crl.next_update_utc)
        strong = isinstance(crl.signature_hash_algorithm, SHA256 | SHA384 | SHA512)
    except (NotImplementedHere, *MALFORMED):
        return None
    return crl if strong else None


def _subject(certificate: x509.Certificate, kind: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(kind)]
