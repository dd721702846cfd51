"""A register by its address."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from qujat.errors import ConfigurationError
from qujat.registers import postgres, sqlite
from qujat.registers.postgres import PostgresServer
from qujat.registers.sql import SqlRegister
from qujat.registers.sqlite import MEMORY, SqliteFile
from qujat.registers.tables import HEAD


def in_sqlite(path: Path | str) -> SqlRegister:
    """The register in an SQLite file, which is made if it is not there; ":memory:" keeps it in this process."""
    return SqlRegister(SqliteFile(path))


def in_postgresql(url: str, connections: int = 10) -> SqlRegister:
    """The register in a database such as postgresql://user@host/name. Raises ConfigurationError."""
    try:
        return SqlRegister(PostgresServer(make_url(url), connections))
    except (ArgumentError, ValueError):  # what they say holds the address, and so perhaps a password
        raise ConfigurationError("expected a register such as postgresql://user@host/name, came another text") from None


def open_register(url: str, base: Path, connections: int = 10) -> SqlRegister:
    """The register of an address: sqlite:///file (relative to `base`) or postgresql://user@host/name.

    Nothing is opened yet. Raises ConfigurationError.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return in_sqlite(base / rest.removeprefix("/"))
    if scheme in ("postgresql", "postgres"):
        return in_postgresql(url.replace("postgres://", "postgresql://", 1), connections)
    raise ConfigurationError(
        f"expected a register at sqlite:///file or postgresql://user@host/name, came the scheme {scheme!r}"
    )


def upgrade(register: SqlRegister) -> tuple[str | None, str]:
    """Bring a register to the schema of this version; gives its version before and after.

    Raises SchemaUnfit (it is newer than this Qujat), RegisterUnreachable.
    """
    made = sqlite.made if isinstance(register.database, SqliteFile) else postgres.made
    if register.name == MEMORY:
        raise ConfigurationError("expected a register that is kept, came one in memory")
    with register.database.upgrading() as db:
        return made(db, register.name), HEAD
