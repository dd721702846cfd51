"""Whole offices for tests: keys made once, a register and blobs in a folder or in memory, a clock set by hand."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from qujat import catalogue, decision
from qujat.blobs import Folder, Memory
from qujat.decision import Decision
from qujat.office import Clock, Office
from qujat.register import Register
from qujat.registers.opening import in_sqlite
from qujat.signing import keys
from qujat.signing.evidence import RevocationSource
from qujat.signing.keys import KeyRing, Person
from qujat.signing.responder import StandInSource
from qujat.signing.timestamp import StandInAuthority

FIXTURES = Path(catalogue.__file__).parent / "fixtures" / "decisions"
PASSPHRASE = b"correct horse battery staple"


@dataclass
class HandClock:
    """A clock that stands still until it is set forward; with a `tick`, it goes on by so much at every look."""

    at: datetime
    tick: timedelta = timedelta()

    def __call__(self) -> datetime:
        self.at += self.tick
        return self.at

    def step(self, **by: float) -> None:
        """`clock.step(days=1)`"""
        self.at += timedelta(**by)


@dataclass(frozen=True)
class Pki:
    """A stand-in key folder, and the moment from which its certificates are sure to be valid."""

    folder: Path
    passphrase: bytes
    now: datetime


def make_pki(folder: Path, now: datetime | None = None) -> Pki:
    """Keys of the head who signs `a_decision()`. Foreign checkers look at the real clock, so they are of today."""
    now = now or datetime.now(UTC).replace(microsecond=0)
    keys.create_stand_in(folder, PASSPHRASE, head(), now=now)
    return Pki(folder, PASSPHRASE, now)


def head() -> Person:
    """The official of `a_decision()` as the holder of a certificate."""
    sent = a_decision()
    authority, official = sent["authority"], sent["official"]
    return Person(official["iin"], official["full_name"], authority["bin"], authority["name"]["kk"])


def a_decision(annex: str = "o20-a05", /, **changes: Any) -> dict[str, Any]:
    """A valid decision, as a decision system sends it, with some of its top-level members changed."""
    return deepcopy(_fixture(annex)) | changes


def parsed(annex: str = "o20-a05", /, **changes: Any) -> Decision:
    """The same as `decision.parse` gives it."""
    return decision.parse(a_decision(annex, **changes))


def office_in(home: Path, pki: Pki, clock: Clock | None = None, **changes: Any) -> Office:
    """A whole office on the disk, as a deployment has it; `changes` replace members of the Office."""
    home.mkdir(parents=True, exist_ok=True)
    return _office(pki, in_sqlite(home / "register.sqlite"), Folder(home / "blobs"), clock, changes)


def office_in_memory(pki: Pki, clock: Clock | None = None, **changes: Any) -> Office:
    """A whole office that leaves nothing on the disk."""
    return _office(pki, in_sqlite(":memory:"), Memory({}), clock, changes)


def _office(
    pki: Pki, register: Register, blobs: Folder | Memory, clock: Clock | None, changes: dict[str, Any]
) -> Office:
    clock = clock or HandClock(pki.now)
    ring = _ring(pki)
    timestamper = ring.timestamper
    assert isinstance(timestamper, StandInAuthority)
    whole = Office(
        forms=_catalogue(),
        register=register,
        blobs=blobs,
        trust=ring.trust,
        mark_keys=ring.mark_keys,
        keys=ring,
        timestamper=replace(timestamper, clock=clock),
        revocation=_asked_by(ring.revocation, clock),
        clock=clock,
    )
    return replace(whole, **changes)


def _asked_by(source: RevocationSource, clock: Clock) -> RevocationSource:
    """The stand-in's word on revocation at the time of the office's clock."""
    assert isinstance(source, StandInSource)
    assert source.responder
    return replace(source, responder=replace(source.responder, clock=clock))


@cache
def _ring(pki: Pki) -> KeyRing:
    return keys.open_keys(pki.folder, pki.passphrase)


@cache
def _catalogue() -> catalogue.Catalogue:
    return catalogue.load()


@cache
def _fixture(annex: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FIXTURES / f"{annex}.json").read_text(encoding="utf-8"))
    return read
