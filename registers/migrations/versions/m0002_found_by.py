"""Rows keep their order by a column of their own, and documents are found by form, day, person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from alembic import op
from sqlalchemy import text

from qujat.registers.migrations.only_growing import guard, unguard
from qujat.registers.people import people_of

revision = "0002"
down_revision = "0001"

# By table, whose rows are counted together, and the columns of the key.
_ORDERED: dict[str, tuple[str, list[tuple[str, ...]]]] = {
    "file": ("document", [("document", "role", "language"), ("rowid",)]),
    "ticket": ("document", [("id",), ("rowid",)]),
    "handed_out": ("ticket", [("ticket", "role", "language"), ("rowid",)]),
    "completion": ("(SELECT document FROM ticket t WHERE t.id = ticket)", [("ticket",), ("rowid",)]),
}
_KEPT = {table: keys for table, (_, keys) in _ORDERED.items()}
_FOUND_BY = (
    """CREATE TABLE search (
  document {key} NOT NULL PRIMARY KEY REFERENCES document (id), form TEXT NOT NULL, day TEXT {plain} NOT NULL)""",
    "CREATE INDEX search_form ON search (form, document)",
    "CREATE INDEX search_day ON search (day, document)",
    """CREATE TABLE person (
  document {key} NOT NULL REFERENCES document (id), place INTEGER NOT NULL, iin TEXT NOT NULL,
  name TEXT {plain} NOT NULL, PRIMARY KEY (document, place))""",
    "CREATE INDEX person_iin ON person (iin, document)",
    "CREATE INDEX person_name ON person (name)",
    "CREATE INDEX document_authority ON document (authority, id)",
)
_WORDS = {"sqlite": {"key": "INTEGER", "plain": ""}, "postgresql": {"key": "BIGINT", "plain": 'COLLATE "C"'}}
_ROWS = 500


def upgrade() -> None:
    unguard(_KEPT)
    for table, (together, _) in _ORDERED.items():
        _put_in_order(table, together)
    guard(_KEPT)
    for statement in _FOUND_BY:
        op.execute(statement.format_map(_WORDS[op.get_bind().dialect.name]))
    for document, data in _documents():
        _note(document, data)
    guard({"search": [("document",)], "person": [("document", "place"), ("rowid",)]})


def _put_in_order(table: str, together: str) -> None:
    row = "rowid" if op.get_bind().dialect.name == "sqlite" else "ctid"
    op.execute(f"ALTER TABLE {table} ADD COLUMN place INTEGER NOT NULL DEFAULT 0")
    counted = f"SELECT {row} AS r, row_number() OVER (PARTITION BY {together} ORDER BY {row}) - 1 AS n FROM {table}"  # noqa: S608
    op.execute(f"UPDATE {table} SET place = counted.n FROM ({counted}) AS counted WHERE {table}.{row} = counted.r")  # noqa: S608


def _documents() -> Iterator[tuple[int, dict[str, Any]]]:
    last = 0
    asked = text("SELECT id, data FROM document WHERE id > :last ORDER BY id LIMIT :rows")
    while rows := op.get_bind().execute(asked, {"last": last, "rows": _ROWS}).all():
        for document, data in rows:
            last = document
            yield document, json.loads(data)


def _note(document: int, data: dict[str, Any]) -> None:
    bind = op.get_bind()
    bind.execute(
        text("INSERT INTO search (document, form, day) VALUES (:document, :form, :day)"),
        {"document": document, "form": str(data.get("key", "")), "day": str(data.get("day", ""))},
    )
    rows = [{"document": document, "place": n, "iin": p.iin, "name": p.name} for n, p in enumerate(people_of(data))]
    if rows:
        bind.execute(
            text("INSERT INTO person (document, place, iin, name) VALUES (:document, :place, :iin, :name)"), rows
        )
