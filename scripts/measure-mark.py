"""Measure how small the mark can be printed: the table behind `PRINTED_SIDE_MM` in qr.py.

    .venv/bin/python scripts/measure-mark.py [--trials 40] [--versions 11 12 13] [--sides 34 35 …] [--masks 0 1 …]
                                             [--finer 4]

Each trial prints another mark with WeasyPrint, rasterises the page at 150 dpi and spoils it as a poor photograph of a
poor print would (the hard variant): rotated, blurred, little contrast, noise, JPEG. Both zxing-cpp and zbar read it.
"""

from __future__ import annotations

import argparse
import base64
import io
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import pypdfium2
import zxingcpp
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image, ImageChops, ImageFilter

from qujat import mark, qr

DPI = 150
KEY = ec.derive_private_key(20151123, ec.SECP256R1())  # for marks that nobody is to believe
BASE_URLS = {  # each brings a typical mark to that version
    11: "https://qujat.enbek.gov.kz",
    12: "https://qujat.migration.enbek.gov.kz",
    13: "https://qujat." + "migration." * 5 + "enbek.gov.kz",
}


def sample_text(seed: int, version: int = 11) -> str:
    """Return the text of a mark of an invented person; another for every seed, always the same for one."""
    chance = random.Random(seed)
    token, digest = chance.randbytes(12), chance.randbytes(32)
    day = date(2026, 1, 1 + seed % 28)
    number, subject = f"2026-{seed:06}", "Қ*** Ә.Н."
    claims = mark.Claims(
        token, 1_790_000_000 + seed, "o20-a05", "2026-01-01", "refusal", number, day, digest, subject
    )  # fmt: skip
    return mark.mark_text(BASE_URLS[version], token, mark.sign(claims, KEY, b"measured"))


def printed(drawings: Iterable[qr.Drawing], side_mm: float) -> bytes:
    """Return a PDF, one drawing a page, as the paper shows it."""
    import weasyprint

    images = (base64.b64encode(drawing.png).decode("ascii") for drawing in drawings)
    style = f"@page {{ size: {side_mm + 20}mm; margin: 10mm }} img {{ display: block; width: {side_mm}mm;"
    style += " image-rendering: pixelated; break-after: page }"
    body = "".join(f'<img src="data:image/png;base64,{image}">' for image in images)
    pdf = weasyprint.HTML(string=f"<style>{style}</style>{body}").write_pdf()
    assert isinstance(pdf, bytes)
    return pdf


def scanned(pdf: bytes, finer: int = 1) -> list[Image.Image]:
    """Return the pages as grey images of 150 dpi, drawn `finer` times as fine and averaged, as a printer would.

    With 1 the modules are some 3, some 4 pixels wide: a defect of the drawing, which a print does not have.
    """
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [page.render(DPI * finer / 72, grayscale=True).to_pil().convert("L") for page in document]
    return [page.reduce(finer) for page in pages]


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(1.0))


def rotated(image: Image.Image, degrees: float = 3) -> Image.Image:
    return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255)


def noisy(image: Image.Image, seed: int) -> Image.Image:
    """Ink that is not black, paper that is not white (47 to 207 of 255), and uniform noise of 16 to either side."""
    noise = Image.frombytes("L", image.size, random.Random(seed).randbytes(image.width * image.height))
    greyer = image.point([47 + v * 160 // 255 for v in range(256)])
    return ImageChops.add(greyer, noise.point([v // 8 for v in range(256)]), 1, -16)


def as_jpeg(image: Image.Image, quality: int = 50) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("L")


def hard(image: Image.Image, seed: int) -> Image.Image:
    """The hard variant: everything at once. Its strengths are a choice, and the sizes follow from it.

    About a dozen were tried on version 11. With noise of 24 to either side zxing-cpp misses some at nearly every size
    up to 46 mm, so it is not size that is measured; without noise both readers read from 36 mm. This one was taken
    because it comes near the earlier trials of this project (zbar, version 13: 34 of 40 at 40 mm, all at 45 mm).
    """
    return as_jpeg(noisy(blurred(rotated(image)), seed))


def read_zxing(images: Sequence[Image.Image]) -> list[str]:
    wanted = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    return [code.text for image in images for code in zxingcpp.read_barcodes(image, wanted)]


def read_zbar(images: Sequence[Image.Image]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{index:03}.pgm") for index in range(len(images))]
        for path, image in zip(paths, images, strict=True):
            image.save(path)
        command = ["zbarimg", "-Sdisable", "-Sqrcode.enable", "--raw", "-q", *map(str, paths)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def count(version: int, side_mm: float, trials: int, finer: int = 1) -> tuple[int, int]:
    """Return how many of the trials zxing-cpp and zbar read at that printed side, quiet zone included."""
    texts = [sample_text(seed, version) for seed in range(trials)]
    drawings = [qr.draw(text) for text in texts]
    assert {drawing.version for drawing in drawings} == {version}
    images = [hard(page, seed) for seed, page in enumerate(scanned(printed(drawings, side_mm), finer))]
    wanted = set(texts)
    return len(wanted & set(read_zxing(images))), len(wanted & set(read_zbar(images)))


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--versions", type=int, nargs="+", default=sorted(BASE_URLS))
    parser.add_argument("--sides", type=float, nargs="+", default=range(34, 51))
    parser.add_argument("--masks", type=int, nargs="+", default=[qr.MASK])
    parser.add_argument("--finer", type=int, default=1, help="draw so many times finer than 150 dpi, then average")
    given = parser.parse_args(arguments)
    print(f"read of {given.trials}; side in mm with the quiet zone; {DPI} dpi from {DPI * given.finer}, hard variant")
    print("mask version  side  module  zxing  zbar")
    qr.LARGEST_VERSION = 40  # type: ignore[misc]  # sizes that are not issued are measured too
    for mask in given.masks:
        qr.MASK = mask  # type: ignore[misc]
        for version in given.versions:
            for side in given.sides:
                module = side / (17 + 4 * version + 2 * qr.QUIET_ZONE)
                zxing, zbar = count(version, side, given.trials, given.finer)
                print(f"{mask:4} {version:7} {side:5.1f} {module:7.3f} {zxing:6} {zbar:5}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
