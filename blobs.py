"""Bytes, each under its own SHA-256. Nothing is ever overwritten, nothing is believed without its hash."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from qujat.errors import BlobAltered, BlobMissing, StoreError

_HASH = re.compile(r"[0-9a-f]{64}")


class Blobs(Protocol):
    """A store of bytes by their hash."""

    def put(self, content: bytes) -> str:
        """Keep `content`; gives its SHA-256 in hexadecimal. When it returns, the bytes are on the disk."""

    def get(self, digest: str) -> bytes:
        """The bytes of a hash; raises BlobMissing, or BlobAltered if they no longer hash to it."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Blobs as files in a folder: ab/cdef…"""

    root: Path

    def put(self, content: bytes) -> str:
        """Bytes damaged on the disk since they were put are put again. Raises StoreError if the disk refuses."""
        digest = sha256(content).hexdigest()
        path = self._path(digest)
        try:
            if path.is_file() and path.read_bytes() == content:
                _sync_folders(path, self.root)  # whoever put them may have been killed before that
            else:
                write_whole(path, content, within=self.root)
        except OSError as error:
            raise StoreError(
                f"{self.root} cannot be written: {error.strerror}; check the folder of documents"
            ) from error
        return digest

    def get(self, digest: str) -> bytes:
        """Raises BlobMissing, BlobAltered, StoreError if the disk refuses."""
        checked_name(digest, str(self.root))
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise BlobMissing(f"expected the bytes {digest} in {self.root}; restore them from a backup") from None
        except OSError as error:
            raise StoreError(f"{self.root} cannot be read: {error.strerror}; check the folder of documents") from error
        return unaltered(content, digest)

    def clear(self, before: float) -> int:
        """Take away what killed writers left half written before a moment (seconds since the epoch); gives how many.

        No writer takes a day for a file. Raises StoreError.
        """
        try:
            left = [path for path in self.root.glob("*/.part-*") if path.stat().st_mtime < before]
            for path in left:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{self.root} cannot be cleared: {error.strerror}; check the folder") from error
        return len(left)

    def _path(self, digest: str) -> Path:
        return self.root / digest[:2] / digest[2:]


@dataclass(frozen=True, slots=True)
class Memory:
    """Blobs in memory, for tests and trials."""

    content: dict[str, bytes]

    def put(self, content: bytes) -> str:
        digest = sha256(content).hexdigest()
        self.content[digest] = content
        return digest

    def get(self, digest: str) -> bytes:
        if digest not in self.content:
            raise BlobMissing(f"expected the bytes {digest}; they were never put")
        return unaltered(self.content[digest], digest)


def checked_name(digest: str, store: str) -> None:
    """Raises BlobMissing for what cannot be the name of a blob."""
    if not _HASH.fullmatch(digest):
        raise BlobMissing(f"expected a SHA-256 in lower-case hexadecimal, came {digest!r}: no blob of {store}")


def unaltered(content: bytes, digest: str) -> bytes:
    """The same bytes; raises BlobAltered."""
    if sha256(content).hexdigest() != digest:
        raise BlobAltered(f"the bytes under {digest} have changed since they were put; restore them from a backup")
    return content


def write_whole(path: Path, content: bytes, *, within: Path | None = None) -> None:
    """Write a file so that it is either there and whole, also after a power cut, or not there at all.

    The entries of the folders from `within` (default: the file's own folder) down to the file are on the disk too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folders(path, within or path.parent)


def settle(part: Path, path: Path) -> None:
    """Put a file that somebody else wrote into its place beside it, as whole as `write_whole` does."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    _sync_folder(path.parent)


def _sync_folders(path: Path, top: Path) -> None:
    for folder in path.parents:
        _sync_folder(folder)
        if folder == top:
            break


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
