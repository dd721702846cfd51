"""Just enough of a PDF to add one revision to it: the page as WeasyPrint writes it, with one cross-reference section.

Reads both forms: a classic table (ISO 32000-1 7.5.4), and a cross-reference stream with object streams (7.5.7, 7.5.8).
What is not exactly so raises RenderingError: signing guesses at nothing.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from qujat.errors import RenderingError

_END = re.compile(rb"startxref\n(\d{1,10})\n%%EOF\n\Z")
_OBJECT = re.compile(rb"(\d{1,7}) 0 obj\s*")
_REFERENCE = re.compile(rb"(\d{1,7}) 0 R")
_TABLE = re.compile(rb"xref\n0 (\d{1,7})\n")
_STREAM = re.compile(rb"\s*stream\r?\n")
_TOKEN = re.compile(
    rb"\s*(\d{1,7} \d{1,5} R\b|<<|>>|\[|\]|/[^\s<>\[\]()/%{}]*|<[0-9A-Fa-f\s]*>|\((?:[^()\\]|\\[\s\S])*\)"
    rb"|[^\s<>\[\]()/%{}]+)"
)
_ENTRY = 20
# What reading a damaged file raises from the standard library.
MALFORMED = (ValueError, KeyError, IndexError, zlib.error)
_LARGEST_STREAM = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A PDF dictionary as it is written: `text` from << to >>, and where in it each value stands."""

    text: bytes
    spans: Mapping[bytes, tuple[int, int]] = field(repr=False)

    def get(self, key: bytes) -> bytes:
        """A value as written; empty if there is none."""
        begin, end = self.spans.get(key, (0, 0))
        return self.text[begin:end]

    def reference(self, key: bytes) -> int:
        """The number of the object that a value refers to. Raises RenderingError."""
        match = _REFERENCE.fullmatch(self.get(key))
        if not match:
            raise unexpected(f"no reference under {key.decode()}")
        return int(match[1])

    def numbers(self, key: bytes) -> list[int]:
        """The numbers of an array."""
        return [int(word) for word in self.get(key).strip(b"[]").split()]


class _Entry(NamedTuple):
    """Where an object is (7.5.8.3): kind 1 at an offset, kind 2 in an object stream."""

    kind: int
    where: int


@dataclass(frozen=True, slots=True)
class Page:
    """A whole PDF file of one revision. `is_stream`: its cross-reference section is a stream."""

    content: bytes
    startxref: int
    trailer: Dictionary
    is_stream: bool
    entries: Mapping[int, _Entry] = field(repr=False)
    _decoded: dict[int, tuple[bytes, Mapping[int, int]]] = field(default_factory=dict, init=False, repr=False)

    @property
    def size(self) -> int:
        """The first object number that is free."""
        return int(self.trailer.get(b"/Size"))

    def dictionary(self, number: int) -> Dictionary:
        """The dictionary that is object `number`. Raises RenderingError if there is none."""
        entry = self.entries.get(number, _Entry(0, 0))
        if entry.kind == 1:
            return _object(self.content, number, entry.where)[0]
        if entry.kind == 2:
            return self._compressed(number, entry.where)
        raise unexpected(f"no object {number}")

    def _compressed(self, number: int, stream: int) -> Dictionary:
        body, offsets = self._object_stream(stream)
        return dictionary(body, offsets[number])[0]

    def _object_stream(self, stream: int) -> tuple[bytes, Mapping[int, int]]:
        """An object stream's decoded bytes, and where in them its objects are (7.5.7); decoded once."""
        if stream not in self._decoded:
            entry = self.entries.get(stream, _Entry(0, 0))
            if entry.kind != 1:
                raise unexpected(f"no object stream {stream}")
            described, end = _object(self.content, stream, entry.where)
            body, first = _stream(self.content, described, end), int(described.get(b"/First"))
            pairs = [int(word) for word in body[:first].split()]
            offsets = {n: first + offset for n, offset in zip(pairs[::2], pairs[1::2], strict=True)}
            self._decoded[stream] = body, offsets
        return self._decoded[stream]


def read(content: bytes) -> Page:
    """A PDF of one revision, ready for a second. Raises RenderingError for any other file."""
    try:
        return _read(content)
    except MALFORMED as error:
        raise unexpected(str(error)) from error


def dictionary(data: bytes, start: int) -> tuple[Dictionary, int]:
    """The dictionary at `start`, and where it ends. Raises RenderingError."""
    begin, at = _token(data, start)
    if data[begin:at] != b"<<":
        raise unexpected("no dictionary where one should be")
    spans: dict[bytes, tuple[int, int]] = {}
    while True:
        key_begin, key_end = _token(data, at)
        key = data[key_begin:key_end]
        if key == b">>":
            return Dictionary(data[begin:key_end], spans), key_end
        value_begin, at = _value(data, key_end)
        if not key.startswith(b"/") or key in spans:
            raise unexpected("a dictionary with a key twice, or a key that is no name")
        spans[key] = (value_begin - begin, at - begin)


def unexpected(what: str) -> RenderingError:
    """The one complaint of this module."""
    return RenderingError(
        f"expected a PDF of one revision as WeasyPrint writes it, came another: {what}; sign a page as rendered"
    )


def _read(content: bytes) -> Page:
    end = _END.search(content, max(0, len(content) - 40))
    if not content.startswith(b"%PDF-") or not end:
        raise unexpected("no header or no end")
    startxref = int(end[1])
    is_stream = not content.startswith(b"xref", startxref)
    trailer, entries = (_xref_stream if is_stream else _xref_table)(content, startxref)
    if {b"/Prev", b"/Encrypt", b"/XRefStm"} & trailer.spans.keys():
        raise unexpected("an earlier revision, an encryption, or a hybrid file")
    return Page(content, startxref, trailer, is_stream, entries)


def _xref_table(content: bytes, start: int) -> tuple[Dictionary, dict[int, _Entry]]:
    head = _TABLE.match(content, start)
    if not head:
        raise unexpected("no cross-reference table")
    count, begin = int(head[1]), head.end()
    end = begin + count * _ENTRY
    rows = (content[at : at + _ENTRY] for at in range(begin, end, _ENTRY))
    entries = {number: _Entry(int(row[17:18] == b"n"), int(row[:10])) for number, row in enumerate(rows)}
    if not content.startswith(b"trailer", end):
        raise unexpected("no trailer after the table")
    return dictionary(content, end + len(b"trailer"))[0], entries


def _xref_stream(content: bytes, start: int) -> tuple[Dictionary, dict[int, _Entry]]:
    number = _OBJECT.match(content, start)
    if not number:
        raise unexpected("no cross-reference section")
    trailer, end = _object(content, int(number[1]), start)
    body = _stream(content, trailer, end)
    kind, where, index = trailer.numbers(b"/W")
    if kind != 1 or trailer.numbers(b"/Index") != [0, int(trailer.get(b"/Size"))]:
        raise unexpected("a cross-reference stream of another kind")
    rows = (body[at : at + 1 + where + index] for at in range(0, len(body), 1 + where + index))
    entries = {n: _Entry(row[0], int.from_bytes(row[1 : 1 + where], "big")) for n, row in enumerate(rows)}
    return trailer, entries


def _object(content: bytes, number: int, offset: int) -> tuple[Dictionary, int]:
    match = _OBJECT.match(content, offset)
    if not match or int(match[1]) != number:
        raise unexpected(f"no object {number} where the cross-reference section says")
    return dictionary(content, match.end())


def _stream(content: bytes, described: Dictionary, end: int) -> bytes:
    """The decoded bytes of the stream whose dictionary ends at `end`."""
    keyword = _STREAM.match(content, end)
    if not keyword:
        raise unexpected("no stream where one should be")
    raw = content[keyword.end() : keyword.end() + int(described.get(b"/Length"))]
    if described.get(b"/Filter") not in (b"", b"/FlateDecode") or described.get(b"/DecodeParms"):
        raise unexpected("a stream with another filter than FlateDecode")
    if not described.get(b"/Filter"):
        return raw
    return zlib.decompressobj().decompress(raw, _LARGEST_STREAM)


def _value(data: bytes, start: int) -> tuple[int, int]:
    """Where the value at `start` begins and ends."""
    begin, end = _token(data, start)
    depth = _step(data[begin:end])
    while depth > 0:
        at, end = _token(data, end)
        depth += _step(data[at:end])
    if depth < 0:
        raise unexpected("a bracket that closes nothing")
    return begin, end


def _step(token: bytes) -> int:
    return (token in (b"<<", b"[")) - (token in (b">>", b"]"))


def _token(data: bytes, start: int) -> tuple[int, int]:
    match = _TOKEN.match(data, start)
    if not match:
        raise unexpected("text that is no PDF object")
    return match.span(1)
