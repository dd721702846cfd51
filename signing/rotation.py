"""New keys in the place of old ones: what the old ones signed stays provable, since their public parts are kept.

A head's or timestamp authority's old certificate goes into retired/ (its signatures carry it anyway); the old public
key of the mark stays in mark-keys.json, that of the register in register-keys.json, with the moment from which it signs
no more. Private keys that are retired are destroyed: nothing needs them, and what is not there cannot leak.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from qujat.errors import KeyUnavailable
from qujat.signing import standin
from qujat.signing.mark_keys import (
    FILE,
    REGISTER_FILE,
    REGISTER_KEY,
    MarkKey,
    kid_of,
    mark_keys_json,
    open_mark_keys,
    open_register_keys,
)
from qujat.signing.secret_files import write

RETIRED = "retired"


def rotate_mark(folder: Path, passphrase: bytes, *, at: datetime, compromised: bool = False) -> MarkKey:
    """A new key for marks from `at` (whole seconds). The old public key is kept, retired or compromised at `at`.

    A compromised key proves nothing by itself from then on; marks of before are looked up in the register.
    Raises KeyUnavailable (wrong passphrase, no key).
    """
    known = open_mark_keys(folder)
    return _rotate_listed(folder, passphrase, (FILE, "mark.key.pem"), known, at, compromised)


def rotate_register(folder: Path, passphrase: bytes, *, at: datetime, compromised: bool = False) -> MarkKey:
    """A new key for the register's checkpoints from `at`; the first one where an installation has none yet.

    Raises KeyUnavailable (wrong passphrase, no key where there was one).
    """
    if (folder / REGISTER_KEY).exists():
        known = open_register_keys(folder)
        return _rotate_listed(folder, passphrase, (REGISTER_FILE, REGISTER_KEY), known, at, compromised)
    standin.load_key(folder / "mark.key.pem", passphrase)  # so that all keys keep one passphrase
    known = open_register_keys(folder) if (folder / REGISTER_FILE).exists() else {}
    return _new(folder, passphrase, (REGISTER_FILE, REGISTER_KEY), known, at.replace(microsecond=0))


def _rotate_listed(
    folder: Path,
    passphrase: bytes,
    names: tuple[str, str],
    known: Mapping[bytes, MarkKey],
    at: datetime,
    compromised: bool,
) -> MarkKey:
    """`names`: of the list of public keys, and of the key."""
    old, at = standin.load_key(folder / names[1], passphrase), at.replace(microsecond=0)
    retired = replace(known[kid_of(old.public_key())], retired_at=at, compromised_at=at if compromised else None)
    return _new(folder, passphrase, names, {**known, retired.kid: retired}, at)


def _new(
    folder: Path, passphrase: bytes, names: tuple[str, str], known: Mapping[bytes, MarkKey], at: datetime
) -> MarkKey:
    made = ec.generate_private_key(ec.SECP256R1())
    new = MarkKey(kid_of(made.public_key()), made.public_key(), at)
    # The public list first: after a crash in between, the retired key is refused and this can be run again.
    write(folder, {names[0]: mark_keys_json([*known.values(), new])})
    write(folder, {names[1]: standin.encrypted(made, passphrase)})
    return new


def rotate_head(folder: Path, passphrase: bytes, person: standin.Person, *, at: datetime) -> x509.Certificate:
    """A new key and certificate for the head (the same person or the next one), from `at` on.

    Raises KeyUnavailable (wrong passphrase, or no issuing key: a real authority issues its own certificates).
    """
    return _rotate(folder, passphrase, "head", lambda: standin.new_head(folder, passphrase, person, at=at))


def rotate_tsa(folder: Path, passphrase: bytes, *, at: datetime) -> x509.Certificate:
    """A new key and certificate for the stand-in's timestamps, from `at` on. Raises KeyUnavailable."""
    return _rotate(folder, passphrase, "tsa", lambda: standin.new_tsa(folder, passphrase, at=at))


def _rotate(folder: Path, passphrase: bytes, name: str, issue: Callable[[], standin.Holder]) -> x509.Certificate:
    old = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    made = issue()
    write(folder / RETIRED, {f"{name}-{old.serial_number:x}.pem": (folder / f"{name}.pem").read_bytes()})
    write(folder, standin.pair(name, made, passphrase))
    return made.certificate


def change_passphrase(folder: Path, old: bytes, new: bytes) -> None:
    """Encrypt every key anew. All are opened before any is written. Raises KeyUnavailable."""
    if not new:
        raise KeyUnavailable("expected a new passphrase that is not empty, came none")
    keys = {path.name: standin.load_key(path, old) for path in sorted(folder.glob("*.key.pem"))}
    if not keys:
        raise KeyUnavailable(f"expected keys in {folder}, came none; name the right folder")
    write(folder, _all_encrypted(keys, new))


def _all_encrypted(keys: Mapping[str, ec.EllipticCurvePrivateKey], passphrase: bytes) -> dict[str, bytes]:
    return {name: standin.encrypted(key, passphrase) for name, key in keys.items()}
