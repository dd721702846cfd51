"""The words of a .docx in their order, as a tree like that of a page: what `comparison` holds against a PDF."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import docx
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph


def opened(content: bytes) -> Any:
    return docx.Document(io.BytesIO(content))


def body(content: bytes) -> Element:
    """The body: paragraphs and tables in document order, heads that are repeated as `thead`."""
    root = Element("body")
    for block in opened(content).iter_inner_content():
        root.append(_element(block))
    return root


def foot(content: bytes) -> str:
    """The words of the foot, without the count of pages."""
    found = [paragraph.text.split("\t")[0] for paragraph in opened(content).sections[0].footer.paragraphs]
    return " ".join(found)


def words(content: bytes) -> str:
    return "".join(body(content).itertext())


def paragraphs(content: bytes) -> list[str]:
    """The text of every paragraph, also of those in tables."""
    return [paragraph.text for paragraph in _paragraphs(opened(content))]


def _paragraphs(place: Any) -> Iterator[Paragraph]:
    for block in place.iter_inner_content():
        if isinstance(block, Paragraph):
            yield block
        else:
            for row in block.rows:
                for cell in _own_cells(row):
                    yield from _paragraphs(cell)


def _own_cells(row: Any) -> list[_Cell]:
    """Cells that begin in this row: not what is merged into them from the right or from above."""
    return [_Cell(tc, row.table) for tc in row._tr.tc_lst if tc.vMerge != "continue"]


def _element(block: Paragraph | Table) -> Element:
    if isinstance(block, Paragraph):
        made = Element("p")
        made.text = block.text
        return made
    table = Element("table")
    for row in block.rows:
        is_head = row._tr.find("w:trPr/w:tblHeader", row._tr.nsmap) is not None
        table.append(_row(row, is_head=is_head))
    _gather_heads(table)
    return table


def _row(row: Any, *, is_head: bool) -> Element:
    made = Element("tr", {"class": "head"} if is_head else {})
    for cell in _own_cells(row):
        held = SubElement(made, "td")
        held.extend(_element(block) for block in cell.iter_inner_content())
    return made


def _gather_heads(table: Element) -> None:
    heads = [row for row in table if row.get("class") == "head"]
    if heads:
        thead = Element("thead")
        for row in heads:
            table.remove(row)
            thead.append(row)
        table.insert(0, thead)
