"""Which marks are drawn on a PDF: a QR code copied from a document of ours makes a page look like one of ours."""

from __future__ import annotations

import pypdfium2

from qujat import mark, qr
from qujat.errors import Indeterminate, MarkInvalid
from qujat.pagetext import PDFIUM
from qujat.verifier.report import Objection

_LOOKED_AT = 10  # pages from the beginning, and as many from the end


def marks(pdf: bytes) -> tuple[str, ...]:
    """The texts of QR codes that are marks, on the first and the last pages. Raises Objection: a page too large."""
    found: list[str] = []
    for index in _pages(pdf):
        try:
            found.extend(text for text in qr.read_page(pdf, index) if _is_mark(text))
        except Indeterminate as error:
            raise Objection("too-costly", "a page too large to look for a mark on it") from error
        except MarkInvalid as error:
            raise Objection("malformed", "a page that cannot be drawn") from error
    return tuple(found)


def _pages(pdf: bytes) -> list[int]:
    with PDFIUM:
        try:
            document = pypdfium2.PdfDocument(pdf)
        except pypdfium2.PdfiumError as error:
            raise Objection("malformed", "a file that cannot be drawn") from error
        count = len(document)
        document.close()
    return sorted({*range(min(count, _LOOKED_AT)), *range(max(count - _LOOKED_AT, 0), count)})


def _is_mark(text: str) -> bool:
    try:
        mark.read_text(text)
    except MarkInvalid:
        return False
    return True
