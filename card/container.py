"""The files inside a PDF that anybody may hand in: bounded in number and size, in the order in which they stand.

The PDF is read by pyHanko. Every stream is first unpacked into nothing, to see that the whole stays within bounds.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from qujat.errors import CardInvalid

MAX_FILE: Final = 50_000_000
MAX_UNPACKED: Final = 200_000_000  # of all streams together
MAX_ATTACHMENTS: Final = 100
_MAX_NODES: Final = 1000
_LONGEST_NAME: Final = 255  # bytes of UTF-8: what file systems take
_CHUNK: Final = 65_536

_STREAM = re.compile(rb"\bstream\r?\n?")
_EXECUTABLE_NAME = re.compile(
    r".*\.(?:"
    r"apk|app|appimage|bash|bat|bin|cmd|com|cpl|csh|deb|dll|dmg|elf|exe|gadget|hta|inf|jar|js|jse|ksh|lnk|"
    r"msc|msi|msp|mst|pif|pkg|pl|ps1|py|pyc|rb|reg|rpm|run|scr|sct|sh|so|sys|vb|vbe|vbs|wasm|ws|wsc|wsf|"
    r"wsh|zsh"
    r")",
    re.IGNORECASE | re.DOTALL,
)
_EXECUTABLE_STARTS = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\0asm",
    b"dex\n",
)


@dataclass(frozen=True, slots=True)
class Attached:
    """A file inside the card, as it stands there."""

    name: str
    content: bytes


def attachments(content: bytes) -> tuple[Attached, ...]:
    """The files of /Names /EmbeddedFiles in their order.

    Raises CardInvalid: card-not-pdf (no PDF, locked, or out of bounds), card-name (a name that no file system takes, or
    twice the same), card-executable.
    """
    if len(content) > MAX_FILE:
        raise _no_pdf(f"a file of {len(content)} bytes, more than {MAX_FILE}")
    if not content.startswith(b"%PDF-"):
        raise _no_pdf("a file that does not begin with %PDF-")
    _check_bounds(content)
    found = tuple(_read(content))
    for number, file in enumerate(found):
        _check_name(file.name, [other.name for other in found[:number]])
        _check_not_executable(file)
    return found


def _check_bounds(content: bytes) -> None:
    """Unpack whatever could be a deflated stream, keeping nothing, until a bound is reached."""
    view, read, made = memoryview(content), 0, 0
    for place in _STREAM.finditer(content):
        for taken, given in _deflated(view[place.end() :]):
            read, made = read + taken, made + given
            if read > MAX_UNPACKED or made > MAX_UNPACKED:
                raise _no_pdf(f"streams of more than {MAX_UNPACKED} bytes when unpacked")


def _deflated(packed: memoryview) -> Iterator[tuple[int, int]]:
    """How much was read and how much came out, piece by piece, as long as it is deflated."""
    unpacker, start = zlib.decompressobj(), 0
    while start < len(packed) and not unpacker.eof:
        piece = packed[start : start + _CHUNK]
        try:
            given = len(unpacker.decompress(piece, _CHUNK))
        except zlib.error:
            return
        taken = len(piece) - len(unpacker.unconsumed_tail)
        yield taken, given
        start += taken


def _read(content: bytes) -> Iterator[Attached]:
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader

    # Whatever a parser of other people's files may raise: the file is damaged, and that is all there is to say.
    damaged = (PdfError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, EOFError)
    try:
        reader = PdfFileReader(io.BytesIO(content))
        if reader.encrypted:
            raise _no_pdf("a PDF that is locked")
        names = _at(_at(reader.root, "/Names"), "/EmbeddedFiles")
        files = list(islice(_leaves(names), MAX_ATTACHMENTS + 1))
        if len(files) > MAX_ATTACHMENTS:
            raise _no_pdf(f"more than {MAX_ATTACHMENTS} attached files")
        yield from (Attached(_name(file), _unpacked(_at(_at(file, "/EF"), "/F"))) for file in files)
    except (*damaged, NotImplementedError, AssertionError, zlib.error) as error:
        raise _no_pdf(f"one that cannot be read ({type(error).__name__})") from error


def _at(node: Any, key: str) -> Any:
    """The value of a dictionary's key, wherever in the file it stands; None if there is none, or no dictionary."""
    value = node[key] if node is not None and key in node else None
    return None if value is None else value.get_object()


def _leaves(root: Any) -> Iterator[Any]:
    """The file specifications of a name tree, from left to right (ISO 32000-1 7.9.6). ValueError out of bounds."""
    waiting, visited = [root], 0
    while waiting:
        node, visited = waiting.pop(), visited + 1
        if visited > _MAX_NODES:
            raise ValueError("a tree of names that is too large, or bites its tail")
        pairs, kids = _at(node, "/Names") or (), _at(node, "/Kids") or ()
        yield from (pairs[place] for place in range(1, len(pairs), 2))
        waiting.extend(kids[place] for place in reversed(range(min(len(kids), _MAX_NODES + 1))))


def _name(file: Any) -> str:
    given = _at(file, "/UF") or _at(file, "/F") or ""
    return bytes(given).decode("utf-8") if isinstance(given, bytes) else str(given)


def _unpacked(stream: Any) -> bytes:
    """The bytes of an embedded file: stored, or deflated once."""
    kinds = _at(stream, "/Filter") or []
    filters = [str(kinds)] if isinstance(kinds, str) else [str(kind) for kind in kinds]
    if not filters:
        return bytes(stream.encoded_data)
    if filters != ["/FlateDecode"] or _at(stream, "/DecodeParms"):
        raise ValueError("an attachment packed in a way that is not read here")
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(stream.encoded_data, MAX_FILE)
    if not unpacker.eof:
        raise ValueError("an attachment that is cut off, or too large")
    return unpacked


def _check_name(name: str, before: list[str]) -> None:
    wrong = not name or name in (".", "..") or name in before or len(name.encode("utf-8", "replace")) > _LONGEST_NAME
    if wrong or any(not c.isprintable() or c in '/\\:*?"<>|' for c in name):
        raise CardInvalid(
            "card-name", "expected names of files in UTF-8 that a file system takes, each once, came another"
        )


def _check_not_executable(file: Attached) -> None:
    if _EXECUTABLE_NAME.fullmatch(file.name) or file.content.startswith(_EXECUTABLE_STARTS):
        raise CardInvalid(
            "card-executable", "expected a document and signatures, came an attached program; do not open it"
        )


def _no_pdf(came: str) -> CardInvalid:
    return CardInvalid("card-not-pdf", f"expected a PDF with attached files, came {came}")
