"""The arithmetic of one CMS signature: digest, attributes, key. For CMS files, signatures in PDF, and timestamps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from qujat.signing import der
from qujat.signing.der import DerError
from qujat.verifier import algorithms, certificates, message
from qujat.verifier.algorithms import Digest
from qujat.verifier.message import Message
from qujat.verifier.report import Objection

Parts = Callable[[], Iterable[bytes | memoryview]]

# Evidence that may be added later (ETSI EN 319 122-1 5.3-5.5, A.1): believed for what signs it, or not read.
EVIDENCE = frozenset(
    (
        "1.2.840.113549.1.9.16.2.21",  # complete-certificate-references
        "1.2.840.113549.1.9.16.2.22",  # complete-revocation-references
        "1.2.840.113549.1.9.16.2.23",  # certificate-values
        "1.2.840.113549.1.9.16.2.24",  # revocation-values
        "1.2.840.113549.1.9.16.2.48",  # archive-time-stamp
        "0.4.0.1733.2.4",  # archive-time-stamp-v3
        "0.4.0.1733.2.5",  # ats-hash-index
        "1.2.840.113583.1.1.8",  # Adobe's revocation information
    )
)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature whose arithmetic holds. Who may be trusted is another question: `certificates.judge`."""

    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]
    algorithm: str
    claimed_at: datetime | None
    names_certificate: bool


def signer_certificate(found: Message) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """The signer's certificate and the others that came along. Raises Objection: none, or not clear which."""
    identifier = found.signer.identifier
    try:
        if identifier.tag == der.SEQUENCE:
            mine = {each for each in found.certificates if certificates.issuer_and_serial(each) == identifier.content}
        else:
            mine = {each for each in found.certificates if _identified(each, identifier.content)}
    except (ValueError, IndexError) as error:
        raise Objection("certificate-malformed") from error
    if len(mine) != 1:
        raise Objection("no-signing-certificate", f"{len(mine)} of {len(found.certificates)} certificates fit")
    (encoded,) = mine
    others = certificates.load_others(each for each in found.certificates if each != encoded)
    return certificates.load(encoded), others


def check_digest(found: Message, parts: Parts, content_type: str = message.DATA) -> None:
    """Return if these are the bytes that were signed (RFC 5652 5.4). Raises Objection."""
    digest = _digest(found)
    values = _signed_attributes(found, content_type)
    if values[message.MESSAGE_DIGEST] != der.octets(algorithms.hashed(digest, parts())):
        raise Objection("hash-failure", digest)


def check_signature(found: Message) -> Signed:
    """Return whose signature it is, if the certificate's key made it over the signed attributes. Raises Objection."""
    digest = _digest(found)
    try:
        scheme = algorithms.scheme_of(found.signer.signature_algorithm, digest)
    except (ValueError, IndexError) as error:
        raise Objection("cms-malformed", str(error)) from error
    certificate, others = signer_certificate(found)
    if found.signer.signed is None:
        raise Objection("cms-attributes", "no signed attributes")
    algorithms.verify(certificate, scheme, found.signer.signature, found.signer.signed)
    values = _attributes(found)
    return Signed(certificate, others, str(scheme), _claimed(values), _names(values, certificate))


def check_unsigned(found: Message) -> list[bytes]:
    """The timestamp tokens among the unsigned attributes. Raises Objection for what is neither that nor evidence."""
    tokens: list[bytes] = []
    for attribute in found.signer.unsigned:
        if attribute.kind == message.TIMESTAMP:
            tokens.extend(attribute.values)
        elif attribute.kind not in EVIDENCE:
            raise Objection("unsigned-attribute", attribute.kind)
    return tokens


def _digest(found: Message) -> Digest:
    try:
        return algorithms.digest_of(found.signer.digest_algorithm)
    except (ValueError, IndexError) as error:
        raise Objection("cms-malformed", str(error)) from error


def _signed_attributes(found: Message, content_type: str) -> dict[str, bytes]:
    """Both obligatory attributes are there, and the content type is the one that was signed (RFC 5652 11.1, 11.2)."""
    values = _attributes(found)
    for kind in (message.CONTENT_TYPE, message.MESSAGE_DIGEST):
        if kind not in values:
            raise Objection("cms-attributes", f"no {kind}")
    if values[message.CONTENT_TYPE] != der.oid(content_type) or found.content_type != content_type:
        raise Objection("cms-attributes", "another content type")
    return values


def _attributes(found: Message) -> dict[str, bytes]:
    try:
        return found.signer.attributes()
    except (ValueError, IndexError) as error:
        raise Objection("cms-malformed", str(error)) from error


def _identified(encoded: bytes, identifier: bytes) -> bool:
    try:
        return certificates.key_identifier(certificates.load(encoded)) == identifier
    except Objection:
        return False


def _names(values: dict[str, bytes], certificate: x509.Certificate) -> bool:
    """Whether a signed attribute names the certificate (RFC 5035). Raises Objection if it names another."""
    if message.SIGNING_CERTIFICATE_V2 not in values:
        if message.SIGNING_CERTIFICATE in values:
            raise Objection("weak-algorithm", "signing-certificate by SHA-1")
        return False
    try:
        identifiers = der.one(values[message.SIGNING_CERTIFICATE_V2], der.SEQUENCE).children()[0].children()
        fields = identifiers[0].children()
        digest: Digest = "sha256"
        if fields[0].tag == der.SEQUENCE:
            digest = algorithms.digest_of(fields[0])
            fields = fields[1:]
        named = fields[0].encoded
    except (ValueError, IndexError) as error:
        raise Objection("cms-attributes", f"signing-certificate-v2: {error}") from error
    encoded = certificate.public_bytes(Encoding.DER)
    if named != der.octets(hashlib.new(digest, encoded).digest()):
        raise Objection("other-certificate")
    return True


def _claimed(values: dict[str, bytes]) -> datetime | None:
    if message.SIGNING_TIME not in values:
        return None
    try:
        return der.moment(der.one(values[message.SIGNING_TIME]))
    except (DerError, ValueError) as error:
        raise Objection("cms-attributes", "a signing time that is none") from error
