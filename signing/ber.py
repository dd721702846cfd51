"""BER to DER (X.690): what other programs send, in the one form in which it is read here.

Java's signing tools write lengths that are not known beforehand (8.1.3.6) and texts in pieces (8.7.3); DER has neither.
"""

from __future__ import annotations

from qujat.signing import der
from qujat.signing.der import DerError, tlv

_DEEPEST = 40
_CONSTRUCTED = 0x20
_PIECES = der.OCTETS | _CONSTRUCTED
_END = b"\0\0"


def to_der(data: bytes) -> bytes:
    """The one value that `data` is, with definite lengths in the fewest octets. Raises DerError for anything else."""
    encoded, end = _value(data, 0, 0)
    if end != len(data):
        raise DerError("something after the end of the value")
    return encoded


def _value(data: bytes, start: int, depth: int) -> tuple[bytes, int]:
    """The value at `start` in DER, and where it ends."""
    if depth > _DEEPEST or start + 2 > len(data) or data[start] & 0x1F == 0x1F:
        raise DerError("a value without a length, of a high tag, or nested too deep")
    tag, (head, size) = data[start], _length(data, start + 1)
    if size is None and not tag & _CONSTRUCTED:
        raise DerError("a primitive value without a length")
    end = len(data) if size is None else head + size
    if end > len(data):
        raise DerError("a value runs past the end")
    if not tag & _CONSTRUCTED:
        return tlv(tag, data[head:end]), end
    parts, end = _parts(data, head, None if size is None else end, depth)
    return (_joined(parts) if tag == _PIECES else tlv(tag, *parts)), end


def _parts(data: bytes, at: int, end: int | None, depth: int) -> tuple[list[bytes], int]:
    """The values inside a constructed one, and where it ends; `end` None: where the end is marked (8.1.5)."""
    parts: list[bytes] = []
    while end is None or at < end:
        if end is None and data[at : at + 2] == _END:
            return parts, at + 2
        part, at = _value(data, at, depth + 1)
        parts.append(part)
    if at > end:
        raise DerError("a value runs past the end of what holds it")
    return parts, at


def _joined(parts: list[bytes]) -> bytes:
    return tlv(der.OCTETS, *(der.one(part, der.OCTETS).content for part in parts))


def _length(data: bytes, at: int) -> tuple[int, int | None]:
    """Where the contents begin and how long they are; None: their end is marked."""
    first = data[at]
    if first < 0x80:
        return at + 1, first
    if first == 0x80:
        return at + 1, None
    octets = data[at + 1 : at + 1 + (first & 0x7F)]
    if len(octets) != first & 0x7F or len(octets) > 8:
        raise DerError("a length that cannot be read")
    return at + 1 + len(octets), int.from_bytes(octets, "big")
