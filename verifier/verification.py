"""The way in: any file → a report. `verify` works in a bounded process, `verify_here` in this one, unbounded."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime

from qujat.signing.trust import Trust
from qujat.verifier import cms_files
from qujat.verifier.bounds import DEFAULT, Limits, bounded
from qujat.verifier.report import Format, Objection, Report, begun

MAX_BYTES = 50_000_000

# What libraries raise for files that were made to break them, beside errors of their own (`_library_faults`).
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)


def verify(
    content: bytes, *, data: bytes | None = None, trust: Trust, at: datetime | None = None, limits: Limits = DEFAULT
) -> Report:
    """What is to be said of the signatures in any file: a PDF, an XML, or a CMS (DER, PEM, Base64).

    `data` is what a detached CMS signed. `at` is the moment as of which a file without a timestamp is judged (default:
    now). Runs in a process of its own with bounded time and memory and no network; never raises for what is in a file.
    """
    moment = (at or datetime.now(UTC)).astimezone(UTC)
    if len(content) + len(data or b"") > MAX_BYTES:
        return _report("unknown", trust, moment).because("too-large", f"more than {MAX_BYTES} bytes")
    return bounded(content, data, trust, moment, limits)


def verify_here(content: bytes, *, data: bytes | None = None, trust: Trust, at: datetime) -> Report:
    """The same in this process, without bounds on time and memory."""
    moment, form = at.astimezone(UTC), format_of(content)
    try:
        return _examined(form, content, data, trust, moment)
    except Objection as objection:
        return _report(form, trust, moment).because(objection.code, objection.message)


def format_of(content: bytes) -> Format:
    """What a file is, by how it begins."""
    head = content[:1024]
    if b"%PDF-" in head and head[:1] != b"<":
        return "pdf"
    stripped = (
        head.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").lstrip(b"\0 \t\r\n")
    )
    if stripped[:1] == b"<":
        return "xml"
    if head[:1] in (b"\x30", b"M") or head.lstrip().startswith(b"-----BEGIN "):
        return "cms"
    return "unknown"


def _examined(form: Format, content: bytes, data: bytes | None, trust: Trust, now: datetime) -> Report:
    if data is not None and form != "cms":
        raise Objection("data-not-expected")
    if form == "cms":
        return _cms(content, data, trust, now)
    if form == "pdf":
        return _pdf(content, trust, now)
    if form == "xml":
        return _xml(content, trust, now)
    raise Objection("container" if content.startswith(b"PK\x03\x04") else "unrecognised")


def _cms(content: bytes, data: bytes | None, trust: Trust, now: datetime) -> Report:
    encoded = cms_files.der_of(content)
    if encoded is None:
        raise Objection("unrecognised")
    signature = cms_files.examine(encoded, data, trust, now)
    return _report("cms", trust, now).model_copy(update={"signatures": (signature,)})


def _pdf(content: bytes, trust: Trust, now: datetime) -> Report:
    from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfError

    from qujat.verifier import drawn, pdf_files

    try:
        report = pdf_files.examine(content, trust, now)
        # Only a file that would pass is worth drawing.
        return report.model_copy(update={"marks": drawn.marks(content)}) if report.value == "valid" else report
    except PdfDecodeLimitError as error:
        raise Objection("too-costly", "a stream that grows too large") from error
    except (PdfError, *_FAULTS) as error:
        raise Objection("malformed", type(error).__name__) from error


def _xml(content: bytes, trust: Trust, now: datetime) -> Report:
    from lxml import etree

    from qujat.verifier import xml_files

    try:
        return xml_files.examine(content, trust, now)
    except (etree.LxmlError, *_FAULTS) as error:
        raise Objection("xml-malformed", type(error).__name__) from error


def _report(form: Format, trust: Trust, now: datetime) -> Report:
    return begun(form, trust, now)
