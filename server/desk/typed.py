"""What a clerk types: from the fields of a page to a draft, and from a draft to a decision.

A field of the page has the JSON Pointer of its value in the decision as its name. A draft keeps every text as it was
typed; `decision_of` writes them as a decision has them: trimmed, sums as "1625000.00", nothing for an empty field.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from qujat.fields import MAX_ROWS, FieldSpec
from qujat.languages import LANGUAGES, Language

COUNT = "#count"  # beside the pointer of rows and lists: how many of them the page has
SHOWN = "#shown"  # beside the pointer of boxes to tick: that the page has them, though none may be ticked
_DAY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_SUM = re.compile(r"([0-9]{1,15})(?:[.,]([0-9]{1,2}))?")
_HEAD = ("official", "prepared_by")
_SPACES = str.maketrans("", "", " \t\r\n\u00a0\u202f")


class Given(Protocol):
    """The fields of a page as they were sent."""

    def get(self, key: str) -> Any: ...
    def getlist(self, key: str) -> list[Any]: ...


def contents(specs: Mapping[str, FieldSpec], given: Given, before: Mapping[str, Any]) -> dict[str, Any]:
    """The draft after a page was sent. What the page did not have stays as it was before."""
    kept = {**before, "fields": {**before["fields"], **_fields(specs, given, "/fields", before["fields"])}}
    kept["number"] = _text(given, "/number", before.get("number", ""))
    kept["languages"] = _ticked(given, "/languages", before["languages"])
    kept["authority"] = {"name": _tongues(given, "/authority/name", before["authority"].get("name", {}))}
    for who in _HEAD:
        if who in before:
            kept[who] = _official(given, f"/{who}", before[who])
    return kept


def _official(given: Given, path: str, before: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "iin": _text(given, f"{path}/iin", before.get("iin", "")),
        "full_name": _text(given, f"{path}/full_name", before.get("full_name", "")),
        "position": _tongues(given, f"{path}/position", before.get("position", {})),
    }


def _fields(specs: Mapping[str, FieldSpec], given: Given, path: str, before: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _field(spec, given, f"{path}/{name}", before.get(name)) for name, spec in specs.items()}


def _field(spec: FieldSpec, given: Given, path: str, before: Any) -> Any:
    match spec.type:
        case "many" | "grounds":
            return _ticked(given, path, before or [])
        case "rows":
            rows = _entries(given, path, before)
            return [_fields(spec.columns, given, f"{path}/{n}", row or {}) for n, row in enumerate(rows)]
        case "list":
            entries = _entries(given, path, before)
            return [_single(spec, given, f"{path}/{n}", entry) for n, entry in enumerate(entries)]
        case _:
            return _single(spec, given, path, before)


def _entries(given: Given, path: str, before: Any) -> list[Any]:
    """What was before in each place that the page has."""
    known = list(before or [])
    count = given.get(path + COUNT)
    if not isinstance(count, str) or not count.isdigit():
        return known
    wanted = min(int(count[:4]), MAX_ROWS + 1)
    return (known + [None] * wanted)[:wanted]


def _single(spec: FieldSpec, given: Given, path: str, before: Any) -> Any:
    return _tongues(given, path, before or {}) if spec.by_language else _text(given, path, before or "")


def _tongues(given: Given, path: str, before: Mapping[str, str]) -> dict[str, str]:
    return {language: _text(given, f"{path}/{language}", before.get(language, "")) for language in LANGUAGES}


def _text(given: Given, path: str, before: str) -> str:
    found = given.get(path)
    return found if isinstance(found, str) else before


def _ticked(given: Given, path: str, before: Sequence[str]) -> list[str]:
    if given.get(path + SHOWN) is None:
        return list(before)
    return [code for code in given.getlist(path) if isinstance(code, str)]


def with_entry(kept: dict[str, Any], specs: Mapping[str, FieldSpec], name: str) -> dict[str, Any]:
    """The draft with one entry more in rows or in a list of the form, empty; as it is if there is no such field."""
    spec, entries = specs.get(name), kept["fields"].get(name) or []
    if spec is None or spec.type not in ("rows", "list") or len(entries) >= spec.max:
        return kept
    new: Any = {} if spec.type == "rows" or spec.by_language else ""
    return {**kept, "fields": {**kept["fields"], name: [*entries, new]}}


def without_entry(kept: dict[str, Any], name: str, index: int) -> dict[str, Any]:
    """The draft without one entry."""
    entries = kept["fields"].get(name)
    if not isinstance(entries, list) or not 0 <= index < len(entries):
        return kept
    return {**kept, "fields": {**kept["fields"], name: [*entries[:index], *entries[index + 1 :]]}}


def without_empty(kept: dict[str, Any], specs: Mapping[str, FieldSpec]) -> dict[str, Any]:
    """The draft without entries in which nothing was typed, beyond those that the form asks for."""
    fields = dict(kept["fields"])
    for name, spec in specs.items():
        if spec.type in ("rows", "list"):
            entries = [entry for entry in fields.get(name) or [] if not _is_empty(entry)]
            fields[name] = entries or list(fields.get(name) or [])[: spec.min]
    return {**kept, "fields": fields}


def _is_empty(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_empty(one) for one in value.values())
    if isinstance(value, list):
        return all(_is_empty(one) for one in value)
    return not str(value or "").strip()


def decision_of(
    kept: Mapping[str, Any], specs: Mapping[str, FieldSpec], *, id: str, form: str, authority: str
) -> dict[str, Any]:
    """The decision as `decision.parse` takes it. Empty fields are left out; texts of other languages too."""
    languages = [language for language in LANGUAGES if language in kept["languages"]]
    decision: dict[str, Any] = {
        "id": id,
        "form": form,
        "day": kept["day"],
        "languages": languages,
        "authority": {"bin": authority, "name": _said(kept["authority"]["name"], languages)},
        "fields": values_of(specs, kept["fields"], languages),
    }
    if number := line(kept.get("number", "")):
        decision["number"] = number
    for who in (who for who in _HEAD if who in kept):
        official = kept[who]
        named = {"iin": official["iin"].translate(_SPACES), "full_name": line(official["full_name"])}
        given = {name: text for name, text in named.items() if text}
        decision[who] = {**given, "position": _said(official["position"], languages)}
    return decision


def values_of(
    specs: Mapping[str, FieldSpec], typed: Mapping[str, Any], languages: Sequence[Language]
) -> dict[str, Any]:
    """The values of fields, those with nothing in them left out."""
    values = {name: _value(spec, typed.get(name), languages) for name, spec in specs.items()}
    return {name: value for name, value in values.items() if value not in (None, "", {}, [])}


def _value(spec: FieldSpec, typed: Any, languages: Sequence[Language]) -> Any:
    match spec.type:
        case "rows":
            return [values_of(spec.columns, row, languages) for row in typed or []]
        case "list":
            return [_one(spec, entry, languages) for entry in typed or []]
        case "many":
            return list(typed or [])
        case "grounds":
            return [int(number) if number.isascii() and number.isdigit() else 0 for number in typed or []]
        case _:
            return _one(spec, typed, languages)


def _one(spec: FieldSpec, typed: Any, languages: Sequence[Language]) -> Any:
    if spec.by_language:
        return _said(typed or {}, languages)
    return _WRITTEN.get(spec.type, line)(typed or "")


def _said(texts: Mapping[str, str], languages: Sequence[Language]) -> dict[str, str]:
    said = {language: line(texts.get(language, "")) for language in languages}
    return {language: text for language, text in said.items() if text}


def line(text: str) -> str:
    """A text on one line, trimmed, in the composed form (NFC)."""
    return unicodedata.normalize("NFC", re.sub(r"[ \t\r\n]+", " ", text)).strip()


def _number(text: str) -> str:
    return text.translate(_SPACES)


def _account(text: str) -> str:
    return _number(text).upper()


def _day(text: str) -> str:
    """A day of a calendar input is as it should be; one typed as "2.3.2026" becomes so."""
    found = _DAY.fullmatch(text.strip())
    if not found:
        return text.strip()
    day, month, year = map(int, found.groups())
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return text.strip()


def _sum(text: str) -> str:
    """ "1 625 000,5" → "1625000.50"; what is no sum stays as it is, and is told."""
    found = _SUM.fullmatch(text.translate(_SPACES).removesuffix("₸"))
    return f"{found[1]}.{(found[2] or '').ljust(2, '0')}" if found else text.strip()


def _integer(text: str) -> int | str:
    digits = text.translate(_SPACES)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else text.strip()


def _percent(text: str) -> str:
    return text.translate(_SPACES).removesuffix("%").replace(",", ".")


_WRITTEN: Mapping[str, Any] = {
    "iin": _number,
    "bin": _number,
    "iban": _account,
    "bic": _account,
    "day": _day,
    "money": _sum,
    "integer": _integer,
    "percent": _percent,
}
