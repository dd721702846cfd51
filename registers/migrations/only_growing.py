"""Triggers that refuse to change, delete or replace a row. Migrations use them, so what they make never changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alembic import op

# By table, the columns by which a row is the same row.
Keys = Mapping[str, Sequence[Sequence[str]]]

_POSTGRESQL = """
CREATE OR REPLACE FUNCTION the_register_only_grows() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the register only grows' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def guard(tables: Keys) -> None:
    """From now on these tables only grow."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(_POSTGRESQL)
    for table, keys in tables.items():
        for statement in _sqlite(table, keys) if sqlite else _postgresql(table):
            op.execute(statement)


def unguard(tables: Keys) -> None:
    """For the time of a migration."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in tables:
        for deed in ("update", "delete", "insert") if sqlite else ("change", "truncate"):
            op.execute(f"DROP TRIGGER IF EXISTS {table}_no_{deed}" + ("" if sqlite else f" ON {table}"))


def _sqlite(table: str, keys: Sequence[Sequence[str]]) -> list[str]:
    same = " OR ".join("(" + " AND ".join(f"{column} = NEW.{column}" for column in key) + ")" for key in keys)
    # REPLACE deletes without running the triggers of DELETE, so it is refused when it inserts.
    there = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608  names of ours
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{deed.lower()} BEFORE {deed} ON {table} {when} "
        f"BEGIN SELECT RAISE(ABORT, 'the register only grows'); END"
        for deed, when in (("UPDATE", ""), ("DELETE", ""), ("INSERT", there))
    ]


def _postgresql(table: str) -> list[str]:
    """There is no REPLACE: ON CONFLICT DO UPDATE runs the triggers of UPDATE."""
    run = "EXECUTE FUNCTION the_register_only_grows()"
    return [
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}",
    ]
