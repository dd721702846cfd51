"""Does a PDF show exactly the words of an HTML page of ours?

The words are compared without white space, page by page, in order. Every page ends with the foot and its count; a page
that goes on with a table begins with the head of the table; a row that breaks over pages shows the beginnings of its
cells on one page and their ends on the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from xml.etree import ElementTree

from qujat.pagetext import squeezed

Unit = tuple[str, ...]


class _Head(NamedTuple):
    """The words of a table's head, and the unit behind it."""

    words: str
    end: int


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a page has come: units before `unit` are done, and so many letters of each of its cells.

    `owed`: the head of a table that the page began without, and the next one has to begin with.
    """

    unit: int
    done: tuple[int, ...] = ()
    owed: str = ""


def stands_on(root: ElementTree.Element, pages: Sequence[str]) -> bool:
    """True if the pages show the words of `root`, all of them, in order, and nothing else."""
    body = root.find("body")
    if body is None:
        return False
    foot = "".join(squeezed("".join(child.itertext())) for child in body if child.get("class") == "foot")
    units, heads = list[Unit](), dict[int, _Head]()
    for child in body:
        if child.get("class") != "foot":
            _gather(child, units, heads)
    places = {_Place(0)}
    for number, page in enumerate(pages, 1):
        text, ending = squeezed(page), f"{foot}{number}/{len(pages)}"
        if not text.endswith(ending):
            return False
        text = text[: len(text) - len(ending)]
        places = {
            end
            for place in places
            for begun, rest in _beginnings(place, text, heads, number)
            for end in _read(units, begun, rest)
        }
    return _Place(len(units)) in places


def _gather(element: ElementTree.Element, units: list[Unit], heads: dict[int, _Head]) -> None:
    """What cannot break across pages in parallel: a row with its cells, or any other block as one."""
    if element.tag == "tr":
        units.append(tuple(squeezed("".join(cell.itertext())) for cell in element))
    elif element.find(".//tr") is None:
        units.append((squeezed("".join(element.itertext())),))
    else:
        first = len(units) + 1
        units.append((squeezed(element.text or ""),))
        for child in element:
            _gather(child, units, heads)
            units.append((squeezed(child.tail or ""),))
        if element.tag == "thead":
            heads[first] = _Head(squeezed("".join(element.itertext())), len(units))


def _beginnings(place: _Place, text: str, heads: Mapping[int, _Head], number: int) -> Iterator[tuple[_Place, str]]:
    """Where a page can go on, and with which of its text, if the page before it ended at `place`."""
    if not place.owed:
        yield place, text
    if number > 1:
        for words in {head.words for head in heads.values()}:
            if text.startswith(words) and place.owed in ("", words):
                yield replace(place, owed=""), text.removeprefix(words)
        if place.unit in heads and not any(place.done) and not place.owed:
            head = heads[place.unit]
            yield _Place(head.end, owed=head.words), text


def _read(units: Sequence[Unit], place: _Place, text: str) -> Iterator[_Place]:
    """Where a page with this text can end, if it begins at `place`."""
    position, done = 0, place.done
    for index in range(place.unit, len(units)):
        left = [cell[begun:] for cell, begun in zip(units[index], done or (0,) * len(units[index]), strict=True)]
        whole = "".join(left)
        if not text.startswith(whole, position):
            begun = done or (0,) * len(left)
            for parts in _parts(left, text[position:]):
                yield _Place(index, tuple(a + b for a, b in zip(begun, parts, strict=True)), place.owed)
            return
        position, done = position + len(whole), ()
    if position == len(text):
        yield _Place(len(units), owed=place.owed)


def _parts(cells: Sequence[str], text: str) -> Iterator[tuple[int, ...]]:
    """Every way to read `text` as beginnings of all the cells, one after the other."""
    first, *others = cells
    if not others:
        if first.startswith(text):
            yield (len(text),)
        return
    for length in range(_common(first, text), -1, -1):
        for rest in _parts(others, text[length:]):
            yield (length, *rest)


def _common(one: str, other: str) -> int:
    """How many letters two texts begin with alike."""
    return next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
