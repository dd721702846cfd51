"""Settings from the environment: QUJAT_STORES__REGISTER is the key `register` of the table [stores].

Every setting may be given so, before what the file says: the names of the tables and of the key in capitals, with
two strokes between them. A value that is a list or a table is written as in TOML:
QUJAT_PUBLISHED='{ order_222 = 2026-06-05 }'.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from qujat.errors import ConfigurationError

PREFIX = "QUJAT_"
_BETWEEN = "__"


def overridden(raw: Mapping[str, Any], environment: Mapping[str, str], tables: Collection[str]) -> dict[str, Any]:
    """What a file says, with what the environment says in its place. An empty variable says nothing.

    `tables`: the keys of the top level. Raises ConfigurationError for QUJAT_X__Y where X is none of them: it is
    misspelt. A variable without two strokes whose name is no key of the top level is none of ours.
    """
    changed: dict[str, Any] = dict(raw)
    for variable, text in sorted(environment.items()):
        place = variable.removeprefix(PREFIX).lower().split(_BETWEEN)
        if not variable.startswith(PREFIX) or not text:
            continue
        if place[0] in tables:
            changed = _with(changed, place, _value(text))
        elif len(place) > 1:
            raise ConfigurationError(
                f"the environment: {variable}: expected a table of the configuration before the two strokes,"
                f" came {place[0]!r}; there are {', '.join(sorted(tables))}"
            )
    return changed


def _with(table: Mapping[str, Any], place: list[str], value: Any) -> dict[str, Any]:
    key, *within = place
    if not within:
        return {**table, key: value}
    inner = table.get(key)
    return {**table, key: _with(inner if isinstance(inner, Mapping) else {}, within, value)}


def _value(text: str) -> Any:
    """A list or a table as TOML; everything else stays text, and the setting knows what it is."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # such as the pattern {year}-{seq}
