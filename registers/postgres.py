"""A register in PostgreSQL, for several machines. Its schema is upgraded by `qujat register upgrade` alone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.pool import QueuePool

from qujat.errors import SchemaUnfit
from qujat.registers.database import PATIENCE, Database
from qujat.registers.tables import HEAD
from qujat.registers.versions import refuse_newer, revision

_OURS = 0x71756A61  # the first of the two numbers of our advisory locks, so that nobody else's are met
_LOCK = text("SELECT pg_advisory_xact_lock(:ours, hashtext(:authority))")
_SECONDS = 1000
# A server that is gone without a word is noticed within seconds, a statement that hangs within a minute.
_LIMITS = {
    "statement_timeout": 60 * _SECONDS,
    "lock_timeout": int(PATIENCE) * _SECONDS,
    "idle_in_transaction_session_timeout": 60 * _SECONDS,
}
_DRIVER: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20 * _SECONDS,
    "application_name": "qujat",
}


class PostgresServer(Database):
    """A database of a PostgreSQL server. `connections`: at most so many at once from this process."""

    def __init__(self, url: URL, connections: int = 10) -> None:
        super().__init__()
        self.url = url.set(drivername="postgresql+psycopg").difference_update_query(["options"])
        self._options = url.query.get("options", "")
        self.connections = connections

    @property
    def name(self) -> str:
        return self.url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)

    def lock_authority(self, db: Connection, authority: str) -> None:
        """Two authorities do not wait for each other."""
        db.execute(_LOCK, {"ours": _OURS, "authority": authority})

    def _open(self) -> Engine:
        limits = " ".join(f"-c {name}={value}" for name, value in _LIMITS.items())
        # What the address says goes before what we say.
        options = f"{limits} {self._options}"
        ours = {name: value for name, value in _DRIVER.items() if name not in self.url.query}
        return create_engine(
            self.url,
            poolclass=QueuePool,
            pool_size=self.connections,
            max_overflow=0,
            pool_timeout=PATIENCE,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={**ours, "options": options},
        )

    def _reader(self, engine: Engine) -> Engine:
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def _writer(self, engine: Engine) -> Engine:
        return engine

    def _ready(self, engine: Engine) -> None:
        with engine.connect() as db:
            before = revision(db)
        refuse_newer(before, self.name)
        if before != HEAD:
            raise SchemaUnfit(
                f"the register {self.name} is at schema {before or 'none'}, expected {HEAD};"
                " run `qujat register upgrade`, after a backup if there are documents in it"
            )


def made(db: Connection, name: str) -> str | None:
    """Bring a database to this version, in the transaction of `db`; gives the one of before. Raises SchemaUnfit."""
    db.execute(text("SET LOCAL statement_timeout = 0"))
    db.execute(_LOCK, {"ours": _OURS, "authority": "upgrade"})
    before = revision(db)
    refuse_newer(before, name)
    if before != HEAD:
        from qujat.registers.versions import upgrade

        upgrade(db)
    return before
