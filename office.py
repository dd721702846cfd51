"""The office: everything that has an effect, in one frozen object. No globals; a test makes one in memory."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from qujat.amounts import AekDay
from qujat.blobs import Blobs, Folder
from qujat.catalogue import Catalogue, load
from qujat.errors import ConfigurationError, KeyUnavailable
from qujat.phrases import Phrase
from qujat.register import Register, Sqlite
from qujat.settings import DEFAULT_ADDRESS, Settings
from qujat.signing.mandates import Mandates
from qujat.signing.secret_files import refuse_if_shared

if TYPE_CHECKING:
    from qujat.signing.keys import KeyRing, MarkKey
    from qujat.signing.timestamp import TimestampAuthority
    from qujat.signing.trust import Trust

Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Office:
    """Forms, register, blobs, keys, the address that marks point to, and a clock.

    `pattern` numbers documents, `patterns` those of the authorities (by BIN) that have one of their own.
    `phrases` come before those on file.
    `keys` None: an office that checks and renders again but does not sign. `timestamper` None: PAdES B-B.
    """

    forms: Catalogue
    register: Register
    blobs: Blobs
    trust: Trust
    mark_keys: Mapping[bytes, MarkKey]
    keys: KeyRing | None = None
    timestamper: TimestampAuthority | None = None
    address: str = DEFAULT_ADDRESS
    pattern: str = "{year}-{seq:06}"
    patterns: Mapping[str, str] = field(default_factory=dict)
    aek_day: AekDay = "decision"
    phrases: Sequence[Phrase] = ()
    mandates: Mandates = field(default_factory=Mandates)
    clock: Clock = field(default=now)

    def key_ring(self) -> KeyRing:
        """The keys, or KeyUnavailable with what to do."""
        if self.keys is None:
            raise KeyUnavailable("this office was opened without keys: open it for signing (or `qujat keys init`)")
        return self.keys


def open_office(settings: Settings, *, signing: bool = False, clock: Clock = now) -> Office:
    """The office of a deployment; without `signing` no passphrase is needed.

    Raises ConfigurationError, KeyUnavailable, FormError.
    """
    from qujat.signing.keys import open_keys, open_mark_keys, open_trust

    settings.root.mkdir(parents=True, exist_ok=True)
    ring = open_keys(settings.key_folder, passphrase(settings), clock=clock) if signing else None
    trust = ring.trust if ring else open_trust(settings.key_folder)
    _refuse_stand_in(settings, trust)
    return Office(
        forms=load(settings.published, settings.wording.not_held),
        register=Sqlite(settings.root / "register.sqlite"),
        blobs=Folder(settings.root / "blobs"),
        trust=trust,
        mark_keys=ring.mark_keys if ring else open_mark_keys(settings.key_folder),
        keys=ring,
        timestamper=_timestamper(settings, ring) if ring else None,
        address=settings.address,
        pattern=settings.numbers.pattern,
        patterns=settings.numbers.authority,
        aek_day=settings.amounts.aek_day,
        phrases=settings.phrase,
        mandates=Mandates.checked(settings.mandate, required=settings.profile == "production"),
        clock=clock,
    )


def _refuse_stand_in(settings: Settings, trust: Trust) -> None:
    """A production deployment starts with nothing that is only a stand-in."""
    if settings.profile != "production":
        return
    if trust.stand_in:
        raise ConfigurationError(
            'profile = "production": expected the anchors of a real authority, came stand-in anchors («ДЕМО – не ЭЦП»);'
            " put the NCA's certificates in their place (docs/signing.md)"
        )
    if settings.timestamp.url in ("stand-in", "none"):
        raise ConfigurationError(
            'profile = "production": [timestamp] url: expected the address of an RFC 3161 authority,'
            f" came {settings.timestamp.url!r}"
        )


def _timestamper(settings: Settings, ring: KeyRing) -> TimestampAuthority | None:
    from qujat.signing.timestamp import HttpAuthority

    if settings.timestamp.url == "none":
        return None
    return ring.timestamper if settings.timestamp.url == "stand-in" else HttpAuthority(settings.timestamp.url)


def passphrase(settings: Settings) -> bytes:
    """From QUJAT_PASSPHRASE, else the passphrase file, else a prompt at a terminal; never from the command line.

    Raises KeyUnavailable (none given, or in a file that others may read).
    """
    if (given := passphrase_given(settings)) is not None:
        return given
    if sys.stdin.isatty():
        return getpass("passphrase of the keys: ").encode()
    raise KeyUnavailable(
        f"expected the passphrase of the keys in QUJAT_PASSPHRASE or in {settings.passphrase_path}; "
        f"run `qujat keys init` if there are no keys yet"
    )


def passphrase_given(settings: Settings) -> bytes | None:
    """The passphrase of the environment or the file, None if there is neither. Raises KeyUnavailable."""
    if given := os.environ.get("QUJAT_PASSPHRASE"):
        return given.encode()
    refuse_if_shared(settings.passphrase_path)
    try:
        return settings.passphrase_path.read_bytes().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyUnavailable(
            f"expected a passphrase in {settings.passphrase_path}, came {error.strerror}; let its owner read it"
        ) from error


def make_passphrase(path: Path) -> bytes:
    """A new random passphrase in a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = secrets.token_urlsafe(32).encode()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(made + b"\n")
    return made
