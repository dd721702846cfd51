"""The words of PDF (ISO 32000-1 7.2, 7.3): where a value ends, what a dictionary holds, which names occur.

Nothing here recurses, and nothing is guessed: what is not PDF raises NotPdf.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

DEEPEST = 64  # brackets within brackets; WeasyPrint writes 5, pyHanko 8

_WHITE = rb"\x00\t\n\x0c\r "
_REGULAR = rb"[^" + _WHITE + rb"<>\[\]()/%{}]"
# A comment that looks like a file's end or beginning would be taken for one by readers that mend files.
_SPACE = re.compile(rb"(?:[" + _WHITE + rb"]+|%(?!%EOF|PDF-)[^\r\n]*)*+")
_PLAIN = re.compile(rb"[^<>\[\]()%]*+")
_NOT_IN_VALUES = re.compile(
    rb"(?<![\w/#.+-])(?:obj|endobj|stream|endstream|xref|trailer|startxref)(?!" + _REGULAR + rb")|[{}]"
)
_HEX = re.compile(rb"<[0-9A-Fa-f" + _WHITE + rb"]*+>")
_STRING = re.compile(rb"[^()\\]*+")
_SIMPLE = re.compile(
    rb"/" + _REGULAR + rb"*+|\d{1,10}[" + _WHITE + rb"]+\d{1,5}[" + _WHITE + rb"]+R(?!" + _REGULAR + rb")|"
    + _REGULAR + rb"++"
)  # fmt: skip
_NAMES = re.compile(rb"\((?:[^()\\]|\\[\s\S])*+\)|<[0-9A-Fa-f" + _WHITE + rb"]*+>|%[^\r\n]*|(/" + _REGULAR + rb"*+)")
_REFERENCES = re.compile(
    rb"\((?:[^()\\]|\\[\s\S])*+\)|%[^\r\n]*|(?<!" + _REGULAR + rb")(\d{1,10})[" + _WHITE + rb"]+(\d{1,5})["
    + _WHITE + rb"]+R(?!" + _REGULAR + rb")"
)  # fmt: skip
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_INTEGER = re.compile(rb"[+-]?\d{1,10}")


class NotPdf(ValueError):
    """Bytes that are not PDF as it should be written. `code` says of what kind the trouble is."""

    def __init__(self, what: str, code: str = "pdf-structure") -> None:
        super().__init__(what)
        self.code = code


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A dictionary as it is written: `text` from << to >>, and the value of each key (names with #xx decoded)."""

    text: bytes
    values: Mapping[bytes, bytes] = field(repr=False)

    def get(self, key: bytes) -> bytes:
        """A value as written; empty if there is none."""
        return self.values.get(key, b"")

    def integer(self, key: bytes) -> int:
        """A whole number. Raises NotPdf."""
        value = self.get(key)
        if not _INTEGER.fullmatch(value):
            raise NotPdf(f"no number under {key.decode('latin-1')}")
        return int(value)

    def integers(self, key: bytes) -> list[int]:
        """The numbers of an array. Raises NotPdf."""
        value = self.get(key)
        words = value[1:-1].split()
        if not value.startswith(b"[") or not all(_INTEGER.fullmatch(word) for word in words):
            raise NotPdf(f"no array of numbers under {key.decode('latin-1')}")
        return [int(word) for word in words]

    def reference(self, key: bytes) -> int | None:
        """The number of the object that a value refers to; None if it is no reference."""
        found = references(self.get(key))
        return found[0] if len(found) == 1 and self.get(key)[-1:] == b"R" else None


def space_end(data: bytes, at: int) -> int:
    """Where white space and comments from `at` on end."""
    found = _SPACE.match(data, at)
    return found.end() if found else at


def value_end(data: bytes, at: int) -> int:
    """Where the value that begins at `at` ends. Raises NotPdf."""
    if data.startswith((b"<<", b"["), at):
        return _container_end(data, at)
    if data.startswith(b"(", at):
        return _string_end(data, at)
    found = (_HEX if data.startswith(b"<", at) else _SIMPLE).match(data, at)
    if not found or _NOT_IN_VALUES.fullmatch(found[0]):
        raise NotPdf("text that is no value")
    return found.end()


def dictionary(data: bytes, at: int) -> tuple[Dictionary, int]:
    """The dictionary that begins at `at`, and where it ends. Raises NotPdf: none there, or a key twice."""
    if not data.startswith(b"<<", at):
        raise NotPdf("no dictionary where one should be")
    begin, at, values = at, space_end(data, at + 2), dict[bytes, bytes]()
    while not data.startswith(b">>", at):
        if not data.startswith(b"/", at):
            raise NotPdf("a key that is no name")
        end = value_end(data, at)
        key, start = name(data[at:end]), space_end(data, end)
        end = value_end(data, start)
        if key in values:
            raise NotPdf(f"the key {key.decode('latin-1')} twice in one dictionary")
        values[key] = data[start:end]
        at = space_end(data, end)
    return Dictionary(data[begin : at + 2], values), at + 2


def name(written: bytes) -> bytes:
    """A name with its #xx decoded (7.3.5)."""
    if b"#" not in written:
        return written
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), written)


def names(text: bytes) -> set[bytes]:
    """Every name in a value, decoded; in strings with brackets inside, perhaps more."""
    return {name(found) for found in set(_NAMES.findall(text)) if found}


def references(text: bytes) -> list[int]:
    """The number of every object that a value refers to."""
    return [int(number) for number, _ in _REFERENCES.findall(text) if number]


def _container_end(data: bytes, at: int) -> int:
    opened = bytearray()
    while True:
        at = _step(data, at, opened)
        if not opened:
            return at
        if len(opened) > DEEPEST:
            raise NotPdf(f"more than {DEEPEST} brackets within each other", "too-deep")
        plain = _PLAIN.match(data, at)
        end = plain.end() if plain else at
        if _NOT_IN_VALUES.search(data, at, end):
            raise NotPdf("a word inside a value that has no place there")
        at = end


def _step(data: bytes, at: int, opened: bytearray) -> int:
    """Past one bracket, string or comment; what is open is kept in `opened`."""
    two, one = data[at : at + 2], data[at : at + 1]
    if two == b"<<" or one == b"[":
        opened.append(one[0])
        return at + (2 if one == b"<" else 1)
    if two == b">>" or one == b"]":
        if not opened or opened.pop() != (ord("<") if one == b">" else ord("[")):
            raise NotPdf("a bracket that closes another")
        return at + (2 if one == b">" else 1)
    if one == b"%":
        end = space_end(data, at)
        if end == at:
            raise NotPdf("a comment that looks like the end of a file")
        return end
    if one in (b"(", b"<"):
        return value_end(data, at)
    raise NotPdf("a value without an end")


def _string_end(data: bytes, at: int) -> int:
    depth = 0
    while True:
        char = data[at : at + 1]
        if char == b"(":
            depth += 1
            if depth > DEEPEST:
                raise NotPdf(f"more than {DEEPEST} brackets within each other", "too-deep")
        elif char == b")":
            depth -= 1
        elif not char:
            raise NotPdf("a string without an end")
        at += 2 if char == b"\\" else 1
        if depth == 0:
            return at
        plain = _STRING.match(data, at)
        at = plain.end() if plain else at
