"""From a sheet to files: the PDF, a picture of each page, a small picture of the first. Runs in worker processes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pypdfium2

from qujat import rendering
from qujat.errors import StoreError
from qujat.pagetext import PDFIUM
from qujat.rendering import Sheet

SCALE = 2.0  # pixels a point: 144 dpi
SMALL = 0.5
_GREYS = 16  # black type on white paper: more only make the file larger


@dataclass(frozen=True, slots=True)
class Leaf:
    """One PDF to draw: `stem` is its place in the gallery, without the suffix."""

    sheet: Sheet
    stem: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """The files of one PDF, as addresses within the gallery. `pictures` has one for each page, or none."""

    stem: str
    pages: int
    pictured: bool

    @property
    def pdf(self) -> str:
        return f"{self.stem}.pdf"

    @property
    def pictures(self) -> list[str]:
        return [f"{self.stem}.{number}.png" for number in range(1, self.pages + 1)] if self.pictured else []

    @property
    def small(self) -> str:
        return f"{self.stem}.small.png" if self.pictured else ""

    @property
    def files(self) -> list[str]:
        return [self.pdf, *self.pictures, *([self.small] if self.small else [])]


def draw_all(
    leaves: Sequence[Leaf], folder: Path, *, pictures: bool, workers: int, done: Callable[[str], None]
) -> dict[str, Drawn]:
    """Draw every leaf into `folder`; `done` hears each stem. Raises FormError, RenderingError, StoreError."""
    found = {}
    for drawn in _each(leaves, folder, pictures, workers):
        done(drawn.stem)
        found[drawn.stem] = drawn
    return found


def _each(leaves: Sequence[Leaf], folder: Path, pictures: bool, workers: int) -> Iterator[Drawn]:
    if workers == 1:
        yield from (draw(leaf, folder, pictures=pictures) for leaf in leaves)
        return
    # Spawned, not forked: a fork would take over the locks of Pango and of threads that it has no threads for.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(draw, leaf, folder, pictures=pictures) for leaf in leaves]
        try:
            yield from (job.result() for job in as_completed(jobs))
        finally:
            pool.shutdown(cancel_futures=True)


def draw(leaf: Leaf, folder: Path, *, pictures: bool) -> Drawn:
    """Draw one leaf: the same sheet always gives the same bytes."""
    pdf = rendering.pdf(leaf.sheet)
    with _opened(pdf) as document:
        drawn = Drawn(leaf.stem, len(document), pictures)
        shown = [*(_png(page, SCALE) for page in document), _png(document[0], SMALL)] if pictures else []
    for name, content in zip(drawn.files, [pdf, *shown], strict=True):
        write(folder / name, content)
    return drawn


def write(path: Path, content: bytes) -> None:
    """Write one file, with its folders. Raises StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def _opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    with PDFIUM:
        document = pypdfium2.PdfDocument(pdf)
        try:
            yield document
        finally:
            document.close()


def _png(page: pypdfium2.PdfPage, scale: float) -> bytes:
    image = page.render(scale, grayscale=True).to_pil().quantize(_GREYS)
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()
