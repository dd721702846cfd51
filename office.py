"""The office: everything that has an effect, in one frozen object. No globals; a test makes one in memory."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from qujat.amounts import AekDay
from qujat.blobs import Blobs, Folder
from qujat.catalogue import Catalogue, load
from qujat.errors import ConfigurationError, KeyUnavailable
from qujat.phrases import Phrase
from qujat.register import Register
from qujat.settings import DEFAULT_ADDRESS, Settings
from qujat.signing.mandates import Mandates
from qujat.signing.secret_files import refuse_if_shared

if TYPE_CHECKING:
    from qujat.signing.acceptance import Policy
    from qujat.signing.evidence import RevocationSource
    from qujat.signing.keys import KeyRing, MarkKey
    from qujat.signing.signer import Signer
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
    `keys` None: an office that checks and renders again but does not sign. `timestamper` None: signatures of level B-B;
    `revocation` None: B-T; both there: B-LTA. `evidence`: what counts as proof in a check; None is the default policy.
    `ticket_life`: how long what was prepared for signing elsewhere waits for its signatures.
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
    phrases: Sequence[Phrase] = ()
    mandates: Mandates = field(default_factory=Mandates)
    ticket_life: timedelta = timedelta(hours=1)
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
    from qujat.jobs.outbox import watcher
    from qujat.signing.keys import open_mark_keys

    settings.root.mkdir(parents=True, exist_ok=True)
    trust = open_trust(settings)
    refuse_stand_in(settings, trust)
    ring = open_ring(settings, trust, clock) if signing else None
    return Office(
        forms=load(settings.published, settings.wording.not_held),
        register=open_register(settings).watched(watcher(settings.address)),
        blobs=open_blobs(settings),
        trust=trust,
        mark_keys=ring.mark_keys if ring else open_mark_keys(settings.key_folder),
        keys=ring,
        timestamper=open_timestamper(settings, ring) if ring else None,
        revocation=_revocation(settings, ring, clock) if ring else None,
        evidence=_policy(settings),
        address=settings.address,
        pattern=settings.numbers.pattern,
        patterns=settings.numbers.authority,
        aek_day=settings.amounts.aek_day,
        phrases=settings.phrase,
        mandates=Mandates.checked(settings.mandate, required=settings.profile == "production"),
        ticket_life=timedelta(minutes=settings.signer.ticket_minutes),
        clock=clock,
    )


def open_register(settings: Settings) -> Register:
    """The register that the settings name; it answers at the first question. Raises ConfigurationError."""
    from qujat.registers import opening

    return opening.open_register(settings.stores.register_at, settings.root, settings.stores.connections)


def open_blobs(settings: Settings) -> Blobs:
    """The store of documents that the settings name. Raises ConfigurationError, KeyUnavailable (no secret for S3)."""
    kind, _, where = settings.stores.blobs.partition(":")
    if kind == "folder":
        return Folder(settings.root / where)
    from qujat.s3 import open_bucket

    return open_bucket(settings.stores.blobs, settings.stores.s3, s3_secret(settings))


def s3_secret(settings: Settings) -> str:
    """The secret key of the store of documents: QUJAT_S3_SECRET, else its file; none without an access key.

    Raises KeyUnavailable.
    """
    if not settings.stores.s3.access_key:
        return ""
    path = settings.root / settings.stores.s3.secret_file
    return _secret("QUJAT_S3_SECRET", path, "the secret key of the store of documents").strip().decode()


def refuse_stand_in(settings: Settings, trust: Trust) -> None:
    """A production deployment starts with nothing that is only a stand-in. Raises ConfigurationError."""
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
    if settings.signatures.level == "B-LTA" and settings.signatures.revocation == "stand-in":
        raise ConfigurationError(
            'profile = "production": [signatures] revocation: expected "certificates" (OCSP and lists at the addresses'
            ' that the certificates name), came "stand-in"'
        )


def open_trust(settings: Settings) -> Trust:
    """The anchors that the settings name, or the stand-in's. Raises ConfigurationError, KeyUnavailable."""
    from qujat.signing import keys

    if settings.trust_anchors:
        return keys.open_anchors(settings.trust_anchors)
    if settings.signer.kind != "stand-in" and not (settings.key_folder / "root.pem").exists():
        raise ConfigurationError(
            f"expected [trust] anchors beside [signer] kind = {settings.signer.kind!r}, came none; name the folder of"
            " the root certificates that documents are checked against"
        )
    return keys.open_trust(settings.key_folder)


def open_signer(settings: Settings, trust: Trust) -> Signer | None:
    """The signer that the settings name; None: the stand-in, whose key is in the folder of keys.

    Raises KeyUnavailable, ConfigurationError.
    """
    from qujat.signing.signer import NotHere

    wanted = settings.signer
    if wanted.kind == "elsewhere":
        return NotHere()
    if wanted.kind == "pkcs12" and wanted.pkcs12:
        from qujat.signing.pkcs12 import open_pkcs12

        return open_pkcs12(settings.base / wanted.pkcs12, signer_secret(settings), trust)
    if wanted.kind == "pkcs11" and wanted.module:
        from qujat.signing.pkcs11 import Place, load_certificate, open_pkcs11

        own = load_certificate(settings.base / wanted.certificate) if wanted.certificate else None
        place = Place(settings.base / wanted.module, wanted.token, wanted.key)
        return open_pkcs11(place, signer_secret(settings), trust, own)
    return None


def open_ring(settings: Settings, trust: Trust, clock: Clock) -> KeyRing:
    """The keys of the mark and of the signer. Raises KeyUnavailable, ConfigurationError."""
    from qujat.signing.keys import open_keys

    signer = open_signer(settings, trust)
    return open_keys(settings.key_folder, passphrase(settings), clock=clock, trust=trust, signer=signer)


def open_timestamper(settings: Settings, ring: KeyRing) -> TimestampAuthority | None:
    """Who stamps; None: nobody. Raises ConfigurationError."""
    from qujat.signing.timestamp import HttpAuthority

    if settings.timestamp.url == "none":
        return None
    if settings.timestamp.url != "stand-in":
        return HttpAuthority(settings.timestamp.url)
    if not ring.trust.stand_in:
        raise ConfigurationError(
            "expected a real timestamp authority beside real anchors, came the stand-in; set [timestamp] url to the"
            ' address of an RFC 3161 authority, or to "none"'
        )
    return ring.timestamper


def _revocation(settings: Settings, ring: KeyRing, clock: Clock) -> RevocationSource | None:
    from qujat.signing.fetching import HttpSource

    if settings.signatures.level == "B-T" or settings.timestamp.url == "none":
        return None
    own = ring.revocation if settings.signatures.revocation == "stand-in" else None
    return own or HttpSource(clock=clock)


def _policy(settings: Settings) -> Policy:
    from qujat.signing.acceptance import ALGORITHMS, Policy

    chosen = settings.evidence
    days = dict(ALGORITHMS) | {str(name): day for name, day in chosen.algorithms.items()}
    return Policy(chosen.register_is_proof, chosen.timestamp_authority_is_anchor, days)


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


def signer_secret(settings: Settings) -> bytes:
    """The passphrase or PIN of the signer's key: QUJAT_SIGNER_SECRET, else its file. Raises KeyUnavailable."""
    return _secret("QUJAT_SIGNER_SECRET", settings.signer_secret_path, "the passphrase or PIN of the signer")


def _secret(variable: str, path: Path, what: str) -> bytes:
    if given := os.environ.get(variable):
        return given.encode()
    try:
        return path.read_bytes().strip(b"\r\n")
    except OSError as error:
        raise KeyUnavailable(
            f"expected {what} in {variable} or in {path},"
            f" came {error.strerror}; put it there, for the service alone to read"
        ) from error


def make_passphrase(path: Path) -> bytes:
    """A new random passphrase in a file that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = secrets.token_urlsafe(32).encode()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(made + b"\n")
    return made
