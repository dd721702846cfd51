"""The mark drawn and read back: in a file, on a page, and on a poor copy of the page.

The spoiling and the foreign reader are those of scripts/measure-mark.py, which chose the printed side.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pypdfium2
import pytest
import qrcode
import zxingcpp
from PIL import Image
from qrcode.util import MODE_8BIT_BYTE, MODE_NUMBER

from qujat import qr
from qujat.errors import Indeterminate, MarkInvalid, RenderingError


def _script() -> ModuleType:
    path = Path(__file__).parent.parent / "scripts" / "measure-mark.py"
    spec = importlib.util.spec_from_file_location("measure_mark", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


measure = _script()
TEXT = measure.sample_text(0)
TRIALS = 40
TEXTS = [measure.sample_text(seed) for seed in range(TRIALS)]


def segments(text: str) -> list[tuple[int, int]]:
    return [(segment.mode, len(segment)) for segment in qr._segments(text)]


# Drawing


def test_a_typical_mark_is_version_11_with_61_modules() -> None:
    drawing = qr.draw(TEXT)
    assert 500 < len(TEXT) < 560
    assert (drawing.version, drawing.modules, len(drawing.rows)) == (11, 61, 69)


def test_a_mark_has_two_segments_bytes_up_to_the_sign_and_digits_after() -> None:
    address, digits = TEXT.split("#")
    expected = [(MODE_8BIT_BYTE, len(address) + 1), (MODE_NUMBER, len(digits))]
    assert segments(TEXT) == expected
    by_itself = qrcode.QRCode()
    by_itself.add_data(TEXT)
    assert [(segment.mode, len(segment)) for segment in by_itself.data_list] == expected


def test_a_text_without_a_proof_is_one_segment() -> None:
    address = TEXT.split("#")[0]
    assert segments(address) == [(MODE_8BIT_BYTE, len(address))]
    assert segments(address + "#12x") == [(MODE_8BIT_BYTE, len(address) + 4)]


def test_the_drawing_is_what_the_library_draws() -> None:
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, mask_pattern=qr.MASK)
    code.add_data(TEXT)
    assert qr.draw(TEXT).rows == tuple("".join("01"[dark] for dark in row) for row in code.get_matrix())


def test_the_code_says_its_correction_and_is_read_with_it() -> None:
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(qr.draw(TEXT).png)).resize((276, 276)))
    assert (code.text, code.ec_level) == (TEXT, "M")


def test_the_png_holds_one_bit_a_module_and_a_white_quiet_zone() -> None:
    drawing = qr.draw(TEXT)
    image = Image.open(io.BytesIO(drawing.png))
    assert (image.format, image.mode, image.size) == ("PNG", "1", (69, 69))
    dark = tuple("".join("0" if image.getpixel((x, y)) else "1" for x in range(69)) for y in range(69))
    assert dark == drawing.rows
    assert all(row == "0" * 69 for row in (*dark[:4], *dark[-4:]))
    assert all(row[:4] == row[-4:] == "0000" for row in dark)


def test_the_same_text_gives_the_same_bytes() -> None:
    assert qr.draw(TEXT).png == qr.draw(TEXT).png
    assert qr.draw(TEXT).svg == qr.draw(TEXT).svg


def test_the_svg_reads_as_well() -> None:
    import weasyprint

    style = "<style>@page { size: 60mm; margin: 5mm } svg { width: 44mm; height: 44mm }</style>"
    pdf = weasyprint.HTML(string=style + qr.draw(TEXT).svg).write_pdf()
    assert pdf is not None
    assert qr.read_page(pdf) == [TEXT]


def test_a_terminal_drawing_has_the_same_modules() -> None:
    rows = qr.draw(TEXT).rows
    lines = [line.removeprefix("\x1b[30;107m").removesuffix("\x1b[0m") for line in qr.terminal(TEXT).splitlines()]
    upper = ["".join("1" if c in "▀█" else "0" for c in line) for line in lines]
    lower = ["".join("1" if c in "▄█" else "0" for c in line) for line in lines]
    assert [row for pair in zip(upper, lower, strict=True) for row in pair][:-1] == list(rows)


@pytest.mark.parametrize("text", ["https://h/d/" + "a" * 400, TEXT + "1" * 300, "9" * 8000])
def test_a_mark_too_long_for_its_printed_side_is_not_drawn(text: str) -> None:
    with pytest.raises(RenderingError, match="version 12"):
        qr.draw(text)


@pytest.mark.parametrize("text", ["", "https://құжат.kz/d/x#1"])
def test_only_ascii_is_drawn(text: str) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        qr.draw(text)


@pytest.mark.parametrize("version", [11, 12])
def test_a_printed_module_is_at_least_half_a_millimetre(version: int) -> None:
    assert qr.PRINTED_SIDE_MM / len(qr.draw(measure.sample_text(0, version)).rows) >= 0.5


# Reading a page


@pytest.fixture(scope="module")
def pdf() -> bytes:
    made = measure.printed([qr.draw(text) for text in TEXTS], qr.PRINTED_SIDE_MM)
    assert isinstance(made, bytes)
    return made


def test_a_page_gives_its_own_mark_and_a_document_all(pdf: bytes) -> None:
    assert qr.read_page(pdf, 3) == [TEXTS[3]]
    assert qr.read_page(pdf) == TEXTS


def test_reading_keeps_to_the_crop(pdf: bytes) -> None:
    side, margin = qr.PRINTED_SIDE_MM * 72 / 25.4, 10 * 72 / 25.4
    mark_box = (margin, margin, margin + side, margin + side)
    assert qr.read_page(pdf, 0, crop=mark_box) == [TEXT]
    assert qr.read_page(pdf, 0, crop=(0, 0, 2000, 2000)) == [TEXT]
    assert qr.read_page(pdf, 0, crop=(0, 0, margin + side / 2, margin + side)) == []


def test_two_marks_on_a_page_are_both_read() -> None:
    import weasyprint

    style = "<style>@page { size: 60mm 130mm; margin: 5mm } svg { width: 44mm; height: 44mm; display: block }</style>"
    made = weasyprint.HTML(string=style + qr.draw(TEXTS[0]).svg + qr.draw(TEXTS[1]).svg).write_pdf()
    assert made is not None
    assert sorted(qr.read_page(made)) == sorted(TEXTS[:2])


def test_what_is_no_pdf_or_no_page_of_it_is_refused(pdf: bytes) -> None:
    for data, page in [(b"", None), (b"%PDF-1.7 junk", 0), (pdf, TRIALS), (pdf, -1)]:
        with pytest.raises(MarkInvalid, match="expected a PDF"):
            qr.read_page(data, page)


def test_a_giant_page_is_not_drawn() -> None:
    document = pypdfium2.PdfDocument.new()
    document.new_page(14000, 14000)
    file = io.BytesIO()
    document.save(file)
    document.close()
    with pytest.raises(Indeterminate, match="too large"):
        qr.read_page(file.getvalue())
    assert qr.read_page(file.getvalue(), crop=(0, 0, 200, 200)) == []


# Reading a poor copy

VARIANTS: dict[str, Callable[[Image.Image, int], Image.Image]] = {
    "clean": lambda image, seed: image,
    "blurred": lambda image, seed: measure.blurred(image),
    "rotated": lambda image, seed: measure.rotated(image),
    "jpeg": lambda image, seed: measure.as_jpeg(image),
    "noisy": measure.noisy,
    "hard": measure.hard,
}


@pytest.fixture(scope="module")
def pages(pdf: bytes) -> list[Image.Image]:
    scanned: list[Image.Image] = measure.scanned(pdf)
    return scanned


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_readers_read_every_copy_at_the_printed_side(variant: str, pages: list[Image.Image]) -> None:
    copies = [VARIANTS[variant](page, seed) for seed, page in enumerate(pages)]
    assert measure.read_zxing(copies) == TEXTS
    assert measure.read_zbar(copies) == TEXTS  # without zbarimg this fails, and it should


def test_the_largest_version_reads_on_a_printed_copy() -> None:
    assert measure.count(12, qr.PRINTED_SIDE_MM, trials=20, finer=4) == (20, 20)
