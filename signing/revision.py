"""The one revision that a signature adds to a page (ISO 32000-1 7.5.6, 12.8; PAdES: ETSI EN 319 142-1 6.3).

Four objects: the signature dictionary, its field with an invisible widget, the first page with the widget among its
annotations, and the catalog with the form and the certification. Page, claim and room give the same bytes every time:
the verifier writes the revision again and compares, so nothing else can hide in it.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

from qujat.signing import page as pages
from qujat.signing.page import Page, unexpected

_EOF = b"%%EOF\n"
_CLAIM = re.compile(
    rb"/M \(D:(\d{14})\+00'00'\)/Name <FEFF([0-9A-F]*)>/Reason <FEFF([0-9A-F]*)>"
    rb"/ByteRange \[0 (\d{1,10}) (\d{1,10}) (\d{1,10})\] *\n?/Contents <"
)
_FIRST_KID = re.compile(rb"\[\s*(\d{1,7}) 0 R")
_BYTE_RANGE_WIDTH = len("/ByteRange [0 0123456789 0123456789 0123456789]")


Spelling = Literal["cades", "plain"]
# What /SubFilter says of the CMS: the one of PAdES (EN 319 142-1 6.3), or a plain one (ISO 32000-1 12.8.3.3).
_SUBFILTERS: dict[Spelling, bytes] = {"cades": b"/ETSI.CAdES.detached", "plain": b"/adbe.pkcs7.detached"}


@dataclass(frozen=True, slots=True)
class Claim:
    """What the signer says of himself in the clear; signed, but true only as far as he is.

    `spelling`: which kind of CMS the page is made for, known before it is there.
    """

    at: datetime
    name: str
    reason: str
    spelling: Spelling = "cades"


@dataclass(frozen=True, slots=True)
class Revision:
    """A page with its signature's revision. The hexadecimal /Contents stands in [contents, contents + room)."""

    file: bytes
    contents: int
    room: int

    def digest(self) -> bytes:
        """SHA-256 over [0 … EOF] without /Contents and its angle brackets (ISO 32000-1 12.8.1)."""
        view = memoryview(self.file)
        covered = sha256(view[: self.contents - 1])
        covered.update(view[self.contents + self.room + 1 :])
        return covered.digest()

    def hexadecimal(self) -> bytes:
        """What stands in /Contents."""
        return self.file[self.contents : self.contents + self.room]

    def filled(self, contents: bytes) -> bytes:
        """The file with these hexadecimal digits, padded with 0, in /Contents."""
        return self.file[: self.contents] + contents.ljust(self.room, b"0") + self.file[self.contents + self.room :]


def compose(content: bytes, claim: Claim, room: int) -> Revision:
    """The page with the revision for this claim, /Contents all 0. Raises RenderingError if the page is not ours."""
    page = pages.read(content)
    try:
        return _compose(page, claim, room)
    except pages.MALFORMED as error:
        raise unexpected(str(error)) from error


def locate(file: bytes) -> tuple[bytes, Claim, Revision] | None:
    """The page, the claim and the revision of a signed file; None if it does not end in a revision like ours.

    Only looks: that the revision is exactly ours is known when `compose` has given the same bytes.
    """
    boundary = file.rfind(_EOF, 0, len(file) - len(_EOF)) + len(_EOF)
    match = _CLAIM.search(file, boundary) if boundary >= len(_EOF) else None
    if not match:
        return None
    try:
        at = datetime.strptime(match[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        name, reason = (bytes.fromhex(text.decode()).decode("utf-16-be") for text in match.group(2, 3))
    except ValueError:
        return None
    end = file.find(b">", match.end())
    spelling = _spelling(file, boundary, match.start())
    return file[:boundary], Claim(at, name, reason, spelling), Revision(file, match.end(), end - match.end())


def _spelling(file: bytes, begin: int, end: int) -> Spelling:
    return "plain" if file.find(b"/SubFilter " + _SUBFILTERS["plain"], begin, end) >= 0 else "cades"


def _compose(page: Page, claim: Claim, room: int) -> Revision:
    signature, widget = page.size, page.size + 1
    root = page.trailer.reference(b"/Root")
    first = _first_page(page, root)
    objects = {
        root: _catalog(page, root, signature, widget),
        first: _with_widget(page, first, widget),
        signature: _signature(claim, room),
        widget: _widget(first, signature),
    }
    body, offsets, at = [], {}, len(page.content)
    for number, text in objects.items():
        offsets[number] = at
        body.append(b"%d 0 obj\n%b\nendobj\n" % (number, text))
        at += len(body[-1])
    file = page.content + b"".join(body) + _section(page, offsets, at)
    contents = file.index(b"/Contents <", offsets[signature]) + len(b"/Contents <")
    return _with_byte_range(file, contents, room)


def _with_byte_range(file: bytes, contents: int, room: int) -> Revision:
    """Write the ranges, now known, over their placeholder of fixed width."""
    begin, end = contents - 1, contents + room + 1
    placeholder = file.rindex(b"/ByteRange [", 0, contents)
    ranges = b"/ByteRange [0 %d %d %d]" % (begin, end, len(file) - end)
    stop = placeholder + _BYTE_RANGE_WIDTH
    return Revision(file[:placeholder] + ranges.ljust(_BYTE_RANGE_WIDTH) + file[stop:], contents, room)


def _first_page(page: Page, root: int) -> int:
    kids = page.dictionary(page.dictionary(root).reference(b"/Pages")).get(b"/Kids")
    match = _FIRST_KID.match(kids)
    if not match:
        raise unexpected("no first page")
    return int(match[1])


def _catalog(page: Page, root: int, signature: int, widget: int) -> bytes:
    """SigFlags 3: signatures exist, append only. /Perms makes the signature a certification (12.8.4)."""
    catalog = page.dictionary(root)
    if {b"/AcroForm", b"/Perms", b"/DSS"} & catalog.spans.keys():
        raise unexpected("a page with a form or a signature of its own")
    added = b"/AcroForm <</Fields [%d 0 R]/SigFlags 3>>/Perms <</DocMDP %d 0 R>>" % (widget, signature)
    return catalog.text[:-2] + added + b">>"


def _with_widget(page: Page, first: int, widget: int) -> bytes:
    """The first page with one annotation more; /Tabs /S is what PDF/UA-1 7.18.3 asks of a page with annotations."""
    described = page.dictionary(first)
    if described.get(b"/Type") != b"/Page":
        raise unexpected("a tree of pages")
    annotations = described.get(b"/Annots") or b"[]"
    if not annotations.endswith(b"]"):
        raise unexpected("annotations apart from their page")
    begin, end = described.spans.get(b"/Annots", (len(described.text) - 2,) * 2)
    key = b"" if b"/Annots" in described.spans else b"/Annots "
    tabs = b"" if b"/Tabs" in described.spans else b"/Tabs /S"
    listed = key + annotations[:-1] + b" %d 0 R]" % widget
    return described.text[:begin] + listed + described.text[end:-2] + tabs + b">>"


def _signature(claim: Claim, room: int) -> bytes:
    """The signature dictionary (12.8.1) with DocMDP level 1: no change is permitted."""
    return (
        b"<</Type /Sig/Filter /Adobe.PPKLite/SubFilter %b"
        b"/Reference [<</Type /SigRef/TransformMethod /DocMDP"
        b"/TransformParams <</Type /TransformParams/P 1/V /1.2>>>>]"
        b"/M (D:%b+00'00')/Name %b/Reason %b%b/Contents <%b>>>"
    ) % (
        _SUBFILTERS[claim.spelling],
        claim.at.astimezone(UTC).strftime("%Y%m%d%H%M%S").encode(),
        _text(claim.name),
        _text(claim.reason),
        b"/ByteRange [".ljust(_BYTE_RANGE_WIDTH),
        b"0" * room,
    )


def _widget(first: int, signature: int) -> bytes:
    """Field and widget in one. F 132 is print and locked, nothing hidden: PDF/A-3 6.3.2. No area, so no appearance."""
    return b"<</Type /Annot/Subtype /Widget/FT /Sig/T (Signature1)/F 132/Rect [0 0 0 0]/P %d 0 R/V %d 0 R>>" % (
        first,
        signature,
    )


def _section(page: Page, offsets: dict[int, int], start: int) -> bytes:
    """Cross-reference section and trailer, of the same kind as the page's."""
    ordered = sorted(offsets)
    last = b"startxref\n%d\n" % start + _EOF
    if not page.is_stream:
        rows = b"".join(b"%d 1\n%010d 00000 n \n" % (number, offsets[number]) for number in ordered)
        return b"xref\n%btrailer\n<<%b>>\n%b" % (rows, _trailer(page, ordered[-1] + 1), last)
    own = ordered[-1] + 1
    table = {**offsets, own: start}
    rows = b"".join(b"\1" + table[number].to_bytes(4, "big") + b"\0\0" for number in sorted(table))
    index = b" ".join(b"%d 1" % number for number in sorted(table))
    described = b"/Type /XRef/W [1 4 2]/Index [%b]/Length %d%b" % (index, len(rows), _trailer(page, own + 1))
    return b"%d 0 obj\n<<%b>>\nstream\n%b\nendstream\nendobj\n%b" % (own, described, rows, last)


def _trailer(page: Page, size: int) -> bytes:
    """/Root, /Info and the first half of /ID stay; the second half changes with the revision (14.4)."""
    kept = b"".join(key + b" " + page.trailer.get(key) for key in (b"/Root", b"/Info") if page.trailer.get(key))
    identifier = page.trailer.get(b"/ID")
    first = re.match(rb"\[\s*(\([^()\\]*\)|<[0-9A-Fa-f]*>)", identifier)
    if not first:
        raise unexpected("no file identifier, which PDF/A asks for")
    second = sha256(page.content).hexdigest()[:32].encode()
    return b"/Size %d%b/ID [%b <%b>]/Prev %d" % (size, kept, first[1], second, page.startxref)


def _text(value: str) -> bytes:
    """A text string (7.9.2.2) in UTF-16, hexadecimal: no character of it can look like PDF."""
    return b"<" + (BOM_UTF16_BE + value.encode("utf-16-be")).hex().upper().encode() + b">"
