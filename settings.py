"""The configuration of a deployment: one TOML file, named by --config or QUJAT_CONFIG; none is fine too.
Every setting may stand in the environment instead (QUJAT_STORES__REGISTER is [stores] register: environment.py).

profile = "stand-in"                  # or "production": refuses stand-in anchors and timestamps, demands mandates
home = "var"                          # register, blobs and keys, relative to this file
address = "https://qujat.example"     # where marks point: scheme and host

[published]                           # days of first official publication, where known
order_222 = 2026-06-05

[wording]
not_held = "refuse"                   # or "last-held": print the wording before, marked so

[stores]                              # docs/operator.md
register = "sqlite:///register.sqlite"  # relative to home; or postgresql://qujat@host/qujat
connections = 10                      # to PostgreSQL, at most so many at once from one process
blobs = "folder:blobs"                # relative to home; or s3://bucket/prefix
# s3.endpoint = "https://s3.example"  # none: Amazon's
# s3.region = "us-east-1"
# s3.access_key = "qujat"             # none: what the machine itself is given
# s3.secret_file = "s3-secret"        # relative to home; or the environment variable QUJAT_S3_SECRET

[numbers]
pattern = "{year}-{seq:06}"           # may hold {year}, {seq}, {bin}, {annex}
authority.990440001234 = "Ж-{seq}"    # an authority with a pattern of its own, by its BIN

[amounts]
aek_day = "decision"                  # or "application": the day whose monthly index (АЕК / МРП) counts

[[phrase]]                            # what a document says of being electronic, from its first day (inclusive) on
first = 2026-07-12
kk = "…"
ru = "…"

[[mandate]]                           # who held which power in an authority: signing/mandates.py
bin = "990440001234"
iin = "780515400017"
power = "head"                        # head, acting, entitled, employee
first = 2026-01-05                    # both days inclusive; no last: still held
basis = "бұйрық № 12, 05.01.2026"

[keys]
passphrase_file = "passphrase"        # or the environment variable QUJAT_PASSPHRASE

[signer]
kind = "stand-in"                     # or "pkcs12", "pkcs11", "elsewhere": see docs/signing.md
# pkcs12 = "robot.p12"                # kind "pkcs12": an encrypted file
# module = "/usr/lib/softhsm/libsofthsm2.so"  # kind "pkcs11": the library of the token's maker,
# token = "qujat"                     # the label of the token,
# key = "robot"                       # the label of key and certificate,
# certificate = "robot.pem"           # and a file where the token holds no certificate
secret_file = "signer-secret"         # passphrase or PIN; or the environment variable QUJAT_SIGNER_SECRET
ticket_minutes = 60                   # how long what was prepared for signing elsewhere waits

[trust]
# anchors = "trust/anchors"           # a folder of root certificates; beside it intermediates/ and crls/

[word]
overrides = "own-templates"           # an authority's own .docx: <annex>.<language>.docx, relative to this file

[timestamp]
url = "stand-in"                      # "stand-in", "none" (B-B), or the address of an RFC 3161 authority

[signatures]
level = "B-LTA"                       # or "B-T": without evidence that outlasts the certificates; needs timestamps
revocation = "stand-in"               # or "certificates": OCSP and lists at the addresses that the certificates name

[evidence]                            # what counts as proof when a document is checked; printed with every verdict
register_is_proof = true              # that the register recorded a file at a time
timestamp_authority_is_anchor = false # true: timestamps need no word on revocation while their certificates last
algorithms.ECDSA-P256 = 2035-12-31    # the last day of an algorithm; those not named here keep theirs

[webhooks]
private = false                       # true: also addresses inside the house, and http
seconds = 15                          # for one attempt at telling a webhook

[batches]
megabytes = 256                       # the most that one batch may be
decisions = 100_000                   # and hold

[work]
renew_months = 12                     # evidence that lapses within so many months is renewed (`qujat worker`)
stalled_seconds = 30                  # a worker that is silent for so long is dead: its jobs are done again

[server]                              # qujat serve; docs/operator.md
workers = 0                           # worker processes; 0: as many as processors
jobs = true                           # register in SQLite: batches, webhooks, renewals in a worker beside the server
queue = 32                            # how many requests wait for a worker before the answer is 503
deadline_seconds = 60                 # how long one of them may take, waiting and all
body_seconds = 30                     # how long a client may take to send the head of a request, and again its body
requests_per_minute = 600             # of one client; more is answered with 429
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from qujat.amounts import AekDay
from qujat.datafiles import Strict
from qujat.environment import PREFIX, overridden
from qujat.errors import ConfigurationError
from qujat.identifiers import bin_fault
from qujat.phrases import Phrase
from qujat.signing.mandates import Mandate
from qujat.texts import faults

DEFAULT_ADDRESS = "https://qujat.example"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_ADDRESS = re.compile(rf"https?://{_HOST}(?::[0-9]{{1,5}})?/?")
_PLACES = ("year", "seq", "bin", "annex")


class WordingSettings(Strict):
    not_held: Literal["refuse", "last-held"] = "refuse"


def _register(address: str) -> str:
    """Raises ValueError. What it says never holds the address: a password may stand in it."""
    if not re.fullmatch(r"(sqlite:///|postgres(ql)?://).+", address):
        raise ValueError("expected sqlite:///file or postgresql://user@host/name")
    return address


def _blobs(address: str) -> str:
    if not re.fullmatch(r"folder:.+|s3://[a-z0-9.-]+(/.*)?", address):
        raise ValueError("expected folder:path or s3://bucket/prefix")
    return address


class S3Settings(Strict):
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_file: Path = Path("s3-secret")


class StoreSettings(Strict):
    """Where the register and the documents are kept. `register_at` is the key `register` (pydantic has its own)."""

    model_config = ConfigDict(validate_by_name=True)

    register_at: Annotated[str, AfterValidator(_register), Field(validation_alias="register", repr=False)] = (
        "sqlite:///register.sqlite"
    )
    connections: Annotated[int, Field(ge=1, le=1000)] = 10
    blobs: Annotated[str, AfterValidator(_blobs)] = "folder:blobs"
    s3: S3Settings = S3Settings()


def _usable(pattern: str) -> str:
    """A pattern of numbers that can be filled and gives every document another number; raises ValueError."""
    parts = list(Formatter().parse(pattern))
    if any(name is not None and (name not in _PLACES or conversion) for _, name, _, conversion in parts):
        raise ValueError("expected only {year}, {seq}, {bin} and {annex} in braces")
    first, second = (pattern.format(year=2026, seq=n, bin="0" * 12, annex="o20-a05") for n in (1, 2))
    if first == second:
        raise ValueError("expected {seq} in it, or every document would get one number")
    if wrong := list(faults(first)):
        raise ValueError(f"expected numbers that can be printed: {wrong[0][1]}")
    return pattern


def _bin(key: str) -> str:
    if fault := bin_fault(key):
        raise ValueError(f"expected the BIN of an authority: {fault}")
    return key


Pattern = Annotated[str, AfterValidator(_usable)]


class NumberSettings(Strict):
    pattern: Pattern = "{year}-{seq:06}"
    authority: Mapping[Annotated[str, AfterValidator(_bin)], Pattern] = {}


class AmountSettings(Strict):
    aek_day: AekDay = "decision"


class KeySettings(Strict):
    folder: Path = Path("keys")
    passphrase_file: Path = Path("passphrase")


class WordSettings(Strict):
    overrides: Path | None = None


class SignerSettings(Strict):
    """Whose key signs here, and where it is; for "elsewhere" none does."""

    kind: Literal["stand-in", "pkcs12", "pkcs11", "elsewhere"] = "stand-in"
    pkcs12: Path | None = None
    module: Path | None = None
    token: str = ""
    key: str = ""
    certificate: Path | None = None
    secret_file: Path = Path("signer-secret")
    ticket_minutes: Annotated[int, Field(ge=1, le=60 * 24 * 14)] = 60

    @model_validator(mode="after")
    def _whole(self) -> SignerSettings:
        needed = {"pkcs12": ("pkcs12",), "pkcs11": ("module", "token", "key")}.get(self.kind, ())
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"kind {self.kind!r} also asks for {', '.join(missing)}")
        return self


class TrustSettings(Strict):
    anchors: Path | None = None


class TimestampSettings(Strict):
    url: str = "stand-in"


class SignatureSettings(Strict):
    level: Literal["B-T", "B-LTA"] = "B-LTA"
    revocation: Literal["stand-in", "certificates"] = "stand-in"


Algorithm = Literal["SHA-256", "SHA-384", "SHA-512", "ECDSA-P256", "ECDSA-P384", "ECDSA-P521", "RSA-2048", "RSA-3072"]


class EvidenceSettings(Strict):
    register_is_proof: bool = True
    timestamp_authority_is_anchor: bool = False
    algorithms: Mapping[Algorithm, date] = {}


class WebhookSettings(Strict):
    private: bool = False
    seconds: Annotated[float, Field(ge=1, le=120)] = 15.0


class BatchSettings(Strict):
    megabytes: Annotated[int, Field(ge=1, le=100_000)] = 256
    decisions: Annotated[int, Field(ge=1, le=100_000_000)] = 100_000


class WorkSettings(Strict):
    renew_months: Annotated[int, Field(ge=1, le=600)] = 12
    stalled_seconds: Annotated[int, Field(ge=2, le=3600)] = 30


class ServerSettings(Strict):
    """How much the server does at once: worker processes (0: as many as processors), what may wait for them, and for
    how many seconds; how many requests a minute one client may make. `jobs`: with a register in SQLite the server also
    does batches, webhooks and renewals, in a worker process beside it."""

    workers: Annotated[int, Field(ge=0, le=256)] = 0
    jobs: bool = True
    queue: Annotated[int, Field(ge=1, le=10_000)] = 32
    deadline_seconds: Annotated[int, Field(ge=1, le=600)] = 60
    body_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    requests_per_minute: Annotated[int, Field(ge=1)] = 600


class Settings(Strict):
    """What a deployment decides. Paths are relative to `base`, the folder of the file."""

    base: Path = Path()
    profile: Literal["stand-in", "production"] = "stand-in"
    home: Path = Path("var")
    address: str = DEFAULT_ADDRESS
    published: Mapping[str, date] = {}
    wording: WordingSettings = WordingSettings()
    stores: StoreSettings = StoreSettings()
    numbers: NumberSettings = NumberSettings()
    amounts: AmountSettings = AmountSettings()
    phrase: Sequence[Phrase] = ()
    mandate: Sequence[Mandate] = ()
    keys: KeySettings = KeySettings()
    word: WordSettings = WordSettings()
    timestamp: TimestampSettings = TimestampSettings()
    signer: SignerSettings = SignerSettings()
    trust: TrustSettings = TrustSettings()
    signatures: SignatureSettings = SignatureSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    webhooks: WebhookSettings = WebhookSettings()
    batches: BatchSettings = BatchSettings()
    work: WorkSettings = WorkSettings()
    server: ServerSettings = ServerSettings()

    @field_validator("address")
    @classmethod
    def _address(cls, address: str) -> str:
        if not _ADDRESS.fullmatch(address):
            raise ValueError("expected a scheme and a host such as https://qujat.example (other alphabets as xn--…)")
        return address.rstrip("/")

    @property
    def root(self) -> Path:
        """The folder of the register, the blobs and the keys."""
        return self.base / self.home

    @property
    def key_folder(self) -> Path:
        return self.root / self.keys.folder

    @property
    def passphrase_path(self) -> Path:
        return self.root / self.keys.passphrase_file

    @property
    def trust_anchors(self) -> Path | None:
        """The folder of root certificates; None: the stand-in's, in the folder of keys."""
        return self.base / self.trust.anchors if self.trust.anchors else None

    @property
    def signer_secret_path(self) -> Path:
        return self.base / self.signer.secret_file

    @property
    def word_overrides(self) -> Path | None:
        """The folder of an authority's own Word templates."""
        return self.base / self.word.overrides if self.word.overrides else None


def read(path: Path | None = None) -> Settings:
    """The settings of a file, of QUJAT_CONFIG, or the defaults, with what the environment says in their place.

    QUJAT_HOME is relative to where one stands, all other paths to the file.

    Raises ConfigurationError with everything that is wrong.
    """
    named = path or (Path(os.environ["QUJAT_CONFIG"]) if os.environ.get("QUJAT_CONFIG") else None)
    raw = _raw(named) if named else {}
    if "base" in raw:
        raise ConfigurationError(f"{named}: base: expected no such key; paths are relative to the file itself")
    raw = overridden(raw, os.environ, Settings.model_fields.keys() - {"base"})
    if home := os.environ.get("QUJAT_HOME"):
        raw["home"] = Path(home).resolve()
    try:
        return Settings.model_validate({**raw, "base": named.parent if named else Path()})
    except ValidationError as error:
        lines = [f"{_source(named, e['loc'])}: {_place(e['loc'])}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError("\n".join(lines)) from None


def _raw(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: the configuration cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: expected TOML: {error}") from error


def _source(named: Path | None, location: tuple[int | str, ...]) -> str:
    """Which variable, or which file, says what is wrong."""
    names = [str(part).upper() for part in location]
    for length in range(len(names), 0, -1):
        if os.environ.get(variable := PREFIX + "__".join(names[:length])):
            return f"the environment ({variable})"
    return str(named or "the environment")


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location))
