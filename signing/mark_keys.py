"""The public keys of the QR mark, with the time each was good for: a retired key still checks old marks.

The keys of the register's checkpoints are listed in the same way, in a file of their own.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from qujat.blobs import write_whole
from qujat.errors import ConfigurationError, KeyUnavailable

FILE = "mark-keys.json"
REGISTER_FILE, REGISTER_KEY = "register-keys.json", "register.key.pem"


@dataclass(frozen=True, slots=True)
class MarkKey:
    """A public ES256 key, of marks or of the register. What it signed in [valid_from, retired_at) counts; a compromised
    key proves nothing by itself."""

    kid: bytes
    public_key: ec.EllipticCurvePublicKey
    valid_from: datetime
    retired_at: datetime | None = None
    compromised_at: datetime | None = None


def kid_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """The key's short name in a mark: the first 8 bytes of SHA-256 over its SubjectPublicKeyInfo."""
    return sha256(_spki(key)).digest()[:8]


def open_mark_keys(folder: Path) -> Mapping[bytes, MarkKey]:
    """All mark keys of an installation by their kid, retired ones too; needs no passphrase.

    Raises KeyUnavailable if there is no such file, ConfigurationError if it was damaged.
    """
    return _listed(folder, FILE, "make a stand-in or name the right folder")


def open_register_keys(folder: Path) -> Mapping[bytes, MarkKey]:
    """All keys of the register's checkpoints by their kid, retired ones too. Raises as `open_mark_keys` does."""
    return _listed(
        folder, REGISTER_FILE, "run `qujat keys rotate register`, which gives an old installation its first key"
    )


def _listed(folder: Path, name: str, otherwise: str) -> Mapping[bytes, MarkKey]:
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise KeyUnavailable(f"expected {name} in {folder}, came {error.strerror}; {otherwise}") from error
    try:
        keys = [_read(entry) for entry in json.loads(content)["keys"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"expected {name} as Qujat writes it, came {error}; restore it from a copy") from error
    return {key.kid: key for key in keys}


def create_mark_key(folder: Path, passphrase: bytes, *, now: datetime) -> None:
    """Write a new key of the mark and one of the register into `folder` (0700), encrypted (0600), and beside each the
    list of its public keys.

    For an installation whose documents are signed by a key that it already has, or elsewhere.
    Raises KeyUnavailable if the folder holds keys already: they are never overwritten.
    """
    if any(folder.glob("*.key.pem")):
        raise KeyUnavailable(f"expected an empty folder for new keys, came {folder} with keys in it; name another")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name, content in new_files(passphrase, now - timedelta(days=1)).items():
        write_whole(folder / name, content)


def new_files(passphrase: bytes, start: datetime) -> dict[str, bytes]:
    """The files of new keys for marks and for the register, good from `start`.

    Each list stands before its key: a key without its place in the list would be refused for ever.
    """
    return {
        **_pair(FILE, "mark.key.pem", passphrase, start),
        **_pair(REGISTER_FILE, REGISTER_KEY, passphrase, start),
    }


def _pair(listed: str, name: str, passphrase: bytes, start: datetime) -> dict[str, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
    public = key.public_key()
    return {listed: mark_keys_json([MarkKey(kid_of(public), public, start)]), name: encrypted}


def mark_keys_json(keys: Iterable[MarkKey]) -> bytes:
    """The file's contents for these keys."""
    return json.dumps({"keys": [_entry(key) for key in keys]}, indent=2).encode() + b"\n"


def _entry(key: MarkKey) -> dict[str, str | None]:
    return {
        "kid": key.kid.hex(),
        "public_key": b64encode(_spki(key.public_key)).decode(),
        "valid_from": key.valid_from.astimezone(UTC).isoformat(),
        "retired_at": _text(key.retired_at),
        "compromised_at": _text(key.compromised_at),
    }


def _read(entry: Mapping[str, Any]) -> MarkKey:
    """ValueError if the kid is not that of the key: a key under a foreign name would check foreign marks."""
    key = load_der_public_key(b64decode(entry["public_key"], validate=True))
    if not isinstance(key, ec.EllipticCurvePublicKey) or kid_of(key).hex() != entry["kid"]:
        raise ValueError("a key under another kid than its own")
    return MarkKey(
        kid_of(key),
        key,
        datetime.fromisoformat(entry["valid_from"]),
        _moment(entry["retired_at"]),
        _moment(entry["compromised_at"]),
    )


def _text(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
