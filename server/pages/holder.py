"""The second factor: the holder types the IIN or the birth date, and hears match or no match. Values never go out."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, Literal

from qujat.catalogue import Catalogue
from qujat.document import Data
from qujat.errors import UnknownForm

Outcome = Literal["match", "no_match", "malformed"]
ASKED: Final = ("iin", "birth_date")
_DAY = re.compile(r"(\d{1,2})[.,/ -](\d{1,2})[.,/ -](\d{4})")


def known(data: Data, catalogue: Catalogue) -> dict[str, str]:
    """What the document says of the person whom its mark names: `iin`, `birth_date` (ISO), where it says them."""
    try:
        subject = catalogue.form(data["form"]).file.subject
    except UnknownForm:
        return {}
    if not subject:
        return {}
    beside: Any = data["fields"]
    if isinstance(beside.get(subject), list):
        beside = next(iter(beside[subject]), {})
    return {name: beside[name] for name in ASKED if isinstance(beside.get(name), str)}


def compare(typed: Mapping[str, str], held: Mapping[str, str]) -> dict[str, Outcome]:
    """For each field that was typed and that the document has: match, no match, or malformed. Time tells nothing."""
    return {name: _outcome(name, typed[name], held[name]) for name in held if typed.get(name, "").strip()}


def _outcome(name: str, typed: str, held: str) -> Outcome:
    normal = _iin(typed) if name == "iin" else _birth_date(typed)
    if normal is None:
        return "malformed"
    return "match" if hmac.compare_digest(normal.encode(), held.encode()) else "no_match"


def _iin(typed: str) -> str | None:
    digits = re.sub(r"[\s-]", "", typed)
    return digits if re.fullmatch(r"[0-9]{12}", digits) else None


def _birth_date(typed: str) -> str | None:
    """ISO from 12.04.1991, 12/4/1991 or 1991-04-12."""
    text = typed.strip()
    try:
        if found := _DAY.fullmatch(text):
            day, month, year = map(int, found.groups())
            return date(year, month, day).isoformat()
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None
