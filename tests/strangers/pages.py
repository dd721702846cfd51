"""PDF files by hand: a small page, revisions behind any file, signatures in them. Nothing under test but `tokens`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qujat.signing import tokens
from strangers.authority import Holder
from strangers.messages import NAMED, Recipe

ROOM = 12_000  # hexadecimal digits for a signature
_STARTXREF = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_OBJECT = re.compile(rb"(\d+) 0 obj\n")
_RANGE = b"/ByteRange [0 0000000000 0000000000 0000000000]"

CATALOG, TREE, PAGE, WORDS, FONT, INFO = 1, 2, 3, 4, 5, 6


def stream(content: bytes, described: bytes = b"") -> bytes:
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (described, len(content), content)


def words(text: bytes) -> bytes:
    """What a page shows."""
    return stream(b"BT /F1 24 Tf 72 700 Td (%b) Tj ET" % text)


def page(extra: Mapping[int, bytes] | None = None, **replaced: bytes) -> bytes:
    """A PDF of one page that says «APPROVED: NO». `replaced`: catalog, page, words; `extra` objects from 7 on."""
    objects = {
        CATALOG: replaced.get("catalog", b"<</Type /Catalog/Pages 2 0 R>>"),
        TREE: b"<</Type /Pages/Kids [3 0 R]/Count 1>>",
        PAGE: replaced.get(
            "page",
            b"<</Type /Page/Parent 2 0 R/MediaBox [0 0 595 842]/Contents 4 0 R/Resources <</Font <</F1 5 0 R>>>>>>",
        ),
        WORDS: replaced.get("words", words(b"APPROVED: NO")),
        FONT: b"<</Type /Font/Subtype /Type1/BaseFont /Helvetica>>",
        INFO: b"<</Title (Decision)>>",
        **(extra or {}),
    }
    return written(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", objects, b"/Root 1 0 R/Info 6 0 R/ID [<00> <00>]")


def written(head: bytes, objects: Mapping[int, bytes], trailer: bytes, *, free: bool = True) -> bytes:
    """Objects, a table and a trailer behind `head`."""
    body, rows = bytearray(head), {}
    for number, text in objects.items():
        rows[number] = len(body)
        body += b"%d 0 obj\n%b\nendobj\n" % (number, text)
    size = max([*objects, *(int(n) - 1 for n in re.findall(rb"/Size (\d+)", head))], default=0) + 1
    return bytes(body) + section(len(body), rows, b"/Size %d%b" % (size, trailer), free=free)


def section(start: int, rows: Mapping[int, int], trailer: bytes, *, free: bool = True) -> bytes:
    """A cross-reference table that begins at `start`, with its trailer."""
    table = b"0 1\n0000000000 65535 f \n" if free else b""
    table += b"".join(b"%d 1\n%010d 00000 n \n" % (number, rows[number]) for number in sorted(rows))
    return b"xref\n%btrailer\n<<%b>>\nstartxref\n%d\n%%%%EOF\n" % (table, trailer, start)


def startxref(pdf: bytes) -> int:
    found = _STARTXREF.search(pdf)
    assert found, "no end of a PDF"
    return int(found[1])


def update(pdf: bytes, objects: Mapping[int, bytes], *, trailer: bytes = b"", root: int = CATALOG) -> bytes:
    """The file with one revision more."""
    kept = b"/Root %d 0 R/Info 6 0 R/ID [<00> <01>]/Prev %d%b" % (root, startxref(pdf), trailer)
    return written(pdf, objects, kept, free=False)


def latest(pdf: bytes, number: int) -> bytes:
    """The text of an object as it stands last."""
    at = pdf.rindex(b"\n%d 0 obj\n" % number) + 1
    begin = pdf.index(b"\n", at) + 1
    return pdf[begin : pdf.index(b"\nendobj", begin)]


def free_number(pdf: bytes) -> int:
    return max(int(number) for number in re.findall(rb"/Size (\d+)", pdf))


def with_key(text: bytes, key: bytes, value: bytes) -> bytes:
    """A dictionary with a key set."""
    described, end = tokens.dictionary(text, 0)
    values = {**described.values, key: value}
    return b"<<" + b"".join(k + b" " + v for k, v in values.items()) + b">>" + text[end:]


def get(text: bytes, key: bytes) -> bytes:
    return tokens.dictionary(text, 0)[0].get(key)


Maker = Callable[[bytes], bytes]
"""From the bytes that a signature covers to its CMS."""


def pades(holder: Holder, **changes: object) -> Maker:
    return lambda covered: Recipe(covered, holder, **changes).encode()


def adbe(holder: Holder) -> Maker:
    return lambda covered: Recipe(covered, holder, without=frozenset((NAMED,))).encode()


@dataclass(frozen=True)
class Signing:
    """How a signature is put into a file. `ranges` gives the /ByteRange for the gap's begin and end and the size."""

    make: Maker
    field: bytes = b"S1"
    kind: bytes = b"/Type /Sig/Filter /Adobe.PPKLite/SubFilter /ETSI.CAdES.detached"
    more: bytes = b""
    rectangle: bytes = b"[0 0 0 0]"
    appearance: bytes = b""
    ranges: Callable[[int, int, int], tuple[int, ...]] = lambda begin, end, size: (0, begin, end, size - end)
    certify: int = 0
    after: bytes = b""  # what stands behind %%EOF when it is signed
    padding: bytes = b"0"


def sign(pdf: bytes, signing: Signing, extra: Mapping[int, bytes] | None = None) -> bytes:
    """The file with a signature as its last revision."""
    number = max(free_number(pdf), *(n + 1 for n in extra or {0: b""}))
    catalog, first = latest(pdf, CATALOG), latest(pdf, PAGE)
    fields = get(get(catalog, b"/AcroForm"), b"/Fields")[1:-1] if b"/AcroForm" in catalog else b""
    widget = b"%d 0 R" % (number + 1)
    catalog = with_key(catalog, b"/AcroForm", b"<</Fields [%b %b]/SigFlags 3>>" % (fields, widget))
    if signing.certify:
        catalog = with_key(catalog, b"/Perms", b"<</DocMDP %d 0 R>>" % number)
    objects = {
        CATALOG: catalog,
        PAGE: with_key(first, b"/Annots", b"[%b %b]" % (get(first, b"/Annots")[1:-1], widget)),
        number: _dictionary(signing),
        number + 1: b"<</Type /Annot/Subtype /Widget/FT /Sig/T (%b)/F 132/Rect %b%b/P 3 0 R/V %d 0 R>>"
        % (signing.field, signing.rectangle, signing.appearance, number),
        **(extra or {}),
    }
    return fill(update(pdf, objects) + signing.after, signing)


def fill(pdf: bytes, signing: Signing) -> bytes:
    """Write ranges and signature over their placeholders, the last in the file."""
    begin = pdf.rindex(b"/Contents <00") + len(b"/Contents ")
    end = pdf.index(b">", begin) + 1
    ranges = signing.ranges(begin, end, len(pdf))
    at = pdf.rindex(_RANGE)
    text = (b"/ByteRange [" + b" ".join(b"%d" % each for each in ranges) + b"]").ljust(len(_RANGE))
    assert len(text) == len(_RANGE), "the placeholder is too small"
    pdf = pdf[:at] + text + pdf[at + len(_RANGE) :]
    covered = b"".join(pdf[a : a + b] for a, b in zip(ranges[::2], ranges[1::2], strict=True))
    return put(pdf, begin, signing.make(covered), signing.padding)


def put(pdf: bytes, begin: int, message: bytes, padding: bytes = b"0") -> bytes:
    """The file with this message in the /Contents that begins at `begin`."""
    digits = message.hex().encode()
    assert len(digits) <= ROOM, "the room for the signature is too small"
    return pdf[: begin + 1] + digits.ljust(ROOM, padding) + pdf[begin + 1 + ROOM :]


def contents(pdf: bytes) -> tuple[int, bytes]:
    """Where the last /Contents begins, and the message in it with its padding."""
    begin = pdf.rindex(b"/Contents <") + len(b"/Contents ")
    return begin, bytes.fromhex(pdf[begin + 1 : begin + 1 + ROOM].decode())


def _dictionary(signing: Signing) -> bytes:
    level = (
        b"/Reference [<</Type /SigRef/TransformMethod /DocMDP/TransformParams"
        b" <</Type /TransformParams/P %d/V /1.2>>>>]" % signing.certify
    )
    return b"<<%b%b%b%b/Contents <%b>>>" % (
        signing.kind,
        signing.more,
        level if signing.certify else b"",
        _RANGE,
        b"0" * ROOM,
    )
