"""Strings that break programs, and every place of a decision where a text can stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from hypothesis import strategies as st

from qujat.fields import MAX_TEXT, FieldSpec
from qujat.languages import Language

MARKUP = [
    "<script>alert(1)</script>",
    "</p></td></tr></table>",
    "<b>бар</b> & <i>жоқ</i>",
    "&amp; &lt; &#60; &nbsp;",
    "Ағайынды & <Ко>",
    "]]>",
    "<!-- жоқ -->",
    "<?xml version='1.0'?>",
    "</w:t></w:r></w:p>",
]
TEMPLATES = [
    "{{ 7 * 7 }}",
    "{{ f }}",
    "{{ ''.__class__ }}",
    "{% if x %}бар{% endif %}",
    "{% raw %}",
    "{# жоқ #}",
    "{%p endfor %}",
    "{{r f.iin }}",
    "{_{ official }_}",
    "${7*7} #{7*7} %s %(x)s {0} \\1 \\u0000",
]
SHAPES = [
    "“сөз” ‘so’ \"and\" 'so' «сөз» „сөз“ O’Ғ",
    "бір\u00a0екі\u00a0үш",
    "Щ" * 250,
    "https://qujat.example/" + "a" * 200 + "?x=1&y=<2>",
    "_" * 150,
    "бір-" * 60,
    "- – — … ; : , . / \\ | № § ° ± ×",
    "ҺһӨөҰұҮүҒғҚқҢңӘәІі ЎўЭэЁё",
    "007",
    "null",
    "’; DROP TABLE document; --",
    "../../../etc/passwd",
    "=1+1",
    "сөз\u0301 сө̄з",
    "з\u0335\u0336\u0337" * 10,
    "–",
    "Ә",
]
NAMES = ["Щ" * 120, "Һақ-Назар О’Ғ Ис'хақ", "Ли Ая", "Ән", "Жүніс-" * 15 + "Ұлы", "А. Б. Өтеген"]
INVISIBLE = [
    "сөз\u202eкері",
    "\u200fсөз",
    "сө\u200bз",
    "сө\u00adз",
    "\ufeffсөз",
    "сөз\u2028сөз",
    "бір\nекі",
    "бір\tекі",
    "бір\r\nекі",
    "сөз\x00",
    "сөз\x07\x1b[31m",
    "сөз\x85",
    "\ue000сөз\ue001",
    "сөз\ud800",
    "\ufffe",
]
LETTERS = [
    "и\u0306",
    "сөз 😀",
    "🇰🇿",
    "漢字",
    "שלום",
    "سلام",
    "Ocпанов",
    "Əli Məmməd",
    "ﬁ",
    "сөз\u034fсөз",
    "  сөз",
    "сөз ",
    "   ",
    "",
    "а" * (MAX_TEXT + 1),
]
STRINGS = MARKUP + TEMPLATES + SHAPES + NAMES + INVISIBLE + LETTERS

Path = tuple[str | int, ...]


def drawn(data: st.DataObject, count: int) -> list[str]:
    """So many strings that may be accepted: in another order each time, at times several in one text."""
    turned = data.draw(st.permutations(MARKUP + TEMPLATES + SHAPES + NAMES), label="order")
    size = data.draw(st.integers(1, 3), label="strings in a text")
    return [" ".join(turned[(index + more) % len(turned)] for more in range(size)) for index in range(count)]


class Place(NamedTuple):
    """One text in the fields of a decision."""

    path: Path
    spec: FieldSpec

    @property
    def pointer(self) -> str:
        return "/fields/" + "/".join(map(str, self.path))


def places(specs: Mapping[str, FieldSpec], fields: Mapping[str, Any], language: Language) -> list[Place]:
    """Every string of the fields, in one language."""
    return list(_places(specs, fields, language, ()))


def _places(
    specs: Mapping[str, FieldSpec], fields: Mapping[str, Any], language: Language, path: Path
) -> Iterator[Place]:
    for name, spec in specs.items():
        way, value = (*path, name), fields.get(name)
        if spec.type == "rows":
            for index, row in enumerate(value or []):
                yield from _places(spec.columns, row, language, (*way, index))
        elif spec.type == "list":
            ends = [(language,)] if spec.by_language else [()]
            yield from (Place((*way, index, *end), spec) for index in range(len(value or [])) for end in ends)
        elif isinstance(value, dict):
            yield Place((*way, language), spec)
        elif isinstance(value, str):
            yield Place(way, spec)


def at(fields: Any, path: Path) -> Any:
    for step in path:
        fields = fields[step]
    return fields


def filled(fields: dict[str, Any], where: Sequence[Place], texts: Sequence[str]) -> dict[str, Any]:
    """The fields with a text in each of these places."""
    changed = deepcopy(fields)
    for place, text in zip(where, texts, strict=False):
        at(changed, place.path[:-1])[place.path[-1]] = text
    return changed


def shortened(specs: Mapping[str, FieldSpec], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with a row or an entry of each table and list."""
    lists = {name for name, spec in specs.items() if spec.type in ("rows", "list")}
    return {name: value[:1] if name in lists else value for name, value in fields.items()}
