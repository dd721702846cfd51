"""The gallery's own words in both languages, from templates/gallery/words.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from qujat.errors import FormError
from qujat.languages import LANGUAGES, Language
from qujat.rendering import TEMPLATES

Both = Mapping[Language, str]
WORDS = TEMPLATES / "gallery" / "words.toml"


@cache
def _words() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


def both(table: str, name: str, **values: Both | str | int) -> Both:
    """The words `name` of a table (status, kind, language, text) in both languages.

    `values` fill the places in braces: one value for both languages, or one a language. Raises FormError if the
    table has no such words: a new status or kind needs them in both languages.
    """
    found = _words()[table].get(name)
    if found is None or set(found) != set(LANGUAGES):
        raise FormError(
            f"{WORDS.name}: expected [{table}.{name}] with kk and ru; add it to templates/gallery/words.toml"
        )
    return {language: found[language].format(**_in(language, values)) for language in LANGUAGES}


def text(name: str, **values: Both | str | int) -> Both:
    """Words of the gallery itself. Raises as `both` does."""
    return both("text", name, **values)


def specimen(language: Language) -> Mapping[str, str]:
    """What a filled page says of itself in its language."""
    return _words()["specimen"][language]


def statuses() -> list[str]:
    """Every status of a wording, in the order of the table."""
    return list(_words()["status"])


def _in(language: Language, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[language] if isinstance(value, Mapping) else value for name, value in values.items()}
