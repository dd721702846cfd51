"""What a printed text may hold: every letter of the face, no look-alikes, nothing that cannot be seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

FACE = Path(__file__).parent / "templates" / "paper" / "v1" / "fonts" / "Tinos-Regular.ttf"

_WORD = re.compile(r"[^\W\d_]{2,}")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINER = "\u034f"  # combining grapheme joiner: a mark (Mn) that nobody sees
_RIGHT_TO_LEFT = {"R", "AL"}  # what a PDF gives back in another order than it was written
_LIGATURES = range(0xFB00, 0xFB07)  # what a PDF gives back as several letters
# Letters that share a glyph of the face with others: a page that has both gives one of them back as the other.
_TWINS = {"\u018f": "Ә", "\u0259": "ә", "\u01c1": "\u2016", "\u2215": "\u2044"}


@cache
def letters_of_the_face() -> frozenset[int]:
    """Code points that the shipped serif face can print."""
    from fontTools.ttLib import TTFont

    with TTFont(FACE, lazy=True) as font:
        return frozenset(font.getBestCmap())


def faults(text: str) -> Iterator[tuple[str, str]]:
    """(code, message) for everything that must not be printed as it came. The text itself is never repeated."""
    if not text.strip():
        yield "empty", "expected text, came nothing but spaces; leave the field out if there is nothing to say"
        return
    if text != text.strip():
        yield "padded", "begins or ends with a space; send it trimmed"
    if unicodedata.normalize("NFC", text) != text:
        yield "not-nfc", "letters are split into base and accent; send Unicode in the composed form (NFC)"
    invisible = _codes(text, lambda c: unicodedata.category(c) in _INVISIBLE or c == _JOINER)
    if invisible:
        yield "invisible-character", f"holds control or invisible characters {', '.join(invisible)}; remove them"
    if _codes(text, lambda c: unicodedata.bidirectional(c) in _RIGHT_TO_LEFT):
        yield (
            "right-to-left",
            "holds letters that are written from right to left; write it in Cyrillic or Latin letters",
        )
    if joined := _codes(text, lambda c: ord(c) in _LIGATURES):
        yield "joined-letters", f"holds letters drawn as one, {', '.join(joined)}; write each letter for itself"
    if twins := _codes(text, lambda c: c in _TWINS):
        meant = ", ".join(f"{twin} (U+{ord(twin):04X})" for c, twin in _TWINS.items() if c in text)
        yield "look-alike", f"holds {', '.join(twins)}, which would print alike and be found by nobody; write {meant}"
    missing = [code for code in _codes(text, lambda c: ord(c) not in letters_of_the_face()) if code not in invisible]
    if missing:
        yield (
            "unprintable-character",
            f"the face of the paper has no glyph for {', '.join(missing)}; write it otherwise",
        )
    if any(_is_mixed(word) for word in _WORD.findall(text)):
        yield (
            "mixed-script",
            "a word mixes Latin and Cyrillic letters (such as Latin i for Kazakh і, or h for һ): "
            "it would print alike and be found by nobody; type it in one alphabet",
        )


def _codes(text: str, meant: Callable[[str], bool]) -> list[str]:
    """The code points that are meant, each once, as "U+0301"."""
    return sorted({f"U+{ord(c):04X}" for c in text if meant(c)})


def _is_mixed(word: str) -> bool:
    scripts = {unicodedata.name(c, "").split(" ")[0] for c in word}
    return {"LATIN", "CYRILLIC"} <= scripts


def parse_day(value: object) -> date | None:
    """A day from "YYYY-MM-DD", strictly; None if it is none."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
