"""What a printed text may hold: every letter of the face, no look-alikes, nothing that cannot be seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FACE = Path(__file__).parent / "templates" / "paper" / "v1" / "fonts" / "Tinos-Regular.ttf"

_WORD = re.compile(r"[^\W\d_]{2,}")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


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
    invisible = sorted({f"U+{ord(c):04X}" for c in text if unicodedata.category(c) in _INVISIBLE})
    if invisible:
        yield "invisible-character", f"holds control or invisible characters {', '.join(invisible)}; remove them"
    missing = sorted({f"U+{ord(c):04X}" for c in text if ord(c) not in letters_of_the_face()} - set(invisible))
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


def _is_mixed(word: str) -> bool:
    scripts = {unicodedata.name(c, "").split(" ")[0] for c in word}
    return {"LATIN", "CYRILLIC"} <= scripts
