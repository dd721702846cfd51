"""What cannot be seen on a page that was laid out: words that leave it or their cell, words that lie on others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, takewhile
from typing import Any, NamedTuple

import pytest
from weasyprint.document import Document
from weasyprint.formatting_structure import boxes

from qujat import engine
from qujat.rendering import Sheet

SLACK = 0.6  # CSS pixels: less than the stroke of a letter


class Frame(NamedTuple):
    """A rectangle in CSS pixels from the head of the page."""

    left: float
    top: float
    right: float
    foot: float

    def holds(self, other: Frame) -> bool:
        across = self.left - SLACK <= other.left and other.right <= self.right + SLACK
        return across and self.top - SLACK <= other.top and other.foot <= self.foot + SLACK

    def meets(self, other: Frame) -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        return across > SLACK and min(self.foot, other.foot) - max(self.top, other.top) > SLACK


class Word(NamedTuple):
    """Text on one line, and the frame that it may not leave: its cell, or the page between the margins."""

    text: str
    frame: Frame
    within: Frame


@contextmanager
def laid_out() -> Iterator[list[Document]]:
    """The layouts of all pages that are written meanwhile."""
    seen: list[Document] = []
    write = engine.write

    def written(laid: Document, sheet: Sheet) -> bytes:
        seen.append(laid)
        return write(laid, sheet)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(engine, "write", written)
        yield seen


def strays(document: Document) -> list[str]:
    """Every text of every page that leaves its cell or the margins, or lies on another text, in words."""
    found = []
    for number, page in enumerate(document.pages, 1):
        words = list(_words(page._page_box, _content(page._page_box)))
        found += [
            f"page {number}: {word.text!r} leaves its place" for word in words if not word.within.holds(word.frame)
        ]
        found += [f"page {number}: {one.text!r} lies on {other.text!r}" for one, other in _collisions(words)]
    return found


def _words(box: Any, within: Frame) -> Iterator[Word]:
    if isinstance(box, boxes.TextBox):
        if box.text.strip():
            # The glyphs stand between ascent and descent, which is less than a line set solid.
            yield Word(box.text, _glyphs(box), within)
        return
    if isinstance(box, boxes.MarginBox):
        within = Frame(*[float("-inf")] * 2, *[float("inf")] * 2)
    elif isinstance(box, boxes.TableCellBox):
        within = _border(box)
    for child in getattr(box, "children", ()):
        yield from _words(child, within)


def _glyphs(box: boxes.TextBox) -> Frame:
    middle, half = box.position_y + box.height / 2, box.style["font_size"] * 0.35
    return Frame(box.position_x, middle - half, box.position_x + box.width, middle + half)


def _border(box: Any) -> Frame:
    left, top = box.border_box_x(), box.border_box_y()
    return Frame(left, top, left + box.border_width(), top + box.border_height())


def _content(box: Any) -> Frame:
    left, top = box.content_box_x(), box.content_box_y()
    return Frame(left, top, left + box.width, top + box.height)


def _collisions(words: list[Word]) -> Iterator[tuple[Word, Word]]:
    """Texts that meet: each is held against those that begin before it ends, from the head of the page down."""
    ordered = sorted(words, key=lambda word: word.frame.top)
    for index, one in enumerate(ordered):
        others = islice(ordered, index + 1, None)
        following = takewhile(lambda other, foot=one.frame.foot: other.frame.top < foot, others)
        yield from ((one, other) for other in following if one.frame.meets(other.frame))
