"""Who may sign a document: the holder of a certificate with the usage and role for its kind, of the authority that
decided, who is the official named, and held the power on the day.

The object identifiers are those of Kazakhstan's National Certification Authority (NCA, 1.2.398.3.3.4.1). The rules
stand in forms/shared/signers.toml. No message here prints an IIN, a BIN or a name: errors end in logs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Literal, TypeVar

from cryptography import x509
from cryptography.x509.oid import NameOID
from pydantic import Field

from qujat.datafiles import SHARED, Strict, read_each
from qujat.errors import CertificateExpired, SignerNotEntitled
from qujat.signing.mandates import Mandates, Power

EMAIL_PROTECTION = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.4")
ORGANISATION = x509.ObjectIdentifier("1.2.398.3.3.4.1.2")
HEAD = x509.ObjectIdentifier("1.2.398.3.3.4.1.2.1")
ENTITLED_TO_SIGN = x509.ObjectIdentifier("1.2.398.3.3.4.1.2.2")
EMPLOYEE = x509.ObjectIdentifier("1.2.398.3.3.4.1.2.5")
RULES = SHARED / "signers.toml"
PREPARER = "prepared_by"
_ROLES = {"head": HEAD, "entitled": ENTITLED_TO_SIGN, "employee": EMPLOYEE, "organisation": ORGANISATION}

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


Role = Literal["head", "entitled", "employee", "organisation"]


class Rule(Strict):
    """Who may sign documents of one kind: key usage, roles of the certificate, powers of a mandate."""

    usage: Sequence[Literal["digital_signature", "content_commitment"]]
    roles: Sequence[Role]
    powers: Sequence[Power] = Field(alias="as")


@cache
def rules() -> Mapping[str, Rule]:
    """Kind → rule. Raises FormError if the file is wrong."""
    return read_each(RULES, Rule)


def rule_for(kind: str) -> Rule:
    """The rule for documents of a kind."""
    return rules().get(kind) or rules()["default"]


def may_sign(
    certificate: x509.Certificate, *, bin: str, iin: str, kind: str, mandates: Mandates, days: Iterable[date]
) -> None:
    """Raise SignerNotEntitled unless the holder may sign a document of this kind for this authority.

    `days` are those on which the power must have been held: the day of the decision, and that of the signature.
    """
    entitled(certificate, bin=bin, iin=iin, kind=kind)
    mandates.require(bin, iin, kind, rule_for(kind).powers, days)


def entitled(certificate: x509.Certificate, *, bin: str, iin: str, kind: str = "decision") -> None:
    """Raise SignerNotEntitled unless the certificate is for signing, in a role for this kind, of this BIN and IIN."""
    _for_signing(certificate, rule_for(kind))
    _in_a_role(certificate, rule_for(kind))
    _holder(certificate, bin=bin, iin=iin)


def employed(certificate: x509.Certificate, *, bin: str, iin: str) -> None:
    """The same for an official who prepares what the head signs: his certificate need not be a head's."""
    entitled(certificate, bin=bin, iin=iin, kind=PREPARER)


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


def _for_signing(certificate: x509.Certificate, rule: Rule) -> None:
    usage = _extension(certificate, x509.KeyUsage, "key usage")
    if not all(getattr(usage, bit) for bit in rule.usage):
        raise SignerNotEntitled(
            "expected a signing certificate (key usage digitalSignature and nonRepudiation), came one of another usage,"
            " such as for authentication; sign with the key for signing"
        )


def _in_a_role(certificate: x509.Certificate, rule: Rule) -> None:
    roles = set(_extension(certificate, x509.ExtendedKeyUsage, "extended key usage"))
    if not roles & {_ROLES[role] for role in rule.roles}:
        wanted = " or ".join(f"{role} ({_ROLES[role].dotted_string})" for role in rule.roles)
        raise SignerNotEntitled(
            f"expected the role {wanted}, came {sorted(role.dotted_string for role in roles)};"
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
