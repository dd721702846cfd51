"""Which version of the schema a register has, and how it comes to the newest one."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from qujat.errors import SchemaUnfit
from qujat.registers.tables import HEAD

MIGRATIONS = Path(__file__).parent / "migrations"
_IS_THERE = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'",
    "postgresql": "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL",
}


def revision(db: Connection) -> str | None:
    """The number of the last migration; None: none was run (nothing is there, or an SQLite file of before them)."""
    if not db.exec_driver_sql(_IS_THERE[db.dialect.name]).first():
        return None
    found: str | None = db.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def refuse_newer(before: str | None, name: str) -> None:
    """Raises SchemaUnfit for a register that a newer Qujat has upgraded."""
    if before is not None and before > HEAD:
        raise SchemaUnfit(
            f"the register {name} is at schema {before}, this Qujat knows them up to {HEAD};"
            " install the newer Qujat that upgraded it, or restore the backup of before the upgrade"
        )


def upgrade(db: Connection, to: str = "head") -> None:
    """Run the migrations that are missing, in the transaction of `db`."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = db
    command.upgrade(config, to)
