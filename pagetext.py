"""What stands in a PDF of ours: the text of each page, the attached data, the mark as a phone reads it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qujat.errors import DocumentAltered

if TYPE_CHECKING:
    import pypdfium2

PDFIUM = threading.Lock()  # pdfium is not safe in threads: whoever opens a file with it holds this
_SPACE = re.compile(r"[\s\u00a0]+")
# pdfium gives a hyphen at the end of a line as one of these.
_LINE_END_HYPHEN = str.maketrans({"\x02": "-", "\ufffe": "-"})

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Contents:
    """The pages' texts, the attachments by name, and where the last page shows an image (the mark)."""

    pages: tuple[str, ...]
    attachments: dict[str, bytes]
    mark_page: int | None
    mark_box: Box | None


def read(pdf: bytes) -> Contents:
    """Read a PDF of ours. Raises DocumentAltered if it cannot be opened."""
    with _opened(pdf) as document:
        pages = _pages(document)
        found = [document.get_attachment(index) for index in range(document.count_attachments())]
        attachments = {attachment.get_name(): bytes(attachment.get_data()) for attachment in found}
        place = _image(document)
    return Contents(pages, attachments, *place)


def texts(pdf: bytes) -> tuple[str, ...]:
    """The texts of the pages alone, in half the time of `read`. Raises DocumentAltered if it cannot be opened."""
    with _opened(pdf) as document:
        return _pages(document)


@contextmanager
def _opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    import pypdfium2

    with PDFIUM:
        try:
            document = pypdfium2.PdfDocument(pdf)
        except pypdfium2.PdfiumError as error:
            raise DocumentAltered("expected a PDF; the file does not open") from error
        try:
            yield document
        except pypdfium2.PdfiumError as error:
            raise DocumentAltered("the PDF opens, but its contents cannot be read") from error
        finally:
            document.close()


def _pages(document: pypdfium2.PdfDocument) -> tuple[str, ...]:
    return tuple(_page_text(document[index]) for index in range(len(document)))


def _page_text(page: pypdfium2.PdfPage) -> str:
    return str(page.get_textpage().get_text_range()).translate(_LINE_END_HYPHEN)


def _image(document: pypdfium2.PdfDocument) -> tuple[int | None, Box | None]:
    """Page and place of the last image: the mark stands at the end."""
    import pypdfium2.raw as raw

    for index in reversed(range(len(document))):
        for item in document[index].get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]):
            left, bottom, right, top = item.get_bounds()
            return index, (left, bottom, right, top)
    return None, None


def squeezed(text: str) -> str:
    """Text without any white space: what can be compared across line breaks."""
    return _SPACE.sub("", text)
