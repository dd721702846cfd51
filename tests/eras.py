"""Years of authorities: a stand-in is made anew every four years, as one after the other runs out.

The stand-in's signer lasts one year, its timestamp authority five, its root ten, its lists of revoked certificates one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path

import offices
from cryptography import x509
from offices import HandClock

from qujat import catalogue
from qujat.blobs import Memory
from qujat.errors import EvidenceUnavailable
from qujat.office import Office
from qujat.registers.opening import in_sqlite
from qujat.signing import keys
from qujat.signing.acceptance import ALGORITHMS, Policy
from qujat.signing.evidence import Evidence
from qujat.signing.keys import KeyRing, Person
from qujat.signing.timestamp import StandInAuthority
from qujat.signing.trust import Trust

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
YEAR = timedelta(days=365)
ERA = 4 * YEAR

# Whoever looks that far ahead believes that the algorithms will last: by default they end in 2035.
LONG = Policy(register_is_proof=False, algorithms=dict.fromkeys(ALGORITHMS, date(2060, 1, 1)))


@dataclass
class Eras:
    """The authorities of each era, and a clock that they all tell."""

    home: Path
    person: Person = field(default_factory=offices.head)
    clock: HandClock = field(default_factory=lambda: HandClock(START))
    rings: list[KeyRing] = field(default_factory=list)

    def go_to(self, moment: datetime) -> None:
        """Set the clock, make the authorities of the eras that have begun, and let all publish their lists."""
        self.clock.at = moment
        while START + ERA * len(self.rings) <= moment:
            began = START + ERA * len(self.rings)
            keys.create_stand_in(self._folder(), offices.PASSPHRASE, self.person, now=began)
            self.rings.append(keys.open_keys(self._folder(), offices.PASSPHRASE, clock=self.clock))
        for number in range(len(self.rings)):
            if START + ERA * number < moment:
                keys.publish(self._folder(number), offices.PASSPHRASE, at=moment)

    def _folder(self, number: int | None = None) -> Path:
        return self.home / f"era{len(self.rings) if number is None else number}"

    @property
    def first(self) -> KeyRing:
        """Who signed."""
        return self.rings[0]

    @property
    def timestamper(self) -> StandInAuthority:
        """The authority of the era that it is."""
        found = self.rings[-1].timestamper
        assert isinstance(found, StandInAuthority)
        return found

    def ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Evidence:
        """What the authority of the certificate's era says of it."""
        for ring in self.rings:
            if issuer in (*ring.trust.anchors, *ring.trust.intermediates):
                return ring.revocation.ask(certificate, issuer)
        raise EvidenceUnavailable("no authority of any era")

    def trust(self, *, lists: bool = False) -> Trust:
        """The roots of all eras; with `lists`, what all have published until now."""
        held = [keys.open_trust(self._folder(number)) for number in range(len(self.rings))]
        return Trust(
            tuple(chain.from_iterable(trust.anchors for trust in held)),
            tuple(chain.from_iterable(trust.intermediates for trust in held)),
            tuple(chain.from_iterable(trust.crls for trust in held)) if lists else (),
            stand_in=True,
        )


def eras(home: Path) -> Eras:
    """At the beginning of the first era."""
    made = Eras(home)
    made.go_to(START)
    return made


def policy(**changes: object) -> Policy:
    """The long-sighted policy with some of its answers changed."""
    return replace(LONG, **changes)  # type: ignore[arg-type]


def desk(world: Eras, **changes: object) -> Office:
    """An office of the first era, in memory, that goes with the clock; its trust is what is published by now."""
    whole = Office(
        forms=catalogue.load(),
        register=in_sqlite(":memory:"),
        blobs=Memory({}),
        trust=world.trust(lists=True),
        mark_keys=world.first.mark_keys,
        keys=world.first,
        timestamper=world.timestamper,
        revocation=world,
        clock=world.clock,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def years_later(office: Office, world: Eras, moment: datetime) -> Office:
    """The same office at a later moment: what was published since, and the authority of the era."""
    world.go_to(moment)
    return replace(office, trust=world.trust(lists=True), timestamper=world.timestamper)
