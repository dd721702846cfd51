"""Regions of the Republic with their Kazakh and Russian names: forms/shared/regions.toml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from qujat.datafiles import SHARED, Strict, read
from qujat.errors import FormError
from qujat.languages import Language


class Region(Strict):
    """A region or a city of republican significance. `kk_of` and `ru_of` are genitives, for titles of bodies."""

    kind: Literal["oblast", "city"]
    kk: str
    ru: str
    kk_of: str
    ru_of: str

    def name(self, language: Language) -> str:
        return self.kk if language == "kk" else self.ru

    def name_of(self, language: Language) -> str:
        """ "Павлодар облысының", "Павлодарской области"."""
        return self.kk_of if language == "kk" else self.ru_of


class Table(Strict):
    """forms/shared/regions.toml"""

    region: Mapping[str, Region]


@cache
def regions() -> Mapping[str, Region]:
    """All regions by their key. Raises FormError if the file is wrong."""
    return read(SHARED / "regions.toml", Table).region


def region(key: str) -> Region:
    """One region, such as "pavlodar"; raises FormError."""
    try:
        return regions()[key]
    except KeyError:
        raise FormError(f"expected one of the regions {', '.join(regions())}, not {key!r}") from None
