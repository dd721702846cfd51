"""Registers for tests, each belonging to a folder, and what is put into them.

Run as a program, this file is one of several that reserve at once in one register.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import postgres

from qujat.register import Claim, Document, Register, Secrets, StoredFile
from qujat.registers.opening import in_sqlite

Opener = Callable[[Path], Register]

# Opens the register in a folder. Opened again, also by another process, it is the same register.
OPENERS: dict[str, Opener] = {
    "sqlite": lambda folder: in_sqlite(folder / "register.sqlite"),
    "postgresql": postgres.register_in,
}

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
OURS, THEIRS = "990440001234", "990140000017"
PAGE = StoredFile("page", "kk", "1.kk.pdf", "a" * 64, "b" * 64, '{"weasyprint": "70.0"}')
DATA = StoredFile("data", "", "1.xml", "c" * 64)


def claim(decision: str = "d-1", contents: str = "", **changed: Any) -> Claim:
    digest = sha256(f"{decision} {contents}".encode()).hexdigest()
    return replace(Claim(OURS, decision, digest, None, "{year}-{seq:06}", 2026, "o20-a05"), **changed)


def data_of(number: str) -> dict[str, Any]:
    return {"number": number, "name": "Қалиева Әсел", "grounds": [2, 4], "stand_in": True}


def draw() -> Secrets:
    token = secrets.token_bytes(12)
    return Secrets(token, token.hex(), secrets.token_bytes(16))


def reserve(register: Register, what: Claim, at: datetime = AT) -> Document:
    return register.reserve(what, data_of, draw, at)


def issued(register: Register, what: Claim, *files: StoredFile, at: datetime = AT) -> Document:
    own = StoredFile("page", "kk", "1.kk.pdf", sha256(what.decision.encode()).hexdigest())
    return register.record(reserve(register, what, at), files or [own], at)


def _reserve_twenty(name: str, folder: str, worker: str) -> list[tuple[str, str, str]]:
    register = OPENERS[name](Path(folder))
    print("ready", flush=True)
    sys.stdin.readline()
    found = [(d, reserve(register, claim(d))) for d in (f"{worker}-{n}" for n in range(20))]
    return [(decision, document.number, document.token.hex()) for decision, document in found]


if __name__ == "__main__":
    print(json.dumps(_reserve_twenty(*sys.argv[1:])))
