"""What the caller wants: a media type, a language (RFC 9110, sections 12.4 and 12.5), and whether he has it already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

from qujat.texts import parse_day

Tongue = Literal["kk", "ru", "en"]
TONGUES: tuple[Tongue, ...] = ("kk", "ru", "en")

_LONGEST = 1000  # of a header that is read
_WEIGHT = re.compile(r"(0(\.[0-9]{0,3})?|1(\.0{0,3})?)")


def media_type(accept: str, offered: Sequence[str]) -> str | None:
    """The one of `offered` that the header likes best, the first among equals; None if it takes none of them."""
    ranges = list(_weighted(accept)) or [("*/*", 1.0)]
    weights = [(_weight_of(offer, ranges), -place, offer) for place, offer in enumerate(offered)]
    weight, _, best = max(weights)
    return best if weight > 0 else None


def _weight_of(offer: str, ranges: Sequence[tuple[str, float]]) -> float:
    """By the most specific range that fits (RFC 9110, section 12.5.1)."""
    for fitting in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        found = [weight for wanted, weight in ranges if wanted == fitting]
        if found:
            return max(found)
    return 0.0


def language(header: str) -> Tongue:
    """The language of texts for the caller; English if the header names none of ours."""
    return next(iter(languages(header)), "en")


def languages(header: str) -> list[Tongue]:
    """Ours among the languages of the header, best first."""
    wanted = sorted(_weighted(header), key=lambda entry: -entry[1])
    named = [tongue for name, weight in wanted for tongue in TONGUES if weight and name.split("-")[0] == tongue]
    return list(dict.fromkeys(named))


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    """(value, weight) of each entry; a weight that is none counts as 0."""
    for entry in header[:_LONGEST].lower().split(","):
        value, *parameters = (part.strip() for part in entry.split(";"))
        weights = [part.partition("=")[2].strip() for part in parameters if part.startswith("q=")]
        if value:
            yield value, _number(weights[0]) if weights else 1.0


def _number(text: str) -> float:
    return float(text) if _WEIGHT.fullmatch(text) else 0.0


def plain_day(value: object) -> date:
    """A day as "YYYY-MM-DD" and in no other way; raises ValueError."""
    day = parse_day(value)
    if day is None:
        raise ValueError("expected a day as YYYY-MM-DD")
    return day


def has_it(if_none_match: str, tag: str) -> bool:
    """Whether the caller holds what has this entity tag (RFC 9110, section 13.1.2)."""
    held = {entry.strip().removeprefix("W/") for entry in if_none_match.split(",")}
    return "*" in held or tag in held
