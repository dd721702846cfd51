"""Which algorithms a signature may use, and the one place that does the arithmetic.

SHA-256, SHA-384, SHA-512 with RSA (PKCS #1 v1.5 or PSS, 2048 bits or more) or ECDSA on the NIST curves. GOST is known
by name and not computed; SHA-1, MD5, DSA and short keys are weak; the rest is unsupported. All of it is indeterminate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm as NotImplementedHere
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from qujat.signing import der
from qujat.signing.der import DerError, Element
from qujat.signing.trust import MALFORMED
from qujat.verifier.report import Objection

Digest = Literal["sha256", "sha384", "sha512"]
Kind = Literal["rsa", "pss", "ecdsa"]

DIGESTS: dict[str, Digest] = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_HASHES: dict[Digest, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_PSS = "1.2.840.113549.1.1.10"
_MGF1 = "1.2.840.113549.1.1.8"
# None: the digest is the one that the SignerInfo names (RFC 3370 3.2, RFC 5753 2.1.1).
_SIGNATURES: dict[str, tuple[Kind, Digest | None]] = {
    "1.2.840.113549.1.1.1": ("rsa", None),
    "1.2.840.113549.1.1.11": ("rsa", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha512"),
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
}
_XML: dict[str, tuple[Kind, Digest]] = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": ("rsa", "sha256"),
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": ("rsa", "sha384"),
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": ("rsa", "sha512"),
    "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1": ("pss", "sha256"),
    "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1": ("pss", "sha384"),
    "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1": ("pss", "sha512"),
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256": ("ecdsa", "sha256"),
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": ("ecdsa", "sha384"),
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": ("ecdsa", "sha512"),
}
XML_DIGESTS: dict[str, Digest] = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
# Kazakhstan's GOST 34.310, 34.311 and GOST R 34.10-2015; Russia's GOST R 34.10-2001 and -2012 with their digests.
_GOST = ("1.2.398.3.10.1.", "1.2.643.2.2.", "1.2.643.7.1.1.")
# MD2, MD5, SHA-1, RIPEMD-160, SHA-224; RSA with them; DSA; ECDSA with SHA-1 and SHA-224.
_WEAK = frozenset(
    (
        *("1.2.840.113549.2.2", "1.2.840.113549.2.5", "1.3.14.3.2.26", "1.3.36.3.2.1", "2.16.840.1.101.3.4.2.4"),
        *("1.2.840.113549.1.1.2", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.113549.1.1.14"),
        *("1.3.14.3.2.29", "1.2.840.10040.4.1", "1.2.840.10040.4.3"),
        *("2.16.840.1.101.3.4.3.1", "2.16.840.1.101.3.4.3.2", "1.2.840.10045.4.1", "1.2.840.10045.4.3.1"),
    )
)
_SMALLEST_RSA = 2048
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a signature was made. `salt` in bytes, for PSS."""

    kind: Kind
    digest: Digest
    salt: int = 0

    def __str__(self) -> str:
        return f"{self.kind}-{self.digest}"


def digest_of(algorithm: Element) -> Digest:
    """The digest that a DER AlgorithmIdentifier names. Raises Objection, DerError."""
    found = algorithm.children()
    oid = der.dotted(found[0].encoded)
    if oid not in DIGESTS:
        raise refused(oid)
    if [field.encoded for field in found[1:]] not in ([], [der.tlv(der.NULL)]):
        raise DerError("a digest with parameters")
    return DIGESTS[oid]


def scheme_of(algorithm: Element, digest: Digest) -> Scheme:
    """The scheme of a signature's AlgorithmIdentifier; `digest` is the SignerInfo's. Raises Objection, DerError."""
    found = algorithm.children()
    oid = der.dotted(found[0].encoded)
    if oid == _PSS:
        scheme = _pss(found[1])
    elif oid in _SIGNATURES:
        kind, own = _SIGNATURES[oid]
        scheme = Scheme(kind, own or digest)
    else:
        raise refused(oid)
    if scheme.digest != digest:
        raise Objection("unsupported-algorithm", f"{scheme.digest} signed, {digest} named")
    return scheme


def xml_scheme(uri: str) -> Scheme:
    """The scheme of an XML SignatureMethod. Raises Objection."""
    if uri not in _XML:
        raise refused(uri)
    return Scheme(*_XML[uri])


def xml_digest(uri: str) -> Digest:
    """The digest of an XML DigestMethod. Raises Objection."""
    if uri not in XML_DIGESTS:
        raise refused(uri)
    return XML_DIGESTS[uri]


def refused(name: str) -> Objection:
    """Why an algorithm is not taken, by its object identifier or its URI."""
    lower = name.lower()
    if name.startswith(_GOST) or "gost" in lower or "pkigovkz" in lower:
        return Objection("gost", name)
    if name in _WEAK or any(weak in lower for weak in ("sha1", "md5", "#dsa", "ripemd")):
        return Objection("weak-algorithm", name)
    return Objection("unsupported-algorithm", name[:100])


def hashed(digest: Digest, parts: Iterable[bytes | memoryview]) -> bytes:
    """The digest over these parts, one after the other."""
    running = hashlib.new(digest)
    for part in parts:
        running.update(part)
    return running.digest()


def key_of(certificate: x509.Certificate) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """The public key of a certificate. Raises Objection: GOST, weak, unsupported, malformed."""
    try:
        oid = certificate.public_key_algorithm_oid.dotted_string
        if oid.startswith(_GOST):
            raise refused(oid)
        key = certificate.public_key()
    except NotImplementedHere as error:
        raise Objection("unsupported-algorithm", "the certificate's key") from error
    except MALFORMED as error:
        raise Objection("certificate-malformed", "the public key") from error
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _SMALLEST_RSA:
            raise Objection("weak-algorithm", f"RSA of {key.key_size} bits")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
        return key
    raise Objection("unsupported-algorithm", f"the certificate's key: {oid}")


def verify(certificate: x509.Certificate, scheme: Scheme, signature: bytes, data: bytes) -> None:
    """Return if the certificate's key made this signature over `data`. Raises Objection."""
    key, digest = key_of(certificate), _HASHES[scheme.digest]
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and scheme.kind == "ecdsa":
            return key.verify(signature, data, ec.ECDSA(digest))
        if isinstance(key, rsa.RSAPublicKey) and scheme.kind == "rsa":
            return key.verify(signature, data, padding.PKCS1v15(), digest)
        if isinstance(key, rsa.RSAPublicKey) and scheme.kind == "pss":
            return key.verify(signature, data, padding.PSS(padding.MGF1(digest), scheme.salt), digest)
    except InvalidSignature as error:
        raise Objection("signature-failure") from error
    except MALFORMED as error:
        raise Objection("signature-failure", "no signature of this kind") from error
    raise Objection("signature-failure", "the certificate's key is of another kind")


def _pss(parameters: Element) -> Scheme:
    """RSASSA-PSS-params (RFC 4055 3.1): one digest for both, MGF1, the usual trailer."""
    fields = {field.tag: field.children()[0] for field in parameters.children()}
    if not {0xA0, 0xA1, 0xA2} <= fields.keys() <= {0xA0, 0xA1, 0xA2, 0xA3}:
        raise Objection("weak-algorithm", "RSASSA-PSS with SHA-1")
    digest = digest_of(fields[0xA0])
    generator, inner = fields[0xA1].children()
    if der.dotted(generator.encoded) != _MGF1 or digest_of(inner) != digest:
        raise Objection("unsupported-algorithm", "RSASSA-PSS with two digests")
    if 0xA3 in fields and fields[0xA3].encoded != der.integer(1):
        raise Objection("unsupported-algorithm", "RSASSA-PSS with another trailer")
    salt = int.from_bytes(der.one(fields[0xA2].encoded, der.INTEGER).content, "big")
    if salt > 128:
        raise Objection("unsupported-algorithm", "RSASSA-PSS with a long salt")
    return Scheme("pss", digest, salt)
