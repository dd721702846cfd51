"""What stands in a paragraph: text, values, conditions, blanks, boxes to tick; white space as in HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from xml.etree.ElementTree import Element

from qujat.errors import FormError
from wordbuild.looks import ROOM, classes_of, length, style_of, text_width, value_room

BLOCKS = {"p", "h1", "div", "table"}
_CHOICE = re.compile(r'\{\{ "chosen" if (.*) else "option" \}\}', re.DOTALL)
_SPACES = re.compile(r"[ \t\r\n]+")
NO_BREAK_HYPHEN = "\u2011"
_UNBROKEN = str.maketrans({" ": "\u00a0", "-": NO_BREAK_HYPHEN})

Kind = Literal["text", "code", "break", "blank", "tick"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one look. text: words, or the code of a tag; mm: the width of a blank; `on`: a box is ticked."""

    kind: Kind
    text: str = ""
    bold: bool = False
    underlined: bool = False
    mm: float = 0
    on: bool = False
    nowrap: bool = False


Content = Sequence[str | Element]


def is_block(element: Element) -> bool:
    """True for a paragraph, a table, or a condition or loop around such."""
    return element.tag in BLOCKS or (element.tag.startswith("x-") and any(map(is_block, element)))


def contents(element: Element) -> Iterator[str | Element]:
    """Text and elements of an element in their order."""
    if element.text:
        yield element.text
    for child in element:
        yield child
        if child.tail:
            yield child.tail


def pieces(content: Content, look: Piece | None = None) -> list[Piece]:
    """What a paragraph shows, white space collapsed."""
    found = list(_pieces(content, look or Piece("text")))
    return _collapsed(found)


def _pieces(content: Content, look: Piece) -> Iterator[Piece]:
    for entry in content:
        if isinstance(entry, str):
            yield replace(look, text=entry.translate(_UNBROKEN) if look.nowrap else entry)
        else:
            yield from _element(entry, look)


def _element(element: Element, look: Piece) -> Iterator[Piece]:
    match element.tag:
        case "br":
            yield Piece("break")
        case "span":
            yield from _span(element, look)
        case "b" | "strong":
            yield from _pieces(list(contents(element)), replace(look, bold=True))
        case "u":
            yield from _pieces(list(contents(element)), replace(look, underlined=True))
        case "x-out":
            yield replace(look, kind="code", text=f"{{{{ {element.get('e')} }}}}")
        case "x-tag":
            yield replace(look, kind="code", text=f"{{% {element.get('code')} %}}")
        case "x-do":
            for part in element:
                yield replace(look, kind="code", text=f"{{% {part.get('head')} %}}")
                yield from _pieces(list(contents(part)), look)
            yield replace(look, kind="code", text=f"{{% {element.get('end')} %}}")
        case other:
            raise FormError(f"<{other}> within a paragraph is not known to the Word builder")


def _span(element: Element, look: Piece) -> Iterator[Piece]:
    classes, inner = classes_of(element), list(contents(element))
    if choice := _CHOICE.fullmatch(element.get("class", "")):
        yield from _either(
            choice[1], _pieces(inner, replace(look, bold=True, underlined=True)), _pieces(inner, look), look
        )
    elif "blank" in classes:
        width = length(style_of(element).get("width", ""))
        yield Piece("blank", mm=width or next(mm for name, mm in ROOM.items() if name in classes))
    elif "tick" in classes:
        yield from _tick(element, look)
    else:
        nowrap = look.nowrap or style_of(element).get("white-space") == "nowrap"
        yield from _pieces(inner, replace(look, bold=look.bold or "bold" in classes, nowrap=nowrap))


def _tick(element: Element, look: Piece) -> Iterator[Piece]:
    condition = element.find("x-do/x-part")
    if condition is None:
        yield Piece("tick", on=element.find("span") is not None)
        return
    test = (condition.get("head") or "").removeprefix("if ")
    yield from _either(test, [Piece("tick", on=True)], [Piece("tick")], look)


def _either(
    test: str, one: Iterator[Piece] | list[Piece], other: Iterator[Piece] | list[Piece], look: Piece
) -> Iterator[Piece]:
    yield replace(look, kind="code", text=f"{{% if {test} %}}")
    yield from one
    yield replace(look, kind="code", text="{% else %}")
    yield from other
    yield replace(look, kind="code", text="{% endif %}")


def _collapsed(found: Sequence[Piece]) -> list[Piece]:
    """White space as HTML shows it: one space, none at the beginning of a line or at the end."""
    done: list[Piece] = []
    at_start, outside = True, []
    for piece in found:
        if piece.kind == "text":
            text = _SPACES.sub(" ", piece.text)
            text = text.removeprefix(" ") if at_start else text
            at_start = text.endswith(" ") if text else at_start
            piece = replace(piece, text=text)
        elif piece.kind == "code" and piece.text.startswith("{%"):
            at_start = _after_tag(piece.text, at_start, outside)
        else:
            at_start = piece.kind == "break"
        done.append(piece)
    if done and done[-1].kind == "text":
        done[-1] = replace(done[-1], text=done[-1].text.rstrip(" "))
    return [piece for piece in done if piece.kind != "text" or piece.text]


def _after_tag(tag: str, at_start: bool, outside: list[bool]) -> bool:
    """A condition may show nothing: what follows it begins a line only if what came before it did too."""
    if tag.startswith(("{% if", "{% for")):
        outside.append(at_start)
    elif tag.startswith("{% end"):
        return at_start and outside.pop()
    elif tag.startswith(("{% else", "{% elif")):
        return outside[-1]
    return at_start


def width(found: Sequence[Piece], size: float, *, bold: bool) -> float:
    """How wide the widest line of these pieces is, in millimetres, with a guess for values."""
    widest = line = 0.0
    for piece in found:
        match piece.kind:
            case "text":
                line += text_width(piece.text, size, bold=bold or piece.bold)
            case "code" if piece.text.startswith("{{"):
                line += value_room(piece.text[3:-3])
            case "blank":
                line += piece.mm
            case "tick":
                line += 4
            case "break":
                line = 0
        widest = max(widest, line)
    return widest
