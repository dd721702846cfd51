"""Who may use the API: clients with keys, and the trail of what each of them did.

A key is 256 random bits, shown once. It is kept as its SHA-256: a slow hash (argon2) protects what people choose and
others can guess; nobody guesses 256 bits, so a quick one is as safe, and a key is looked up by its hash.
The trail holds nothing personal: who, which deed, which document, when, how it ended.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal, Protocol, get_args

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Row, Select, Table, Text, select

from qujat.errors import ConfigurationError
from qujat.identifiers import bin_fault
from qujat.register import Register
from qujat.registers.database import Database
from qujat.registers.sql import SqlRegister

Scope = Literal["issue", "read", "check", "annul"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
EVERY_FORM = "*"

metadata = MetaData()
_KEY = BigInteger().with_variant(Integer(), "sqlite")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


_client = Table(
    "client",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("key_hash", Text, nullable=False, unique=True),
    *(_text(name) for name in ("authorities", "forms", "scopes", "made_at")),
)
_revoked = Table(
    "client_revoked",
    metadata,
    Column("client", _KEY, ForeignKey("client.id"), primary_key=True, autoincrement=False),
    _text("at"),
)
_deed = Table(
    "deed",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("client", _KEY, ForeignKey("client.id"), nullable=False),
    *(_text(name) for name in ("deed", "number", "at", "outcome", "request")),
    Index("deed_client", "client", "id"),
    Index("deed_number", "number"),
)

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PREFIX = "qujat_"


@dataclass(frozen=True, slots=True)
class Client:
    """A decision system. `authorities`: BINs; `forms`: annex ids, or "*" for all; `revoked_at` None while it acts."""

    id: int
    name: str
    authorities: frozenset[str]
    forms: frozenset[str]
    scopes: frozenset[str]
    made_at: datetime
    revoked_at: datetime | None = None

    def may_use(self, bin: str, annex: str) -> bool:
        """Whether documents of this authority and form are its own."""
        return bin in self.authorities and (EVERY_FORM in self.forms or annex in self.forms)


@dataclass(frozen=True, slots=True)
class Deed:
    """One row of the trail. `outcome`: "ok", or the code of the error."""

    client: str
    deed: str
    number: str
    at: datetime
    outcome: str
    request: str


class Clients(Protocol):
    """What the API asks of the store of clients."""

    def by_key(self, key: str) -> Client | None:
        """The client with this key, unless it has been revoked."""

    def enter(self, client: Client, deed: str, number: str, outcome: str, request: str) -> None:
        """One row more in the trail."""


@dataclass(frozen=True)
class KeptClients:
    """Clients and their trail in the database of the register. Rows are added, never changed."""

    database: Database
    clock: Callable[[], datetime]

    def add(
        self, name: str, authorities: Sequence[str], forms: Sequence[str], scopes: Sequence[Scope]
    ) -> tuple[Client, str]:
        """A new client, and its key: it is nowhere else. Raises ConfigurationError, RegisterUnreachable."""
        _refuse_wrong(name, authorities, forms, scopes)
        key = _PREFIX + secrets.token_urlsafe(32)
        lists = {"authorities": authorities, "forms": forms, "scopes": scopes}
        row = {"name": name, "key_hash": _hash(key), "made_at": self._now()}
        with self.database.writing() as db:
            if db.execute(select(_client.c.id).where(_client.c.name == name)).first():
                raise ConfigurationError(f"expected a new name, came {name!r}: a client has it, or had it")
            db.execute(_client.insert().values(row | {name: json.dumps(sorted(of)) for name, of in lists.items()}))
        return self._named(name), key

    def revoke(self, name: str) -> Client:
        """From now on its key opens nothing. Raises ConfigurationError if there is no such client."""
        client = self._named(name)
        if client.revoked_at is None:
            with self.database.writing() as db:
                db.execute(_revoked.insert().values(client=client.id, at=self._now()))
        return self._named(name)

    def all(self) -> list[Client]:
        """Every client, revoked ones too, in the order they came."""
        return self._asked(_everybody().order_by(_client.c.id))

    def by_key(self, key: str) -> Client | None:
        """The client with this key, unless it has been revoked."""
        found = self._asked(_everybody().where(_client.c.key_hash == _hash(key)))
        return found[0] if found and found[0].revoked_at is None else None

    def enter(self, client: Client, deed: str, number: str, outcome: str, request: str) -> None:
        """One row more in the trail."""
        row = {"client": client.id, "deed": deed, "number": number, "outcome": outcome, "request": request}
        with self.database.writing() as db:
            db.execute(_deed.insert().values(row | {"at": self._now()}))

    def trail(self, name: str = "", last: int = 100) -> list[Deed]:
        """The newest rows, of one client or of all, the oldest of them first. Raises ConfigurationError."""
        asked = select(_client.c.name, _deed).join(_client, _client.c.id == _deed.c.client).order_by(_deed.c.id.desc())
        if name:
            asked = asked.where(_deed.c.client == self._named(name).id)
        with self.database.reading() as db:
            rows = list(db.execute(asked.limit(last)))
        return [_told(row) for row in reversed(rows)]

    def _named(self, name: str) -> Client:
        found = self._asked(_everybody().where(_client.c.name == name))
        if not found:
            raise ConfigurationError(f"expected the name of a client, came {name!r}; `qujat clients list` has them all")
        return found[0]

    def _asked(self, asked: Select[Any]) -> list[Client]:
        with self.database.reading() as db:
            return [_read(row) for row in db.execute(asked)]

    def _now(self) -> str:
        return self.clock().astimezone(UTC).isoformat(timespec="seconds")


def _everybody() -> Select[Any]:
    return select(_client, _revoked.c.at.label("revoked_at")).outerjoin(_revoked)


def kept(register: Register, clock: Callable[[], datetime]) -> KeptClients:
    """The clients in the database of a register. Raises ConfigurationError for a register that has none."""
    if not isinstance(register, SqlRegister):
        raise ConfigurationError("expected a register in SQLite or PostgreSQL, came another one")
    return KeptClients(register.database, clock)


def _hash(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _refuse_wrong(name: str, authorities: Sequence[str], forms: Sequence[str], scopes: Sequence[str]) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"expected a name of letters, digits, dots, hyphens and underscores, came {name!r}")
    if not authorities or any(bin_fault(bin) for bin in authorities):
        raise ConfigurationError("--authority: expected the BIN of each authority it acts for, 12 digits")
    if not forms:
        raise ConfigurationError('--forms: expected annex ids such as o20-a05, or "*" for all')
    if not scopes or set(scopes) - set(SCOPES):
        raise ConfigurationError(f"--scope: expected some of {', '.join(SCOPES)}, came {', '.join(scopes) or 'none'}")


def _read(row: Row[Any]) -> Client:
    return Client(
        id=row.id,
        name=row.name,
        authorities=frozenset(json.loads(row.authorities)),
        forms=frozenset(json.loads(row.forms)),
        scopes=frozenset(json.loads(row.scopes)),
        made_at=datetime.fromisoformat(row.made_at),
        revoked_at=datetime.fromisoformat(row.revoked_at) if row.revoked_at else None,
    )


def _told(row: Row[Any]) -> Deed:
    return Deed(row.name, row.deed, row.number, datetime.fromisoformat(row.at), row.outcome, row.request)
