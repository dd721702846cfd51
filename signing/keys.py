"""The keys of an installation: one folder, opened once. Checking needs only what is public in it.

root.pem issuing.pem head.pem ocsp.pem tsa.pem   certificates
root.crl.pem issuing.crl.pem                lists of revoked certificates, those of before as root.*.crl.pem
*.key.pem                                   PKCS#8, encrypted with the passphrase
mark-keys.json                              public keys of the QR mark, retired ones too
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from qujat.errors import ConfigurationError, KeyUnavailable
from qujat.signing.evidence import RevocationSource
from qujat.signing.mark_keys import MarkKey, kid_of, open_mark_keys
from qujat.signing.responder import Responder, StandInSource
from qujat.signing.services import Service, answers, lists, timestamps
from qujat.signing.signer import KeySigner, Signer
from qujat.signing.standin import Person, create_stand_in, load_key, publish, revoke
from qujat.signing.timestamp import StandInAuthority, TimestampAuthority
from qujat.signing.trust import Trust, is_stand_in

__all__ = [
    "KeyRing",
    "MarkKey",
    "Person",
    "create_stand_in",
    "head_certificate",
    "kid_of",
    "open_keys",
    "open_mark_keys",
    "open_trust",
    "publish",
    "revoke",
    "services",
]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class KeyRing:
    """Everything that signing a document needs. `timestamper` is None where the folder has no timestamp key.

    `revocation`: what the stand-in's own authorities say of its certificates.
    """

    signer: Signer
    timestamper: TimestampAuthority | None
    revocation: RevocationSource
    trust: Trust
    mark_key: ec.EllipticCurvePrivateKey = field(repr=False)
    mark_keys: Mapping[bytes, MarkKey]


def open_keys(folder: Path, passphrase: bytes, *, clock: Callable[[], datetime] = _now) -> KeyRing:
    """Open an installation's keys, each parsed once; `clock` is what timestamps tell.

    Raises KeyUnavailable (no folder, wrong passphrase, a pair that does not match), ConfigurationError.
    """
    trust = open_trust(folder)
    signer = KeySigner(load_key(folder / "head.key.pem", passphrase), head_certificate(folder), trust.intermediates)
    mark_key, mark_keys = load_key(folder / "mark.key.pem", passphrase), open_mark_keys(folder)
    if kid_of(mark_key.public_key()) not in mark_keys:
        raise KeyUnavailable(
            "expected the mark's key among mark-keys.json, came another; restore the file that was made with the key"
        )
    revocation = StandInSource(_responder(folder, passphrase, trust, clock), lambda: _crls(folder))
    return KeyRing(signer, _timestamper(folder, passphrase, clock), revocation, trust, mark_key, mark_keys)


def open_trust(folder: Path) -> Trust:
    """Anchors, intermediates and CRLs of an installation; no passphrase. Raises KeyUnavailable, ConfigurationError."""
    root, issuing = _certificate(folder, "root"), _certificate(folder, "issuing")
    return Trust((root,), (issuing,), _crls(folder), stand_in=is_stand_in(root))


def services(folder: Path, ring: KeyRing) -> dict[str, Service]:
    """What the stand-in's authorities serve, by path: the addresses that its certificates name, and timestamps."""
    served = {f"/{issuer}.crl": lists(partial(_current, folder, issuer)) for issuer in ("root", "issuing")}
    if isinstance(ring.revocation, StandInSource) and ring.revocation.responder:
        served["/ocsp"] = answers(ring.revocation.responder)
    if isinstance(ring.timestamper, StandInAuthority):
        served["/tsa"] = timestamps(ring.timestamper)
    return served


def head_certificate(folder: Path) -> x509.Certificate:
    """Whose key an installation signs with; no passphrase. Raises KeyUnavailable, ConfigurationError."""
    return _certificate(folder, "head")


def _timestamper(folder: Path, passphrase: bytes, clock: Callable[[], datetime]) -> TimestampAuthority | None:
    if not (folder / "tsa.key.pem").exists():
        return None
    return StandInAuthority(load_key(folder / "tsa.key.pem", passphrase), _certificate(folder, "tsa"), clock)


def _responder(folder: Path, passphrase: bytes, trust: Trust, clock: Callable[[], datetime]) -> Responder | None:
    """None where the folder was made before there were responders: then lists say it all."""
    if not (folder / "ocsp.key.pem").exists():
        return None
    key, certificate = load_key(folder / "ocsp.key.pem", passphrase), _certificate(folder, "ocsp")
    return Responder(key, certificate, trust.intermediates[0], lambda: _crls(folder), clock)


def _crls(folder: Path) -> tuple[x509.CertificateRevocationList, ...]:
    return tuple(_crl(path) for path in sorted(folder.glob("*.crl.pem")))


def _current(folder: Path, issuer: str) -> bytes:
    """The newest list of an issuer, in DER."""
    return _crl(folder / f"{issuer}.crl.pem").public_bytes(Encoding.DER)


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
