"""The folder of a batch: its rows, in the order of its lines, and what is needed to take it up where it stopped.

results.jsonl   one row a decision
batch.json      which file these are the rows of
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO

from qujat.batch import Row, lines
from qujat.blobs import write_whole
from qujat.errors import BatchBusy, BatchChanged, StoreError

RESULTS = "results.jsonl"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A JSON Lines file: its hash, and how many decisions are in it."""

    sha256: str
    decisions: int


@dataclass
class Progress:
    """How far a batch has come. `last`: the line of its last row."""

    decisions: int
    issued: int = 0
    refused: int = 0
    last: int = 0

    @property
    def done(self) -> int:
        return self.issued + self.refused

    def count(self, row: Row) -> None:
        self.last = row.line
        if row.error:
            self.refused += 1
        else:
            self.issued += 1


@dataclass(frozen=True)
class Results:
    """The rows of one batch, open for adding; one process at a time has them."""

    path: Path
    progress: Progress
    _file: IO[bytes] = field(repr=False)

    def add(self, row: Row) -> None:
        """Raises StoreError."""
        try:
            self._file.write(row.as_json().encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror}; the batch stops here") from error
        self.progress.count(row)


def source(path: Path) -> Source:
    """Read a file once. Raises OSError."""
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        file.seek(0)
        return Source(digest.hexdigest(), sum(1 for _ in lines(file)))


@contextmanager
def taken_up(folder: Path, of: Source) -> Iterator[Results]:
    """The results of this file in `folder`: new, or as far as they came. A row that was cut short is done again.

    Raises BatchChanged if they are those of another file, BatchBusy if another process has them, StoreError.
    """
    path = folder / RESULTS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    with file:
        _lock(file, path)
        _same(folder, of)
        yield Results(path, _mended(file, path, of.decisions), file)
        os.fsync(file.fileno())


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BatchBusy(f"another process adds rows to {path}; wait for it, or choose another folder") from None


def _same(folder: Path, of: Source) -> None:
    kept, said = folder / "batch.json", {"sha256": of.sha256, "decisions": of.decisions}
    try:
        before = json.loads(kept.read_bytes())
    except FileNotFoundError:
        write_whole(kept, json.dumps(said).encode())
        return
    if before != said:
        raise BatchChanged(
            f"{folder} holds the results of another file ({before.get('decisions')} decisions, SHA-256"
            f" {before.get('sha256')}), came one of {of.decisions} decisions, SHA-256 {of.sha256};"
            " choose another folder for it"
        )


def _mended(file: IO[bytes], path: Path, decisions: int) -> Progress:
    """Count the whole rows, and cut off what a killed process left of one."""
    progress, whole = Progress(decisions), 0
    file.seek(0)
    for text in file:
        row = _read(text)
        if row is None or row.line <= progress.last:
            break
        progress.count(row)
        whole += len(text)
    else:
        return progress
    if file.read(1):  # not the last one
        raise StoreError(f"{path}: expected a row in line {progress.done + 1}, came something else; move it away")
    file.truncate(whole)
    return progress


def _read(text: bytes) -> Row | None:
    """A row as it was added; None if it is not whole."""
    if not text.endswith(b"\n"):
        return None
    try:
        said = json.loads(text)
        return Row(said["line"], said["decision"], said.get("number"), error=said.get("error"))
    except (ValueError, KeyError, TypeError):
        return None
