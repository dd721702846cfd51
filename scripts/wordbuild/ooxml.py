"""Parts of a .docx that python-docx has no words for."""

from __future__ import annotations

from typing import Any

from docx.document import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.table import Table, _Row
from docx.text.paragraph import Paragraph

from wordbuild.looks import POINT

FACE = "Times New Roman"
# The edge of a paragraph, the kind of line, its thickness in eighths of a point, how far from the words in points.
_RULES = {
    "line": (("bottom", "single", 5, 0), ("between", "single", 5, 0)),
    "cut": (("top", "dashed", 6, 3),),
    "box": tuple((side, "single", 6, 3) for side in ("top", "left", "bottom", "right")),
}


def add_field(paragraph: Paragraph, code: str) -> None:
    for kind in ("begin", "", "end"):
        run = paragraph.add_run().element
        if kind:
            run.append(element("w:fldChar", fldCharType=kind))
        else:
            words = OxmlElement("w:instrText")
            words.text = code
            run.append(words)


def set_default_face(document: Document, language: str) -> None:
    """The face, the size and the language of everything; Word's own list of its styles is not ours to keep."""
    document.styles.element.remove(document.styles.element.find(qn("w:latentStyles")))
    defaults = document.styles.element.find(qn("w:docDefaults"))
    properties = defaults.find(qn("w:rPrDefault")).find(qn("w:rPr"))
    for child in list(properties):
        properties.remove(child)
    properties.append(element("w:rFonts", ascii=FACE, hAnsi=FACE, eastAsia=FACE, cs=FACE))
    properties.append(element("w:sz", val=24))
    properties.append(element("w:szCs", val=24))
    properties.append(element("w:lang", val=language, eastAsia=language, bidi=language))
    spacing = defaults.find(qn("w:pPrDefault"))
    for child in list(spacing):
        spacing.remove(child)


def set_table_look(table: Table, width: float, left: float, *, ruled: bool) -> None:
    properties = table._tblPr
    for name in ("w:tblStyle", "w:tblLook", "w:tblW"):
        if (found := properties.find(qn(name))) is not None:
            properties.remove(found)
    properties.insert(0, element("w:tblW", w=twips(width), type="dxa"))
    properties.insert(1, element("w:tblInd", w=twips(left), type="dxa"))
    if ruled:
        borders = OxmlElement("w:tblBorders")
        for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
            borders.append(edge(side, "single", 5, 0))
        properties.insert(2, borders)
    room = OxmlElement("w:tblCellMar")
    sides = (("top", 1.0), ("left", 1.6), ("bottom", 1.0), ("right", 1.6))
    for side, mm in sides:
        room.append(element(f"w:{side}", w=twips(mm) if ruled else 0, type="dxa"))
    properties.append(room)


def set_row_look(row: _Row, *, head: bool, whole: bool, low: float) -> None:
    properties = row._tr.get_or_add_trPr()
    if whole:
        properties.append(OxmlElement("w:cantSplit"))
    if low:
        properties.append(element("w:trHeight", val=twips(low + 2), hRule="atLeast"))
    if head:
        properties.append(OxmlElement("w:tblHeader"))


def set_settings(document: Document) -> None:
    """Word of today, and nothing of the machine on which python-docx's template was made."""
    settings = document.settings.element
    for child in list(settings):
        settings.remove(child)
    compat = OxmlElement("w:compat")
    uri = "http://schemas.microsoft.com/office/word"
    compat.append(element("w:compatSetting", name="compatibilityMode", uri=uri, val=15))
    settings.append(compat)


def rule_paragraphs(properties: Any, rule: str) -> None:
    """The edges of a paragraph, in their place of the schema: before spacing, indents and all that follows."""
    borders = OxmlElement("w:pBdr")
    for side, kind, thick, away in _RULES[rule]:
        borders.append(edge(side, kind, thick, away))
    later = ("w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:contextualSpacing", "w:jc")
    place = next((child for child in properties if child.tag in map(qn, later)), None)
    if place is None:
        properties.append(borders)
    else:
        place.addprevious(borders)


def edge(side: str, kind: str, thick: int, away: int) -> Any:
    return element(f"w:{side}", val=kind, sz=thick, space=away, color="auto")


def element(tag: str, /, **attributes: object) -> Any:
    made = OxmlElement(tag)
    for key, value in attributes.items():
        made.set(qn(f"w:{key}"), str(value))
    return made


def twips(mm: float) -> int:
    return round(mm / POINT * 20)
