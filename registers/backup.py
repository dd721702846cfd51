"""A copy of a register and its documents from which a deployment can be set up again, made while it works.

The register first, then the blobs: a document is entered after its files are stored, and files are never taken away,
so every file that the copied register names is among the copied blobs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from qujat.blobs import Blobs, Folder, settle, write_whole
from qujat.errors import BlobAltered, BlobMissing, ConfigurationError, StoreError
from qujat.register import Register
from qujat.registers.sql import SqlRegister
from qujat.registers.sqlite import SqliteFile


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup holds: the copy of the register, and how many blobs were copied now and were there before."""

    register: Path
    blobs: int
    kept: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A file of a document that is not among the blobs, or no longer what was stored."""

    number: str
    file: str
    code: str


def copy(register: Register, blobs: Blobs, folder: Path) -> Copied:
    """Copy a register in SQLite and the blobs of a folder into `folder`; blobs that are there already are kept.

    Raises ConfigurationError (another kind of store), StoreError.
    """
    if not (isinstance(register, SqlRegister) and isinstance(register.database, SqliteFile)):
        raise ConfigurationError(
            "expected a register in SQLite, came one in PostgreSQL; copy it with pg_dump, and the documents after it"
            " (docs/operator.md)"
        )
    if not isinstance(blobs, Folder):
        raise ConfigurationError(
            "expected documents in a folder, came a bucket; copy it with its own tools, after the register"
            " (docs/operator.md)"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target = _copy_register(register.database, folder / "register.sqlite")
        return Copied(target, *_copy_blobs(blobs.root, folder / "blobs"))
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}; no whole backup was made") from error


def _copy_register(source: SqliteFile, target: Path) -> Path:
    """One moment of the register, whole or not at all; writers go on meanwhile."""
    part = target.with_name(f".part-{target.name}")
    part.unlink(missing_ok=True)
    with source.reading() as db, closing(sqlite3.connect(part)) as copied:
        cast(sqlite3.Connection, db.connection.driver_connection).backup(copied)
        (state,) = copied.execute("PRAGMA integrity_check").fetchone()
        if state != "ok":
            raise sqlite3.DatabaseError(f"the copy is not whole: {state}")
        copied.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    settle(part, target)
    return target


def _copy_blobs(source: Path, target: Path) -> tuple[int, int]:
    """How many were copied, and how many were there already."""
    copied = kept = 0
    for path in source.glob("[0-9a-f][0-9a-f]/[0-9a-f]*"):
        there = target / path.parent.name / path.name
        if there.is_file() and there.stat().st_size == path.stat().st_size:
            kept += 1
        else:
            write_whole(there, path.read_bytes(), within=target)
            copied += 1
    return copied, kept


def lost(register: Register, blobs: Blobs) -> Iterator[Lost]:
    """Every file of an issued document that cannot be read back as it was stored. Raises StoreError."""
    for document in register.issued():
        for file in (*document.files, *document.former):
            try:
                blobs.get(file.sha256)
            except (BlobMissing, BlobAltered) as error:
                yield Lost(document.number, file.name, error.code)
