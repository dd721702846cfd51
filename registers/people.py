"""The people whom a document is about, as it is found by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_NAMES = ("full_name", "applicant", "recipient", "representative")


class Person(NamedTuple):
    """`iin` may be empty; `name` as `folded` gives it, surname first."""

    iin: str
    name: str


def folded(name: str) -> str:
    """A name as it is compared: small letters, one space between words."""
    return " ".join(name.casefold().split())


def people_of(data: Mapping[str, Any]) -> list[Person]:
    """Everybody named in the fields of a document, each once, in the order of the fields."""
    return list(dict.fromkeys(_people(data.get("fields", {}))))


def _people(value: Any) -> Iterator[Person]:
    if isinstance(value, list):
        for each in value:
            yield from _people(each)
    if isinstance(value, Mapping):
        iin = value.get("iin")
        names = [folded(name) for name in _names(value)]
        for name in names or [""]:
            if name or iin:
                yield Person(iin if isinstance(iin, str) else "", name)
        for each in value.values():
            yield from _people(each)


def _names(fields: Mapping[str, Any]) -> Iterator[str]:
    parts = [fields[key] for key in ("surname", "given_name", "patronymic") if isinstance(fields.get(key), str)]
    if parts:
        yield " ".join(parts)
    yield from (fields[key] for key in _NAMES if isinstance(fields.get(key), str))
