"""Reading a CMS that another program made, as widely as is safe, into the frame of `signeddata`.

What it takes: DER, BER, PEM or Base64; detached or attached; the signer known by issuer and serial number or by the
identifier of his key; further certificates, lists and unsigned attributes, which are left out. What it does not take:
more or fewer than one signature (PDF/A-3 6.4.3), no signed attributes, several timestamps, GOST.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import replace

from cryptography import x509

from qujat.errors import DocumentAltered, SignatureRefused, UnsupportedAlgorithm
from qujat.signing import ber, der, signeddata
from qujat.signing.der import DerError, Element
from qujat.signing.signeddata import SignedData
from qujat.signing.signer import low, one_spelling
from qujat.signing.trust import MALFORMED

LARGEST = 64_000_000  # bytes: an attached CMS holds the whole file

_PEM = re.compile(rb"\s*-----BEGIN (CMS|PKCS7)-----\s(.*)-----END \1-----\s*", re.DOTALL)
_BASE64 = b"M"  # how Base64 of a SEQUENCE begins; the SEQUENCE itself begins with the digit 0
_RSA = der.oid("1.2.840.113549.1.1.1")
_SIGNATURES = (der.oid("1.2.840.10045.4.3.2"), der.oid("1.2.840.113549.1.1.11"), _RSA)
# The arcs of Kazakhstan, of Russia, and of the maker of the Kalkan library.
_GOST = ("1.2.398.3.10.", "1.2.643.", "1.3.6.1.4.1.6801.")


def read(cms: bytes) -> SignedData:
    """The one signature in a CMS. Its certificates are all that came; its timestamp is not looked at yet.

    Raises SignatureRefused, UnsupportedAlgorithm (GOST, SHA-1: nothing is said about the signature).
    """
    if len(cms) > LARGEST:
        raise SignatureRefused(f"expected a signature of at most {LARGEST} bytes, came {len(cms)}; sign it detached")
    try:
        return _read(ber.to_der(_binary(cms)))
    except (ValueError, IndexError, DocumentAltered) as error:  # DerError among them
        raise SignatureRefused(
            f"expected a CMS signature (RFC 5652) in DER, PEM or Base64, came something else: {error}; send the file"
            " that the signing program gave"
        ) from error


def _binary(cms: bytes) -> bytes:
    """The bytes of PEM or Base64 text; binary as it is."""
    pem = _PEM.fullmatch(cms)
    text = pem[2] if pem else cms
    if not pem and not cms[:64].lstrip().startswith(_BASE64):
        return cms
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise DerError(f"text that is not Base64 ({error})") from error


def _read(encoded: bytes) -> SignedData:
    kind, wrapped = der.one(encoded, der.SEQUENCE).children()
    if kind.encoded != signeddata.SIGNED_DATA:
        raise DerError("a content type other than signedData")
    _version, _digests, encapsulated, *beside, signers = der.one(wrapped.content, der.SEQUENCE).children()
    content_type, *content = encapsulated.children()
    certificates = tuple(c.encoded for e in beside if e.tag == 0xA0 for c in e.children() if c.tag == der.SEQUENCE)
    return _signature(_the_one(signers), content_type.encoded, _content(content), certificates)


def _the_one(signers: Element) -> Element:
    found = signers.children()
    if len(found) != 1:
        raise SignatureRefused(
            f"expected exactly one signature in the CMS, as PDF/A-3 asks (6.4.3), came {len(found)}; sign with one key,"
            " each signer in a CMS of his own"
        )
    return found[0]


def _content(content: Sequence[Element]) -> bytes | None:
    return der.one(content[0].content, der.OCTETS).content if content else None


def _signature(
    signer_info: Element, content_type: bytes, content: bytes | None, certificates: tuple[bytes, ...]
) -> SignedData:
    _version, signer, digest, *rest = signer_info.children()
    attributes = rest.pop(0) if rest[0].tag == 0xA0 else None
    algorithm, value, *unsigned = rest
    _check_algorithms(digest, algorithm)
    if attributes is None:
        raise DerError("a signature without signed attributes")
    encoded = _certificate_of(signer, certificates)
    certificate = signeddata.load(encoded)
    return SignedData(
        content_type,
        content,
        certificates,
        encoded,
        signeddata.SHA256_ALGORITHM,
        signeddata.algorithm_of(certificate),
        der.set_of(*(attribute.encoded for attribute in attributes.children())),
        one_spelling(value.content, certificate),
        _token(unsigned),
    )


def _check_algorithms(digest: Element, signature: Element) -> None:
    named = [algorithm.children()[0].encoded for algorithm in (digest, signature)]
    if digest.encoded in signeddata.DIGESTS and named[1] in _SIGNATURES:
        return
    names = [der.dotted(name) for name in named]
    if any(name.startswith(_GOST) for name in names):
        raise UnsupportedAlgorithm(
            f"expected a signature by an RSA or P-256 key with SHA-256, came one by GOST ({' and '.join(names)}), which"
            " cannot be checked here, nor in a PDF by those who get it; nothing is wrong with the key, and nothing was"
            " issued: sign the same files with an RSA key of the same official"
        )
    raise UnsupportedAlgorithm(
        f"expected a signature by an RSA or P-256 key with SHA-256, came {' and '.join(names)}; nothing was issued:"
        " sign the same files again with such a key"
    )


def _certificate_of(signer: Element, certificates: tuple[bytes, ...]) -> bytes:
    """The signer's certificate among those that came (RFC 5652 5.3: issuer and serial number, or key identifier)."""
    for encoded in certificates:
        if signer.tag == der.SEQUENCE and signeddata.is_signer(signer.content, encoded):
            return encoded
        if signer.tag != der.SEQUENCE and signer.content and signer.content == _key_identifier(encoded):
            return encoded
    raise SignatureRefused(
        "expected the signer's certificate in the CMS, came none of his; sign with a tool that puts it in"
    )


def _key_identifier(encoded: bytes) -> bytes:
    try:
        extensions = signeddata.load(encoded).extensions
        return extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, *MALFORMED):
        return b""


def _token(unsigned: Sequence[Element]) -> bytes | None:
    """The timestamp among the unsigned attributes, in the one spelling that is written."""
    found = [
        value.encoded
        for attributes in unsigned
        for kind, values in (attribute.children() for attribute in attributes.children())
        if kind.encoded == signeddata.TIMESTAMP_TOKEN
        for value in values.children()
    ]
    if len(found) > 1:
        raise SignatureRefused(f"expected at most one timestamp in the signature, came {len(found)}; sign again")
    return _token_in_one_spelling(found[0]) if found else None


def _token_in_one_spelling(token: bytes) -> bytes:
    try:
        message = signeddata.parse(token)
    except (UnsupportedAlgorithm, DocumentAltered) as error:
        raise type(error)(
            "expected a timestamp by an RSA or P-256 key with SHA-256, came another, such as the NCA's by GOST; nothing"
            " was issued: sign without a timestamp (NCALayer: leave tsaProfile out), this office adds its own"
        ) from error
    if message.signature_algorithm != signeddata.ECDSA_SHA256:
        return token
    return replace(message, signature=low(message.signature)).encode()
