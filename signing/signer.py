"""Who signs: a certificate, its chain, and a way to sign bytes. The key itself may be anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from qujat.errors import KeyUnavailable

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
        """A DER ECDSA signature with SHA-256 over `data`. Raises SigningError where the key cannot be used."""


@dataclass(frozen=True)
class KeySigner:
    """A Signer whose P-256 key is in memory, parsed once. RFC 6979: the same bytes get the same signature."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        if self.key.public_key() != self.certificate.public_key():
            raise KeyUnavailable(
                "expected the private key of the signer's certificate, came another key; put the two of a pair together"
            )
        if not isinstance(self.key.curve, ec.SECP256R1):
            raise KeyUnavailable(f"expected a key on P-256, came {self.key.curve.name}; sign with a P-256 key")

    def sign(self, data: bytes) -> bytes:
        """A DER ECDSA signature with SHA-256 over `data` (FIPS 186-5, RFC 6979)."""
        return self.key.sign(data, _ECDSA)


def low(signature: bytes) -> bytes:
    """The same P-256 signature with the smaller of its two values of s. ValueError if it is not DER.

    If (r, s) verifies, so does (r, n - s), and anyone can turn one into the other. Qujat writes the smaller and accepts
    no other, so that nobody can make a second file out of a signed one.
    """
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, _ORDER - s)) if 0 < s < _ORDER else signature
