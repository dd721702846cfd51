"""Edition and fields → HTML → PDF: the same input gives the same bytes, in any process, zone or hash seed.

The page is PDF/A-3a and PDF/UA-1: tagged, language and title set, the decision's data attached. Fonts and style
sheets are parsed once for the process; a warning of the engine is an error; nothing outside templates/ is fetched.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from qujat.errors import FormError, RenderingError

TEMPLATES = Path(__file__).parent / "templates"
FACE = "Qujat Serif"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the PDF, and what it is to it (AFRelationship, ISO 19005-3 clause 6.8).

    media_type: empty leaves it to the engine, which knows those of common endings.
    """

    name: str
    content: bytes
    description: str
    relationship: Literal["Data", "Source", "Supplement"] = "Data"
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that a page is made of. `words` is the context of the wording; `mark` the PNG of the QR.

    images: further PNGs by the address under which the wording shows them.
    """

    template: str
    words: Mapping[str, Any]
    created: datetime
    mark: bytes | None = None
    attachments: Sequence[Attachment] = field(default=())
    images: Mapping[str, bytes] = field(default_factory=dict)


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """Jinja as wordings get it: strict, escaping, sandboxed, compiled once."""
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )


def html(sheet: Sheet, pages: int = 1) -> str:
    """The page as well-formed HTML that says how many pages it has; raises FormError for a wrong wording."""
    return fill(sheet.template, {**sheet.words, "pages": pages})


def fill(template: str, words: Mapping[str, Any]) -> str:
    """A template of templates/ with its words, escaped; raises FormError for a wrong one."""
    try:
        return environment().get_template(template).render(words)
    except TemplateSyntaxError as error:
        raise FormError(f"{error.name}, line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise FormError(f"{template}: {error.message}") from error


def tree(markup: str) -> ElementTree.Element:
    """HTML as an element tree; raises FormError, with the place, if a wording is not well-formed XML."""
    try:
        return ElementTree.fromstring(markup)  # noqa: S314  our own templates, values escaped, no DTD
    except ElementTree.ParseError as error:
        line = markup.splitlines()[error.position[0] - 1][:200]
        raise FormError(f"the wording is not well-formed: {error}: {line}") from error


def pdf(sheet: Sheet) -> bytes:
    """The unsigned page. Raises FormError for a wording that is wrong, RenderingError if the engine complains.

    Laid out for one page, as most documents are; once more if it turns out to be another number.
    """
    from qujat import engine

    with _no_warnings(sheet.template), _gc_paused():
        laid_out = engine.lay_out(tree(html(sheet)), sheet)
        if len(laid_out.pages) != 1:
            laid_out = engine.lay_out(tree(html(sheet, len(laid_out.pages))), sheet)
        return engine.write(laid_out, sheet)


@cache
def engine_versions() -> Mapping[str, str]:
    """Versions of all that has a say in the bytes of a page."""
    from weasyprint.text.ffi import ffi, pango

    pango_version = pango.pango_version()
    del ffi
    return {
        "weasyprint": version("weasyprint"),
        "pydyf": version("pydyf"),
        "fonttools": version("fonttools"),
        "pango": f"{pango_version // 10000}.{pango_version // 100 % 100}.{pango_version % 100}",
    }


class _Complaints(logging.Handler):
    """Gathers the engine's warnings of this thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.thread = threading.get_ident()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.messages.append(record.getMessage())


@contextmanager
def _no_warnings(what: str) -> Iterator[None]:
    """Raises RenderingError if WeasyPrint warned: what it skips silently would be missing from a state document."""
    complaints, logger = _Complaints(), logging.getLogger("weasyprint")
    logger.addHandler(complaints)
    try:
        yield
    finally:
        logger.removeHandler(complaints)
    if complaints.messages:
        raise RenderingError(f"{what}: expected no warning of the engine, came: {'; '.join(complaints.messages)}")


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Layout makes a million small objects that live to its end; collecting in between costs a tenth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
