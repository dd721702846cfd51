"""A .docx as it grows: A4, the margins of the paper, one style a look, columns that hold paragraphs and tables."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import Table, _Cell, _Row
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from qujat.wordfilling import packed
from wordbuild.inline import NO_BREAK_HYPHEN, Piece
from wordbuild.looks import MARGINS, PAGE, POINT, WIDTH, Look
from wordbuild.ooxml import (
    add_field,
    edge,
    element,
    rule_paragraphs,
    set_default_face,
    set_row_look,
    set_settings,
    set_table_look,
)

LANGUAGES = {"kk": "kk-KZ", "ru": "ru-RU"}
NBSP = "\u00a0"
TICKED, EMPTY = "F0FE", "F0A8"  # Wingdings
GAP = Look("Gap", size=1, line=1, after=0)
KEPT_STYLES = {"Normal", "DefaultParagraphFont", "TableNormal", "NoList"}
KEPT_PARTS = ("/word/document.xml", "/word/styles.xml", "/word/settings.xml", "/docProps/core.xml")
_ALIGN = {
    "left": WD_ALIGN_PARAGRAPH.LEFT,
    "center": WD_ALIGN_PARAGRAPH.CENTER,
    "right": WD_ALIGN_PARAGRAPH.RIGHT,
    "justify": WD_ALIGN_PARAGRAPH.JUSTIFY,
}


class Paper:
    """One document."""

    def __init__(self, title: str, language: str) -> None:
        self.document: Document = docx.Document()
        self._styles: dict[Look, str] = {}
        self._clear()
        self._set_up(title, language)
        self._foot()

    def body(self) -> Column:
        return Column(self, self.document, WIDTH)

    def bytes(self) -> bytes:
        """The finished file, with nothing in it of the machine or the day."""
        for text in self.document.element.iter(qn("w:t")):
            text.set(qn("xml:space"), "preserve")
        written = io.BytesIO()
        self.document.save(written)
        return packed(written.getvalue())

    def style(self, look: Look) -> str:
        """The name of the style for a look; made at its first use."""
        plain = replace(look, lines="")
        if plain not in self._styles:
            names = set(self._styles.values())
            number = next(n for n in range(1, 1000) if (look.name if n == 1 else f"{look.name} {n}") not in names)
            self._styles[plain] = look.name if number == 1 else f"{look.name} {number}"
            self._make_style(plain, self._styles[plain])
        return self._styles[plain]

    def _make_style(self, look: Look, name: str) -> None:
        style = self.document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = self.document.styles["Normal"]
        style.quick_style = True
        if look.size != 12:
            style.font.size = Pt(look.size)
        if look.bold:
            style.font.bold = True
        shape = style.paragraph_format
        shape.alignment = _ALIGN[look.align]
        shape.line_spacing = Pt(round(look.size * look.line, 1)) if look.name == "Gap" else round(look.line / 1.15, 3)
        if look.name == "Gap":
            shape.line_spacing_rule = WD_LINE_SPACING.EXACTLY
        shape.space_before, shape.space_after = Mm(look.before), Mm(look.after)
        shape.left_indent, shape.right_indent, shape.first_line_indent = Mm(look.left), Mm(look.right), Mm(look.first)
        shape.keep_with_next, shape.keep_together = look.next or None, look.whole or None
        if look.rule:
            rule_paragraphs(shape.element.get_or_add_pPr(), look.rule)

    def _clear(self) -> None:
        """Take out what python-docx's template brings: a thumbnail, a theme, names, days, unused styles."""
        package = self.document.part.package
        for holder in (package, self.document.part):
            for key, relation in list(holder.rels.items()):
                if str(relation.target_part.partname) not in KEPT_PARTS:
                    del holder.rels[key]
        for style in list(self.document.styles.element.findall(qn("w:style"))):
            if style.get(qn("w:styleId")) not in KEPT_STYLES:
                self.document.styles.element.remove(style)

    def _set_up(self, title: str, language: str) -> None:
        core = self.document.core_properties
        for child in list(core._element):
            core._element.remove(child)
        core.title, core.language = title, LANGUAGES[language]
        core.created = core.modified = datetime(1980, 1, 1, tzinfo=UTC)
        section = self.document.sections[0]
        section.page_width, section.page_height = Mm(PAGE[0]), Mm(PAGE[1])
        section.top_margin, section.right_margin, section.bottom_margin, section.left_margin = map(Mm, MARGINS)
        section.header_distance, section.footer_distance = Mm(7), Mm(7)
        set_default_face(self.document, LANGUAGES[language])
        set_settings(self.document)

    def _foot(self) -> None:
        """The lines of the foot, and at the right of the first how many pages there are."""
        look = self.style(Look("Foot", size=8, line=1.25, after=0))
        foot = self.document.sections[0].footer
        first = foot.paragraphs[0]
        first.style = look
        first.paragraph_format.tab_stops.add_tab_stop(Mm(WIDTH), docx.enum.text.WD_TAB_ALIGNMENT.RIGHT)
        first.add_run("{{ foot[0] }}\t")
        add_field(first, "PAGE")
        first.add_run(" / ")
        add_field(first, "NUMPAGES")
        for words in ("{%p for line in foot[1:] %}", "{{ line }}", "{%p endfor %}"):
            foot.add_paragraph(words, style=look)


class Column:
    """A place that is filled downwards: the page, or a cell. `width` in millimetres."""

    def __init__(self, paper: Paper, container: Any, width: float) -> None:
        self.paper, self.container, self.width = paper, container, width
        self._gap = 0.0
        self._after: float | None = None
        self._last: Paragraph | None = None
        self._free: Paragraph | None = container.paragraphs[0] if isinstance(container, _Cell) else None
        self._below_table = self._used = False

    def space(self, mm: float) -> None:
        """At least so much room before what comes next."""
        self._gap = max(self._gap, mm)

    def paragraph(self, look: Look, found: Sequence[Piece]) -> None:
        """A paragraph with what it shows. Room above and the room below the last one do not add up."""
        made = self._next_paragraph()
        made.style = self.paper.style(look)
        wanted = max(look.before, self._gap) - (self._after or 0.0) if self._used else 0.0
        if abs(max(wanted, 0.0) - look.before) > 0.01:
            made.paragraph_format.space_before = Mm(max(wanted, 0.0))
        _fill(made, look, found, self.width - look.left - look.right)
        self._gap, self._after, self._last, self._used, self._below_table = 0.0, look.after, made, True, False

    def tag(self, code: str) -> None:
        """A paragraph that docxtpl takes for its tag alone: once filled it is gone, and a table above still touches."""
        made = self._next_paragraph()
        made.style = self.paper.style(GAP)
        made.add_run(code)
        self._after, self._last, self._used = 0.0, None, True

    def table(self, widths: Sequence[float], left: float, above: float, *, ruled: bool = False) -> Grid:
        """A table with columns of these widths, `left` from the margin."""
        if self._below_table:
            self._separate()
        elif self._last is not None and above > (self._after or 0.0):
            self._last.paragraph_format.space_after = Mm(max(above, self._gap))
        self._gap, self._after, self._last, self._below_table, self._used = 0.0, 0.0, None, True, True
        return Grid(self, self._new_table(len(widths)), widths, left, ruled=ruled)

    def close(self, look: Look | None = None) -> None:
        """A cell, and a page that ends with a table, must end with a paragraph."""
        if self._free is not None:
            self._free.style = self.paper.style(look if look and not self._used else GAP)
        elif self._below_table:
            self.container.add_paragraph(style=self.paper.style(GAP))

    def _separate(self) -> None:
        """Tables that touch would be one table."""
        made = self._next_paragraph()
        made.style = self.paper.style(GAP)
        made.paragraph_format.line_spacing = Pt(max(self._gap / POINT, 1))

    def _next_paragraph(self) -> Paragraph:
        made = self._free or self.container.add_paragraph()
        self._free = None
        return made

    def _new_table(self, columns: int) -> Table:
        if not isinstance(self.container, _Cell):
            return self.container.add_table(0, columns)
        if self._free is not None:
            self._free._element.getparent().remove(self._free._element)
        made = self.container.add_table(0, columns)
        self._free = self.container.paragraphs[-1]
        return made

    def edges(self, open_: set[str], *, middle: bool) -> None:
        """Leave out the lines of a cell at some sides; stand in its middle."""
        properties = self.container._element.get_or_add_tcPr()
        if open_:
            borders = OxmlElement("w:tcBorders")
            for side in sorted(open_, reverse=True):
                borders.append(edge(side, "nil", 0, 0))
            properties.append(borders)
        if middle:
            properties.append(element("w:vAlign", val="center"))

    def close_above(self) -> None:
        """No room between the upper edge of a cell and its words."""
        properties, room = self.container._element.get_or_add_tcPr(), OxmlElement("w:tcMar")
        room.append(element("w:top", w=0, type="dxa"))
        properties.append(room)


class Grid:
    """A table that grows row by row."""

    def __init__(self, column: Column, table: Table, widths: Sequence[float], left: float, *, ruled: bool) -> None:
        self.column, self.made, self.widths = column, table, widths
        self._merged: dict[int, tuple[int, int]] = {}  # column → (rows still to come, columns)
        table.autofit = False
        for grid_column, mm in zip(table.columns, widths, strict=True):
            grid_column.width = Mm(mm)
        set_table_look(table, sum(widths), left, ruled=ruled)

    def add_row(
        self, spans: Sequence[tuple[int, int]] = (), *, head: bool = False, whole: bool = True, low: float = 0
    ) -> list[Column]:
        """The cells of a new row, for (columns, rows) that each spans; cells merged from above go on."""
        row = self.made.add_row()
        set_row_look(row, head=head, whole=whole, low=low)
        waiting = list(spans or [(1, 1)] * len(self.widths))
        found, at = [], 0
        while at < len(self.widths):
            if at in self._merged:
                rows, columns = self._merged.pop(at)
                self._cell(row, at, columns, "continue")
                self._merged |= {at: (rows - 1, columns)} if rows > 1 else {}
            else:
                columns, rows = waiting.pop(0)
                cell = self._cell(row, at, columns, "restart" if rows > 1 else "")
                self._merged |= {at: (rows - 1, columns)} if rows > 1 else {}
                found.append(Column(self.column.paper, cell, sum(self.widths[at : at + columns]) - self._padding))
            at += columns
        return found

    def tag(self, code: str) -> None:
        """A row that docxtpl takes for its tag alone."""
        row = self.made.add_row()
        self._cell(row, 0, len(self.widths), "").paragraphs[0].add_run(code)

    @property
    def _padding(self) -> float:
        return 3.2 if self.made._tblPr.find(qn("w:tblBorders")) is not None else 0.0

    def _cell(self, row: _Row, at: int, columns: int, merged: str) -> _Cell:
        cells = [tc for tc in row._tr.tc_lst if not tc.get("done")]
        first, extra = cells[0], cells[1:columns]
        for tc in extra:
            row._tr.remove(tc)
        first.width = Mm(sum(self.widths[at : at + columns]))
        if columns > 1:
            first.grid_span = columns
        if merged:
            first.vMerge = merged
        first.set("done", "1")
        if at + columns == len(self.widths):
            for tc in row._tr.tc_lst:
                tc.attrib.pop("done", None)
        return _Cell(first, self.made)


def _fill(paragraph: Paragraph, look: Look, found: Sequence[Piece], width: float) -> None:
    """Runs for the pieces; neighbours of one look are one run."""
    waiting: list[Piece] = []
    for piece in found:
        if piece.kind in ("text", "code") and waiting and _alike(waiting[-1], piece):
            waiting.append(piece)
            continue
        _run(paragraph, waiting)
        waiting = [piece] if piece.kind in ("text", "code") else []
        if piece.kind == "break":
            paragraph.add_run().add_break()
        elif piece.kind == "blank" and look.rule != "line":
            _blank(paragraph, look, piece.mm, width, alone=len(found) == 1)
        elif piece.kind == "tick":
            symbol = element("w:sym", font="Wingdings", char=TICKED if piece.on else EMPTY)
            paragraph.add_run()._element.append(symbol)
    _run(paragraph, waiting)


def _alike(one: Piece, other: Piece) -> bool:
    return (one.bold, one.underlined) == (other.bold, other.underlined)


def _run(paragraph: Paragraph, found: Sequence[Piece]) -> None:
    if found:
        first, *others = "".join(piece.text for piece in found).split(NO_BREAK_HYPHEN)
        made: Run = paragraph.add_run(first)
        for text in others:
            made._r.append(element("w:noBreakHyphen"))
            made.add_text(text)
        if found[0].bold:
            made.bold = True
        if found[0].underlined:
            made.underline = True


def _blank(paragraph: Paragraph, look: Look, mm: float, width: float, *, alone: bool) -> None:
    """An underlined place: a line to the margin if nothing else stands there, else so many spaces."""
    if alone:
        paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(width + look.left), docx.enum.text.WD_TAB_ALIGNMENT.RIGHT)
    made = paragraph.add_run("\t" if alone else NBSP * max(round(min(mm, width * 0.97) / (look.size * POINT / 4)), 1))
    made.underline = True
