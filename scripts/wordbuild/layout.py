"""From the unfolded wording to a .docx: paragraphs, tables, lines that stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree.ElementTree import Element

from qujat.errors import FormError
from qujat.rendering import tree
from wordbuild.inline import Content, contents, is_block, pieces, width
from wordbuild.looks import WIDTH, Look, classes_of, inside, length, margins, style_of
from wordbuild.paper import Column, Paper

COLUMNS = {"c-n": 9.0, "c-iin": 27.0, "c-day": 22.0, "c-sex": 20.0, "c-half": WIDTH / 2, "c-third": WIDTH * 0.34}
TABLE_SIZES = {"rows": 10.0}
ABOVE_TABLE, BELOW_TABLE = 1.5, 3.0
ROOM_FOR_ROUNDING = 0.6


def document(html: str, title: str, language: str) -> bytes:
    """The .docx of an unfolded wording. Raises FormError for an element that is not known."""
    body = tree(html).find("body")
    if body is None:
        raise FormError("expected a page with a body")
    paper = Paper(title, language)
    column = paper.body()
    _blocks([e for e in contents(body) if not _is_foot(e)], Look(), column)
    column.close()
    return paper.bytes()


def _is_foot(entry: str | Element) -> bool:
    return isinstance(entry, Element) and "foot" in classes_of(entry)


def _blocks(content: Content, look: Look, column: Column) -> None:
    """Blocks one below the other; words between them are a paragraph of the block's own look."""
    waiting: list[str | Element] = []
    for entry in content:
        if isinstance(entry, str) or not is_block(entry):
            waiting.append(entry)
        else:
            _words(waiting, look, column)
            waiting = []
            _block(entry, look, column)
    _words(waiting, look, column)


def _words(content: Content, look: Look, column: Column) -> None:
    if any(isinstance(entry, Element) or entry.strip() for entry in content):
        column.paragraph(look, pieces(content))


def _block(element: Element, look: Look, column: Column) -> None:
    match element.tag:
        case "p" | "h1":
            own, found = inside(look, element), pieces(list(contents(element)))
            if found or own.name == "Line":
                column.paragraph(own, found)
        case "div" if _is_row(element):
            _row(element, inside(look, element), column)
        case "div":
            own = inside(look, element)
            column.space(own.before)
            _blocks(list(contents(element)), replace(own, before=0, after=0), column)
            column.space(own.after)
        case "table":
            _table(element, look, column)
        case "x-do":
            for part in element:
                column.tag(f"{{%p {part.get('head')} %}}")
                _blocks(list(contents(part)), look, column)
            column.tag(f"{{%p {element.get('end')} %}}")
        case other:
            raise FormError(f"<{other}> is not known to the Word builder")


def _is_row(element: Element) -> bool:
    return bool({"led", "stroke"} & classes_of(element)) or style_of(element).get("display") == "flex"


def _row(element: Element, look: Look, column: Column) -> None:
    """Blocks side by side: a table without lines."""
    room = length(style_of(element).get("width", "110mm" if "stroke" in classes_of(element) else "")) or (
        column.width - look.left - look.right
    )
    column.space(look.before)
    table = column.table(_widths_side_by_side(element, look, room), look.left, look.before)
    cells = table.add_row()
    inner = replace(look, before=0, after=0, left=0, right=0, next=True)
    for child, cell in zip(element, cells, strict=True):
        _block(child, inner, cell)
        cell.close()
    column.space(look.after)


def _widths_side_by_side(element: Element, look: Look, room: float) -> list[float]:
    """As flex boxes share a line: given widths, natural widths, and the rest for those that grow."""
    widths, growing = [], []
    for child in element:
        style, edges = style_of(child), margins(child)
        given = length(style.get("width", ""), room)
        own = inside(look, child)
        grows = style.get("flex", "none" if child.tag == "p" else "1")
        growing.append(float(grows.split()[0]) if grows != "none" and given is None else 0.0)
        natural = (
            width(pieces(list(contents(child))), own.size, bold=own.bold) + ROOM_FOR_ROUNDING if child.tag == "p" else 0
        )
        sides = edges.get("left", 0.0) + edges.get("right", 0.0) or (own.left - look.left) + (own.right - look.right)
        widths.append(0.0 if growing[-1] else (given or min(natural, room * 0.6)) + sides)
    rest = max(room - sum(widths), 0.0)
    return [mm or rest * share / (sum(growing) or 1) for mm, share in zip(widths, growing, strict=True)]


@dataclass(frozen=True)
class _Kind:
    """What a table's class says of its rows and cells."""

    look: Look
    prose: bool
    rows: bool


def _table(element: Element, look: Look, column: Column) -> None:
    classes, style = classes_of(element), style_of(element)
    size = float(
        style.get("font-size", "").removesuffix("pt")
        or next((TABLE_SIZES[c] for c in classes if c in TABLE_SIZES), 11.0)
    )
    kind = _Kind(
        Look("Prose" if "prose" in classes else "Cell", size=size, after=0, next=look.next or "keep" in classes),
        prose="prose" in classes,
        rows="rows" in classes,
    )
    room = column.width - look.left - look.right
    column.space(ABOVE_TABLE)
    table = column.table(_column_widths(element, room), look.left, ABOVE_TABLE, ruled=True)
    for part in element:
        match part.tag:
            case "colgroup":
                continue
            case "thead":
                _rows(list(part), kind, table, head=True)
            case "tbody":
                _rows(list(part), kind, table)
            case _:
                _rows([part], kind, table)
    column.space(BELOW_TABLE)


def _column_widths(element: Element, room: float) -> list[float]:
    columns = element.findall("colgroup/col")
    if not columns:
        count = max(sum(int(cell.get("colspan", "1")) for cell in row) for row in element.iter("tr"))
        return [room / count] * count
    known = [_column_width(column, room) for column in columns]
    rest = (room - sum(mm for mm in known if mm)) / (known.count(None) or 1)
    return [mm if mm is not None else rest for mm in known]


def _column_width(column: Element, room: float) -> float | None:
    if named := next((COLUMNS[name] for name in classes_of(column) if name in COLUMNS), None):
        return named * (room / WIDTH if column.get("class") in ("c-half", "c-third") else 1)
    return length(style_of(column).get("width", ""), room)


def _rows(rows: Sequence[Element], kind: _Kind, table: Any, *, head: bool = False) -> None:
    for row in rows:
        match row.tag:
            case "tr":
                _cells(row, kind, table, head=head)
            case "x-do":
                for part in row:
                    table.tag(f"{{%tr {part.get('head')} %}}")
                    _rows(list(part), kind, table)
                table.tag(f"{{%tr {row.get('end')} %}}")
            case other:
                raise FormError(f"<{other}> within a table is not known to the Word builder")


def _cells(row: Element, kind: _Kind, table: Any, *, head: bool) -> None:
    spans = [(int(cell.get("colspan", "1")), int(cell.get("rowspan", "1"))) for cell in row]
    cells = table.add_row(spans, head=head, whole="long" not in classes_of(row), low=4.5 if kind.rows else 0)
    for element, cell in zip(row, cells, strict=True):
        style = style_of(element)
        own = inside(replace(kind.look, align="center") if head else kind.look, element)
        own = replace(own, after=0, before=0)
        cell.edges({side for side in ("top", "bottom") if style.get(f"border-{side}") == "0"}, middle=head)
        if length(style.get("padding-top", "")) == 0:
            cell.close_above()
        _blocks(list(contents(element)), own, cell)
        cell.close(own)
