"""Who may use the API: clients with keys, and the trail of what each of them did.

A key is 256 random bits, shown once. It is kept as its SHA-256: a slow hash (argon2) protects what people choose and
others can guess; nobody guesses 256 bits, so a quick one is as safe, and a key is looked up by its hash.
The trail holds nothing personal: who, which deed, which document, when, how it ended.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal, Protocol, get_args

from sqlalchemy import (
    JSON,
    URL,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    make_url,
    select,
)
from sqlalchemy.engine import Connection, Engine, Row
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from qujat.errors import ConfigurationError, RegisterUnreachable
from qujat.identifiers import bin_fault
from qujat.settings import Settings

Scope = Literal["issue", "read", "check", "annul"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
EVERY_FORM = "*"

METADATA = MetaData()
CLIENT = Table(
    "client",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("authorities", JSON, nullable=False),
    Column("forms", JSON, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("revoked_at", String(40), nullable=False, default=""),
)
DEED = Table(
    "deed",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("client", Integer, ForeignKey("client.id"), nullable=False, index=True),
    Column("deed", String(32), nullable=False),
    Column("number", String(64), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("request", String(64), nullable=False),
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
class Database:
    """Clients and their trail in a database that SQLAlchemy reaches."""

    engine: Engine
    clock: Callable[[], datetime]

    def add(
        self, name: str, authorities: Sequence[str], forms: Sequence[str], scopes: Sequence[Scope]
    ) -> tuple[Client, str]:
        """A new client, and its key: it is nowhere else. Raises ConfigurationError, RegisterUnreachable."""
        _refuse_wrong(name, authorities, forms, scopes)
        key = _PREFIX + secrets.token_urlsafe(32)
        row = {
            "name": name,
            "key_hash": _hash(key),
            "authorities": sorted(authorities),
            "forms": sorted(forms),
            "scopes": sorted(scopes),
            "made_at": self.clock().isoformat(),
        }
        try:
            with self._open() as db:
                db.execute(CLIENT.insert().values(**row))
        except IntegrityError:
            raise ConfigurationError(f"expected a new name, came {name!r}: a client has it, or had it") from None
        return self._named(name), key

    def revoke(self, name: str) -> Client:
        """From now on its key opens nothing. Raises ConfigurationError if there is no such client."""
        if self._named(name).revoked_at is None:
            with self._open() as db:
                at = self.clock().isoformat()
                db.execute(CLIENT.update().where(CLIENT.c.name == name).values(revoked_at=at))
        return self._named(name)

    def all(self) -> list[Client]:
        """Every client, revoked ones too, in the order they came."""
        with self._open() as db:
            return [_client(row) for row in db.execute(select(CLIENT).order_by(CLIENT.c.id))]

    def by_key(self, key: str) -> Client | None:
        """The client with this key, unless it has been revoked."""
        with self._open() as db:
            row = db.execute(select(CLIENT).where(CLIENT.c.key_hash == _hash(key))).one_or_none()
        client = _client(row) if row else None
        return client if client and client.revoked_at is None else None

    def enter(self, client: Client, deed: str, number: str, outcome: str, request: str) -> None:
        """One row more in the trail; none is ever changed."""
        row = {"deed": deed, "number": number[:64], "outcome": outcome, "request": request}
        with self._open() as db:
            db.execute(DEED.insert().values(client=client.id, at=self.clock().isoformat(), **row))

    def trail(self, name: str = "", last: int = 100) -> list[Deed]:
        """The newest rows, of one client or of all, the oldest of them first."""
        asked = select(CLIENT.c.name, DEED).join(CLIENT, CLIENT.c.id == DEED.c.client).order_by(DEED.c.id.desc())
        if name:
            asked = asked.where(CLIENT.c.name == self._named(name).name)
        with self._open() as db:
            rows = list(db.execute(asked.limit(last)))
        return [_deed(row) for row in reversed(rows)]

    def _named(self, name: str) -> Client:
        with self._open() as db:
            row = db.execute(select(CLIENT).where(CLIENT.c.name == name)).one_or_none()
        if row is None:
            raise ConfigurationError(f"expected the name of a client, came {name!r}; `qujat clients list` has them all")
        return _client(row)

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        """One transaction. Raises RegisterUnreachable; IntegrityError goes through."""
        try:
            with self.engine.begin() as db:
                yield db
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise RegisterUnreachable(f"the store of clients does not answer: {type(error).__name__}") from error


def open_clients(settings: Settings, clock: Callable[[], datetime]) -> Database:
    """The clients of a deployment: in the PostgreSQL of the register, or in a file beside an SQLite register.

    Raises RegisterUnreachable.
    """
    register = make_url(settings.stores.register_at)
    if register.get_backend_name() != "sqlite":
        return opened(register.set(drivername="postgresql+psycopg"), clock)
    settings.root.mkdir(parents=True, exist_ok=True)
    return opened(f"sqlite:///{settings.root / 'clients.sqlite'}", clock)


def opened(url: str | URL, clock: Callable[[], datetime]) -> Database:
    """The clients in this database; its tables are made if there are none. Raises RegisterUnreachable."""
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _careful)
    try:
        METADATA.create_all(engine)
    except SQLAlchemyError as error:
        raise RegisterUnreachable(f"the store of clients does not answer: {type(error).__name__}") from error
    return Database(engine, clock)


def _careful(connection: Any, record: object) -> None:
    """SQLite: readers beside a writer, what is acknowledged is on the disk, patience for another writer."""
    for said in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {said}")


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


def _client(row: Row[Any]) -> Client:
    return Client(
        id=row.id,
        name=row.name,
        authorities=frozenset(row.authorities),
        forms=frozenset(row.forms),
        scopes=frozenset(row.scopes),
        made_at=datetime.fromisoformat(row.made_at),
        revoked_at=datetime.fromisoformat(row.revoked_at) if row.revoked_at else None,
    )


def _deed(row: Row[Any]) -> Deed:
    at = datetime.fromisoformat(row.at).astimezone(UTC)
    return Deed(row.name, row.deed, row.number, at, row.outcome, row.request)
