"""What the pages say, in Kazakh, Russian and English: templates/web/pages.toml. Kazakh where nothing else is asked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Request

from qujat.pages import ALMATY
from qujat.rendering import TEMPLATES

Tongue = Literal["kk", "ru", "en"]
TONGUES: Final[tuple[Tongue, ...]] = ("kk", "ru", "en")
NAMES: Final[Mapping[Tongue, str]] = {"kk": "Қазақша", "ru": "Русский", "en": "English"}


@cache
def words(tongue: Tongue) -> Mapping[str, Mapping[str, Any]]:
    """Section → name → text in one language; a line beneath it is under "<name>_line"."""
    read = tomllib.loads((TEMPLATES / "web" / "pages.toml").read_text(encoding="utf-8"))
    return {section: dict(_texts(entries, tongue)) for section, entries in read.items()}


def _texts(entries: Mapping[str, Mapping[str, str]], tongue: Tongue) -> Iterator[tuple[str, str]]:
    for name, texts in entries.items():
        yield name, texts[tongue]
        if f"line_{tongue}" in texts:
            yield f"{name}_line", texts[f"line_{tongue}"]


def tongue_of(request: Request) -> Tongue:
    """`?lang=`, else the first of Accept-Language that there is, else Kazakh."""
    asked = request.query_params.get("lang", "")
    if asked in TONGUES:
        return asked
    return accepted(request.headers.get("accept-language", ""))


Spoken = Annotated[Tongue, Depends(tongue_of)]


def accepted(header: str) -> Tongue:
    """The language of an Accept-Language header (RFC 9110, section 12.5.4); Kazakh if it has none of ours."""
    ranked = sorted((_weighed(part) for part in header[:500].split(",")), key=lambda found: -found[1])
    for name, weight in ranked:
        if name in TONGUES and weight > 0:
            return name
    return "kk"


def _weighed(part: str) -> tuple[str, float]:
    name, _, weight = part.strip().partition(";q=")
    try:
        return name.split("-")[0].lower(), float(weight or 1)
    except ValueError:
        return "", 0.0


def day_text(day: date) -> str:
    """02.03.2026: as the paper writes days."""
    return f"{day:%d.%m.%Y}"


def moment_day(moment: datetime) -> str:
    """The day of a moment in Kazakhstan."""
    return day_text(moment.astimezone(ALMATY).date())


def moment_text(moment: datetime) -> str:
    """The day and time of a moment in Kazakhstan."""
    return f"{moment.astimezone(ALMATY):%d.%m.%Y, %H:%M}"
