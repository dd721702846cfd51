"""How things look: what paper.css says, as far as Word can say it. Lengths in millimetres, sizes in points."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import Element

from qujat.rendering import TEMPLATES

PAGE = (210.0, 297.0)
MARGINS = (14.0, 15.0, 19.0, 25.0)  # top, right, bottom, left
WIDTH = PAGE[0] - MARGINS[1] - MARGINS[3]
POINT = 25.4 / 72
# Room that a value takes in a label, by the end of its expression.
ROOM = {"xs": 9.0, "s": 26.0, "m": 55.0, "l": 140.0, "dd": 9.0, "yy": 9.0, "yyyy": 10.0, "month": 26.0}

Rule = Literal["", "line", "cut", "box"]


@dataclass(frozen=True, slots=True)
class Look:
    """The look of a paragraph, or of what stands in a block. `lines`: how text stands on the ruled lines in it."""

    name: str = "Text"
    align: Literal["left", "center", "right", "justify"] = "left"
    size: float = 12
    line: float = 1.2
    bold: bool = False
    first: float = 0
    left: float = 0
    right: float = 0
    before: float = 0
    after: float = 1.5
    rule: Rule = ""
    lines: Literal["", "left", "center"] = ""
    next: bool = False
    whole: bool = False


# What an element or a class changes (its name: that of the style in Word).
ELEMENTS: Mapping[str, Mapping[str, Any]] = {
    "p": {"after": 1.5},
    "h1": {
        "name": "Title",
        "size": 13,
        "line": 1.3,
        "align": "center",
        "bold": True,
        "before": 4,
        "after": 3.5,
        "next": True,
    },
}
CLASSES: Mapping[str, Mapping[str, Any]] = {
    "annex": {"name": "Annex", "left": 88, "align": "center", "size": 11, "line": 1.15, "after": 0},
    "form-mark": {"name": "Form", "align": "right", "size": 11, "before": 2, "after": 0},
    "copy": {"name": "Copy", "align": "center", "bold": True, "left": 50, "right": 50, "before": 4, "rule": "box"},
    "center": {"align": "center"},
    "right": {"align": "right"},
    "bold": {"bold": True},
    "keep": {"whole": True, "next": True},
    "intro": {"next": True},
    "body": {"name": "Body", "align": "justify", "first": 10},
    "heading": {"name": "Heading", "align": "center", "after": 3},
    "item": {"name": "Item", "align": "justify", "left": 6},
    "under": {"whole": True, "lines": "center", "after": 1.2},
    "led": {"whole": True, "lines": "left"},
    "signed": {"lines": "left"},
    "label": {"right": 2, "after": 0},
    "bar": {"left": 3, "right": 3, "after": 0},
    "hint": {"name": "Hint", "size": 9, "line": 1.1, "align": "center", "before": 0.3},
    "cut": {"name": "Cut", "align": "center", "size": 9.5, "before": 4, "after": 2.5, "rule": "cut"},
    "eds-line": {"name": "Signature", "bold": True, "before": 3, "after": 0},
}


def style_of(element: Element) -> dict[str, str]:
    """The declarations of a style attribute."""
    pairs = (part.split(":", 1) for part in element.get("style", "").split(";") if ":" in part)
    return {name.strip(): value.strip() for name, value in pairs}


def classes_of(element: Element) -> set[str]:
    return set(element.get("class", "").split())


def length(text: str, whole: float = WIDTH) -> float | None:
    """ "12mm", "40%", "0" in millimetres; None for anything else."""
    found = re.fullmatch(r"(-?[\d.]+)(mm|%|pt)?", text.strip())
    if not found:
        return None
    number = float(found[1])
    return {"mm": number, "%": number * whole / 100, "pt": number * POINT, None: number}[found[2]]


def margins(element: Element) -> dict[str, float]:
    """before, right, after, left: as far as a style attribute says them."""
    style, found = style_of(element), {}
    if "margin" in style:
        parts = [length(part) or 0.0 for part in style["margin"].split()]
        top, right = parts[0], parts[1 % len(parts)]
        found = {"before": top, "right": right, "after": parts[2] if len(parts) > 2 else top}
        found["left"] = parts[3] if len(parts) > 3 else right
    names = {"margin-top": "before", "margin-right": "right", "margin-bottom": "after", "margin-left": "left"}
    return found | {to: length(style[name]) or 0.0 for name, to in names.items() if name in style}


def inside(look: Look, element: Element) -> Look:
    """The look of an element within one of this look. Room at the sides adds up, room above and below does not."""
    changes: dict[str, Any] = {"before": 0.0, "after": 0.0} | dict(ELEMENTS.get(element.tag, {}))
    if look.name == "Cell":
        changes["after"] = 0.0
    for name in (name for name in CLASSES if name in classes_of(element)):
        changes |= CLASSES[name]
    if "line" in classes_of(element) and look.lines:
        changes |= {"rule": "line", "name": "Line", "after": 0.0, "next": True, "align": look.lines}
    changes |= margins(element) | _declared(element)
    for side in ("left", "right"):
        changes[side] = getattr(look, side) + changes.get(side, 0.0)
    for kept in ("whole", "next"):
        changes[kept] = getattr(look, kept) or changes.get(kept, False)
    changes["lines"] = look.lines if look.lines == "left" else changes.get("lines", look.lines)
    return replace(look, **changes)


def _declared(element: Element) -> dict[str, Any]:
    style, found = style_of(element), {}
    if "text-align" in style:
        found["align"] = style["text-align"]
    if "text-indent" in style:
        found["first"] = length(style["text-indent"]) or 0.0
    if "font-size" in style:
        found["size"] = float(style["font-size"].removesuffix("pt"))
    return found


@cache
def _advances(bold: bool) -> tuple[Mapping[int, str], Mapping[str, tuple[int, int]], int]:
    from fontTools.ttLib import TTFont

    face = Path(TEMPLATES) / "paper" / "v1" / "fonts" / f"Tinos-{'Bold' if bold else 'Regular'}.ttf"
    with TTFont(face) as font:
        return font.getBestCmap(), dict(font["hmtx"].metrics), font["head"].unitsPerEm


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a text stands in the paper's face."""
    names, metrics, em = _advances(bold)
    return sum(metrics[names.get(ord(c), ".notdef")][0] for c in text) / em * size * POINT


def value_room(expression: str) -> float:
    """Room for a value in a label."""
    width = re.search(r'\|blank\("?([\w.]+)"?\)$', expression)
    if width:
        return ROOM.get(width[1]) or float(width[1])
    return ROOM.get(expression.rpartition(".")[2], 30.0)
