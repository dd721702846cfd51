"""What the office of the clerks keeps: who they are, their sessions, their drafts, and the trail of their deeds.

With a register in PostgreSQL it stands in that database, for all servers; else in a file of its own beside the
register, for its owner alone to read: drafts hold what will stand in documents. Sessions and drafts go when their time
is over; rows of the trail are never changed and hold nothing personal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import JSON, Column, ForeignKey, Integer, MetaData, String, Table, create_engine, event, inspect
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from qujat.errors import RegisterUnreachable
from qujat.office import open_register
from qujat.register import Register
from qujat.registers.database import Database
from qujat.registers.postgres import PostgresServer
from qujat.registers.sql import SqlRegister
from qujat.settings import Settings

METADATA = MetaData()
CLERK = Table(
    "desk_clerk",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("password", String(256), nullable=False),
    Column("authority", String(12), nullable=False),
    Column("forms", JSON, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("removed_at", String(40), nullable=False, default=""),
)
SESSION = Table(
    "desk_session",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("clerk", Integer, ForeignKey("desk_clerk.id"), nullable=False, index=True),
    Column("token", String(64), nullable=False),
    Column("tongue", String(2), nullable=False),
    Column("sought", JSON, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("seen_at", String(40), nullable=False),
)
DRAFT = Table(
    "desk_draft",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("clerk", Integer, ForeignKey("desk_clerk.id"), nullable=False, index=True),
    Column("form", String(64), nullable=False),
    Column("contents", JSON, nullable=False),
    Column("changed_at", String(40), nullable=False),
)
LETTERHEAD = Table(
    "desk_letterhead",
    METADATA,
    Column("authority", String(12), primary_key=True),
    Column("contents", JSON, nullable=False),
)
DEED = Table(
    "desk_deed",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("clerk", String(64), nullable=False, index=True),
    Column("deed", String(32), nullable=False),
    Column("authority", String(12), nullable=False),
    Column("number", String(64), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("outcome", String(64), nullable=False),
)


class Store(Protocol):
    """Where the tables are."""

    @property
    def clock(self) -> Callable[[], datetime]: ...

    def open(self) -> AbstractContextManager[Connection]:
        """One transaction. Raises RegisterUnreachable."""


@dataclass(frozen=True)
class BesideRegister:
    """The tables in the database of a register in PostgreSQL, for several servers; its migrations make them."""

    database: Database
    clock: Callable[[], datetime]

    def open(self) -> AbstractContextManager[Connection]:
        return self.database.writing()


@dataclass(frozen=True)
class OwnFile:
    """The tables in a file of their own."""

    engine: Engine
    clock: Callable[[], datetime]

    @contextmanager
    def open(self) -> Iterator[Connection]:
        try:
            with self.engine.begin() as db:
                yield db
        except SQLAlchemyError as error:
            raise RegisterUnreachable(f"the store of the office does not answer: {type(error).__name__}") from error


def open_store(settings: Settings, clock: Callable[[], datetime], register: Register | None = None) -> Store:
    """The store of a deployment: with its register in PostgreSQL, else in a file, made if there is none.

    `register`: that of the settings, where it is open already. Raises RegisterUnreachable.
    """
    found = register or open_register(settings)
    if isinstance(found, SqlRegister) and isinstance(found.database, PostgresServer):
        return BesideRegister(found.database, clock)
    return _own_file(settings, clock)


def _own_file(settings: Settings, clock: Callable[[], datetime]) -> Store:
    settings.root.mkdir(parents=True, exist_ok=True)
    path = settings.root / "desk.sqlite"
    try:
        _for_its_owner(path)
        engine = create_engine(f"sqlite:///{path}")
        event.listen(engine, "connect", _careful)
        with engine.begin() as db:
            _rename(db)
            METADATA.create_all(db)
    except (OSError, SQLAlchemyError) as error:
        raise RegisterUnreachable(f"the store of the office {path} does not open: {type(error).__name__}") from error
    return OwnFile(engine, clock)


def _rename(db: Connection) -> None:
    """Tables of a version that called them without `desk_`."""
    there = set(inspect(db).get_table_names())
    for table in METADATA.sorted_tables:
        before = table.name.removeprefix("desk_")
        if before in there and table.name not in there:
            db.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {table.name}")


def _for_its_owner(path: Path) -> None:
    """Made before SQLite makes it, with its mode; SQLite gives its other files the same."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)


def _careful(connection: Any, record: object) -> None:
    """SQLite: readers beside a writer, what is acknowledged is on the disk, what is deleted is overwritten."""
    pragmas = ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000", "foreign_keys = ON")
    for said in (*pragmas, "secure_delete = ON"):
        connection.execute(f"PRAGMA {said}")
