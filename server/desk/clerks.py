"""The clerks of an office: a name, a password, an authority, the forms that are theirs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.engine import Row

from qujat.errors import ConfigurationError
from qujat.identifiers import bin_fault
from qujat.server.desk.tables import CLERK, SESSION, Store

EVERY_FORM = "*"
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256

_NAME = re.compile(r"[\w.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Clerk:
    """`authority`: the BIN for which he acts. `forms`: annex ids, or "*" for all. `removed_at` None while he acts."""

    id: int
    name: str
    authority: str
    forms: frozenset[str]
    made_at: datetime
    removed_at: datetime | None = None

    def may_use(self, annex: str) -> bool:
        """Whether he makes and sees documents of this form."""
        return EVERY_FORM in self.forms or annex in self.forms


# argon2id as RFC 9106, section 4, recommends it second: passes, KiB, lanes.
COST = (3, 64 * 1024, 4)


@cache
def _hasher() -> PasswordHasher:
    passes, kibibytes, lanes = COST
    return PasswordHasher(time_cost=passes, memory_cost=kibibytes, parallelism=lanes)


@cache
def _nobodys() -> str:
    """A hash that no password has: an unknown name takes as long to refuse as a known one."""
    return _hasher().hash("nobody has this password")


def add(store: Store, name: str, authority: str, password: str, forms: Sequence[str] = (EVERY_FORM,)) -> Clerk:
    """A new clerk. Raises ConfigurationError (a name that is taken or none, a BIN, a password too short)."""
    name = _folded(name)
    if not _NAME.fullmatch(name):
        raise ConfigurationError("expected a name of letters, digits, dots, hyphens and underscores, at most 64")
    if fault := bin_fault(authority):
        raise ConfigurationError(f"--authority: expected the BIN of the clerk's authority: {fault}")
    row = {"name": name, "authority": authority, "forms": sorted(forms), "made_at": store.clock().isoformat()}
    row["password"] = _hasher().hash(_sound(password))
    with store.open() as db:
        if db.execute(select(CLERK.c.id).where(CLERK.c.name == name)).first():
            raise ConfigurationError(f"expected a new name, came {name!r}: a clerk has it, or had it")
        db.execute(CLERK.insert().values(**row))
    return named(store, name)


def _sound(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ConfigurationError(f"expected a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return unicodedata.normalize("NFC", password)


def remove(store: Store, name: str) -> Clerk:
    """From now on he cannot come in, and is out at once. Raises ConfigurationError if there is no such clerk."""
    found = named(store, name)
    if found.removed_at is None:
        with store.open() as db:
            db.execute(CLERK.update().where(CLERK.c.id == found.id).values(removed_at=store.clock().isoformat()))
            db.execute(SESSION.delete().where(SESSION.c.clerk == found.id))
    return named(store, name)


def named(store: Store, name: str) -> Clerk:
    """A clerk by name. Raises ConfigurationError if there is none."""
    with store.open() as db:
        row = db.execute(select(CLERK).where(CLERK.c.name == _folded(name))).one_or_none()
    if row is None:
        raise ConfigurationError(f"expected the name of a clerk, came {name!r}; `qujat clerks list` has them all")
    return clerk_of(row)


def everybody(store: Store) -> list[Clerk]:
    """Every clerk, removed ones too, in the order they came."""
    with store.open() as db:
        return [clerk_of(row) for row in db.execute(select(CLERK).order_by(CLERK.c.id))]


def admitted(store: Store, name: str, password: str) -> Clerk | None:
    """The clerk with this name and password; None for anything else, after the same work."""
    with store.open() as db:
        row = db.execute(select(CLERK).where(CLERK.c.name == _folded(name)[:64])).one_or_none()
    known = row is not None and not row.removed_at
    right = _fits(row.password if row is not None and known else _nobodys(), password[: LONGEST_PASSWORD + 1])
    return clerk_of(row) if row is not None and known and right else None


def _fits(kept: str, password: str) -> bool:
    try:
        return _hasher().verify(kept, unicodedata.normalize("NFC", password))
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()


def clerk_of(row: Row[Any]) -> Clerk:
    """A clerk from his row."""
    return Clerk(
        id=row.id,
        name=row.name,
        authority=row.authority,
        forms=frozenset(row.forms),
        made_at=datetime.fromisoformat(row.made_at),
        removed_at=datetime.fromisoformat(row.removed_at) if row.removed_at else None,
    )
