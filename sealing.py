"""Checkpoints of the register: what it held at a moment, signed, so that a change behind its back is found.

An entry is a document with its files as issued, a renewed file, or the end of a document. In the order of their moments
they make a chain of hashes: head = SHA-256(0x01 ‖ head before ‖ SHA-256(0x00 ‖ entry)). A checkpoint states how many
there are and the head, of all entries before its `until`, and names the checkpoint before it by its SHA-256. Nothing
personal can be guessed from it: each entry holds its document's salt. So checkpoints may, and should, leave the house.

What was reserved and not issued, and tickets, are no entries: nobody holds anything of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import rfc8785
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import AwareDatetime, ValidationError

from qujat import mark as marks
from qujat.datafiles import Strict
from qujat.errors import DecisionChanged, StoreError, VerificationError
from qujat.register import Document, Register, StoredFile
from qujat.signing import jws
from qujat.signing.mark_keys import MarkKey

KIND: Final = "qujat-checkpoint"
# What is being written just now is left to the next checkpoint: a writer may wait half a minute for his turn.
SETTLED: Final = timedelta(minutes=1)
_START: Final = "0" * 64


class Checkpoint(Strict):
    """All `entries` of the register before `until`, and the head of their chain.

    `previous`: the SHA-256 of the file of the checkpoint before; empty in the first.
    """

    number: int
    sealed_at: AwareDatetime
    until: AwareDatetime
    entries: int
    head: str
    previous: str


class Entry(NamedTuple):
    """One entry: its moment, and its hash."""

    moment: datetime
    leaf: bytes


Code = Literal[
    "ok",
    "checkpoint-altered",
    "checkpoint-key",
    "checkpoint-key-compromised",
    "checkpoint-missing",
    "register-altered",
    "register-lookup",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """What an audit says of one checkpoint, or of a document that is not found by what it is known by."""

    name: str
    code: Code
    detail: str = ""

    @property
    def value(self) -> Literal["valid", "invalid", "indeterminate"]:
        match self.code:
            case "ok":
                return "valid"
            case "checkpoint-key-compromised":
                return "indeterminate"
        return "invalid"

    def as_json(self) -> dict[str, str]:
        return {**asdict(self), "verdict": self.value}


def entries(register: Register) -> list[Entry]:
    """Every entry in its order. Raises StoreError."""
    found = [entry for document in register.issued() for entry in _entries(document, register)]
    return sorted(found)


def seal(register: Register, folder: Path, key: ec.EllipticCurvePrivateKey, *, at: datetime) -> tuple[Path, Checkpoint]:
    """Write the next checkpoint of `folder`, of all entries that were settled at `at`. Raises StoreError.

    It does not judge the checkpoints of before: `audit` does.
    """
    files = _files(folder)
    before = _read(files[-1]) if files else b""
    until = (at - SETTLED).astimezone(UTC).replace(microsecond=0)
    number = _number(files[-1]) + 1 if files else 1
    counted = [entry for entry in entries(register) if entry.moment < until]
    made = Checkpoint(
        number=number,
        sealed_at=at.astimezone(UTC).replace(microsecond=0),
        until=until,
        entries=len(counted),
        head=_chained(_START, counted),
        previous=sha256(before).hexdigest() if files else "",
    )
    path = folder / f"{number:06}.jws"
    _write_new(path, jws.sign(made.model_dump(mode="json"), KIND, key))
    return path, made


def audit(register: Register, folder: Path, keys: Mapping[bytes, MarkKey]) -> list[Finding]:
    """What each checkpoint says of the register as it is now, in their order; then documents that are not found.

    A checkpoint answers for the entries since the one before it, so the one that disagrees says when they were
    entered. Raises StoreError.
    """
    held = entries(register)
    auditing = _Auditing(held, keys)
    findings = [auditing.finding(path) for path in _files(folder)]
    return findings + [
        Finding(document.number, "register-lookup", "expected to find it by its decision, its token and its code")
        for document in register.issued()
        if not _is_found(document, register)
    ]


class _Auditing:
    """Goes from checkpoint to checkpoint: the chain goes on from the head that was signed before."""

    def __init__(self, held: Sequence[Entry], keys: Mapping[bytes, MarkKey]) -> None:
        self.held, self.keys = held, keys
        self.content = b""
        self.last: Checkpoint | None = None

    def finding(self, path: Path) -> Finding:
        content = _read(path)
        try:
            said, key = jws.verify(content, KIND, self.keys)
            now = Checkpoint.model_validate_json(json.dumps(said))
        except VerificationError as error:
            return Finding(path.name, "checkpoint-altered", error.message)
        except ValidationError:
            return Finding(path.name, "checkpoint-altered", "expected the members of a checkpoint, came others")
        last, previous = self.last, sha256(self.content).hexdigest() if self.content else ""
        self.last, self.content = now, content
        return self._judged(path, now, key, last, previous)

    def _judged(self, path: Path, now: Checkpoint, key: MarkKey, last: Checkpoint | None, previous: str) -> Finding:
        compared, expected = self._compared(path, now, last), last.number + 1 if last else 1
        if compared.code != "ok":
            return compared
        if (now.number, now.previous) != (expected, previous) or _number(path) != now.number:
            return Finding(path.name, "checkpoint-missing", f"expected checkpoint {expected}, or another one before it")
        if key.valid_from > now.sealed_at or (key.retired_at and key.retired_at < now.sealed_at):
            return Finding(path.name, "checkpoint-key", "expected a key that was in use then")
        if key.compromised_at:
            return Finding(path.name, "checkpoint-key-compromised", f"the key leaked on {key.compromised_at:%Y-%m-%d}")
        return compared

    def _compared(self, path: Path, now: Checkpoint, last: Checkpoint | None) -> Finding:
        since = last.until if last else datetime.min.replace(tzinfo=UTC)
        found = [entry for entry in self.held if since <= entry.moment < now.until]
        sealed = now.entries - (last.entries if last else 0)
        between = f"entries {f'from {last.until.isoformat()} ' if last else ''}to {now.until.isoformat()}"
        if len(found) == sealed and _chained(last.head if last else _START, found) == now.head:
            return Finding(path.name, "ok", f"{sealed} {between}")
        return Finding(path.name, "register-altered", f"expected the {sealed} {between}, came {len(found)} or others")


def _entries(document: Document, register: Register) -> Iterator[Entry]:
    """What the register entered of a document: that it was issued, each renewed file, that it ended."""
    versions = _versions(document)
    original = [files[0] for files in versions]
    issued_at = register.recorded_at(original[0].sha256) if original else None
    yield _entry(issued_at or document.reserved_at, document, "issued", _issued(document, original))
    for files in versions:
        for turn, file in enumerate(files[1:], 1):
            at = register.recorded_at(file.sha256) or document.reserved_at
            yield _entry(at, document, "renewed", {"turn": turn, **asdict(file)})
    if document.status != "active" and document.status_since:
        ended = {"status": document.status, "reason": document.reason, "by": document.superseded_by}
        yield _entry(document.status_since, document, "ended", ended)


def _issued(document: Document, files: Sequence[StoredFile]) -> Mapping[str, Any]:
    return {
        "digest": document.digest,
        "token": document.token.hex(),
        "reserved_at": document.reserved_at.isoformat(),
        "data": document.data,
        "files": [asdict(file) for file in files],
    }


def _versions(document: Document) -> list[list[StoredFile]]:
    """The files of each role and language, as issued and then as renewed."""

    def place(file: StoredFile) -> tuple[str, str]:
        return file.role, file.language

    ordered = sorted([*document.former, *document.files], key=place)
    return [list(files) for _, files in groupby(ordered, place)]


def _entry(moment: datetime, document: Document, kind: str, said: Mapping[str, Any]) -> Entry:
    moment = moment.astimezone(UTC)
    whole = {"at": moment.isoformat(), "number": document.number, "kind": kind, "salt": document.salt.hex(), **said}
    return Entry(moment, sha256(b"\0" + rfc8785.dumps(whole)).digest())


def _chained(head: str, found: Sequence[Entry]) -> str:
    """The head of the chain after these entries."""
    for entry in found:
        head = sha256(b"\1" + bytes.fromhex(head) + entry.leaf).hexdigest()
    return head


def _is_found(document: Document, register: Register) -> bool:
    """Whether the columns by which a document is looked up lead to it: they stand beside its data."""
    data = document.data
    try:
        known = register.known(data["authority"]["bin"], data["id"], document.digest)
    except DecisionChanged:
        return False
    by_code = register.by_code(marks.short_code(document.token))
    return known == by_code == register.by_token(document.token) == document


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jws"))


def _number(path: Path) -> int:
    """Raises StoreError for a file that is no checkpoint by its name."""
    if not path.stem.isdecimal():
        raise StoreError(
            f"expected checkpoints such as 000001.jws in {path.parent}, came {path.name}; move it elsewhere"
        )
    return int(path.stem)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error


def _write_new(path: Path, content: bytes) -> None:
    """Write a file whole, never in the place of another: two who seal at once do not make one checkpoint of two."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.link(part, path)
    except FileExistsError as error:
        raise StoreError(f"{path} has just been written by another; nothing is lost") from error
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
