"""WeasyPrint, kept warm. Imported only when a page is drawn: the import alone takes 0.4 s."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import cssselect2
import pydyf
from weasyprint import CSS, HTML, Attachment
from weasyprint.document import Document
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from qujat.errors import RenderingError
from qujat.rendering import FACE, TEMPLATES

if TYPE_CHECKING:
    from qujat.rendering import Sheet

MARK_URL = "mark:png"
PAPER = TEMPLATES / "paper" / "v1" / "paper.css"

_PDFUA = "http://www.aiim.org/pdfua/ns/id/"
# PDF/A wants every XMP property described: the schema of pdfuaid, inside the same rdf:RDF (ISO 19005-3, 6.6.2.3).
_PDFUA_RDF = f"""<rdf:Description rdf:about="" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:pdfuaid="{_PDFUA}" pdfuaid:part="1"/>
<rdf:Description rdf:about="" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"
 xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"><pdfaExtension:schemas><rdf:Bag>
<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>{_PDFUA}</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType><pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description></rdf:RDF>""".encode()


class _Fetcher(URLFetcher):  # type: ignore[misc]
    """Serves the images of this page and nothing else: a wording cannot pull anything in."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(allowed_protocols=())
        self._images = {**sheet.images, **({MARK_URL: sheet.mark} if sheet.mark else {})}

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        if url in self._images:
            return URLFetcherResponse(url, self._images[url], {"Content-Type": "image/png"})
        raise ValueError(f"a page may fetch nothing, asked for {url[:80]}")


class _Page(HTML):  # type: ignore[misc]
    """HTML from a tree that we parsed ourselves (well-formed, by C code) in place of tinyhtml5."""

    def __init__(self, root: ElementTree.Element, fetcher: URLFetcher) -> None:
        self.base_url = TEMPLATES.as_uri() + "/"
        self.url_fetcher = fetcher
        self.media_type = "print"
        _group_rows(root)
        self.wrapper_element = cssselect2.ElementWrapper.from_html_root(root, content_language=None)
        self.etree_element = self.wrapper_element.etree_element


def _group_rows(root: ElementTree.Element) -> None:
    """Put rows that stand in a table into a tbody, as an HTML parser does (HTML standard, "in table" insertion mode).

    Without it WeasyPrint 70 makes an anonymous group and tags it as a table within the table (ISO 14289-1, 7.2).
    """
    for table in list(root.iter("table")):
        body = None
        for child in list(table):
            if child.tag != "tr":
                body = None
                continue
            if body is None:
                body = ElementTree.Element("tbody")
                table.insert(list(table).index(child), body)
            table.remove(child)
            body.append(child)


@cache
def _style() -> tuple[FontConfiguration, CSS]:
    """The paper's fonts and style sheet, parsed once for the process."""
    fonts = FontConfiguration()
    return fonts, CSS(filename=PAPER, font_config=fonts, url_fetcher=URLFetcher(allowed_protocols=("file",)))


def lay_out(root: ElementTree.Element, sheet: Sheet) -> Document:
    """Lay out one HTML tree on pages."""
    fonts, style = _style()
    return _Page(root, _Fetcher(sheet)).render(font_config=fonts, stylesheets=[style], pdf_variant="pdf/a-3a")


def write(document: Document, sheet: Sheet) -> bytes:
    """Write what was laid out as PDF/A-3a and PDF/UA-1. Raises RenderingError for a face that is not ours."""
    _claim_ua(document)
    attachments = [
        Attachment(
            string=a.content,
            name=a.name,
            description=a.description,
            relationship=a.relationship,
            created=sheet.created,
            modified=sheet.created,
        )
        for a in sheet.attachments
    ]
    written: bytes = document.write_pdf(
        finisher=partial(_finish, sheet), pdf_variant="pdf/a-3a", attachments=attachments, pdf_identifier=True
    )
    return written


def _claim_ua(document: Document) -> None:
    """Add the PDF/UA-1 identification to the metadata that PDF/A-3a writes (ISO 14289-1 clause 5)."""
    metadata = document.metadata
    plain = metadata.generate_rdf_metadata

    def both(*arguments: Any) -> bytes:
        return bytes(plain(*arguments)).replace(b"</rdf:RDF>", _PDFUA_RDF)

    metadata.generate_rdf_metadata = both


def _finish(sheet: Sheet, document: Document, pdf: pydyf.PDF) -> None:
    """Before the file is written: check the faces, and list each attachment once (WeasyPrint lists it twice)."""
    for font in document.fonts.values():
        _check_font(font)
    if "AF" in pdf.catalog:
        pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))
    _order_attachments(sheet, pdf)
    _place_figures(document, pdf)
    pdf.objects[:] = [plain if plain.free == "f" else _Once(plain) for plain in pdf.objects]


def _order_attachments(sheet: Sheet, pdf: pydyf.PDF) -> None:
    """Number the keys of several attachments, and give the media types that were asked for.

    A name tree is sorted by its keys (ISO 32000-1, 7.9.6). WeasyPrint takes the names of the files, in no order.
    """
    streams = [thing for thing in pdf.objects if isinstance(thing, pydyf.Stream)]
    files = [stream for stream in streams if stream.extra.get("Type") == "/EmbeddedFile"]
    for file, attachment in zip(files, sheet.attachments, strict=True):
        if attachment.media_type:
            file.extra["Subtype"] = f"/{attachment.media_type.replace('/', '#2f')}"
    if len(files) > 1:
        names = pdf.catalog["Names"]["EmbeddedFiles"]
        (tree,) = (thing for thing in pdf.objects if thing.reference == names)
        tree["Names"][::2] = [pydyf.String(f"{number:04}") for number in range(1, len(files) + 1)]


def _place_figures(document: Document, pdf: pydyf.PDF) -> None:
    """Give the box of a figure in points from the foot of the page (ISO 32000-1, 14.8.5.4.3).

    WeasyPrint 70 writes CSS pixels from the head. All pages are of one size.
    """
    height, points = document.pages[0].height, 72 / 96
    for thing in pdf.objects:
        if isinstance(thing, pydyf.Dictionary) and thing.get("S") == "/Figure":
            left, top, right, foot = thing["A"]["BBox"]
            box = (left, height - foot, right, height - top)
            thing["A"]["BBox"] = pydyf.Array(side * points for side in box)


class _Once(pydyf.Object):  # type: ignore[misc]
    """An object written to bytes once: pydyf writes, and compresses, each object again for the file's identifier."""

    def __init__(self, plain: pydyf.Object) -> None:
        super().__init__()
        self.number, self.generation = plain.number, plain.generation
        self._compressible, self._data = bool(plain.compressible), bytes(plain.data)

    @property
    def data(self) -> bytes:
        return self._data

    @property
    def compressible(self) -> bool:
        return self._compressible


def _check_font(font: Any) -> None:
    """Raises RenderingError where Pango fell back to another face, or a letter has no glyph."""
    if not font.family.startswith(FACE) and font.family.replace("-", " ") != FACE:
        raise RenderingError(f"expected only the paper's face, came {font.family!r}: a letter is not in {FACE}")
