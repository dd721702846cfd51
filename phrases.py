"""Phrases of state documents that no form prescribes, as dated data: forms/shared/phrases.toml.

The foot of a document prints the phrase of its day, which is kept in its data. On a day for which no phrase is on
file or configured there is none: a wording is never carried on. A stand-in signature gets none: it would be untrue.
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

    key: str = "e_document"
    first: date
    last: date | None = None
    status: Literal["official", "external", "configured"] = "configured"
    kk: str
    ru: str
    source: str = ""

    def stands_on(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


class Table(Strict):
    """forms/shared/phrases.toml"""

    phrase: Sequence[Phrase]


@cache
def table(path: Path = TABLE) -> Table:
    """Raises FormError if the file is wrong."""
    return read(path, Table)


def phrase_on(day: date, language: Language, key: str = "e_document", configured: Sequence[Phrase] = ()) -> str | None:
    """The phrase that is right on a day, or None if none is known; what a deployment has configured comes first."""
    for phrase in (*configured, *table().phrase):
        if phrase.key == key and phrase.stands_on(day):
            return phrase.kk if language == "kk" else phrase.ru
    return None
