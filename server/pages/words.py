"""What the pages say, in Kazakh, Russian and English: templates/web/pages.toml. Kazakh where nothing else is asked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from qujat.pages import ALMATY
from qujat.rendering import TEMPLATES
from qujat.server.api.negotiation import TONGUES, Tongue, languages

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
    return next(iter(languages(header)), "kk")


def day_text(day: date) -> str:
    """02.03.2026: as the paper writes days."""
    return f"{day:%d.%m.%Y}"


def moment_day(moment: datetime) -> str:
    """The day of a moment in Kazakhstan."""
    return day_text(moment.astimezone(ALMATY).date())


def moment_text(moment: datetime) -> str:
    """The day and time of a moment in Kazakhstan."""
    return f"{moment.astimezone(ALMATY):%d.%m.%Y, %H:%M}"
