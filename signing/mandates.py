"""Mandates: who held which power in an authority, and from which day to which.

A certificate says what its holder was when it was issued. Whether he still held the power on the day of a decision, and
on the day he signed it, is known to the authority alone: it lists the mandates in the configuration and never takes
one out, since old documents are checked against them.

[[mandate]]
bin = "990440001234"
iin = "780515400017"
power = "head"                 # head, acting, entitled, employee
first = 2026-01-05             # both days inclusive; no last: still held
last = 2026-12-31
kinds = ["decision"]           # kinds of documents; none named: all
basis = "бұйрық № 12, 05.01.2026"
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from typing import Literal

from pydantic import field_validator, model_validator

from qujat.datafiles import Strict
from qujat.errors import ConfigurationError, SignerNotEntitled
from qujat.identifiers import bin_fault, iin_fault

Power = Literal["head", "acting", "entitled", "employee"]


class Mandate(Strict):
    """One power of one person in one authority; `first` and `last` are inclusive."""

    bin: str
    iin: str
    power: Power
    first: date
    last: date | None = None
    kinds: Sequence[str] = ()
    basis: str

    @field_validator("bin")
    @classmethod
    def _is_bin(cls, value: str) -> str:
        if fault := bin_fault(value):
            raise ValueError(f"not a BIN: {fault}")
        return value

    @field_validator("iin")
    @classmethod
    def _is_iin(cls, value: str) -> str:
        if fault := iin_fault(value):
            raise ValueError(f"not an IIN: {fault}")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Mandate:
        if self.last and self.last < self.first:
            raise ValueError("expected a last day that is not before the first")
        return self

    def covers(self, day: date, kind: str) -> bool:
        """True if the power was held on that day for documents of this kind."""
        held = self.first <= day and (self.last is None or day <= self.last)
        return held and (not self.kinds or kind in self.kinds)

    def meets(self, other: Mandate) -> bool:
        """True if the two have a day in common."""
        ends = [mandate.last for mandate in (self, other) if mandate.last]
        return max(self.first, other.first) <= min(ends, default=date.max)


@dataclass(frozen=True, slots=True)
class Mandates:
    """The mandates on file. `required`: an authority without any cannot sign (the production profile)."""

    held: Sequence[Mandate] = field(default=(), repr=False)
    required: bool = False

    @classmethod
    def checked(cls, held: Sequence[Mandate], *, required: bool = False) -> Mandates:
        """Raises ConfigurationError if two heads held one authority on one day: the second one is acting."""
        for one, other in combinations((m for m in held if m.power == "head"), 2):
            if one.bin == other.bin and one.meets(other):
                raise ConfigurationError(
                    f"[[mandate]]: expected one head of an authority a day, came two on {max(one.first, other.first)};"
                    ' give the first a last day, or the second the power "acting"'
                )
        return cls(tuple(held), required)

    def are_kept_for(self, bin: str) -> bool:
        return self.required or any(mandate.bin == bin for mandate in self.held)

    def require(self, bin: str, iin: str, kind: str, powers: Iterable[Power], days: Iterable[date]) -> None:
        """Return if the official held one of the powers on every one of the days, or no mandates are kept for the BIN.

        Raises SignerNotEntitled, without a name or a number in its message.
        """
        if not self.are_kept_for(bin):
            return
        wanted = set(powers)
        own = [mandate for mandate in self.held if (mandate.bin, mandate.iin) == (bin, iin) and mandate.power in wanted]
        for day in days:
            if not any(mandate.covers(day, kind) for mandate in own):
                raise SignerNotEntitled(
                    f"expected a mandate of the official as {' or '.join(sorted(wanted))} on {day} for documents of the"
                    f" kind {kind}, came none on file; enter it as [[mandate]], or let another official sign"
                )
