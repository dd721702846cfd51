"""What SQLite and PostgreSQL have in common for a register: transactions, and errors that say where it is."""

from __future__ import annotations

import os
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Error as SqliteError

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoneFree

from qujat.errors import RegisterUnreachable
from qujat.registers.tables import DamagedRow

PATIENCE = 30.0  # seconds to wait for another writer, or for a free connection


class Database(ABC):
    """Where a register is kept. Opened at the first question, and again in a process that was forked since."""

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._engine: Engine | None = None
        self._is_ready = False
        self._process = 0

    @property
    @abstractmethod
    def name(self) -> str:
        """How errors call it; never with a password."""

    @abstractmethod
    def _open(self) -> Engine: ...

    @abstractmethod
    def _ready(self, engine: Engine) -> None:
        """Raises SchemaUnfit unless the tables are there and of this version."""

    @abstractmethod
    def _reader(self, engine: Engine) -> Engine:
        """The same for transactions that see one moment."""

    @abstractmethod
    def _writer(self, engine: Engine) -> Engine: ...

    @abstractmethod
    def lock_authority(self, db: Connection, authority: str) -> None:
        """Until the end of the transaction nobody else reserves for this authority."""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Raises RegisterUnreachable for whatever the driver says."""
        with self._answering(), self._reader(self._opened()).connect() as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction; whatever raises leaves no trace. Raises RegisterUnreachable."""
        with self._answering(), self._writer(self._opened()).begin() as db:
            yield db

    @contextmanager
    def upgrading(self) -> Iterator[Connection]:
        """A transaction of a register of any age. Raises RegisterUnreachable."""
        with self._answering(), self._writer(self._unready()).begin() as db:
            yield db

    def close(self) -> None:
        """Give the connections back; a later question opens new ones."""
        with self._opening:
            if self._engine:
                _dispose(self._engine, self._process)
            self._engine = None

    def _opened(self) -> Engine:
        engine = self._unready()
        if not self._is_ready:
            with self._opening:
                self._ready(engine)
                self._is_ready = True
        return engine

    def _unready(self) -> Engine:
        """The engine of this process: connections are not shared with whoever forked it."""
        with self._opening:
            if self._engine is None or self._process != os.getpid():
                self._engine, self._process, self._is_ready = self._open(), os.getpid(), False
                weakref.finalize(self, _dispose, self._engine, self._process)
            return self._engine

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, SqliteError, DamagedRow) as error:
            raise RegisterUnreachable(f"the register {self.name} does not answer: {_cause(error)}") from error


def _dispose(engine: Engine, process: int) -> None:
    """Close the connections, but not those of whoever forked this process: it goes on using them."""
    engine.dispose(close=process == os.getpid())


def _cause(error: Exception) -> str:
    """What the driver says, without the rows that it speaks of."""
    if isinstance(error, NoneFree):
        return f"no connection was free within {PATIENCE:.0f} s; fewer requests at once, or more connections"
    told = error.orig if isinstance(error, DBAPIError) and error.orig else error
    primary = getattr(getattr(told, "diag", None), "message_primary", None)
    return primary or " ".join(str(told).split("\n")[0].split())
