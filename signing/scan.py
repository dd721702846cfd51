"""A PDF read from front to back, every byte accounted for (ISO 32000-1 7.5), and compared with its own index.

Readers that mend broken files read them this way; others follow the cross-reference sections. A file says one thing
only if both give the same objects. So: revision by revision, the objects that stand there are exactly those that the
revision's cross-reference section lists, at the places that it gives, none twice; between them stand only spaces and
comments; each section points back to the one before it. Hidden, doubled, unlisted and appended objects have no place.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from qujat.signing import tokens
from qujat.signing.tokens import Dictionary, NotPdf

MOST_REVISIONS = 256
LARGEST_DECODED = 32 * 1024 * 1024  # of one object stream or cross-reference stream

_HEADER = re.compile(rb"%PDF-[12]\.\d(?=[\r\n ])")
_OBJECT = re.compile(rb"(\d{1,10})[\x00\t\n\x0c\r ]+(\d{1,5})[\x00\t\n\x0c\r ]+obj(?![^\x00\t\n\x0c\r <>\[\]()/%{}])")
_STREAM = re.compile(rb"stream(?:\r\n|\n)")
_END_STREAM = re.compile(rb"(?:\r\n|\n|\r)?endstream(?![^\x00\t\n\x0c\r <>\[\]()/%{}])")
_TABLE = re.compile(rb"xref[ ]?(?:\r\n|\n|\r)")
_ROWS = re.compile(rb"(\d{1,10}) (\d{1,7})[ ]?(?:\r\n|\n|\r)")
_ROW = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
_START = re.compile(rb"startxref[\x00\t\n\x0c\r ]+(\d{1,10})[\x00\t\n\x0c\r ]+%%EOF(?![^\r\n])")
_ROW_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Object:
    """An object as it stands in the file from `start` to `end`: `text` is its value, which begins at `begin`.

    `data` is where a stream's bytes are.
    """

    number: int
    generation: int
    start: int
    begin: int
    end: int
    text: bytes = field(repr=False)
    dictionary: Dictionary | None = field(repr=False)
    data: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision: from `start` to `end`, the beginning of the next. `eof` is where its %%EOF ends.

    `objects` are those that stand on their own; `packed` those in object streams, as text, with the stream's number.
    """

    start: int
    eof: int
    end: int
    startxref: int
    trailer: Dictionary
    objects: Mapping[int, Object] = field(repr=False)
    packed: Mapping[int, tuple[int, bytes]] = field(repr=False)
    freed: frozenset[int]

    def texts(self) -> Iterator[tuple[int, bytes]]:
        """Every object of the revision with the text of its value, the bytes of streams apart."""
        yield from ((number, found.text) for number, found in self.objects.items())
        yield from ((number, text) for number, (_, text) in self.packed.items())


@dataclass(slots=True)
class _Index:
    """What a cross-reference section says: places of objects, objects in streams, free numbers."""

    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    packed: dict[int, tuple[int, int]] = field(default_factory=dict)
    freed: set[int] = field(default_factory=set)


class Unread(NotPdf):
    """A file that does not say one thing only. `revisions` are those before the trouble."""

    def __init__(self, what: str, code: str, revisions: tuple[Revision, ...]) -> None:
        super().__init__(what, code)
        self.revisions = revisions


def read(content: bytes) -> tuple[Revision, ...]:
    """The revisions of a PDF. Raises Unread, with a `code`, for a file that does not say one thing only."""
    if not _HEADER.match(content):
        raise Unread("no header %PDF- at the beginning", "pdf-structure", ())
    revisions: list[Revision] = []
    at = tokens.space_end(content, content.index(b"-") + 4)
    while at < len(content) or not revisions:
        if len(revisions) == MOST_REVISIONS:
            raise Unread(f"more than {MOST_REVISIONS} revisions", "too-costly", ())
        try:
            revisions.append(_revision(content, at, revisions))
        except NotPdf as error:
            raise Unread(str(error), error.code, tuple(revisions)) from error
        at = revisions[-1].end
    return tuple(revisions)


def decoded(content: bytes, found: Object) -> bytes:
    """The bytes of a stream: FlateDecode or none, perhaps a PNG predictor. Raises NotPdf: another filter, too large."""
    if found.data is None or found.dictionary is None:
        raise NotPdf(f"no stream where one should be: object {found.number}")
    raw, described = content[slice(*found.data)], found.dictionary
    filtered = described.get(b"/Filter").strip(b"[] ")
    if filtered not in (b"", b"/FlateDecode") or described.get(b"/F"):
        raise NotPdf("an object stream with another filter than FlateDecode, or outside the file")
    plain = _inflated(raw) if filtered else raw
    return _unpredicted(plain, described)


def _revision(content: bytes, start: int, before: list[Revision]) -> Revision:
    """The revision that begins at `start`."""
    objects, at = _objects(content, start)
    _check_lengths(content, objects, before)
    table: tuple[_Index, Dictionary] | None = None
    section = at
    if content.startswith(b"xref", at):
        table, at = _table(content, at)
        at = tokens.space_end(content, at)
    ending = _START.match(content, at)
    if not ending:
        raise NotPdf(f"something that has no place between objects, at byte {at}")
    startxref = int(ending[1])
    if table is None:
        section = startxref
    index, trailer = table or _stream_index(content, objects, startxref)
    _check_chain(trailer, before)
    if section != startxref:
        raise NotPdf("startxref does not point to the section before it")
    packed = _packed(content, objects, index)
    _check_index(index, objects)
    end = tokens.space_end(content, ending.end())
    return Revision(start, ending.end(), end, startxref, trailer, objects, packed, frozenset(index.freed))


def _objects(content: bytes, at: int) -> tuple[dict[int, Object], int]:
    """The objects from `at` on, and where they end."""
    found: dict[int, Object] = {}
    while head := _OBJECT.match(content, at):
        read = _object(content, head)
        if read.number in found:
            raise NotPdf(f"object {read.number} twice in one revision", "ambiguous-objects")
        found[read.number] = read
        at = tokens.space_end(content, read.end)
    return found, at


def _object(content: bytes, head: re.Match[bytes]) -> Object:
    begin = tokens.space_end(content, head.end())
    described: Dictionary | None = None
    if content.startswith(b"<<", begin):
        described, end = tokens.dictionary(content, begin)
    else:
        end = tokens.value_end(content, begin)
    at, data = tokens.space_end(content, end), None
    if described and (keyword := _STREAM.match(content, at)):
        data, at = _stream(content, keyword.end(), described)
        at = tokens.space_end(content, at)
    if not content.startswith(b"endobj", at):
        raise NotPdf(f"object {head[1].decode()} without an end")
    number, generation = int(head[1]), int(head[2])
    at += len(b"endobj")
    return Object(number, generation, head.start(), begin, at, content[begin:end], described, data)


def _stream(content: bytes, start: int, described: Dictionary) -> tuple[tuple[int, int], int]:
    """Where a stream's bytes are, and where its last word ends. `_check_lengths` checks a length that is elsewhere."""
    if described.reference(b"/Length") is None:
        end = start + described.integer(b"/Length")
    else:
        found = content.find(b"endstream", start)
        if found < 0:
            raise NotPdf("a stream without an end")
        end = found - (content[found - 1 : found] == b"\n")
        end -= content[end - 1 : end] == b"\r"
    keyword = _END_STREAM.match(content, end)
    if not keyword or end < start:
        raise NotPdf("a stream that does not end where its length says")
    return (start, end), keyword.end()


def _check_lengths(content: bytes, objects: Mapping[int, Object], before: list[Revision]) -> None:
    """A length in an object of its own must be that of the stream, or shorter by the line end before `endstream`."""
    for found in objects.values():
        number = found.dictionary.reference(b"/Length") if found.data and found.dictionary else None
        if number is None or found.data is None:
            continue
        known = [objects, *(revision.objects for revision in reversed(before))]
        holder = next((each[number] for each in known if number in each), None)
        if holder is None or not holder.text.isdigit():
            raise NotPdf("the length of a stream is not to be found")
        start, end = found.data
        slack = content[end : end + 2]
        if int(holder.text) - (end - start) not in {0, *range(1, 1 + len(slack) - len(slack.lstrip(b"\r\n")))}:
            raise NotPdf("a stream that does not end where its length says")


def _table(content: bytes, at: int) -> tuple[tuple[_Index, Dictionary], int]:
    """A classic table (7.5.4) with its trailer."""
    head = _TABLE.match(content, at)
    if not head:
        raise NotPdf("a cross-reference table that does not begin as one")
    index, at = _Index(), head.end()
    while rows := _ROWS.match(content, at):
        at = _rows(content, rows, index)
    at = tokens.space_end(content, at)
    if not content.startswith(b"trailer", at):
        raise NotPdf("a cross-reference table without a trailer")
    trailer, at = tokens.dictionary(content, tokens.space_end(content, at + len(b"trailer")))
    return (index, trailer), at


def _rows(content: bytes, head: re.Match[bytes], index: _Index) -> int:
    at = head.end()
    for number in range(int(head[1]), int(head[1]) + int(head[2])):
        row = _ROW.match(content, at)
        if not row or number in index.places or number in index.freed:
            raise NotPdf("a cross-reference table with a row that is none, or twice")
        if row[3] == b"n":
            index.places[number] = int(row[1]), int(row[2])
        else:
            index.freed.add(number)
        at += _ROW_LENGTH
    return at


def _stream_index(content: bytes, objects: Mapping[int, Object], startxref: int) -> tuple[_Index, Dictionary]:
    """A cross-reference stream (7.5.8): an object of the revision, at startxref."""
    found = next((each for each in objects.values() if each.start == startxref), None)
    described = found.dictionary if found else None
    if not found or not described or described.get(b"/Type") != b"/XRef":
        raise NotPdf("startxref does not point to the section before it")
    body, widths = decoded(content, found), described.integers(b"/W")
    if len(widths) != 3 or any(not 0 <= width <= 8 for width in widths) or not sum(widths):
        raise NotPdf("a cross-reference stream of another shape")
    ranges = described.integers(b"/Index") if described.get(b"/Index") else [0, described.integer(b"/Size")]
    numbers = [n for first, count in _pairs(ranges) for n in _numbers(first, count, len(body) // sum(widths))]
    if len(body) != len(numbers) * sum(widths):
        raise NotPdf("a cross-reference stream of another length")
    return _stream_rows(body, widths, numbers), described


def _pairs(values: list[int]) -> list[tuple[int, int]]:
    if len(values) % 2 or min(values, default=0) < 0:
        raise NotPdf("an odd number of numbers where there are pairs")
    return list(zip(values[::2], values[1::2], strict=True))


def _numbers(first: int, count: int, most: int) -> range:
    if count > most:
        raise NotPdf("a cross-reference stream of another length")
    return range(first, first + count)


def _stream_rows(body: bytes, widths: list[int], numbers: list[int]) -> _Index:
    index, (one, two, _) = _Index(), widths
    for place, number in enumerate(numbers):
        row = body[place * sum(widths) : (place + 1) * sum(widths)]
        kind = int.from_bytes(row[:one], "big") if one else 1
        where, extra = int.from_bytes(row[one : one + two], "big"), int.from_bytes(row[one + two :], "big")
        if number in index.places or number in index.packed or number in index.freed:
            raise NotPdf(f"object {number} twice in one section", "ambiguous-objects")
        if kind == 1:
            index.places[number] = where, extra
        elif kind == 2:
            index.packed[number] = where, extra
        elif kind == 0:
            index.freed.add(number)
        else:
            raise NotPdf("a cross-reference stream with rows of a kind that is not known")
    return index


def _check_chain(trailer: Dictionary, before: list[Revision]) -> None:
    """Each section points to the one before it; nothing is encrypted, hybrid (7.5.8.4) or linearised (annex F)."""
    if trailer.get(b"/Encrypt"):
        raise NotPdf("an encrypted file", "encrypted")
    if trailer.get(b"/XRefStm"):
        raise NotPdf("a hybrid file: two indexes at once", "pdf-hybrid")
    if not before and trailer.get(b"/Prev"):
        raise NotPdf("a first revision that points to another: linearised, or a piece of a file", "pdf-linearised")
    if before and trailer.integer(b"/Prev") != before[-1].startxref:
        raise NotPdf("a revision that does not point to the one before it")
    if trailer.reference(b"/Root") is None:
        raise NotPdf("a trailer without a catalog")


def _packed(content: bytes, objects: Mapping[int, Object], index: _Index) -> dict[int, tuple[int, bytes]]:
    """The objects in object streams (7.5.7): in each stream exactly those that the section lists."""
    found: dict[int, tuple[int, bytes]] = {}
    listed = {(stream, place): number for number, (stream, place) in index.packed.items()}
    for holder in objects.values():
        if not holder.dictionary or holder.dictionary.get(b"/Type") != b"/ObjStm" or holder.data is None:
            continue
        for place, (number, text) in enumerate(_unpacked(decoded(content, holder), holder.dictionary)):
            if listed.pop((holder.number, place), None) != number:
                raise NotPdf(f"object {number} in a stream, but listed elsewhere or not at all", "ambiguous-objects")
            found[number] = holder.number, text
    if listed:
        raise NotPdf("an object listed in a stream that does not hold it")
    return found


def _unpacked(body: bytes, described: Dictionary) -> Iterator[tuple[int, bytes]]:
    """Numbers and texts of the objects in an object stream; between them only spaces."""
    first, count = described.integer(b"/First"), described.integer(b"/N")
    words = body[:first].split()
    if described.get(b"/Extends") or len(words) != 2 * count or not all(word.isdigit() for word in words):
        raise NotPdf("an object stream whose list is not one")
    at = tokens.space_end(body, first)
    for number, offset in _pairs([int(word) for word in words]):
        if tokens.space_end(body, first + offset) != at:
            raise NotPdf("an object stream with something between its objects")
        end = tokens.value_end(body, at)
        yield number, body[at:end]
        at = tokens.space_end(body, end)
    if at != len(body):
        raise NotPdf("an object stream with something after its objects")


def _check_index(index: _Index, objects: Mapping[int, Object]) -> None:
    """The listed objects are those that stand there. The stream of the section itself need not be listed."""
    standing = {number: (found.start, found.generation) for number, found in objects.items()}
    for number, found in objects.items():
        if number not in index.places and found.dictionary and found.dictionary.get(b"/Type") == b"/XRef":
            del standing[number]
    if standing != index.places:
        wrong = sorted({*standing.items()} ^ {*index.places.items()})[0][0]
        raise NotPdf(f"object {wrong} does not stand where the index says, or is not in it", "ambiguous-objects")
    if index.places.keys() & index.packed.keys():
        raise NotPdf("an object twice in one section", "ambiguous-objects")


def _inflated(raw: bytes) -> bytes:
    machine = zlib.decompressobj()
    try:
        plain = machine.decompress(raw, LARGEST_DECODED)
    except zlib.error as error:
        raise NotPdf("a compressed stream that does not open") from error
    if machine.unconsumed_tail:
        raise NotPdf(f"a stream of more than {LARGEST_DECODED} bytes", "too-costly")
    if not machine.eof or machine.unused_data.strip(b"\r\n"):
        raise NotPdf("a compressed stream with too few bytes, or too many")
    return plain


def _unpredicted(plain: bytes, described: Dictionary) -> bytes:
    """Undo the PNG predictors None, Sub and Up (RFC 2083 6), which is what cross-reference streams are written with."""
    given = described.get(b"/DecodeParms")
    if not given:
        return plain
    if given.startswith(b"["):
        given = given[1:-1].strip()
    parameters, _ = tokens.dictionary(given, 0)
    if parameters.get(b"/Predictor") in (b"", b"1"):
        return plain
    columns = parameters.integer(b"/Columns") if parameters.get(b"/Columns") else 1
    if parameters.integer(b"/Predictor") < 10 or parameters.get(b"/Colors") not in (b"", b"1") or columns < 1:
        raise NotPdf("a predictor that is not known")
    if parameters.get(b"/BitsPerComponent") not in (b"", b"8") or len(plain) % (columns + 1):
        raise NotPdf("a predictor that does not fit")
    rows, above = [], bytes(columns)
    for at in range(0, len(plain), columns + 1):
        above = _row(plain[at], plain[at + 1 : at + 1 + columns], above)
        rows.append(above)
    return b"".join(rows)


def _row(kind: int, row: bytes, above: bytes) -> bytes:
    if kind == 0:
        return row
    if kind == 2:
        return bytes((value + up) & 0xFF for value, up in zip(row, above, strict=True))
    if kind == 1:
        made = bytearray()
        for value in row:
            made.append((value + (made[-1] if made else 0)) & 0xFF)
        return bytes(made)
    raise NotPdf("a predictor that is not known")
