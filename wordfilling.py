"""Filling a .docx template: docxtpl with a strict, escaping, sandboxed Jinja, and blanks drawn as underlined places.

docxtpl's defaults lose text: an `&` in a name deletes the rest of its paragraph, a name not known prints nothing.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import DictLoader, StrictUndefined
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from qujat.errors import FormError

if TYPE_CHECKING:
    from docx.document import Document
    from docxtpl import DocxTemplate

EPOCH = (1980, 1, 1, 0, 0, 0)
WIDTHS = {"xs": 9.0, "s": 26.0, "m": 55.0, "l": 140.0}
SPACE_MM = 1.06  # a space of the face at 12 points
NBSP = "\u00a0"
# A blank between the filling and the last step, where its surroundings are known: its width between two signs that no
# text may hold (private use).
OPEN, CLOSE = "\ue000", "\ue001"

_BLANK = re.compile(r'<span class="blank ?(\w*)"(?: style="width: ([\d.]+)mm")?>[^<]*</span>')
_MARKED = re.compile(f"({OPEN}[0-9.]+{CLOSE})")
_TAG = re.compile(r"<[^>]*>")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue002-\ufffd\U00010000-\U0010ffff]")
# docxtpl turns {_{ into {{ after filling (and so on): text must not be touched.
_DOCXTPL_ESCAPES = re.compile(r"(?<=\{)_(?=[{%])|(?<=[%}])_(?=\})")


def filled(docx: bytes, words: Mapping[str, Any]) -> bytes:
    """A template with its tags filled in. Raises FormError if it is no .docx, or asks for what is not there."""
    import docx as python_docx
    from lxml.etree import XMLSyntaxError

    made = opened(docx)
    try:
        made.render(_context(words), environment())
    except TemplateError as error:
        raise FormError(f"the Word template: {error.message or type(error).__name__}{_place(error)}") from error
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
        raise FormError(f"the Word template: a tag cannot be worked out: {error}") from error
    except XMLSyntaxError as error:
        raise FormError(f"the tags of the Word template cut its paragraphs or tables apart: {error}") from error
    document = python_docx.Document(_saved(made))
    for root in _roots(document):
        _draw_blanks(document, root)
    if words["copy"]:
        _mark_copy(document, words["copy"])
    return packed(_saved(document).getvalue())


def _context(words: Mapping[str, Any]) -> dict[str, Any]:
    """What a Word template may ask for: what a wording gets, without the seal."""
    return {name: value for name, value in words.items() if name != "seal"}


def _place(error: TemplateError) -> str:
    near = " ".join(text for line in getattr(error, "docx_context", ()) if (text := line.strip()))
    return f", near: {near[:200]}" if near else ""


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """Jinja as Word templates get it: strict, escaping, sandboxed. `{{ slot|blank("xs") }}` gives a blank a width."""
    made = ImmutableSandboxedEnvironment(
        loader=DictLoader({}), undefined=StrictUndefined, autoescape=True, finalize=_printed
    )
    made.filters["blank"] = _with_width
    return made


def _with_width(slot: Any, width: str | float) -> Any:
    """A slot whose blank has the width of a class (xs, s, m, l) or in millimetres."""
    return _blank(WIDTHS[width] if isinstance(width, str) else width) if slot.is_blank else slot


def _blank(mm: float) -> Markup:
    return Markup(f"{OPEN}{mm:g}{CLOSE}")  # noqa: S704  our own signs


def _printed(value: Any) -> Any:
    """What a tag prints: slots as on the page, all else as text; signs that XML cannot hold are seen, not lost."""
    if isinstance(value, (Markup, StrictUndefined)):
        return value
    html = str(value.__html__()) if hasattr(value, "__html__") else str(escape(value))
    parts, at = [], 0
    for found in _BLANK.finditer(html):
        parts += [_text(html[at : found.start()]), _blank(float(found[2] or WIDTHS[found[1]]))]
        at = found.end()
    return Markup("".join([*parts, _text(html[at:])]))  # noqa: S704  escaped before


def _text(html: str) -> str:
    return _DOCXTPL_ESCAPES.sub("&#95;", _NOT_XML.sub("\ufffd", _TAG.sub("", html)))


def opened(docx: bytes) -> DocxTemplate:
    """A template ready for filling. Raises FormError if the bytes are not a .docx."""
    from docx.opc.exceptions import PackageNotFoundError
    from docxtpl import DocxTemplate
    from lxml import etree

    class Strict(DocxTemplate):  # type: ignore[misc]
        def fix_tables(self, xml: str) -> Any:
            etree.fromstring(xml.encode("utf-8"))  # docxtpl mends broken XML by leaving words out
            return super().fix_tables(xml)

    made = Strict(io.BytesIO(docx))
    try:
        made.init_docx()
    except (PackageNotFoundError, zipfile.BadZipFile, etree.XMLSyntaxError, KeyError, ValueError) as error:
        raise FormError(f"expected a Word file (.docx), came something else: {error}") from error
    return made


def tags(made: DocxTemplate) -> Iterator[str]:
    """The Jinja of a template: of its body, its heads and its feet."""
    yield made.patch_xml(made.get_xml())
    for uri in (made.HEADER_URI, made.FOOTER_URI):
        for _, part in made.get_headers_footers(uri):
            yield made.patch_xml(made.get_part_xml(part))


def _saved(document: Any) -> io.BytesIO:
    written = io.BytesIO()
    document.save(written)
    written.seek(0)
    return written


def _roots(document: Document) -> Iterator[Any]:
    """The body, the heads and the feet."""
    yield document.element
    for relation in document.part.rels.values():
        if relation.reltype.endswith(("/header", "/footer")) and not relation.is_external:
            yield relation.target_part.element


def _draw_blanks(document: Document, root: Any) -> None:
    """Blanks as underlined spaces; nothing on a ruled line or where a cell holds nothing else."""
    from docx.oxml.ns import qn
    from docx.text.paragraph import Paragraph

    for paragraph in list(root.iter(qn("w:p"))):
        text = "".join(t.text or "" for t in paragraph.iter(qn("w:t")))
        if OPEN not in text:
            continue
        alone = not _MARKED.sub("", text).strip()
        in_cell = next(paragraph.iterancestors(qn("w:tc")), None) is not None
        unseen = _is_ruled(Paragraph(paragraph, document)) or (alone and in_cell)
        for run in [run for run in paragraph.iter(qn("w:r")) if any(OPEN in (t.text or "") for t in run)]:
            _draw_in_run(run, unseen=unseen)


def _is_ruled(paragraph: Any) -> bool:
    """True if a line runs below the paragraph, by itself or by its style."""
    from docx.oxml.ns import qn

    holders = [paragraph._p, paragraph.style.element] if paragraph.style is not None else [paragraph._p]
    return any(holder.find(f"{qn('w:pPr')}/{qn('w:pBdr')}/{qn('w:bottom')}") is not None for holder in holders)


def _draw_in_run(run: Any, *, unseen: bool) -> None:
    """A run with blanks becomes several: words as they were, blanks underlined."""
    from docx.oxml.ns import qn

    for child in [child for child in run if child.tag != qn("w:rPr")]:
        parts = _MARKED.split(child.text or "") if child.tag == qn("w:t") else [None]
        for part in parts:
            if part == "" or (unseen and part and part.startswith(OPEN)):
                continue
            run.addprevious(_piece(run, child, part))
    run.getparent().remove(run)


def _piece(run: Any, child: Any, part: str | None) -> Any:
    """A run like `run` that holds `child` alone (part None), or one part of its text."""
    from docx.oxml.ns import qn
    from docx.text.run import Run

    made = deepcopy(run)
    for other in [other for other in made if other.tag != qn("w:rPr")]:
        made.remove(other)
    if part is None:
        made.append(deepcopy(child))
    elif part.startswith(OPEN):
        text = Run(made, None)  # type: ignore[arg-type]
        text.underline = True
        text.add_text(NBSP * max(round(float(part[1:-1]) / SPACE_MM), 1))
    else:
        text = deepcopy(child)
        text.text = part
        made.append(text)
    return made


def _mark_copy(document: Document, words: str) -> None:
    """A copy says that it is one, also where an authority's own template forgot it."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn

    if any(words in "".join(t.text or "" for t in root.iter(qn("w:t"))) for root in _roots(document)):
        return
    first = next(document.element.body.iterchildren())
    made = document.add_paragraph()
    made.add_run(words).bold = True
    made.alignment = WD_ALIGN_PARAGRAPH.CENTER
    first.addprevious(made._p)


def packed(docx: bytes) -> bytes:
    """The same .docx with its parts in the order of their names, and nothing that tells of a day or a machine."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            part = zipfile.ZipInfo(name, EPOCH)
            part.create_system, part.compress_type = 3, zipfile.ZIP_DEFLATED
            new.writestr(part, old.read(name), compresslevel=9)
    return written.getvalue()
