"""Who signs: a certificate, its chain, and a way to sign bytes. The key itself may be anywhere.

Kinds of keys: P-256 (the stand-in's) and RSA of 2048 bits or more (the NCA's), both with SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from qujat.errors import KeyUnavailable

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
SMALLEST_RSA = 2048

_ECDSA = ec.ECDSA(SHA256(), deterministic_signing=True)
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Signer(Protocol):
    """Signs for the holder of a certificate; a key in memory, a token or another machine."""

    @property
    def certificate(self) -> x509.Certificate:
        """Whose signature it is."""

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The intermediate certificates above it, without the root."""

    def sign(self, data: bytes) -> bytes:
        """A signature with SHA-256 over `data`: ECDSA in DER on P-256, RSA by PKCS #1 v1.5 (RFC 8017 8.2).

        Raises SigningError where the key cannot be used.
        """


@dataclass(frozen=True)
class KeySigner:
    """A Signer whose key is in memory, parsed once. The same bytes get the same signature (RFC 6979, RFC 8017 8.2)."""

    key: PrivateKey = field(repr=False)
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        if self.key.public_key() != self.certificate.public_key():
            raise KeyUnavailable(
                "expected the private key of the signer's certificate, came another key; put the two of a pair together"
            )
        usable(self.certificate)

    def sign(self, data: bytes) -> bytes:
        """A signature with SHA-256 over `data`, as `Signer.sign` says."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), SHA256())
        return self.key.sign(data, _ECDSA)


@dataclass(frozen=True)
class NotHere:
    """The place of the signer in an office that holds no key: whoever asks is told what to do."""

    chain: tuple[x509.Certificate, ...] = ()

    @property
    def certificate(self) -> x509.Certificate:
        """Raises KeyUnavailable, always."""
        raise _not_here()

    def sign(self, data: bytes) -> bytes:
        """Raises KeyUnavailable, always."""
        raise _not_here()


def usable(certificate: x509.Certificate) -> None:
    """Raise KeyUnavailable unless the key of the certificate is one that signs here: P-256, or RSA of 2048 bits."""
    key = _public_key(certificate)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA:
        return
    raise KeyUnavailable(
        f"expected a key on P-256, or RSA of {SMALLEST_RSA} bits or more, came {_kind(key)};"
        " sign with a key of one of these kinds"
    )


@lru_cache(maxsize=256)
def is_rsa(certificate: x509.Certificate) -> bool:
    """True if the key of the certificate is an RSA key; False for any other, or for one that cannot be read."""
    return isinstance(_public_key(certificate), rsa.RSAPublicKey)


def signature_value(signer: Signer, data: bytes) -> bytes:
    """What `signer` makes of `data`, in the one spelling that is written. Raises what `signer.sign` raises."""
    return one_spelling(signer.sign(data), signer.certificate)


def one_spelling(signature: bytes, certificate: x509.Certificate) -> bytes:
    """A signature value in the one spelling that is written: see `low`; RSA has but one. ValueError as `low`."""
    return signature if is_rsa(certificate) else low(signature)


def low(signature: bytes) -> bytes:
    """The same P-256 signature with the smaller of its two values of s. ValueError if it is not DER.

    If (r, s) verifies, so does (r, n - s), and anyone can turn one into the other. Qujat writes the smaller and accepts
    no other, so that nobody can make a second file out of a signed one.
    """
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, _ORDER - s)) if 0 < s < _ORDER else signature


def _not_here() -> KeyUnavailable:
    return KeyUnavailable(
        "expected an office that holds a key, came one whose documents are signed elsewhere ([signer] kind ="
        ' "elsewhere"); use `qujat prepare` and `qujat complete`'
    )


def _public_key(certificate: x509.Certificate) -> object:
    """The public key, or None where it is damaged or of a kind that is not known here."""
    try:
        return certificate.public_key()
    except (UnsupportedAlgorithm, ValueError, TypeError):
        return None


def _kind(key: object) -> str:
    match key:
        case ec.EllipticCurvePublicKey():
            return key.curve.name
        case rsa.RSAPublicKey():
            return f"RSA of {key.key_size} bits"
        case _:
            return "another kind, such as GOST"
