"""The few rules of DER (X.690) that signed messages need: write a value, read one back, name an algorithm.

Small on purpose: the verifier rebuilds a message from what it read and compares bytes, so what is not DER never passes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

BOOLEAN, INTEGER, BITS, OCTETS, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31


class DerError(ValueError):
    """Bytes that are not DER, or not of the expected type. Callers turn it into an error with a meaning."""


class Element(NamedTuple):
    """One DER value: its tag, its contents, and its whole encoding."""

    tag: int
    content: bytes
    encoded: bytes

    def children(self) -> list[Element]:
        """The values inside a constructed one."""
        return elements(self.content)


def tlv(tag: int, *parts: bytes) -> bytes:
    """The encoding of a value with these contents (X.690 8.1, definite lengths only)."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def set_of(*members: bytes) -> bytes:
    """SET OF, members in ascending order (X.690 11.6)."""
    return tlv(SET, *sorted(members))


def integer(value: int) -> bytes:
    """INTEGER in the fewest octets (X.690 8.3.2)."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octets(value: bytes) -> bytes:
    return tlv(OCTETS, value)


@cache
def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from its dotted form (X.690 8.19)."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return tlv(OID, b"".join(_base128(arc) for arc in (first * 40 + second, *rest)))


def dotted(encoded: bytes) -> str:
    """The dotted form of an encoded OBJECT IDENTIFIER, for messages."""
    arcs, value = [], 0
    for octet in one(encoded, OID).content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    if not arcs:
        raise DerError("an OBJECT IDENTIFIER without arcs")
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - first * 40, *arcs[1:]))


def utc_time(moment: datetime) -> bytes:
    """UTCTime to the second, which RFC 5652 11.3 asks for until 2049."""
    return tlv(UTC_TIME, moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def generalized_time(moment: datetime) -> bytes:
    """GeneralizedTime to the second (RFC 3161 2.4.2)."""
    return tlv(GENERALIZED_TIME, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def moment(element: Element) -> datetime:
    """The moment of a UTCTime or GeneralizedTime (fractions of a second are dropped); DerError for anything else."""
    text = element.content.decode("ascii", "replace")
    if element.tag == UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif element.tag != GENERALIZED_TIME:
        raise DerError(f"expected a time, came tag 0x{element.tag:02x}")
    whole, _, fraction = text.removesuffix("Z").partition(".")
    if not text.endswith("Z") or not (whole + fraction).isdigit() or len(whole) != 14:
        raise DerError("a time that is not UTC to the second")
    return datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def one(data: bytes, tag: int | None = None) -> Element:
    """The single value that `data` is, of the given tag; DerError if it is anything else."""
    found = elements(data)
    if len(found) != 1 or (tag is not None and found[0].tag != tag):
        raise DerError(f"expected one value of tag {tag}, came {[e.tag for e in found]}")
    return found[0]


def elements(data: bytes) -> list[Element]:
    """All values that follow each other in `data`; DerError if it is not DER."""
    found, start = [], 0
    while start < len(data):
        head, size = _header(data, start)
        end = head + size
        if end > len(data):
            raise DerError("a value runs past the end")
        found.append(Element(data[start], data[head:end], data[start:end]))
        start = end
    return found


def first(data: bytes) -> Element:
    """The value that `data` begins with, whatever follows it."""
    head, size = _header(data, 0)
    if head + size > len(data):
        raise DerError("a value runs past the end")
    return Element(data[0], data[head : head + size], data[: head + size])


def _header(data: bytes, start: int) -> tuple[int, int]:
    """Where the contents begin and how long they are."""
    if start + 2 > len(data) or data[start] & 0x1F == 0x1F:
        raise DerError("a value without a length, or of a high tag")
    size = data[start + 1]
    if size < 0x80:
        return start + 2, size
    count = size & 0x7F
    octets = data[start + 2 : start + 2 + count]
    if not 1 <= count <= 4 or len(octets) != count or octets[0] == 0 or (count == 1 and octets[0] < 0x80):
        raise DerError("a length that is not in its shortest form")
    return start + 2 + count, int.from_bytes(octets, "big")


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(arc & 0x7F | 0x80)
    return bytes(reversed(groups))
