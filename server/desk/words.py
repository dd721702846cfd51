"""What the office says to clerks, in Kazakh and Russian: templates/web/desk.toml, and the API's words for errors."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from qujat.errors import FieldError, QujatError
from qujat.languages import LANGUAGES, Language
from qujat.money import in_figures
from qujat.rendering import TEMPLATES
from qujat.server.api import problems
from qujat.words import day_in_figures

_PARTICULAR = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]+\.[0-9]{2}(?![0-9])|[0-9]+")


@cache
def _read() -> Mapping[str, Any]:
    return tomllib.loads((TEMPLATES / "web" / "desk.toml").read_text(encoding="utf-8"))


@cache
def words(tongue: Language) -> Mapping[str, Mapping[str, str]]:
    """Section → name → text in one language."""
    sections = {name: entries for name, entries in _read().items() if name not in ("error", "particular", "trouble")}
    return {name: {entry: texts[tongue] for entry, texts in entries.items()} for name, entries in sections.items()}


def fault(error: FieldError, tongue: Language) -> str:
    """What is wrong with a field, for a clerk: with the sum or the day that was expected, where one was."""
    for particular in _read()["particular"]:
        if error.code in particular["codes"] and particular["says"] in error.message:
            return str(particular[tongue])
    said = _read()["error"].get(error.code) or _of_the_api(error.code)
    values = [_shown(value) for value in _PARTICULAR.findall(error.message)]
    text = str(said[tongue])
    return text.format(*values) if text.count("{") <= len(values) else str(_of_the_api(error.code)[tongue])


def _of_the_api(code: str) -> Mapping[str, str]:
    sentences: Mapping[str, Mapping[str, str]] = problems.words()["field"]
    return sentences.get(code) or sentences["other"]


def _shown(value: str) -> str:
    if value.count("-") == 2:
        return day_in_figures(date.fromisoformat(value))
    return in_figures(Decimal(value)) if "." in value else value


def trouble(error: QujatError, tongue: Language) -> tuple[str, str]:
    """(what happened, what to do) for an error that is not about one field."""
    codes = (str(getattr(kind, "code", "")) for kind in type(error).__mro__)
    own: Mapping[str, Any] = _read()["trouble"]
    for code in codes:
        if f"{code}_title" in own:
            return str(own[f"{code}_title"][tongue]), str(own[f"{code}_do"][tongue])
        if code in problems.words():
            said = problems.words()[code]
            return str(said["title"][tongue]), str(said[tongue])
    return str(own["unexpected_title"][tongue]), str(own["unexpected_do"][tongue])


def tongue_of(text: str, otherwise: Language = "kk") -> Language:
    """A language of the office by its tag, such as that of an Accept-Language header."""
    wanted = [part.split(";")[0].strip().lower().split("-")[0] for part in text[:500].split(",")]
    return next((tongue for want in wanted for tongue in LANGUAGES if tongue == want), otherwise)
