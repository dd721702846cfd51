"""The stand-in's own word on revocation: an OCSP responder for what its issuing CA issued, lists for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from qujat.errors import EvidenceUnavailable
from qujat.signing.evidence import Evidence, evidence
from qujat.signing.trust import speaks_for

Lists = Sequence[x509.CertificateRevocationList]

_HOUR = timedelta(hours=1)
_ECDSA_HASH = SHA256()


@dataclass(frozen=True)
class Responder:
    """Answers for one issuer, from its newest list, with the key of a responder that the issuer appointed."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate
    issuer: x509.Certificate
    lists: Callable[[], Lists]
    clock: Callable[[], datetime]

    def answer(self, certificate: x509.Certificate) -> bytes:
        """A response in DER about a certificate of the issuer, good for an hour."""
        own = ocsp.OCSPRequestBuilder().add_certificate(certificate, self.issuer, _ECDSA_HASH).build()
        return self._signed(self._said(own))

    def respond(self, request: bytes) -> bytes:
        """The OCSPResponse to an OCSPRequest (RFC 6960 2.1); a refusal if it is not one that we serve."""
        try:
            asked = ocsp.load_der_ocsp_request(request)
            nonces = [e.value for e in asked.extensions if isinstance(e.value, x509.OCSPNonce)]
            ours = (asked.issuer_name_hash, asked.issuer_key_hash) == self._own_name(asked)
        except ValueError:
            return _refusal(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        if not ours:
            return _refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        builder = self._said(asked)
        for nonce in nonces:
            builder = builder.add_extension(nonce, critical=False)
        return self._signed(builder)

    def _own_name(self, asked: ocsp.OCSPRequest) -> tuple[bytes, bytes]:
        """How a request for a certificate of our issuer names it, with the digest that was chosen."""
        own = ocsp.OCSPRequestBuilder().add_certificate(self.certificate, self.issuer, asked.hash_algorithm).build()
        return own.issuer_name_hash, own.issuer_key_hash

    def _said(self, asked: ocsp.OCSPRequest) -> ocsp.OCSPResponseBuilder:
        now, serial = self.clock().replace(microsecond=0), asked.serial_number
        entry = _newest(self.lists(), self.issuer).get_revoked_certificate_by_serial_number(serial)
        extensions = entry.extensions if entry is not None else ()
        return ocsp.OCSPResponseBuilder().add_response_by_hash(
            asked.issuer_name_hash,
            asked.issuer_key_hash,
            serial,
            asked.hash_algorithm,
            ocsp.OCSPCertStatus.GOOD if entry is None else ocsp.OCSPCertStatus.REVOKED,
            now,
            now + _HOUR,
            None if entry is None else entry.revocation_date_utc,
            next((e.value.reason for e in extensions if isinstance(e.value, x509.CRLReason)), None),
        )

    def _signed(self, builder: ocsp.OCSPResponseBuilder) -> bytes:
        named = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.certificate)
        response = named.certificates([self.certificate]).sign(self.key, _ECDSA_HASH)
        return response.public_bytes(Encoding.DER)


@dataclass(frozen=True)
class StandInSource:
    """What the stand-in's authorities say, asked in this process."""

    responder: Responder | None
    lists: Callable[[], Lists]

    def ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Evidence:
        """The responder's answer about its issuer's certificates, else the issuer's newest list."""
        if self.responder and self.responder.issuer == issuer:
            return evidence(ocsps=[self.responder.answer(certificate)])
        return evidence(crls=[_newest(self.lists(), issuer).public_bytes(Encoding.DER)])


def _newest(lists: Lists, issuer: x509.Certificate) -> x509.CertificateRevocationList:
    found = [crl for crl in lists if crl.issuer == issuer.subject and speaks_for(crl, issuer)]
    if not found:
        raise EvidenceUnavailable(
            "expected a list of revoked certificates of the stand-in's authority, came none;"
            " restore the *.crl.pem of the key folder"
        )
    return max(found, key=lambda crl: crl.last_update_utc)


def _refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
