"""The office: everything that has an effect, in one frozen object. No globals; a test makes one in memory."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from qujat.amounts import AekDay
from qujat.blobs import Blobs, Folder
from qujat.catalogue import Catalogue, load
from qujat.errors import KeyUnavailable
from qujat.register import Register, Sqlite
from qujat.settings import DEFAULT_ADDRESS, Settings

if TYPE_CHECKING:
    from qujat.signing.acceptance import Policy
    from qujat.signing.evidence import RevocationSource
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
    `keys` None: an office that checks and renders again but does not sign. `timestamper` None: signatures of level B-B;
    `revocation` None: B-T; both there: B-LTA. `evidence`: what counts as proof in a check; None is the default policy.
    """

    forms: Catalogue
    register: Register
    blobs: Blobs
    trust: Trust
    mark_keys: Mapping[bytes, MarkKey]
    keys: KeyRing | None = None
    timestamper: TimestampAuthority | None = None
    revocation: RevocationSource | None = None
    evidence: Policy | None = None
    address: str = DEFAULT_ADDRESS
    pattern: str = "{year}-{seq:06}"
    patterns: Mapping[str, str] = field(default_factory=dict)
    aek_day: AekDay = "decision"
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
    return Office(
        forms=load(settings.published, settings.wording.not_held),
        register=Sqlite(settings.root / "register.sqlite"),
        blobs=Folder(settings.root / "blobs"),
        trust=ring.trust if ring else open_trust(settings.key_folder),
        mark_keys=ring.mark_keys if ring else open_mark_keys(settings.key_folder),
        keys=ring,
        timestamper=_timestamper(settings, ring) if ring else None,
        revocation=_revocation(settings, ring, clock) if ring else None,
        evidence=_policy(settings),
        address=settings.address,
        pattern=settings.numbers.pattern,
        patterns=settings.numbers.authority,
        aek_day=settings.amounts.aek_day,
        clock=clock,
    )


def _timestamper(settings: Settings, ring: KeyRing) -> TimestampAuthority | None:
    from qujat.signing.timestamp import HttpAuthority

    if settings.timestamp.url == "none":
        return None
    return ring.timestamper if settings.timestamp.url == "stand-in" else HttpAuthority(settings.timestamp.url)


def _revocation(settings: Settings, ring: KeyRing, clock: Clock) -> RevocationSource | None:
    from qujat.signing.fetching import HttpSource

    if settings.signatures.level == "B-T" or settings.timestamp.url == "none":
        return None
    return ring.revocation if settings.signatures.revocation == "stand-in" else HttpSource(clock=clock)


def _policy(settings: Settings) -> Policy:
    from qujat.signing.acceptance import ALGORITHMS, Policy

    chosen = settings.evidence
    days = dict(ALGORITHMS) | {str(name): day for name, day in chosen.algorithms.items()}
    return Policy(chosen.register_is_proof, chosen.timestamp_authority_is_anchor, days)


def passphrase(settings: Settings) -> bytes:
    """From QUJAT_PASSPHRASE, else from the passphrase file. Raises KeyUnavailable."""
    if given := os.environ.get("QUJAT_PASSPHRASE"):
        return given.encode()
    try:
        return settings.passphrase_path.read_bytes().strip()
    except OSError as error:
        raise KeyUnavailable(
            f"expected the passphrase of the keys in QUJAT_PASSPHRASE or in {settings.passphrase_path}; "
            f"run `qujat keys init` if there are no keys yet"
        ) from error


def make_passphrase(path: Path) -> bytes:
    """A new random passphrase in a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = secrets.token_urlsafe(32).encode()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(made + b"\n")
    return made
