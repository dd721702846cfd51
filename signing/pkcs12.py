"""A signer whose key is in an encrypted PKCS #12 file (RFC 7292): an organisation's robot key, never a head's own.

The key is parsed once and stays in the memory of this process.
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from qujat.errors import KeyUnavailable
from qujat.signing.chains import chain_of
from qujat.signing.signer import KeySigner
from qujat.signing.trust import Trust


def open_pkcs12(path: Path, passphrase: bytes, trust: Trust) -> KeySigner:
    """The signer of a file with one key and its certificate; the chain is led up to an anchor of `trust`.

    Raises KeyUnavailable: no file, a wrong passphrase, no encryption, a kind of key that does not sign here, no chain.
    """
    content = _content(path)
    if _opens(content):
        raise KeyUnavailable(
            f"expected an encrypted file, came {path}, which opens without a passphrase; make it again with one"
        )
    key, certificate, others = _opened(content, passphrase, path)
    if not isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)) or certificate is None:
        raise KeyUnavailable(
            f"expected a key (P-256 or RSA) with its certificate in {path}, came {_kind(key)}"
            f" {'with' if certificate else 'without'} a certificate; export both together"
        )
    return KeySigner(key, certificate, chain_of(certificate, others, trust))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyUnavailable(
            f"expected the signer's key in {path}, came {error.strerror}; name the file in [signer] pkcs12"
        ) from error


def _opens(content: bytes) -> bool:
    """True if the file opens without a passphrase, or with an empty one."""
    for nothing in (None, b""):
        try:
            pkcs12.load_key_and_certificates(content, nothing)
        except (ValueError, UnsupportedAlgorithm):
            continue
        return True
    return False


def _opened(
    content: bytes, passphrase: bytes, path: Path
) -> tuple[object, x509.Certificate | None, list[x509.Certificate]]:
    try:
        return pkcs12.load_key_and_certificates(content, passphrase)
    except UnsupportedAlgorithm as error:
        raise KeyUnavailable(
            f"expected a key on P-256 or RSA in {path}, came another kind, such as GOST; a GOST key signs elsewhere:"
            ' [signer] kind = "elsewhere"'
        ) from error
    except ValueError as error:
        raise KeyUnavailable(
            f"expected {path} to open with the secret of the signer, came a refusal: give the right passphrase in"
            " QUJAT_SIGNER_SECRET or [signer] secret_file, and check that it is a PKCS #12 file with a P-256 or RSA key"
        ) from error


def _kind(key: object) -> str:
    return "no key" if key is None else f"a {type(key).__name__}"
