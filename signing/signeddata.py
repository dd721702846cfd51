"""CMS SignedData (RFC 5652 section 5) in the one shape that Qujat writes: written, and read back by writing it again.

`parse` takes a message apart, puts it together again and compares: one signer, known from issuer and serial number;
SHA-256; certificates, lists of revoked ones and OCSP answers beside it; timestamps and nothing else among the unsigned
attributes; DER.
So no byte outside the signed attributes has a second spelling that would still be accepted. The tests hold the same
bytes against pyHanko's and OpenSSL's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm as NotImplementedHere
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from qujat.errors import DocumentAltered, SignatureInvalid, UnsupportedAlgorithm
from qujat.signing import der
from qujat.signing.der import DerError, Element, tlv
from qujat.signing.signer import SMALLEST_RSA, Signer, is_rsa, low, signature_value
from qujat.signing.trust import MALFORMED

DATA = der.oid("1.2.840.113549.1.7.1")
SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
CONTENT_TYPE = der.oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.4")
SIGNING_TIME = der.oid("1.2.840.113549.1.9.5")
SIGNING_CERTIFICATE = der.oid("1.2.840.113549.1.9.16.2.47")
TIMESTAMP_TOKEN = der.oid("1.2.840.113549.1.9.16.2.14")
ARCHIVE_TIMESTAMP = der.oid("0.4.0.1733.2.4")  # archive-time-stamp-v3: ETSI EN 319 122-1 5.5.3
HASH_INDEX = der.oid("0.4.0.19122.1.5")  # ats-hash-index-v3: 5.5.2

_NULL = tlv(der.NULL)
_SHA256 = der.oid("2.16.840.1.101.3.4.2.1")
# RFC 5754 section 2: parameters absent or NULL. pyHanko writes NULL, and so do we.
SHA256_ALGORITHM = tlv(der.SEQUENCE, _SHA256, _NULL)
DIGESTS = (SHA256_ALGORITHM, tlv(der.SEQUENCE, _SHA256))
ECDSA_SHA256 = tlv(der.SEQUENCE, der.oid("1.2.840.10045.4.3.2"))
RSA_SHA256 = tlv(der.SEQUENCE, der.oid("1.2.840.113549.1.1.11"), _NULL)
_RSA = tlv(der.SEQUENCE, der.oid("1.2.840.113549.1.1.1"), _NULL)
_ADDED = frozenset({TIMESTAMP_TOKEN, ARCHIVE_TIMESTAMP, HASH_INDEX})
OTHER_REVOCATION = 0xA1  # the tag of OtherRevocationInfoFormat (RFC 5652 10.2.1)


@dataclass(frozen=True, slots=True)
class SignedData:
    """A message taken apart. Everything is DER; `attributes` is the SET that was signed.

    `revocations`: the members of SignedData.crls. `token`: the signature timestamp, `archive`: the archive timestamps.
    `hash_index`: what an archive timestamp says that it covers; it stands in the timestamp itself.
    """

    content_type: bytes
    content: bytes | None
    certificates: tuple[bytes, ...]
    signer: bytes
    digest_algorithm: bytes
    signature_algorithm: bytes
    attributes: bytes
    signature: bytes
    token: bytes | None = None
    revocations: tuple[bytes, ...] = ()
    archive: tuple[bytes, ...] = ()
    hash_index: bytes | None = None

    def encode(self) -> bytes:
        """The message as a ContentInfo in DER."""
        signed_data = (
            der.integer(self._version()),
            tlv(der.SET, self.digest_algorithm),
            self._encapsulated(),
            tlv(0xA0, *sorted(set(self.certificates))),
            *([tlv(0xA1, *sorted(set(self.revocations)))] if self.revocations else []),
            tlv(der.SET, self._signer_info()),
        )
        return tlv(der.SEQUENCE, SIGNED_DATA, tlv(0xA0, tlv(der.SEQUENCE, *signed_data)))

    @property
    def has_additions(self) -> bool:
        """Whether anything was added to the message after it was signed."""
        return bool(self.token or self.revocations or self.archive or self.hash_index)

    def attribute_values(self) -> Mapping[bytes, bytes]:
        """The signed attributes, each with its one value. DerError if one comes twice or has several values."""
        found: dict[bytes, bytes] = {}
        for attribute in der.one(self.attributes, der.SET).children():
            kind, values = attribute.children()
            if kind.encoded in found:
                raise DerError("a signed attribute that comes twice")
            found[kind.encoded] = der.one(values.content).encoded
        return found

    def signer_fields(self) -> tuple[bytes, ...]:
        """The fields of SignerInfo that the signer wrote, in their order (RFC 5652 5.3)."""
        return (
            der.integer(1),
            tlv(der.SEQUENCE, *_issuer_and_serial(self.signer)),
            self.digest_algorithm,
            b"\xa0" + self.attributes[1:],
            self.signature_algorithm,
            der.octets(self.signature),
        )

    def unsigned(self) -> tuple[tuple[bytes, bytes], ...]:
        """The unsigned attributes, each as its type and its one value, in ascending order of their encoding."""
        tokens = [(TIMESTAMP_TOKEN, self.token)] if self.token else []
        index = [(HASH_INDEX, self.hash_index)] if self.hash_index else []
        found = [*tokens, *((ARCHIVE_TIMESTAMP, token) for token in self.archive), *index]
        return tuple(sorted(found, key=lambda member: _attribute(*member)))

    def _version(self) -> int:
        """RFC 5652 5.1: 5 where OCSP answers stand beside, 3 for contents other than data."""
        if any(revocation[0] == OTHER_REVOCATION for revocation in self.revocations):
            return 5
        return 1 if self.content_type == DATA else 3

    def _encapsulated(self) -> bytes:
        if self.content is None:
            return tlv(der.SEQUENCE, self.content_type)
        return tlv(der.SEQUENCE, self.content_type, tlv(0xA0, der.octets(self.content)))

    def _signer_info(self) -> bytes:
        members = [_attribute(*member) for member in self.unsigned()]
        return tlv(der.SEQUENCE, *self.signer_fields(), *([tlv(0xA1, *members)] if members else []))


def make(
    digest: bytes,
    signer: Signer,
    *,
    signing_time: datetime | None = None,
    content_type: bytes = DATA,
    content: bytes | None = None,
    timestamp: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """Sign a SHA-256 digest: a CAdES SignedData in DER (ETSI EN 319 122-1 level B-B, or B-T with `timestamp`).

    `timestamp` gets the signature value and gives an RFC 3161 token over it. PAdES leaves `signing_time` out (EN
    319 142-1 6.3: the time is in /M); CAdES wants it.
    """
    certificate = signer.certificate.public_bytes(Encoding.DER)
    attributes = [
        _attribute(CONTENT_TYPE, content_type),
        _attribute(MESSAGE_DIGEST, der.octets(digest)),
        _attribute(SIGNING_CERTIFICATE, _signing_certificate(certificate)),
    ]
    if signing_time:
        attributes.append(_attribute(SIGNING_TIME, der.utc_time(signing_time)))
    signed = der.set_of(*attributes)
    chain = tuple(c.public_bytes(Encoding.DER) for c in signer.chain)
    message = SignedData(
        content_type,
        content,
        (certificate, *chain),
        certificate,
        SHA256_ALGORITHM,
        algorithm_of(signer.certificate),
        signed,
        signature_value(signer, signed),
    )
    return replace(message, token=timestamp(message.signature) if timestamp else None).encode()


def algorithm_of(certificate: x509.Certificate) -> bytes:
    """The AlgorithmIdentifier that is written for signatures by this certificate's key (RFC 5754 3.2, 3.3)."""
    return RSA_SHA256 if is_rsa(certificate) else ECDSA_SHA256


def parse(encoded: bytes) -> SignedData:
    """Take a message apart. Raises DocumentAltered unless it is byte for byte what `encode` writes,
    UnsupportedAlgorithm for digests and signatures other than SHA-256 with ECDSA or RSA."""
    try:
        message = _disassemble(encoded)
        same = message.encode() == encoded
    except (ValueError, IndexError) as error:
        raise DocumentAltered(
            f"expected one CMS signature in DER (RFC 5652 section 5), came something else: {error};"
            " get the document again from its issuer"
        ) from error
    if not same:
        raise DocumentAltered(
            "expected a CMS signature in the one spelling that is written, came another; get the document again"
        )
    return message


def verify(
    message: SignedData,
    digest: bytes,
    *,
    attributes: frozenset[bytes] | None = None,
    optional: frozenset[bytes] = frozenset(),
) -> x509.Certificate:
    """Check a parsed message against the SHA-256 of what it should have signed; give the signer's certificate.

    `attributes`: exactly these signed attributes, and at most the `optional` ones beside them; any if None.
    Raises DocumentAltered (other content, attributes that are missing or wrong: RFC 5652 5.3, RFC 5035 section 3),
    SignatureInvalid, UnsupportedAlgorithm.
    Trust in the certificate is another question: `Trust.path`.
    """
    try:
        _check_attributes(message, digest, attributes, optional)
    except (ValueError, IndexError) as error:
        raise DocumentAltered(
            f"expected well-formed signed attributes, came others: {error}; get the document again"
        ) from error
    certificate = load(message.signer)
    check(certificate, message.signature_algorithm, message.signature, message.attributes)
    return certificate


def check(certificate: x509.Certificate, algorithm: bytes, signature: bytes, signed: bytes) -> None:
    """Return if `signature` over `signed` is by the certificate's key, with this AlgorithmIdentifier.

    Raises SignatureInvalid, UnsupportedAlgorithm (the key is neither P-256 nor RSA), DocumentAltered (it is no key).
    """
    try:
        key = certificate.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm == ECDSA_SHA256:
            _check_one_spelling(key, signature)
            return key.verify(signature, signed, ec.ECDSA(SHA256()))
        if isinstance(key, rsa.RSAPublicKey) and algorithm != ECDSA_SHA256:
            _check_size(key)
            return key.verify(signature, signed, padding.PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise SignatureInvalid(
            "expected a signature by the key of its certificate, came another; do not rely on the document"
        ) from error
    except NotImplementedHere as error:
        raise UnsupportedAlgorithm("expected a key on P-256 or RSA, came another kind, such as GOST") from error
    except MALFORMED as error:
        raise DocumentAltered("expected a public key and a signature in DER, came something else") from error
    raise SignatureInvalid("expected a signature of the same kind as the certificate's key, came another kind")


@lru_cache(maxsize=256)
def load(encoded: bytes) -> x509.Certificate:
    """A certificate from its DER; one object for one certificate, so that it is parsed once. Raises DocumentAltered."""
    try:
        serial = int.from_bytes(der.one(_issuer_and_serial(encoded)[1]).content, "big", signed=True)
        if serial <= 0:  # RFC 5280 4.1.2.2
            raise DerError("a serial number that is not positive")
        return x509.load_der_x509_certificate(encoded)
    except (*MALFORMED, IndexError) as error:
        raise DocumentAltered("expected a certificate in DER, came something else; get the document again") from error


def is_signer(signer: bytes, certificate: bytes) -> bool:
    """Whether the contents of an IssuerAndSerialNumber (RFC 5652 10.2.4) name this certificate."""
    return b"".join(_issuer_and_serial(certificate)) == signer


def embedded_chain(message: SignedData) -> tuple[x509.Certificate, ...]:
    """The certificates in the message beside the signer's."""
    return tuple(load(encoded) for encoded in message.certificates if encoded != message.signer)


def _disassemble(encoded: bytes) -> SignedData:
    kind, wrapped = der.one(encoded, der.SEQUENCE).children()
    if kind.encoded != SIGNED_DATA:
        raise DerError("a content type other than signedData")
    _version, _digests, encapsulated, *beside, signers = der.one(wrapped.content, der.SEQUENCE).children()
    signer_info = der.one(signers.content, der.SEQUENCE).children()
    _version, sid, digest_algorithm, attributes, signature_algorithm, signature, *unsigned = signer_info
    _check_algorithms(digest_algorithm, signature_algorithm)
    content_type, *content = encapsulated.children()
    certificates = _members(beside, 0xA0)
    added = [attribute for element in unsigned for attribute in _unsigned(element)]
    return SignedData(
        content_type.encoded,
        der.one(content[0].content, der.OCTETS).content if content else None,
        certificates,
        next((c for c in certificates if b"".join(_issuer_and_serial(c)) == sid.content), b""),
        digest_algorithm.encoded,
        signature_algorithm.encoded,
        b"\x31" + attributes.encoded[1:],
        signature.content,
        next((value for kind, value in added if kind == TIMESTAMP_TOKEN), None),
        _members(beside, 0xA1),
        tuple(value for kind, value in added if kind == ARCHIVE_TIMESTAMP),
        next((value for kind, value in added if kind == HASH_INDEX), None),
    )


def _members(beside: list[Element], tag: int) -> tuple[bytes, ...]:
    """The members of SignedData.certificates [0] or SignedData.crls [1]."""
    return tuple(member.encoded for element in beside if element.tag == tag for member in element.children())


def _unsigned(attributes: Element) -> list[tuple[bytes, bytes]]:
    found = []
    for attribute in attributes.children():
        kind, values = attribute.children()
        if kind.encoded not in _ADDED:
            raise DerError("an unsigned attribute other than a timestamp")
        found.append((kind.encoded, der.one(values.content, der.SEQUENCE).encoded))
    return found


def _check_algorithms(digest: Element, signature: Element) -> None:
    if digest.encoded in DIGESTS and signature.encoded in (ECDSA_SHA256, RSA_SHA256, _RSA):
        return
    names = " and ".join(der.dotted(algorithm.children()[0].encoded) for algorithm in (digest, signature))
    raise UnsupportedAlgorithm(
        f"expected SHA-256 with ECDSA or RSA, came {names}; check GOST signatures with the NCA's own service,"
        " do not rely on SHA-1 or MD5"
    )


def _check_attributes(
    message: SignedData, digest: bytes, exactly: frozenset[bytes] | None, optional: frozenset[bytes]
) -> None:
    values = message.attribute_values()
    if exactly is not None and not exactly <= values.keys() <= exactly | optional:
        raise DerError(f"{len(values)} signed attributes where this kind of signature has exactly {len(exactly)}")
    if values.get(CONTENT_TYPE) != message.content_type:
        raise DerError("the content type is not the one that was signed")
    if values.get(MESSAGE_DIGEST) != der.octets(digest):
        raise DocumentAltered(
            "expected the bytes that were signed, came others: their digest is not the signed one;"
            " get the document again from its issuer"
        )
    if SIGNING_CERTIFICATE in values or SIGNING_CERTIFICATE not in optional:
        _check_signing_certificate(values.get(SIGNING_CERTIFICATE, b""), message.signer)


def _check_signing_certificate(value: bytes, certificate: bytes) -> None:
    """ESS signing-certificate-v2 (RFC 5035): the first ESSCertIDv2 names the signer's certificate by its SHA-256."""
    identifiers = der.one(value, der.SEQUENCE).children()[0].children()
    fields = [f.encoded for f in identifiers[0].children()]
    if fields[0] in DIGESTS:
        fields = fields[1:]
    expected = [der.octets(sha256(certificate).digest()), _issuer_serial(certificate)]
    if fields not in (expected, expected[:1]):
        raise DerError("signing-certificate-v2 names another certificate")


def _check_one_spelling(key: ec.EllipticCurvePublicKey, signature: bytes) -> None:
    if not isinstance(key.curve, ec.SECP256R1):
        raise UnsupportedAlgorithm(f"expected a key on P-256, came {key.curve.name}")
    if low(signature) != signature:
        raise SignatureInvalid(
            "expected the smaller s of an ECDSA signature, came another spelling of it; get the document again"
        )


def _check_size(key: rsa.RSAPublicKey) -> None:
    if key.key_size < SMALLEST_RSA:
        raise UnsupportedAlgorithm(f"expected RSA of {SMALLEST_RSA} bits or more, came {key.key_size}: too weak")


def _attribute(kind: bytes, value: bytes) -> bytes:
    return tlv(der.SEQUENCE, kind, tlv(der.SET, value))


@lru_cache(maxsize=64)
def _signing_certificate(certificate: bytes) -> bytes:
    identifier = tlv(der.SEQUENCE, der.octets(sha256(certificate).digest()), _issuer_serial(certificate))
    return tlv(der.SEQUENCE, tlv(der.SEQUENCE, identifier))


def _issuer_serial(certificate: bytes) -> bytes:
    """IssuerSerial (RFC 5035): the issuer as a GeneralName, and the serial number."""
    issuer, serial = _issuer_and_serial(certificate)
    return tlv(der.SEQUENCE, tlv(der.SEQUENCE, tlv(0xA4, issuer)), serial)


def is_self_issued(certificate: bytes) -> bool:
    """Whether issuer and subject of a certificate in DER are the same: a root. ValueError, IndexError."""
    fields = _fields(certificate)
    return fields[2].encoded == fields[4].encoded


@lru_cache(maxsize=256)
def _issuer_and_serial(certificate: bytes) -> tuple[bytes, bytes]:
    """The two fields of a certificate, as they are encoded in it."""
    fields = _fields(certificate)
    return fields[2].encoded, fields[0].encoded


def _fields(certificate: bytes) -> list[Element]:
    """The fields of a certificate from its serial number on (RFC 5280 4.1.2)."""
    fields = der.one(certificate, der.SEQUENCE).children()[0].children()
    return fields[1:] if fields[0].tag == 0xA0 else fields
