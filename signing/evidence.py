"""What proves that certificates were good: answers of OCSP responders, lists of revoked certificates, roots.

The values are kept as they came (DER), inside the signed files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509


@dataclass(frozen=True, slots=True)
class Evidence:
    """Values in DER, each once, in ascending order: the same evidence has one spelling."""

    certificates: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()

    def __or__(self, other: Evidence) -> Evidence:
        return evidence(
            (*self.certificates, *other.certificates), (*self.ocsps, *other.ocsps), (*self.crls, *other.crls)
        )

    def __sub__(self, other: Evidence) -> Evidence:
        """What is here and not in the other."""
        return evidence(
            set(self.certificates) - set(other.certificates),
            set(self.ocsps) - set(other.ocsps),
            set(self.crls) - set(other.crls),
        )

    def __bool__(self) -> bool:
        return bool(self.certificates or self.ocsps or self.crls)


NONE = Evidence()


def evidence(certificates: Iterable[bytes] = (), ocsps: Iterable[bytes] = (), crls: Iterable[bytes] = ()) -> Evidence:
    """Evidence in its one spelling."""
    return Evidence(tuple(sorted(set(certificates))), tuple(sorted(set(ocsps))), tuple(sorted(set(crls))))


class RevocationSource(Protocol):
    """Somebody who can say whether a certificate was revoked."""

    def ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Evidence:
        """An OCSP response or a CRL about a certificate, checked to be one. Raises EvidenceUnavailable."""
