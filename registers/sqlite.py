"""A register in one SQLite file that several processes write: write-ahead log, every commit on the disk, patience."""

from __future__ import annotations

import sqlite3
import time
from functools import cache, partial
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from qujat.registers.database import PATIENCE, Database
from qujat.registers.tables import HEAD
from qujat.registers.versions import refuse_newer, revision

MEMORY = ":memory:"


class SqliteFile(Database):
    """An SQLite file, made and upgraded when it is opened; ":memory:": one that ends with the process."""

    def __init__(self, path: Path | str) -> None:
        super().__init__()
        self.path = path

    @property
    def name(self) -> str:
        return str(self.path)

    def lock_authority(self, db: Connection, authority: str) -> None:
        """The transaction itself is the lock: it began with BEGIN IMMEDIATE."""

    def _open(self) -> Engine:
        """A memory is its one connection's own, so there is one, for one thread at a time."""
        kept, more = (1, 0) if self.path == MEMORY else (4, 60)
        engine = create_engine(
            "sqlite://",
            creator=partial(opened, self.path),
            poolclass=QueuePool,
            pool_size=kept,
            max_overflow=more,
            pool_timeout=PATIENCE,
            hide_parameters=True,
        )
        event.listen(engine, "begin", _begin)
        return engine

    def _reader(self, engine: Engine) -> Engine:
        return engine

    def _writer(self, engine: Engine) -> Engine:
        return engine.execution_options(begin="BEGIN IMMEDIATE")

    def _ready(self, engine: Engine) -> None:
        with engine.connect() as db:
            if revision(db) == HEAD:
                return
        with self._writer(engine).begin() as db:  # whoever comes second finds it made
            made(db, self.name)


def _begin(db: Connection) -> None:
    db.exec_driver_sql(db.get_execution_options().get("begin", "BEGIN"))


def opened(path: Path | str) -> sqlite3.Connection:
    """A connection, also while another process makes or opens the file. Raises sqlite3.Error."""
    db = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE, check_same_thread=False)
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                db.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as error:
            # A change of the journal mode does not wait by itself, whatever the time-out.
            if (
                error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                or time.monotonic() > give_up
            ):
                raise
            time.sleep(0.02)
        else:
            return db


def made(db: Connection, name: str) -> str | None:
    """Bring the file to this version, in the transaction of `db`; gives the one of before. Raises SchemaUnfit."""
    before = revision(db)
    refuse_newer(before, name)
    if before is None and not db.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'document'").first():
        cursor = db.connection.cursor()
        for statement in _whole():
            cursor.execute(statement)
    elif before != HEAD:
        from qujat.registers.versions import upgrade

        upgrade(db)
    return before


@cache
def _whole() -> tuple[str, ...]:
    """The statements that make what the migrations make; quicker than they are."""
    from qujat.registers.versions import upgrade

    engine = create_engine("sqlite://")
    with engine.begin() as db:
        upgrade(db)
        asked = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
        made = tuple(row[0] for row in db.exec_driver_sql(asked))
    engine.dispose()
    return (*made, f"INSERT INTO alembic_version (version_num) VALUES ('{HEAD}')")  # noqa: S608  a constant of ours
