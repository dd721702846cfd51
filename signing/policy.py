"""Who may sign a decision: the head of the authority, or one entitled to sign for it, and nobody else.

The object identifiers are those of Kazakhstan's National Certification Authority (NCA, 1.2.398.3.3.4.1).
No message here prints an IIN, a BIN or a name: errors end in logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import NameOID

from qujat.errors import CertificateExpired, SignerNotEntitled

EMAIL_PROTECTION = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.4")
ORGANISATION = x509.ObjectIdentifier("1.2.398.3.3.4.1.2")
HEAD = x509.ObjectIdentifier("1.2.398.3.3.4.1.2.1")
ENTITLED_TO_SIGN = x509.ObjectIdentifier("1.2.398.3.3.4.1.2.2")

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a certificate was issued to, as its subject says."""

    iin: str
    bin: str
    full_name: str


def identity(certificate: x509.Certificate) -> Identity:
    """The holder of a certificate of the NCA's profile: SERIALNUMBER=IIN…, OU=BIN…, CN. Raises SignerNotEntitled."""
    return Identity(
        iin=_prefixed(certificate, NameOID.SERIAL_NUMBER, "IIN"),
        bin=_prefixed(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME, "BIN"),
        full_name=_prefixed(certificate, NameOID.COMMON_NAME, ""),
    )


def entitled(certificate: x509.Certificate, *, bin: str, iin: str) -> None:
    """Raise SignerNotEntitled unless the certificate is for signing, of a head or one entitled, of this BIN and IIN."""
    _for_signing(certificate)
    _of_role(
        certificate,
        {HEAD, ENTITLED_TO_SIGN},
        f"the role of a head ({HEAD.dotted_string}) or of one entitled to sign ({ENTITLED_TO_SIGN.dotted_string})",
    )
    _holder(certificate, bin=bin, iin=iin)


def employed(certificate: x509.Certificate, *, bin: str, iin: str) -> None:
    """Raise SignerNotEntitled unless the certificate is for signing, of an organisation's person, of this BIN and IIN.

    For an official who prepares what the head signs: it need not be a head's.
    """
    _for_signing(certificate)
    _of_role(certificate, {ORGANISATION}, f"the role of an organisation's person ({ORGANISATION.dotted_string})")
    _holder(certificate, bin=bin, iin=iin)


def _holder(certificate: x509.Certificate, *, bin: str, iin: str) -> None:
    holder = identity(certificate)
    if holder.bin != bin:
        raise SignerNotEntitled(
            "expected a certificate of the authority of the decision, came one issued to another BIN than the authority"
            " of the decision; sign with a key of that authority"
        )
    if holder.iin != iin:
        raise SignerNotEntitled(
            "expected the certificate of the official who signs, came one issued to another IIN;"
            " sign with the key of the official named in the decision"
        )


def in_validity(certificate: x509.Certificate, at: datetime) -> None:
    """Raise CertificateExpired unless `at` is within the certificate's validity (RFC 5280 4.1.2.5)."""
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not first <= at <= last:
        raise CertificateExpired(
            f"expected a certificate valid at {at:%Y-%m-%dT%H:%M:%SZ}, came one valid from {first:%Y-%m-%d}"
            f" to {last:%Y-%m-%d}; sign with a current certificate"
        )


def _for_signing(certificate: x509.Certificate) -> None:
    usage = _extension(certificate, x509.KeyUsage, "key usage")
    if not (usage.digital_signature and usage.content_commitment):
        raise SignerNotEntitled(
            "expected a signing certificate (key usage digitalSignature and nonRepudiation), came one of another usage,"
            " such as for authentication; sign with the key for signing"
        )


def _of_role(certificate: x509.Certificate, wanted: set[x509.ObjectIdentifier], words: str) -> None:
    roles = set(_extension(certificate, x509.ExtendedKeyUsage, "extended key usage"))
    if not roles & wanted:
        raise SignerNotEntitled(
            f"expected {words}, came {sorted(role.dotted_string for role in roles)};"
            " sign with the key of an official who may sign"
        )


def _extension(certificate: x509.Certificate, kind: type[_Extension], words: str) -> _Extension:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound as error:
        raise SignerNotEntitled(
            f"expected a certificate with {words}, came one without; sign with a certificate of the NCA"
        ) from error


def _prefixed(certificate: x509.Certificate, kind: x509.ObjectIdentifier, prefix: str) -> str:
    """The one subject attribute that begins with the prefix, without it."""
    values = [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(kind)]
    found = [value.removeprefix(prefix) for value in values if value.startswith(prefix)]
    if len(found) != 1:
        raise SignerNotEntitled(
            f"expected one {prefix or 'CN'} in the certificate's subject, came {len(found)};"
            " sign with a certificate of an organisation's official"
        )
    return found[0]
