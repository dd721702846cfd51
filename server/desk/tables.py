"""What the office of the clerks keeps: who they are, their sessions, their drafts, and the trail of their deeds.

It is a file of its own beside the register, for its owner alone to read: drafts hold what will stand in documents.
Sessions and drafts go when their time is over; rows of the trail are never changed and hold nothing personal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Integer, MetaData, String, Table, create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from qujat.errors import RegisterUnreachable
from qujat.settings import Settings

METADATA = MetaData()
CLERK = Table(
    "clerk",
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
    "session",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("clerk", Integer, ForeignKey("clerk.id"), nullable=False, index=True),
    Column("token", String(64), nullable=False),
    Column("tongue", String(2), nullable=False),
    Column("sought", JSON, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("seen_at", String(40), nullable=False),
)
DRAFT = Table(
    "draft",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("clerk", Integer, ForeignKey("clerk.id"), nullable=False, index=True),
    Column("form", String(64), nullable=False),
    Column("contents", JSON, nullable=False),
    Column("changed_at", String(40), nullable=False),
)
LETTERHEAD = Table(
    "letterhead",
    METADATA,
    Column("authority", String(12), primary_key=True),
    Column("contents", JSON, nullable=False),
)
DEED = Table(
    "deed",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("clerk", String(64), nullable=False, index=True),
    Column("deed", String(32), nullable=False),
    Column("authority", String(12), nullable=False),
    Column("number", String(64), nullable=False, index=True),
    Column("at", String(40), nullable=False),
    Column("outcome", String(64), nullable=False),
)


@dataclass(frozen=True)
class Store:
    """The tables in a database that SQLAlchemy reaches."""

    engine: Engine
    clock: Callable[[], datetime]

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """One transaction. Raises RegisterUnreachable; IntegrityError goes through."""
        try:
            with self.engine.begin() as db:
                yield db
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise RegisterUnreachable(f"the store of the office does not answer: {type(error).__name__}") from error


def open_store(settings: Settings, clock: Callable[[], datetime]) -> Store:
    """The store of a deployment, made if there is none. Raises RegisterUnreachable."""
    settings.root.mkdir(parents=True, exist_ok=True)
    path = settings.root / "desk.sqlite"
    try:
        _for_its_owner(path)
        engine = create_engine(f"sqlite:///{path}")
        event.listen(engine, "connect", _careful)
        METADATA.create_all(engine)
    except (OSError, SQLAlchemyError) as error:
        raise RegisterUnreachable(f"the store of the office {path} does not open: {type(error).__name__}") from error
    return Store(engine, clock)


def _for_its_owner(path: Path) -> None:
    """Made before SQLite makes it, with its mode; SQLite gives its other files the same."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)


def _careful(connection: Any, record: object) -> None:
    """SQLite: readers beside a writer, what is acknowledged is on the disk, what is deleted is overwritten."""
    pragmas = ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000", "foreign_keys = ON")
    for said in (*pragmas, "secure_delete = ON"):
        connection.execute(f"PRAGMA {said}")
