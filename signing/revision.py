"""The revisions that a signature and its evidence add to a page (ISO 32000-2 7.5.6, 12.8; PAdES: ETSI EN 319 142-1).

The plan is fixed. Revision 1 is the signature: its dictionary, its field with an invisible widget, the first page with
the widget among its annotations, and the catalog with the form and the certification. Then come pairs: a store (DSS)
with the values that prove the certificates, one stream each, and a document timestamp over the whole file so far, with
a field of its own. The same page, claim, values and contents give the same bytes every time: the verifier writes each
revision again and compares, so nothing else can hide in it.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

from qujat.signing import page as pages
from qujat.signing.evidence import Evidence
from qujat.signing.page import Page, unexpected

_EOF = b"%%EOF\n"
_CLAIM = re.compile(
    rb"/M \(D:(\d{14})\+00'00'\)/Name <FEFF([0-9A-F]*)>/Reason <FEFF([0-9A-F]*)>"
    rb"/ByteRange \[0 (\d{1,10}) (\d{1,10}) (\d{1,10})\] *\n?/Contents <"
)
_STAMPED = re.compile(rb"/Type /DocTimeStamp[^<>]*/ByteRange \[[0-9 ]+\] */Contents <")
_FIRST_KID = re.compile(rb"\[\s*(\d{1,7}) 0 R")
_LAST = re.compile(rb"startxref\n(\d{1,10})\n%%EOF\n\Z")
_PREVIOUS = re.compile(rb"/Prev (\d{1,10})>>")
_BYTE_RANGE_WIDTH = len("/ByteRange [0 0123456789 0123456789 0123456789]")
_MOST_REVISIONS = 100

Spelling = Literal["cades", "plain"]
# What /SubFilter says of the CMS: the one of PAdES (EN 319 142-1 6.3), or a plain one (ISO 32000-1 12.8.3.3).
_SUBFILTERS: dict[Spelling, bytes] = {"cades": b"/ETSI.CAdES.detached", "plain": b"/adbe.pkcs7.detached"}
_PLAIN = b"/SubFilter " + _SUBFILTERS["plain"]


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
    """A file that ends in a signature or a timestamp. Its hexadecimal /Contents: [contents, contents + room)."""

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


@dataclass(frozen=True, slots=True)
class Values:
    """Where the store's values are: the numbers of their streams, in the order in which they came."""

    certificates: tuple[int, ...] = ()
    ocsps: tuple[int, ...] = ()
    crls: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A page with its revisions so far: what the next revision needs to know. `size`: the first free object number."""

    page: Page
    content: bytes
    size: int
    startxref: int
    root: int
    first: int
    signature: int = 0
    widgets: tuple[int, ...] = ()
    store: int = 0
    values: Values = Values()


def compose(content: bytes, claim: Claim, room: int) -> Revision:
    """The page with the signature's revision, /Contents all 0. Raises RenderingError if the page is not ours."""
    return begin(content, claim, room)[1]


def begin(content: bytes, claim: Claim, room: int) -> tuple[Draft, Revision]:
    """The same as `compose`, with what further revisions need. Raises RenderingError."""
    page = pages.read(content)
    try:
        root = page.trailer.reference(b"/Root")
        draft = Draft(page, content, page.size, page.startxref, root, _first_page(page, root))
        return _signed(draft, claim, room)
    except pages.MALFORMED as error:
        raise unexpected(str(error)) from error


def stored(draft: Draft, content: bytes, new: Evidence) -> Draft:
    """The file `content` (a draft filled) with a store that holds `new` beside what it held."""
    number = draft.store or draft.size
    free = draft.size if draft.store else number + 1
    kinds = (new.certificates, new.ocsps, new.crls)
    streams = [_stream(value) for values in kinds for value in values]
    numbers = list(range(free, free + len(streams)))
    parts = [tuple(numbers.pop(0) for _ in values) for values in kinds]
    old = draft.values
    values = Values(old.certificates + parts[0], old.ocsps + parts[1], old.crls + parts[2])
    after = replace(draft, content=content, store=number, values=values)
    objects = {number: _store(values)}
    if not draft.store:
        objects[draft.root] = _catalog(after)
    objects |= dict(zip(range(free, free + len(streams)), streams, strict=True))
    return _appended(after, objects)[0]


def timestamped(draft: Draft, room: int) -> tuple[Draft, Revision]:
    """The draft with a document timestamp over all of it, /Contents all 0 (ISO 32000-2 12.8.5)."""
    number, widget = draft.size, draft.size + 1
    after = replace(draft, widgets=(*draft.widgets, widget))
    objects = {
        after.root: _catalog(after),
        after.first: _first(after),
        number: _timestamp(room),
        widget: _widget(after.first, number, f"Timestamp{len(draft.widgets)}"),
    }
    return _with_contents(*_appended(after, objects), number, room)


def ends(file: bytes) -> list[int]:
    """Where each revision of a file ends, the page's first. Empty if the file does not end as ours do."""
    found: list[int] = []
    end = len(file)
    while len(found) < _MOST_REVISIONS:
        last = _LAST.search(file, max(0, end - 40), end)
        start = int(last[1]) if last else end
        if start >= end:
            return []
        found.insert(0, end)
        previous = _PREVIOUS.search(file, start, end)
        if not previous:
            return found
        tail = b"startxref\n%b\n" % previous[1] + _EOF
        at = file.find(tail, int(previous[1]), start)
        if at < 0:
            return []
        end = at + len(tail)
    return []


def locate(file: bytes) -> tuple[bytes, Claim, Revision] | None:
    """The page, the claim and the signature's revision of a signed file; None if it is not built like ours."""
    found = ends(file)
    signed = claim_of(file, *found[:2]) if len(found) > 1 else None
    return (file[: found[0]], *signed) if signed else None


def claim_of(file: bytes, begin: int, end: int) -> tuple[Claim, Revision] | None:
    """The claim and the signature in the revision [begin, end); None if it is no signature's revision.

    Only looks: that a revision is exactly ours is known when writing it again has given the same bytes.
    """
    match = _CLAIM.search(file, begin, end)
    if not match:
        return None
    try:
        at = datetime.strptime(match[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        name, reason = (bytes.fromhex(text.decode()).decode("utf-16-be") for text in match.group(2, 3))
    except ValueError:
        return None
    spelling: Spelling = "plain" if file.find(_PLAIN, begin, match.start()) >= 0 else "cades"
    return Claim(at, name, reason, spelling), _revision(file, match.end(), end)


def timestamp_of(file: bytes, begin: int, end: int) -> Revision | None:
    """The document timestamp in the revision [begin, end); None if there is none. Only looks."""
    match = _STAMPED.search(file, begin, end)
    return _revision(file, match.end(), end) if match else None


def values_of(file: bytes, begin: int, end: int, draft: Draft) -> Evidence:
    """The values that the store's revision [begin, end) adds to what a draft holds. Only looks; ValueError."""
    listed = re.search(rb"<</Type /DSS([^<>]*)>>", file[begin:end])
    if not listed:
        raise ValueError("no store of evidence")
    found: dict[bytes, list[bytes]] = {}
    old = {*draft.values.certificates, *draft.values.ocsps, *draft.values.crls}
    for name, numbers in re.findall(rb"/(Certs|OCSPs|CRLs) \[([0-9 R]*)\]", listed[1]):
        new = [int(number) for number in numbers.split()[::3] if int(number) not in old]
        found[name] = [_value(file, number, begin, end) for number in new]
    return Evidence(*(tuple(found.get(name, ())) for name in (b"Certs", b"OCSPs", b"CRLs")))


def _value(file: bytes, number: int, begin: int, end: int) -> bytes:
    head = re.compile(rb"\n%d 0 obj\n<</Length (\d{1,8})>>\nstream\n" % number).search(file, begin, end)
    if not head:
        raise ValueError("a value that is not in its store")
    return file[head.end() : head.end() + int(head[1])]


def _revision(file: bytes, contents: int, end: int) -> Revision:
    return Revision(file[:end], contents, max(file.find(b">", contents, end) - contents, 0))


def _signed(draft: Draft, claim: Claim, room: int) -> tuple[Draft, Revision]:
    if {b"/AcroForm", b"/Perms", b"/DSS"} & draft.page.dictionary(draft.root).spans.keys():
        raise unexpected("a page with a form or a signature of its own")
    signature, widget = draft.size, draft.size + 1
    after = replace(draft, signature=signature, widgets=(widget,))
    objects = {
        after.root: _catalog(after),
        after.first: _first(after),
        signature: _signature(claim, room),
        widget: _widget(after.first, signature, "Signature1"),
    }
    return _with_contents(*_appended(after, objects), signature, room)


def _appended(draft: Draft, objects: dict[int, bytes]) -> tuple[Draft, dict[int, int]]:
    """The draft with one revision more, and where its objects are."""
    body, offsets, at = [], {}, len(draft.content)
    for number, text in objects.items():
        offsets[number] = at
        body.append(b"%d 0 obj\n%b\nendobj\n" % (number, text))
        at += len(body[-1])
    size = max(draft.size, max(objects) + 1)
    section, size = _section(draft, offsets, at, size)
    content = draft.content + b"".join(body) + section
    return replace(draft, content=content, size=size, startxref=at), offsets


def _with_contents(draft: Draft, offsets: dict[int, int], number: int, room: int) -> tuple[Draft, Revision]:
    """Find /Contents of object `number`, and write the ranges, now known, over their placeholder of fixed width."""
    file = draft.content
    contents = file.index(b"/Contents <", offsets[number]) + len(b"/Contents <")
    begin, end = contents - 1, contents + room + 1
    placeholder = file.rindex(b"/ByteRange [", 0, contents)
    ranges = b"/ByteRange [0 %d %d %d]" % (begin, end, len(file) - end)
    stop = placeholder + _BYTE_RANGE_WIDTH
    revision = Revision(file[:placeholder] + ranges.ljust(_BYTE_RANGE_WIDTH) + file[stop:], contents, room)
    return replace(draft, content=revision.file), revision


def _first_page(page: Page, root: int) -> int:
    kids = page.dictionary(page.dictionary(root).reference(b"/Pages")).get(b"/Kids")
    match = _FIRST_KID.match(kids)
    if not match:
        raise unexpected("no first page")
    return int(match[1])


def _catalog(draft: Draft) -> bytes:
    """SigFlags 3: signatures exist, append only. /Perms makes the signature a certification (12.8.4)."""
    fields = b" ".join(b"%d 0 R" % widget for widget in draft.widgets)
    form = b"/AcroForm <</Fields [%b]/SigFlags 3>>/Perms <</DocMDP %d 0 R>>" % (fields, draft.signature)
    store = b"/DSS %d 0 R" % draft.store if draft.store else b""
    return draft.page.dictionary(draft.root).text[:-2] + form + store + b">>"


def _first(draft: Draft) -> bytes:
    """The first page with the widgets; /Tabs /S is what PDF/UA-1 7.18.3 asks of a page with annotations."""
    described = draft.page.dictionary(draft.first)
    if described.get(b"/Type") != b"/Page":
        raise unexpected("a tree of pages")
    annotations = described.get(b"/Annots") or b"[]"
    if not annotations.endswith(b"]"):
        raise unexpected("annotations apart from their page")
    begin, end = described.spans.get(b"/Annots", (len(described.text) - 2,) * 2)
    key = b"" if b"/Annots" in described.spans else b"/Annots "
    tabs = b"" if b"/Tabs" in described.spans else b"/Tabs /S"
    widgets = b"".join(b" %d 0 R" % widget for widget in draft.widgets)
    listed = key + annotations[:-1] + widgets + b"]"
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


def _timestamp(room: int) -> bytes:
    """The dictionary of a document timestamp (ISO 32000-2 12.8.5, EN 319 142-1 5.4.3)."""
    return b"<</Type /DocTimeStamp/Filter /Adobe.PPKLite/SubFilter /ETSI.RFC3161%b/Contents <%b>>>" % (
        b"/ByteRange [".ljust(_BYTE_RANGE_WIDTH),
        b"0" * room,
    )


def _store(values: Values) -> bytes:
    """The document security store (ISO 32000-2 12.8.4.3), without VRI: each value is good for the whole document."""
    named = ((b"Certs", values.certificates), (b"OCSPs", values.ocsps), (b"CRLs", values.crls))
    listed = [(name, b" ".join(b"%d 0 R" % number for number in numbers)) for name, numbers in named if numbers]
    return b"<</Type /DSS%b>>" % b"".join(b"/%b [%b]" % pair for pair in listed)


def _stream(value: bytes) -> bytes:
    return b"<</Length %d>>\nstream\n%b\nendstream" % (len(value), value)


def _widget(first: int, value: int, name: str) -> bytes:
    """Field and widget in one. F 132 is print and locked, nothing hidden: PDF/A-3 6.3.2. No area, so no appearance."""
    return b"<</Type /Annot/Subtype /Widget/FT /Sig/T (%b)/F 132/Rect [0 0 0 0]/P %d 0 R/V %d 0 R>>" % (
        name.encode("ascii"),
        first,
        value,
    )


def _section(draft: Draft, offsets: dict[int, int], start: int, size: int) -> tuple[bytes, int]:
    """Cross-reference section and trailer, of the same kind as the page's; and the first object number now free."""
    last = b"startxref\n%d\n" % start + _EOF
    if not draft.page.is_stream:
        rows = b"".join(b"%d 1\n%010d 00000 n \n" % (number, offsets[number]) for number in sorted(offsets))
        return b"xref\n%btrailer\n<<%b>>\n%b" % (rows, _trailer(draft, size), last), size
    table = {**offsets, size: start}
    rows = b"".join(b"\1" + table[number].to_bytes(4, "big") + b"\0\0" for number in sorted(table))
    index = b" ".join(b"%d 1" % number for number in sorted(table))
    described = b"/Type /XRef/W [1 4 2]/Index [%b]/Length %d%b" % (index, len(rows), _trailer(draft, size + 1))
    return b"%d 0 obj\n<<%b>>\nstream\n%b\nendstream\nendobj\n%b" % (size, described, rows, last), size + 1


def _trailer(draft: Draft, size: int) -> bytes:
    """/Root, /Info and the first half of /ID stay; the second half changes with the revision (14.4)."""
    trailer = draft.page.trailer
    kept = b"".join(key + b" " + trailer.get(key) for key in (b"/Root", b"/Info") if trailer.get(key))
    first = re.match(rb"\[\s*(\([^()\\]*\)|<[0-9A-Fa-f]*>)", trailer.get(b"/ID"))
    if not first:
        raise unexpected("no file identifier, which PDF/A asks for")
    second = sha256(draft.content).hexdigest()[:32].encode()
    return b"/Size %d%b/ID [%b <%b>]/Prev %d" % (size, kept, first[1], second, draft.startxref)


def _text(value: str) -> bytes:
    """A text string (7.9.2.2) in UTF-16, hexadecimal: no character of it can look like PDF."""
    return b"<" + (BOM_UTF16_BE + value.encode("utf-16-be")).hex().upper().encode() + b">"
