"""The signatures in a PDF: where they stand, what they cover, and that none is passed over.

Base: pyHanko finds the fields. Beside it, our own rules on bytes: a signature leaves out exactly its own /Contents and
ends where its revision ends, and every dictionary with a /ByteRange in the file is the value of one signature field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyhanko.pdf_utils.generic import IndirectObject
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from qujat.signing import tokens
from qujat.signing.scan import Object, Revision
from qujat.signing.tokens import NotPdf
from qujat.verifier.report import Objection

MOST_SIGNATURES = 32

_HEX = re.compile(rb"<(?:[0-9A-Fa-f]{2})*>")
_SIGNATURES = (b"/adbe.pkcs7.detached", b"/ETSI.CAdES.detached")
_TIMESTAMP = b"/ETSI.RFC3161"
_SHA1 = (b"/adbe.pkcs7.sha1", b"/adbe.x509.rsa_sha1", b"/adbe.x509.rsa.sha1")


@dataclass(frozen=True, slots=True)
class Placed:
    """A signature in its place. `covered` is where its last range ends; `gap` the /Contents with its angle brackets."""

    name: str
    number: int
    revision: int
    gap: tuple[int, int]
    covered: int
    contents: bytes = field(repr=False)
    kind: bytes
    is_timestamp: bool
    field_object: Any = field(repr=False)
    dictionary_object: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What a file has of signatures: those that can be judged, those that cannot (by the field's name), and what
    concerns all of it."""

    placed: tuple[Placed, ...]
    refused: tuple[tuple[str, Objection], ...]
    objections: tuple[Objection, ...]


def find(content: bytes, reader: PdfFileReader, revisions: Sequence[Revision]) -> Found:
    """The signatures of the file in the order of their revisions. Raises Objection if there are too many."""
    placed: list[Placed] = []
    refused: list[tuple[str, Objection]] = []
    numbers: set[int] = set()
    for name, _, reference in enumerate_sig_fields(reader, filled_status=True):
        if len(placed) + len(refused) == MOST_SIGNATURES:
            raise Objection("too-costly", f"more than {MOST_SIGNATURES} signatures")
        owner = reference.get_object()
        numbers |= {value.reference.idnum for value in [owner.raw_get("/V")] if isinstance(value, IndirectObject)}
        try:
            placed.append(_placed(content, str(name), owner, revisions))
        except Objection as objection:
            refused.append((str(name), objection))
        except NotPdf as error:
            refused.append((str(name), Objection("byte-range", str(error))))
    objections = [*_reused(placed), *_missed(revisions, numbers)]
    placed.sort(key=lambda each: each.revision)
    return Found(tuple(placed), tuple(refused), tuple(objections))


def _placed(content: bytes, name: str, owner: Any, revisions: Sequence[Revision]) -> Placed:
    value = owner.raw_get("/V")
    if not isinstance(value, IndirectObject):
        raise Objection("pdf-structure", "a signature inside its field")
    number, (revision, standing) = value.reference.idnum, _standing(value.reference.idnum, revisions)
    described = standing.dictionary
    if described is None or standing.data is not None:
        raise Objection("pdf-structure", "a signature that is no dictionary")
    gap, covered = _gap(content, standing, described.integers(b"/ByteRange"), described.get(b"/Contents"))
    _check_end(covered, revisions[revision])
    kind, type_ = described.get(b"/SubFilter"), described.get(b"/Type")
    if kind in _SHA1:
        raise Objection("weak-algorithm", kind.decode())
    if kind not in (*_SIGNATURES, _TIMESTAMP) or (type_ == b"/DocTimeStamp") != (kind == _TIMESTAMP):
        raise Objection("signature-kind", (kind[:60] + b" " + type_[:60]).decode("latin-1"))
    return Placed(
        name,
        number,
        revision,
        gap,
        covered,
        bytes.fromhex(content[gap[0] + 1 : gap[1] - 1].decode()),
        kind,
        kind == _TIMESTAMP,
        owner,
        entry(owner, "/V"),
    )


def _standing(number: int, revisions: Sequence[Revision]) -> tuple[int, Object]:
    """The object as it stands last, and in which revision."""
    for index in range(len(revisions) - 1, -1, -1):
        if number in revisions[index].objects:
            return index, revisions[index].objects[number]
        if number in revisions[index].packed:
            break
    raise Objection("pdf-structure", "a signature inside an object stream")


def _gap(content: bytes, standing: Object, ranges: list[int], written: bytes) -> tuple[tuple[int, int], int]:
    """What is left out is this signature's own /Contents, brackets included, and nothing else (ISO 32000-1 12.8.1)."""
    if len(ranges) != 4 or ranges[0] != 0 or min(ranges) < 0:
        raise Objection("byte-range", f"{len(ranges)} numbers, or not from the beginning")
    _, begin, end, last = ranges
    covered = end + last
    if not standing.begin < begin < end <= standing.end or covered > len(content):
        raise Objection("byte-range", "the gap is not in the signature's own dictionary, or the end not in the file")
    if content[begin:end] != written or not _HEX.fullmatch(written):
        raise Objection("byte-range", "the gap is not the place of the signature")
    return (begin, end), covered


def _check_end(covered: int, revision: Revision) -> None:
    if not revision.eof <= covered <= revision.end:
        raise Objection("byte-range", "the signature does not end where its revision ends")


def _reused(found: Sequence[Placed]) -> Iterator[Objection]:
    """One signature shown as two: two fields with one dictionary, or two dictionaries with one message."""
    if len({each.number for each in found}) != len(found) or len({each.contents for each in found}) != len(found):
        yield Objection("signature-reused")


def _missed(revisions: Sequence[Revision], numbers: set[int]) -> Iterator[Objection]:
    """Every dictionary with a /ByteRange is the value of a field, and was never another."""
    places = list(_with_byte_range(revisions))
    for index, number in places:
        if number not in numbers or [each for _, each in places].count(number) > 1:
            yield Objection("stray-signature", f"object {number} of revision {index + 1}")
            return


def _with_byte_range(revisions: Sequence[Revision]) -> Iterator[tuple[int, int]]:
    """Every object that has a /ByteRange anywhere in it."""
    for index, revision in enumerate(revisions):
        for number, text in revision.texts():
            if b"/ByteRange" in tokens.names(text):
                yield index, number


def entry(dictionary: Any, key: str, otherwise: Any = None) -> Any:
    """A value of one of pyHanko's dictionaries, its reference followed."""
    return dictionary[key] if key in dictionary else otherwise  # noqa: SIM401  its `get` does not follow


def furthest(revisions: Sequence[Revision]) -> int:
    """Where the furthest /ByteRange of these revisions ends; 0 if there is none. For files not to be read whole."""
    ends = [0]
    for revision in revisions:
        for found in revision.objects.values():
            if found.dictionary and b"/ByteRange" in found.dictionary.values:
                try:
                    ranges = found.dictionary.integers(b"/ByteRange")
                except NotPdf:
                    continue
                ends.append(sum(ranges[2:4]))
    return max(ends)
