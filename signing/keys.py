"""The keys of an installation: one folder, opened once. Checking needs only what is public in it.

The mark's key is always in it; the head's and the other certificates only where the stand-in signs.

root.pem issuing.pem head.pem ocsp.pem tsa.pem   certificates
root.crl.pem issuing.crl.pem                lists of revoked certificates, those of before as root.*.crl.pem
*.key.pem                                   PKCS#8, encrypted with the passphrase
mark-keys.json                              public keys of the QR mark, retired ones too
register-keys.json                          the same of the register's checkpoints (register.key.pem)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from qujat.errors import ConfigurationError, KeyUnavailable
from qujat.signing.chains import chain_of
from qujat.signing.evidence import RevocationSource
from qujat.signing.mark_keys import (
    REGISTER_KEY,
    MarkKey,
    create_mark_key,
    kid_of,
    open_mark_keys,
    open_register_keys,
)
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
    "create_mark_key",
    "create_stand_in",
    "head_certificate",
    "kid_of",
    "open_anchors",
    "open_keys",
    "open_mark_keys",
    "open_register_key",
    "open_register_keys",
    "open_trust",
    "publish",
    "revoke",
    "services",
]

_ENCODED = (".pem", ".crt", ".cer", ".der", ".crl")
T = TypeVar("T")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class KeyRing:
    """Everything that signing a document needs. `timestamper` is None where the folder has no timestamp key.

    `revocation`: what the stand-in's own authorities say of its certificates; None beside the anchors of others.
    """

    signer: Signer
    timestamper: TimestampAuthority | None
    revocation: RevocationSource | None
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
    _check_listed("mark", mark_key, mark_keys)
    timestamper, revocation = _timestamper(folder, passphrase, clock), _revocation(folder, passphrase, trust, clock)
    return KeyRing(signer, timestamper, revocation, trust, mark_key, mark_keys)


def open_register_key(folder: Path, passphrase: bytes) -> ec.EllipticCurvePrivateKey:
    """The key that signs the register's checkpoints, and nothing else: who signs documents does not hold it.

    Raises KeyUnavailable (none, such as in an installation of before; a wrong passphrase; a retired one).
    """
    known = open_register_keys(folder)
    key = load_key(folder / REGISTER_KEY, passphrase)
    _check_listed("register", key, known)
    return key


def _check_listed(what: str, key: ec.EllipticCurvePrivateKey, known: Mapping[bytes, MarkKey]) -> None:
    """Raise KeyUnavailable unless the key is in the list of its public keys, and still in use."""
    listed = known.get(kid_of(key.public_key()))
    if listed is None:
        raise KeyUnavailable(
            f"expected the {what}'s key among {what}-keys.json, came another; restore the file that was made with the"
            " key"
        )
    if listed.retired_at:
        raise KeyUnavailable(
            f"expected a key of the {what} that is in use, came a retired one: its rotation was cut short;"
            f" run `qujat keys rotate {what}` again"
        )


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


def _revocation(
    folder: Path, passphrase: bytes, trust: Trust, clock: Callable[[], datetime]
) -> RevocationSource | None:
    if not trust.stand_in or not (folder / "issuing.pem").exists():
        return None
    return StandInSource(_responder(folder, passphrase, clock), lambda: _crls(folder))


def _responder(folder: Path, passphrase: bytes, clock: Callable[[], datetime]) -> Responder | None:
    """None where the folder was made before there were responders: then lists say it all."""
    if not (folder / "ocsp.key.pem").exists():
        return None
    key, certificate = load_key(folder / "ocsp.key.pem", passphrase), _certificate(folder, "ocsp")
    return Responder(key, certificate, _certificate(folder, "issuing"), lambda: _crls(folder), clock)


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
