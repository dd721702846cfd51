"""The mark drawn as a QR code (ISO/IEC 18004) and read back from a page. What it says is `qujat.mark`."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pypdfium2
import qrcode
import zxingcpp
from qrcode.exceptions import DataOverflowError
from qrcode.util import QRData

from qujat.errors import Indeterminate, MarkInvalid, RenderingError
from qujat.pagetext import PDFIUM

QUIET_ZONE: Final = 4  # modules of paper on every side (ISO/IEC 18004, 6.3.8)
LARGEST_VERSION: Final = 12  # 65 modules, 290 bytes: what reads at PRINTED_SIDE_MM

# Looking for the best of the eight masks costs 12 ms of 15 and gains nothing at the size we print: at 40 mm each mask
# alone reads 80 of 80 with both readers (at 38 mm zxing-cpp 70 to 79, this one 79; zbar 78 to 80). This one also had
# the lowest average penalty (ISO/IEC 18004, 7.8.3) of 25 marks.
MASK: Final = 2

# The side of the printed image, quiet zone included: the smallest that reads 40 of 40 with both readers, and a tenth.
# Hard variant of scripts/measure-mark.py (150 dpi, rotated 3 degrees, blurred, grey, noise, JPEG 50); "direct" draws at
# 150 dpi (modules of 3 or 4 pixels in turn), "print" at 600 and averages. Read of 40 by zxing-cpp / zbar:
#
#     side mm              36     38     39     40     41     42     43     44     45     46
#     version 11 direct  24/38  40/40  37/40  40/40  40/40  40/40  40/40  40/40  38/40  40/40
#                print   35/40  40/40         40/40         40/40         40/40         40/40
#     version 12 direct  26/0   34/25  39/33  40/37  39/40  39/40  39/40  40/40  40/40  40/40
#                print   19/27  35/40         40/40         40/40         40/40         40/40
#     version 13 direct   0/0   24/0   33/39  37/36  39/37  40/40  39/40  36/40  40/40  40/40
#
# 38 mm does not count, since 39 mm misses three. At 44 mm a module is 0.64 mm (version 11) or 0.60 mm (12), and of 200
# marks were read: version 11 direct 200/200, print 200/200; version 12 direct 196/199, print 200/200.
PRINTED_SIDE_MM: Final = 44.0

_BYTES: Final = 4  # the mode indicator of bytes (ISO/IEC 18004, table 2)
_MAX_PIXELS: Final = 40_000_000
_QR_ONLY: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn QR code. `rows` has the quiet zone in it: one character a module, "1" is dark."""

    version: int
    rows: tuple[str, ...]

    @property
    def modules(self) -> int:
        """Modules a side, without the quiet zone."""
        return len(self.rows) - 2 * QUIET_ZONE

    @property
    def png(self) -> bytes:
        """One pixel a module, one bit a pixel, quiet zone included; show it with `image-rendering: pixelated`."""
        side = len(self.rows)
        width = (side + 7) // 8
        lines = (int(row.ljust(width * 8, "0"), 2) ^ (1 << width * 8) - 1 for row in self.rows)
        raw = b"".join(b"\0" + line.to_bytes(width) for line in lines)
        head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
        # Stored, not deflated: a QR does not compress, and no other zlib gives other bytes.
        data = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(raw, 0)) + _chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + data

    @property
    def svg(self) -> str:
        """One path, one unit a module, quiet zone included (white)."""
        side = len(self.rows)
        runs = ((run, y) for y, row in enumerate(self.rows) for run in re.finditer("1+", row))
        path = "".join(f"M{run.start()} {y}h{len(run[0])}v1h-{len(run[0])}z" for run, y in runs)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
            f'<path fill="#fff" d="M0 0h{side}v{side}h-{side}z"/><path d="{path}"/></svg>'
        )


def draw(text: str) -> Drawing:
    """Draw a text in the smallest QR code that holds it: correction M, digits after the '#' in numeric mode.

    Text that is not ASCII raises ValueError; too long for LARGEST_VERSION (it would not read at PRINTED_SIDE_MM),
    RenderingError.
    """
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, mask_pattern=MASK, border=QUIET_ZONE)
    for segment in _segments(text):
        code.add_data(segment)
    try:
        version = code.version
    except (DataOverflowError, ValueError):  # the library means the first and raises the second
        version = 41
    if version > LARGEST_VERSION:
        raise RenderingError(
            f"expected a mark that fits a QR of version {LARGEST_VERSION}, came {len(text)} characters"
            f" ({version}): shorten the address of the office or the document's number"
        )
    code.make(fit=False)  # `version` has just found the fit; True would look for it twice more
    return _drawing(code)


def draw_in(text: str, version: int) -> Drawing:
    """Draw an ASCII text as bytes in a QR code of this version, correction M. RenderingError if it does not fit."""
    code = qrcode.QRCode(version, qrcode.ERROR_CORRECT_M, mask_pattern=MASK, border=QUIET_ZONE)
    code.add_data(QRData(text.encode("ascii"), _BYTES), optimize=0)
    try:
        code.make(fit=False)
    except DataOverflowError as error:
        raise RenderingError(f"expected a text that fits a QR of version {version}, came {len(text)} bytes") from error
    return _drawing(code)


def _drawing(code: qrcode.QRCode[Any]) -> Drawing:
    return Drawing(code.version, tuple("".join("1" if dark else "0" for dark in row) for row in code.get_matrix()))


def terminal(text: str) -> str:
    """Draw a text for a terminal, two modules a character, black on white whatever the colours of the terminal are."""
    rows = draw(text).rows
    blank = "0" * len(rows)
    pairs = zip(rows[::2], [*rows[1::2], blank], strict=True)  # the side is odd
    lines = ("".join(_HALVES[a + b] for a, b in zip(upper, lower, strict=True)) for upper, lower in pairs)
    return "".join(f"\x1b[30;107m{line}\x1b[0m\n" for line in lines)


_HALVES: Final = {"00": " ", "10": "▀", "01": "▄", "11": "█"}


def read_page(
    pdf: bytes,
    page_index: int | None = None,
    dpi: int = 150,
    crop: tuple[float, float, float, float] | None = None,
) -> list[str]:
    """Return the texts of all QR codes drawn on a page, or on all pages, in page order.

    `crop` is (x0, y0, x1, y1) in points from the lower left corner of the page as shown: look only there, much faster.
    A file or page that cannot be opened raises MarkInvalid, one too large to draw Indeterminate.
    """
    with PDFIUM:
        try:
            document = pypdfium2.PdfDocument(pdf)
            try:
                wanted = range(len(document)) if page_index is None else [page_index]
                return [text for index in wanted for text in _texts(document[index], dpi / 72, crop)]
            finally:
                document.close()
        except pypdfium2.PdfiumError as error:
            raise MarkInvalid("expected a PDF with that page, not locked: the file does not open") from error


def _texts(page: pypdfium2.PdfPage, scale: float, crop: tuple[float, float, float, float] | None) -> list[str]:
    width, height = page.get_size()
    x0, y0, x1, y1 = crop or (0.0, 0.0, width, height)
    cut = (max(x0, 0), max(y0, 0), max(width - x1, 0), max(height - y1, 0))
    if (width - cut[0] - cut[2]) * (height - cut[1] - cut[3]) * scale * scale > _MAX_PIXELS:
        raise Indeterminate("the page is too large to look for a mark on it: give the place of the mark")
    bitmap = page.render(scale, crop=cut, grayscale=True)
    # A memoryview, not zxingcpp.ImageView: that one lets go of the buffer and crashes (3.1). Padding at the end of a
    # line, if any, is read as a few more columns.
    image = memoryview(bitmap.buffer).cast("B").cast("B", (bitmap.height, bitmap.stride))
    found = zxingcpp.read_barcodes(image, _QR_ONLY, try_invert=False)
    return [code.text for code in found]


def _segments(text: str) -> Iterator[QRData]:
    if not text or not text.isascii():
        raise ValueError("expected a text in ASCII: how a QR's other letters are read depends on the reader")
    # QRData takes the densest mode for a whole segment: bytes for an address in lower case, numeric for digits.
    digits = re.search(r"(?<=#)[0-9]+\Z", text)
    yield QRData(text[: digits.start()] if digits else text)
    if digits:
        yield QRData(digits[0])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
