"""Two editions of a form side by side: their blocks of words paired, and the words that differ marked.

Compared are the words of the empty form as its page prints them, without the paper's own foot. A block is a paragraph
or the short cells of a row of a table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal
from xml.etree.ElementTree import Element

BLANK, TICK = "____", "☐"
_WORD = re.compile(r"(\s*)(_+|[^\W_]+|[^\w\s])")
_ALIKE = 0.35  # blocks that share fewer of their words are not two editions of one block

Mark = Literal["same", "gone", "new"]
Sign = Literal["=", "≠", "−", "+"]


@dataclass(frozen=True, slots=True)
class Run:
    """Words that stand together and have one mark."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Pair:
    """A block of the earlier edition and its counterpart in the later one; empty where there is none."""

    earlier: tuple[Run, ...]
    later: tuple[Run, ...]
    sign: Sign


@dataclass(frozen=True, slots=True)
class Comparison:
    """All blocks of two editions, and how many words and signs are gone and new."""

    pairs: tuple[Pair, ...]
    gone: int
    new: int

    @property
    def equal(self) -> bool:
        return not (self.gone or self.new)


def blocks(body: Element) -> list[str]:
    """The blocks of an empty form from its body, top to bottom, white space collapsed."""
    found = [text for child in body if child.get("class") != "foot" for text in _blocks(child)]
    return [clean for text in found if (clean := " ".join(text.split()))]


def _blocks(element: Element) -> Iterator[str]:
    if element.tag == "tr":
        yield from _row(element)
    elif _has_blocks(element):
        yield element.text or ""
        for child in element:
            yield from _blocks(child)
            yield child.tail or ""
    else:
        yield _text(element)


def _row(row: Element) -> Iterator[str]:
    """Cells of one paragraph make one block together; a cell of several is a block for each."""
    short: list[str] = []
    for cell in row:
        if _has_blocks(cell):
            yield " ".join(short)
            short = []
            yield from _blocks(cell)
        else:
            short.append(_text(cell))
    yield " ".join(short)


def _has_blocks(element: Element) -> bool:
    return any(inner.tag in {"p", "tr", "h1", "div"} for inner in element.iter() if inner is not element)


def _text(element: Element) -> str:
    """The words of an element; a blank and a box to tick are words too."""
    classes = (element.get("class") or "").split()
    if "blank" in classes:
        return BLANK
    if "tick" in classes:
        return TICK
    inner = "".join(_text(child) + (child.tail or "") for child in element)
    return (" " if element.tag == "br" else "") + (element.text or "") + inner


def compare(earlier: Sequence[str], later: Sequence[str]) -> Comparison:
    """Pair the blocks of two editions and mark the words that differ."""
    pairs = tuple(_pair(old, new) for old, new in aligned(earlier, later))
    gone = sum(len(_words(run.text)) for pair in pairs for run in pair.earlier if run.mark == "gone")
    new = sum(len(_words(run.text)) for pair in pairs for run in pair.later if run.mark == "new")
    return Comparison(pairs, gone, new)


def _pair(old: str | None, new: str | None) -> Pair:
    if old is None or new is None:
        gone = () if old is None else (Run(old, "gone"),)
        added = () if new is None else (Run(new, "new"),)
        return Pair(gone, added, "−" if gone else "+")
    left, right = _marked(old, new)
    return Pair(left, right, "=" if {run.mark for run in (*left, *right)} == {"same"} else "≠")


def aligned(earlier: Sequence[str], later: Sequence[str]) -> list[tuple[str | None, str | None]]:
    """The blocks in pairs: equal ones first, then what lies between them by how many words they share."""
    found: list[tuple[str | None, str | None]] = []
    for kind, a, b, c, d in SequenceMatcher(None, earlier, later, autojunk=False).get_opcodes():
        if kind == "equal":
            found += zip(earlier[a:b], later[c:d], strict=True)
        else:
            found += _alike(earlier[a:b], later[c:d])
    return found


def _alike(earlier: Sequence[str], later: Sequence[str]) -> list[tuple[str | None, str | None]]:
    """The pairing, in order, in which the blocks share most (Needleman and Wunsch, gaps for nothing)."""
    shares = [[_share(old, new) for new in later] for old in earlier]
    best = [[0.0] * (len(later) + 1) for _ in range(len(earlier) + 1)]
    for i in reversed(range(len(earlier))):
        for j in reversed(range(len(later))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + shares[i][j])
    found: list[tuple[str | None, str | None]] = []
    i = j = 0
    while i < len(earlier) and j < len(later):
        if shares[i][j] and best[i][j] == best[i + 1][j + 1] + shares[i][j]:
            found.append((earlier[i], later[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            found.append((earlier[i], None))
            i += 1
        else:
            found.append((None, later[j]))
            j += 1
    return [*found, *((old, None) for old in earlier[i:]), *((None, new) for new in later[j:])]


def _share(old: str, new: str) -> float:
    """How much of their words two blocks share, from 0 to 1; nothing below _ALIKE."""
    one, other = Counter(_words(old)), Counter(_words(new))
    share = 2 * (one & other).total() / (one.total() + other.total())
    return share if share >= _ALIKE else 0.0


def _words(text: str) -> list[str]:
    return [word for _, word in _WORD.findall(text)]


def _marked(old: str, new: str) -> tuple[tuple[Run, ...], tuple[Run, ...]]:
    left, right = _WORD.findall(old), _WORD.findall(new)
    matcher = SequenceMatcher(None, [word for _, word in left], [word for _, word in right], autojunk=False)
    earlier: list[Run] = []
    later: list[Run] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        _add(earlier, left[a:b], "same" if kind == "equal" else "gone")
        _add(later, right[c:d], "same" if kind == "equal" else "new")
    return tuple(earlier), tuple(later)


def _add(runs: list[Run], words: Sequence[tuple[str, str]], mark: Mark) -> None:
    """Put words behind what is there; the space before a marked run stays outside of the mark."""
    if not words:
        return
    text = "".join(space + word for space, word in words)
    bare = text.lstrip()
    if len(bare) < len(text) and mark != "same" and runs:
        runs.append(Run(" ", "same"))
        text = bare
    runs.append(Run(text, mark))
