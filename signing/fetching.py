"""Whether a certificate was revoked, asked of its issuer over HTTP, where the certificate says that he answers.

OCSP first (RFC 6960), the list of revoked certificates where there is no responder or it does not answer (RFC 5280
4.2.1.13). What comes is checked before it counts, and kept as it came.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from qujat.errors import EvidenceUnavailable
from qujat.signing import ocsp
from qujat.signing.evidence import Evidence, evidence
from qujat.signing.trust import speaks_for

_LARGEST = 32 * 1024 * 1024  # the NCA's lists have some megabytes
_NONCE_BYTES = 16
_KEPT_FOR = timedelta(hours=1)


def _now() -> datetime:
    return datetime.now(UTC)


class _NoWord(ValueError):
    """Why one address gave no evidence."""


@dataclass(frozen=True)
class HttpSource:
    """Asks responders and fetches lists at the addresses in the certificates; lists are kept for an hour."""

    timeout_seconds: float = 10.0
    clock: Callable[[], datetime] = _now
    _kept: dict[str, tuple[datetime, bytes]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Evidence:
        """An OCSP response, or else a list of revoked certificates. Raises EvidenceUnavailable with every refusal."""
        refusals = []
        for url in _responders(certificate):
            try:
                return evidence(ocsps=[self._answer(url, certificate, issuer)])
            except _NoWord as error:
                refusals.append(f"{url}: {error}")
        for url in _lists(certificate):
            try:
                return evidence(crls=[self._list(url, issuer)])
            except _NoWord as error:
                refusals.append(f"{url}: {error}")
        raise EvidenceUnavailable(
            "expected an OCSP answer or a list of revoked certificates, came none:"
            f" {'; '.join(refusals) or 'the certificate names no address'}; send the decision again"
        )

    def _answer(self, url: str, certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        answer = self._fetch(url, ocsp.request(certificate, issuer, nonce))
        try:
            ocsp.read(answer, certificate, issuer)
            repeated = ocsp.nonce_of(answer)
        except ValueError as error:  # NoAnswer among them
            raise _NoWord(str(error)) from error
        if repeated not in (None, nonce):
            raise _NoWord("an answer to another question")
        return answer

    def _list(self, url: str, issuer: x509.Certificate) -> bytes:
        at, kept = self._kept.get(url, (None, b""))
        if at is None or self.clock() - at > _KEPT_FOR:
            kept = self._checked_list(self._fetch(url, None), issuer)
            self._kept[url] = self.clock(), kept
        return kept

    def _checked_list(self, encoded: bytes, issuer: x509.Certificate) -> bytes:
        """The list in DER. Raises _NoWord unless it is the issuer's, and of now."""
        try:
            pem = encoded.lstrip().startswith(b"-----BEGIN")
            crl = x509.load_pem_x509_crl(encoded) if pem else x509.load_der_x509_crl(encoded)
            right = crl.issuer == issuer.subject and speaks_for(crl, issuer)
        except ValueError as error:
            raise _NoWord(f"no list of revoked certificates: {error}") from error
        if not right:
            raise _NoWord("a list of another issuer")
        if crl.next_update_utc is None or crl.next_update_utc < self.clock():
            raise _NoWord("a list that has run out")
        return crl.public_bytes(Encoding.DER)

    def _fetch(self, url: str, body: bytes | None) -> bytes:
        # Imported here: most processes only check, and these cost more than all else here.
        import http.client
        import urllib.request

        headers = {"Content-Type": "application/ocsp-request"} if body else {}
        query = urllib.request.Request(url, body, headers)  # noqa: S310  only http(s) addresses come here
        try:
            with urllib.request.urlopen(query, timeout=self.timeout_seconds) as answer:  # noqa: S310
                content: bytes = answer.read(_LARGEST + 1)
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise _NoWord(str(error)) from error
        if len(content) > _LARGEST:
            raise _NoWord(f"more than {_LARGEST} bytes")
        return content


def _responders(certificate: x509.Certificate) -> Iterator[str]:
    """The addresses of OCSP responders (RFC 5280 4.2.2.1)."""
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.AuthorityInformationAccess):
            for access in extension.value:
                if access.access_method == AuthorityInformationAccessOID.OCSP:
                    yield from _http(access.access_location)


def _lists(certificate: x509.Certificate) -> Iterator[str]:
    """The addresses of whole lists of revoked certificates (RFC 5280 4.2.1.13)."""
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.CRLDistributionPoints):
            for point in extension.value:
                for name in () if point.reasons else point.full_name or ():
                    yield from _http(name)


def _http(name: x509.GeneralName) -> Iterator[str]:
    if isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith(("http://", "https://")):
        yield name.value
