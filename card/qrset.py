"""A signature as a set of QR codes (ddcard-spec): printed, it survives where the attached file does not.

Base64 of a ZIP with one deflated file `signId.cms`, in slices; each code holds the JSON of one slice.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any, Final

from qujat.errors import DocumentAltered

VERSION: Final = 25
CAPACITY: Final = 997  # bytes, correction M (ISO/IEC 18004, table 7)
_RESERVED: Final = 10  # for the digits of total and index
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_MOST_CODES: Final = 1000
_MOST_BYTES: Final = 10_000_000


def texts(sign_id: int, cms: bytes) -> list[str]:
    """The texts of all codes of one signature, in their order."""
    whole = base64.b64encode(_zipped(f"{sign_id}.cms", cms)).decode("ascii")
    room = CAPACITY - len(_json(sign_id, 0, 0, "")) - _RESERVED
    slices = [whole[start : start + room] for start in range(0, len(whole), room)]
    return [_json(sign_id, len(slices), index, part) for index, part in enumerate(slices, 1)]


def rebuilt(read: Iterable[str]) -> dict[int, bytes]:
    """The signatures, by signId, from the texts of all their codes in any order; a code may come twice.

    Raises DocumentAltered: a text of another kind, a code that is missing, contents that do not fit together.
    """
    sets: dict[int, dict[int, str]] = {}
    totals: dict[int, int] = {}
    for text in read:
        sign_id, total, index, part = _parsed(text)
        if totals.setdefault(sign_id, total) != total or sets.setdefault(sign_id, {}).setdefault(index, part) != part:
            raise _broken(f"two different codes {index} of the signature {sign_id}")
    for sign_id, parts in sets.items():
        if missing := sorted(set(range(1, totals[sign_id] + 1)) - parts.keys()):
            raise _broken(f"no code {missing[0]} of {totals[sign_id]} of the signature {sign_id}")
    return {sign_id: _unzipped(sign_id, "".join(parts[i] for i in sorted(parts))) for sign_id, parts in sets.items()}


def _json(sign_id: int, total: int, index: int, part: str) -> str:
    return json.dumps({"signId": sign_id, "total": total, "index": index, "data": part}, separators=(",", ":"))


def _parsed(text: str) -> tuple[int, int, int, str]:
    try:
        said: Any = json.loads(text)
        sign_id, total, index, part = (said[name] for name in ("signId", "total", "index", "data"))
    except (ValueError, KeyError, TypeError) as error:
        raise _broken("a text that is no part of a signature") from error
    numbers = (sign_id, total, index)
    if not all(type(number) is int for number in numbers) or not isinstance(part, str):
        raise _broken("a part whose numbers are no whole numbers")
    if not 1 <= index <= total <= _MOST_CODES:
        raise _broken(f"the part {index} of {total}")
    return sign_id, total, index, part


def _zipped(name: str, content: bytes) -> bytes:
    """A ZIP with one file, of no date: the same bytes for the same file."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        entry = zipfile.ZipInfo(name, _EPOCH)
        entry.create_system = 3
        archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    return written.getvalue()


def _unzipped(sign_id: int, encoded: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(encoded, validate=True))) as archive:
            entry = archive.getinfo(f"{sign_id}.cms")
            if entry.file_size > _MOST_BYTES:
                raise _broken(f"a signature larger than {_MOST_BYTES} bytes")
            return archive.read(entry)
    except (binascii.Error, zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError) as error:
        raise _broken(f"codes that do not make a ZIP with {sign_id}.cms") from error


def _broken(came: str) -> DocumentAltered:
    return DocumentAltered(f"expected all QR codes of a signature, came {came}; scan them again, each once")
