"""CMS as the world writes it (RFC 5652): what a card may hold is not made by us alone.

`signeddata` accepts the one shape that we write. Here is read what others write too: any order and any attributes, RSA
and elliptic curves with SHA-2, with or without signing-certificate-v2. DER only. GOST is told apart and left open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm as NotImplementedHere
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from qujat.errors import DocumentAltered, SignatureInvalid, TimestampInvalid, UnsupportedAlgorithm, VerificationError
from qujat.signing import der, signeddata
from qujat.signing.der import DerError, Element
from qujat.signing.timestamp import TST_INFO, Timestamp
from qujat.signing.trust import MALFORMED

REVOCATION_VALUES = der.oid("1.2.840.113549.1.9.16.2.24")  # RFC 5126 6.3.4

_DIGESTS = {
    der.oid("2.16.840.1.101.3.4.2.1"): SHA256(),
    der.oid("2.16.840.1.101.3.4.2.2"): SHA384(),
    der.oid("2.16.840.1.101.3.4.2.3"): SHA512(),
}
_RSA = der.oid("1.2.840.113549.1.1.1")
_SIGNATURES = {
    der.oid("1.2.840.113549.1.1.11"): SHA256(),
    der.oid("1.2.840.113549.1.1.12"): SHA384(),
    der.oid("1.2.840.113549.1.1.13"): SHA512(),
    der.oid("1.2.840.10045.4.3.2"): SHA256(),
    der.oid("1.2.840.10045.4.3.3"): SHA384(),
    der.oid("1.2.840.10045.4.3.4"): SHA512(),
}
_SMALLEST_RSA = 2048
_KEY_IDENTIFIER = 0x80


@dataclass(frozen=True, slots=True)
class Message:
    """A SignedData with one signer. Everything is DER; `attributes` is the SET that was signed.

    certificates: those inside. revocations: the members of SignedData.crls. unsigned: type → values, in their order.
    """

    content_type: bytes
    content: bytes | None
    certificates: tuple[x509.Certificate, ...]
    revocations: tuple[bytes, ...]
    sid: Element
    digest_algorithm: bytes
    signature_algorithm: bytes
    attributes: bytes
    signature: bytes
    unsigned: Mapping[bytes, tuple[bytes, ...]]

    @property
    def signer(self) -> x509.Certificate | None:
        """The signer's certificate, if it is inside."""
        return next((c for c in self.certificates if self._is_named(c)), None)

    @property
    def tokens(self) -> tuple[bytes, ...]:
        """The signature timestamps (RFC 3161, appendix A)."""
        return self.unsigned.get(signeddata.TIMESTAMP_TOKEN, ())

    def _is_named(self, certificate: x509.Certificate) -> bool:
        if self.sid.tag == _KEY_IDENTIFIER:
            found = [e.value for e in certificate.extensions if isinstance(e.value, x509.SubjectKeyIdentifier)]
            return bool(found) and found[0].digest == self.sid.content
        issuer, serial = self.sid.children()
        return (certificate.issuer.public_bytes(), der.integer(certificate.serial_number)) == (
            issuer.encoded,
            serial.encoded,
        )


def read(encoded: bytes) -> Message:
    """Take a message apart. Raises DocumentAltered for what is no CMS with one signer in DER."""
    try:
        return _disassemble(encoded)
    except (*MALFORMED, IndexError) as error:
        raise DocumentAltered(
            f"expected a CMS signature in DER (RFC 5652) with one signer, came something else: {error};"
            " get the card again from whoever made it"
        ) from error


def verify(message: Message, content: bytes) -> x509.Certificate:
    """The certificate whose key signed `content` with this message.

    Raises DocumentAltered (other content, no certificate of the signer inside, attributes that are wrong),
    SignatureInvalid, UnsupportedAlgorithm (GOST, SHA-1).
    """
    certificate = message.signer
    if certificate is None:
        raise DocumentAltered("expected the signer's certificate in the signature, came none; do not rely on it")
    digest = known_digest(message.digest_algorithm)
    try:
        values = _attributes(message.attributes)
        if values.get(signeddata.CONTENT_TYPE) != message.content_type:
            raise DerError("the content type is not the one that was signed")
        named = values.get(signeddata.SIGNING_CERTIFICATE)
        if named and sha256(certificate.public_bytes(Encoding.DER)).digest() not in named:
            raise DerError("signing-certificate-v2 names another certificate")
    except (ValueError, IndexError) as error:
        raise DocumentAltered(f"expected well-formed signed attributes, came others: {error}") from error
    if values.get(signeddata.MESSAGE_DIGEST) != der.octets(_digested(digest, content)):
        raise DocumentAltered(
            "expected the bytes that were signed, came others: their digest is not the signed one;"
            " the original was changed, or the signature is of another document"
        )
    _check(certificate, message, digest)
    return certificate


def claimed_at(message: Message) -> datetime | None:
    """The signing time that the signer claims; None if he claims none, or nothing readable."""
    try:
        value = _attributes(message.attributes).get(signeddata.SIGNING_TIME)
        return der.moment(der.one(value)) if value else None
    except (ValueError, IndexError):
        return None


def timestamp(message: Message) -> Timestamp:
    """What the earliest of the message's timestamps states; each must be of this very signature value.

    Whether to trust the authority is another question. Raises TimestampInvalid, UnsupportedAlgorithm.
    """
    if not message.tokens:
        raise TimestampInvalid("expected a timestamp in the signature (RFC 3161, appendix A), came none")
    return min((_stamp(token, message.signature) for token in message.tokens), key=lambda stamp: stamp.time)


def _stamp(token: bytes, value: bytes) -> Timestamp:
    try:
        message = read(token)
        if message.content_type != TST_INFO or message.content is None:
            raise DerError("not a timestamp token")
        _version, _policy, imprint, _serial, time, *_rest = der.one(message.content, der.SEQUENCE).children()
        algorithm, stamped = imprint.children()
        digest = known_digest(algorithm.children()[0].encoded)
        if stamped.content != _digested(digest, value):
            raise DerError("the timestamp is of something else")
        certificate = verify(message, message.content)
        others = tuple(c for c in message.certificates if c != certificate)
        return Timestamp(der.moment(time), certificate, others)
    except UnsupportedAlgorithm:
        raise
    except (ValueError, IndexError, VerificationError) as error:
        raise TimestampInvalid(
            f"expected an RFC 3161 timestamp of this signature, came another: {error}; do not rely on its time"
        ) from error


def _disassemble(encoded: bytes) -> Message:
    kind, wrapped = der.one(encoded, der.SEQUENCE).children()
    if kind.encoded != signeddata.SIGNED_DATA:
        raise DerError("a content type other than signedData")
    _version, _digests, encapsulated, *beside, signers = der.one(wrapped.content, der.SEQUENCE).children()
    info = der.one(signers.content, der.SEQUENCE).children()
    _version, sid, digest_algorithm, attributes, signature_algorithm, signature, *unsigned = info
    if attributes.tag != 0xA0:
        raise DerError("a signature without signed attributes")
    content_type, *content = encapsulated.children()
    message = Message(
        content_type.encoded,
        der.one(content[0].content, der.OCTETS).content if content else None,
        tuple(signeddata.load(c) for c in _members(beside, 0xA0) if c[0] == der.SEQUENCE),
        _members(beside, 0xA1),
        sid,
        digest_algorithm.children()[0].encoded,
        signature_algorithm.children()[0].encoded,
        b"\x31" + attributes.encoded[1:],
        signature.content,
        _unsigned(unsigned),
    )
    _ = message.signer  # parsed now, so that what is malformed is found here
    return message


def _members(beside: list[Element], tag: int) -> tuple[bytes, ...]:
    return tuple(member.encoded for element in beside if element.tag == tag for member in element.children())


def _unsigned(elements: list[Element]) -> Mapping[bytes, tuple[bytes, ...]]:
    found: dict[bytes, tuple[bytes, ...]] = {}
    for element in elements:
        for attribute in element.children():
            kind, values = attribute.children()
            found[kind.encoded] = (*found.get(kind.encoded, ()), *(value.encoded for value in values.children()))
    return found


def _attributes(encoded: bytes) -> Mapping[bytes, bytes]:
    """The signed attributes, each with its one value (RFC 5652 5.3). DerError if one comes twice."""
    found: dict[bytes, bytes] = {}
    for attribute in der.one(encoded, der.SET).children():
        kind, values = attribute.children()
        if kind.encoded in found:
            raise DerError("a signed attribute that comes twice")
        found[kind.encoded] = der.one(values.content).encoded
    return found


def known_digest(algorithm: bytes) -> HashAlgorithm:
    """The digest that an OBJECT IDENTIFIER in DER names. Raises UnsupportedAlgorithm: GOST, SHA-1 and others."""
    if algorithm not in _DIGESTS:
        raise _unsupported(algorithm)
    return _DIGESTS[algorithm]


def _digested(digest: HashAlgorithm, content: bytes) -> bytes:
    running = Hash(digest)
    running.update(content)
    return running.finalize()


def _check(certificate: x509.Certificate, message: Message, digest: HashAlgorithm) -> None:
    """The signature over the signed attributes, by the certificate's key."""
    with_digest = digest if message.signature_algorithm == _RSA else _SIGNATURES.get(message.signature_algorithm)
    if with_digest is None:
        raise _unsupported(message.signature_algorithm)
    try:
        key = certificate.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey):
            return key.verify(message.signature, message.attributes, ec.ECDSA(with_digest))
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SMALLEST_RSA:
            return key.verify(message.signature, message.attributes, padding.PKCS1v15(), with_digest)
    except InvalidSignature as error:
        raise SignatureInvalid(
            "expected a signature by the key of its certificate, came another; do not rely on the document"
        ) from error
    except NotImplementedHere as error:
        raise _unsupported(message.signature_algorithm) from error
    except MALFORMED as error:
        raise DocumentAltered("expected a public key and a signature in DER, came something else") from error
    raise _unsupported(message.signature_algorithm)


def _unsupported(algorithm: bytes) -> UnsupportedAlgorithm:
    return UnsupportedAlgorithm(
        f"expected SHA-2 with RSA of 2048 bits or elliptic curves, came {der.dotted(algorithm)}; check GOST signatures"
        " with the NCA's own service, do not rely on SHA-1 or MD5"
    )
