"""Phrases of state documents that no form prescribes, as dated data: forms/shared/phrases.toml.

Nothing prints them yet. On a day for which no phrase is on file there is none: a wording is never carried on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from qujat.datafiles import SHARED, Strict, read
from qujat.languages import Language

TABLE = SHARED / "phrases.toml"


class Phrase(Strict):
    """One phrase; `first` and `last` are inclusive."""

    key: str
    first: date
    last: date | None = None
    status: Literal["official", "external"]
    kk: str
    ru: str
    source: str

    def stands_on(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


class Table(Strict):
    """forms/shared/phrases.toml"""

    phrase: Sequence[Phrase]


@cache
def table(path: Path = TABLE) -> Table:
    """Raises FormError if the file is wrong."""
    return read(path, Table)


def phrase_on(day: date, language: Language, key: str = "e_document") -> str | None:
    """The phrase that is right on a day, or None if none is known."""
    for phrase in table().phrase:
        if phrase.key == key and phrase.stands_on(day):
            return phrase.kk if language == "kk" else phrase.ru
    return None
