"""The gallery: every form in every edition and language that is held, blank and filled, as PDF, pictures and HTML.

    index.html                     the orders, their forms, the editions on an axis of days
    forms/<annex>.html             one form: its pages in both languages side by side
    differences/….html             two neighbouring editions in one language, the words that differ marked
    pages/<annex>/….pdf, ….png     the pages themselves

It opens from a disk, needs no script, and the same forms always give the same files. No page of it is a document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qujat import pages
from qujat.catalogue import Catalogue
from qujat.errors import ConfigurationError
from qujat.gallery import rooms, specimens
from qujat.gallery.contents import Choice, Part, parts, shelves
from qujat.gallery.drawing import Leaf, draw_all, write
from qujat.rendering import TEMPLATES

__all__ = ["Built", "Choice", "build"]

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What was made: the page to open, and how much of it there is."""

    index: Path
    forms: int
    wordings: int
    pages: int


def build(catalogue: Catalogue, folder: Path, choice: Choice, *, workers: int, progress: Progress) -> Built:
    """Build the gallery in a new or empty folder.

    `progress` hears (PDFs drawn, PDFs in all, the one drawn). Raises UnknownForm; ConfigurationError for a folder
    that is in use or fixtures that are missing; FormError for a wrong form; StoreError if a file cannot be written.
    """
    _check_folder(folder)
    found = shelves(catalogue, choice)
    forms = [form for shelf in found for form in shelf.forms]
    specimens.check_fixtures(forms)
    held = [part for form in forms for part in parts(form, choice.languages) if part.held]
    leaves = [leaf for part in held for leaf in _leaves(catalogue, part)]
    numbers = iter(range(1, len(leaves) + 1))
    drawn = draw_all(
        leaves,
        folder,
        pictures=choice.pictures,
        workers=workers,
        done=lambda stem: progress(next(numbers), len(leaves), stem),
    )
    shown = [rooms.room(catalogue, shelf, form, choice, drawn) for shelf in found for form in shelf.forms]
    _write_pages(folder, shown, choice)
    return Built(folder / "index.html", len(forms), len(held), sum(one.pages for one in drawn.values()))


def _check_folder(folder: Path) -> None:
    try:
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return
    except OSError as error:
        raise ConfigurationError(f"{folder}: cannot be looked at: {error.strerror}") from error
    what = "a folder with files in it" if folder.is_dir() else "a file"
    raise ConfigurationError(f"-o {folder}: expected a new or an empty folder, came {what}; name another, or clear it")


def _leaves(catalogue: Catalogue, part: Part) -> Iterator[Leaf]:
    if part.wording:
        yield Leaf(pages.blank(catalogue, part.wording), f"{part.stem}.blank")
        yield Leaf(specimens.filled(catalogue, part.wording), f"{part.stem}.filled")


def _write_pages(folder: Path, shown: Sequence[rooms.Room], choice: Choice) -> None:
    _write_html(folder / "index.html", rooms.index(shown, choice))
    for room in shown:
        _write_html(folder / room.address, rooms.form_page(room, choice))
        for neighbours in room.neighbours:
            _write_html(folder / neighbours.address, rooms.differences_page(room, neighbours, choice))
    styles = (TEMPLATES / "web" / "tokens.css", TEMPLATES / "gallery" / "style.css")
    write(folder / "style.css", b"".join(style.read_bytes() for style in styles))
    for font in sorted((TEMPLATES / "paper" / "v1" / "fonts").iterdir()):
        write(folder / "fonts" / font.name, font.read_bytes())


def _write_html(path: Path, html: str) -> None:
    write(path, html.encode("utf-8"))
