"""The keys of an installation: one folder, opened once. Checking needs only what is public in it.

The mark's key is always in it; the head's and its certificates only where the stand-in signs.

root.pem issuing.pem head.pem tsa.pem       certificates
root.crl.pem issuing.crl.pem                lists of revoked certificates
*.key.pem                                   PKCS#8, encrypted with the passphrase
mark-keys.json                              public keys of the QR mark, retired ones too
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from qujat.errors import ConfigurationError, KeyUnavailable
from qujat.signing.chains import chain_of
from qujat.signing.mark_keys import MarkKey, create_mark_key, kid_of, open_mark_keys
from qujat.signing.signer import KeySigner, Signer
from qujat.signing.standin import Person, create_stand_in, load_key, revoke
from qujat.signing.timestamp import StandInAuthority, TimestampAuthority
from qujat.signing.trust import Trust, is_stand_in

__all__ = [
    "KeyRing",
    "MarkKey",
    "Person",
    "create_mark_key",
    "create_stand_in",
    "head_certificate",
    "kid_of",
    "open_anchors",
    "open_keys",
    "open_mark_keys",
    "open_trust",
    "revoke",
]

_ENCODED = (".pem", ".crt", ".cer", ".der", ".crl")
T = TypeVar("T")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class KeyRing:
    """Everything that signing a document needs. `timestamper` is None where the folder has no timestamp key."""

    signer: Signer
    timestamper: TimestampAuthority | None
    trust: Trust
    mark_key: ec.EllipticCurvePrivateKey = field(repr=False)
    mark_keys: Mapping[bytes, MarkKey]


def open_keys(
    folder: Path,
    passphrase: bytes,
    *,
    clock: Callable[[], datetime] = _now,
    trust: Trust | None = None,
    signer: Signer | None = None,
) -> KeyRing:
    """Open an installation's keys, each parsed once; `clock` is what timestamps tell.

    Without `trust` and `signer` they are the stand-in's, of the same folder.
    Raises KeyUnavailable (no folder, wrong passphrase, a pair that does not match), ConfigurationError.
    """
    trust = trust or open_trust(folder)
    signer = signer or _stand_in(folder, passphrase, trust)
    mark_key, mark_keys = load_key(folder / "mark.key.pem", passphrase), open_mark_keys(folder)
    if kid_of(mark_key.public_key()) not in mark_keys:
        raise KeyUnavailable(
            "expected the mark's key among mark-keys.json, came another; restore the file that was made with the key"
        )
    if mark_keys[kid_of(mark_key.public_key())].retired_at:
        raise KeyUnavailable(
            "expected a key for marks that is in use, came a retired one: its rotation was cut short;"
            " run `qujat keys rotate mark` again"
        )
    return KeyRing(signer, _timestamper(folder, passphrase, clock), trust, mark_key, mark_keys)


def open_trust(folder: Path) -> Trust:
    """Anchors, intermediates and CRLs of an installation; no passphrase. Raises KeyUnavailable, ConfigurationError."""
    root, issuing = _certificate(folder, "root"), _certificate(folder, "issuing")
    crls = tuple(_crl(path) for path in sorted(folder.glob("*.crl.pem")))
    return Trust((root,), (issuing,), crls, stand_in=is_stand_in(root))


def open_anchors(folder: Path) -> Trust:
    """Root certificates of a folder, and beside it intermediates/ and crls/, all in PEM or DER.

    Raises ConfigurationError: no root certificate, a file of another kind.
    """
    anchors = _all_of(folder, x509.load_pem_x509_certificates, x509.load_der_x509_certificate)
    if not anchors:
        raise ConfigurationError(
            f"expected root certificates (*.pem, *.crt, *.cer, *.der) in {folder}, came none; put them there, or name"
            " another folder in [trust] anchors"
        )
    beside = folder.parent
    intermediates = _all_of(beside / "intermediates", x509.load_pem_x509_certificates, x509.load_der_x509_certificate)
    crls = _all_of(beside / "crls", lambda content: [x509.load_pem_x509_crl(content)], x509.load_der_x509_crl)
    return Trust(anchors, intermediates, crls, stand_in=any(is_stand_in(anchor) for anchor in anchors))


def _all_of(folder: Path, load_pem: Callable[[bytes], Iterable[T]], load_der: Callable[[bytes], T]) -> tuple[T, ...]:
    """What stands in the files of a folder; a folder that is not there holds nothing."""
    found: list[T] = []
    for path in sorted(path for path in folder.glob("*") if path.suffix.lower() in _ENCODED):
        try:
            content = path.read_bytes()
            found += load_pem(content) if b"-----BEGIN" in content else [load_der(content)]
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"expected certificates or lists in PEM or DER in {path}, came: {error}"
            ) from error
    return tuple(found)


def head_certificate(folder: Path) -> x509.Certificate:
    """Whose key an installation signs with; no passphrase. Raises KeyUnavailable, ConfigurationError."""
    return _certificate(folder, "head")


def _stand_in(folder: Path, passphrase: bytes, trust: Trust) -> Signer:
    certificate = head_certificate(folder)
    chain = chain_of(certificate, (), trust)
    return KeySigner(load_key(folder / "head.key.pem", passphrase), certificate, chain)


def _timestamper(folder: Path, passphrase: bytes, clock: Callable[[], datetime]) -> TimestampAuthority | None:
    if not (folder / "tsa.key.pem").exists():
        return None
    return StandInAuthority(load_key(folder / "tsa.key.pem", passphrase), _certificate(folder, "tsa"), clock)


def _certificate(folder: Path, name: str) -> x509.Certificate:
    path = folder / f"{name}.pem"
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise KeyUnavailable(
            f"expected {path.name} in {folder}, came {error.strerror}; make a stand-in or name the right folder"
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"expected a PEM certificate in {path}, came {error}; restore the file") from error


def _crl(path: Path) -> x509.CertificateRevocationList:
    try:
        return x509.load_pem_x509_crl(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(f"expected a PEM list of revoked certificates in {path}, came {error}") from error
