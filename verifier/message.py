"""CMS SignedData of anybody (RFC 5652 section 5) taken apart, in DER, with exactly one signer.

Wider than `signing.signeddata`, which reads only what Qujat writes: here issuer and serial or a key identifier may name
the signer, any attribute may stand, CRLs may come along. What is not DER, and what has several signers, is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qujat.signing import der
from qujat.signing.der import DerError, Element
from qujat.verifier.certificates import MOST_CERTIFICATES
from qujat.verifier.report import Objection

DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
TIMESTAMP = "1.2.840.113549.1.9.16.2.14"

_ENCRYPTED = frozenset(("1.2.840.113549.1.7.3", "1.2.840.113549.1.7.6", "1.2.840.113549.1.9.16.1.23"))
_INDEFINITE = 0x80
_CERTIFICATES, _CRLS = 0xA0, 0xA1
_SIGNED, _UNSIGNED = 0xA0, 0xA1
_KEY_IDENTIFIER = 0x80


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute's values, each in DER."""

    kind: str
    values: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signer (RFC 5652 5.3). `signed` is the SET that was signed, in DER; None if there is none."""

    identifier: Element
    digest_algorithm: Element
    signed: bytes | None
    signature_algorithm: Element
    signature: bytes
    unsigned: tuple[Attribute, ...] = ()

    def attributes(self) -> dict[str, bytes]:
        """The signed attributes, each with its one value. Raises Objection if one comes twice or has several."""
        found: dict[str, bytes] = {}
        for attribute in _attributes(der.one(self.signed, der.SET).children()) if self.signed else ():
            if attribute.kind in found or len(attribute.values) != 1:
                raise Objection("cms-attributes", f"{attribute.kind} twice or with several values")
            found[attribute.kind] = attribute.values[0]
        return found


@dataclass(frozen=True, slots=True)
class Message:
    """A SignedData with its one signer. `content` is None in a detached signature."""

    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...] = field(repr=False)
    signer: SignerInfo = field(repr=False)


def parse(encoded: bytes) -> Message:
    """Take a message apart. Raises Objection."""
    if encoded[1:2] == bytes((_INDEFINITE,)) and encoded[:1] == b"\x30":
        raise Objection("cms-not-der", "indefinite length")
    try:
        first = der.first(encoded)
        if len(first.encoded) != len(encoded):
            raise Objection("trailing-bytes", f"{len(encoded) - len(first.encoded)} bytes")
        return _message(first)
    except (ValueError, IndexError) as error:
        raise Objection("cms-malformed", str(error)) from error


def unpadded(encoded: bytes) -> bytes:
    """The message at the head of a PDF's /Contents, after which only zeros may stand. Raises Objection."""
    try:
        size = len(der.first(encoded).encoded) if encoded else 0
    except (ValueError, IndexError):
        return encoded.rstrip(b"\0")  # `parse` says what is wrong with it
    if any(encoded[size:]):
        raise Objection("trailing-bytes", "after the signature in /Contents")
    return encoded[:size]


def _message(outer: Element) -> Message:
    kind, wrapped = der.one(outer.encoded, der.SEQUENCE).children()
    name = der.dotted(kind.encoded)
    if name in _ENCRYPTED:
        raise Objection("encrypted", name)
    if name != SIGNED_DATA:
        raise DerError(f"a content type other than signedData: {name}")
    version, digests, encapsulated, *rest = der.one(wrapped.content, der.SEQUENCE).children()
    if version.tag != der.INTEGER or digests.tag != der.SET or encapsulated.tag != der.SEQUENCE:
        raise DerError("no SignedData")
    optional, signers = rest[:-1], rest[-1]
    tags = [element.tag for element in optional]
    if signers.tag != der.SET or tags != sorted(set(tags)) or not set(tags) <= {_CERTIFICATES, _CRLS}:
        raise DerError("no SignedData")
    held = {element.tag: element.children() for element in optional}
    content_type, *content = encapsulated.children()
    return Message(
        der.dotted(content_type.encoded),
        _content(content),
        _certificates(held.get(_CERTIFICATES, [])),
        tuple(element.encoded for element in held.get(_CRLS, []) if element.tag == der.SEQUENCE),
        _signer(signers.children()),
    )


def _content(content: Sequence[Element]) -> bytes | None:
    if not content:
        return None
    (explicit,) = content
    if explicit.tag != 0xA0:
        raise DerError("a content that is none")
    return der.one(explicit.content, der.OCTETS).content


def _certificates(elements: Sequence[Element]) -> tuple[bytes, ...]:
    """Those that are certificates; attribute certificates and other kinds say nothing of a signer's key."""
    found = tuple(element.encoded for element in elements if element.tag == der.SEQUENCE)
    if len(found) > MOST_CERTIFICATES:
        raise Objection("too-costly", f"{len(found)} certificates")
    return found


def _signer(signers: Sequence[Element]) -> SignerInfo:
    if not signers:
        raise Objection("not-signed", "no SignerInfo")
    if len(signers) > 1:
        raise Objection("many-signers", f"{len(signers)} SignerInfo")
    version, identifier, digest, *rest = der.one(signers[0].encoded, der.SEQUENCE).children()
    signed = b"\x31" + rest.pop(0).encoded[1:] if rest[0].tag == _SIGNED else None
    algorithm, signature, *unsigned = rest
    if version.tag != der.INTEGER or signature.tag != der.OCTETS or len(unsigned) > 1:
        raise DerError("no SignerInfo")
    if identifier.tag not in (der.SEQUENCE, _KEY_IDENTIFIER):
        raise DerError("a signer without a name")
    if unsigned and unsigned[0].tag != _UNSIGNED:
        raise DerError("no unsigned attributes where they should be")
    added = _attributes(unsigned[0].children()) if unsigned else ()
    for element in (digest, algorithm):
        der.one(element.encoded, der.SEQUENCE)
    return SignerInfo(identifier, digest, signed, algorithm, signature.content, added)


def _attributes(elements: Sequence[Element]) -> tuple[Attribute, ...]:
    found = []
    for element in elements:
        kind, values = der.one(element.encoded, der.SEQUENCE).children()
        inner = der.one(values.encoded, der.SET).children()
        found.append(Attribute(der.dotted(kind.encoded), tuple(each.encoded for each in inner)))
    return tuple(found)
