"""What a camera would see of a page, as a film for Chromium's camera that is none."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
from PIL import Image

from qujat.pagetext import PDFIUM

_SIZE = (1280, 720)
_DPI = 200
_FRAMES = 2


def film(pdf: bytes, path: Path) -> None:
    """Write a YUV4MPEG2 film of the last page's lower part, a little askew, as a hand holds it."""
    frame = _seen(pdf).convert("YCbCr")
    luma, blue, red = frame.split()
    half = (_SIZE[0] // 2, _SIZE[1] // 2)
    raw = luma.tobytes() + blue.resize(half).tobytes() + red.resize(half).tobytes()
    head = f"YUV4MPEG2 W{_SIZE[0]} H{_SIZE[1]} F10:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + (b"FRAME\n" + raw) * _FRAMES)


def _seen(pdf: bytes) -> Image.Image:
    with PDFIUM:
        document = pypdfium2.PdfDocument(pdf)
        page = document[len(document) - 1].render(_DPI / 72).to_pil().convert("RGB")
        document.close()
    turned = page.rotate(3, expand=True, fillcolor="#ddd", resample=Image.Resampling.BICUBIC)
    return _around_the_code(turned)


def _around_the_code(page: Image.Image) -> Image.Image:
    """The part of the page that a camera held over the code would have in view."""
    import zxingcpp

    (found,) = zxingcpp.read_barcodes(page)
    corners = found.position
    x = (corners.top_left.x + corners.bottom_right.x) // 2
    y = (corners.top_left.y + corners.bottom_right.y) // 2
    left, top = x - _SIZE[0] // 2, y - _SIZE[1] // 2
    seen = Image.new("RGB", _SIZE, "#999")
    seen.paste(page, (-left, -top))
    return seen
