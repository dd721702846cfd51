"""What passes between this office and whoever signs elsewhere: documents out, signatures in."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from qujat.errors import SigningError

Role = Literal["head", "entitled", "employee", "organisation"]

LARGEST_DOCUMENT = 16 * 1024 * 1024
LARGEST_SIGNATURE = 1024 * 1024
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PEM = re.compile(r"-----BEGIN (CMS|PKCS7)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----\s*")


@dataclass(frozen=True, slots=True)
class ToSign:
    """One document for a signer elsewhere. `content` is exactly what is to be signed.

    `id` is ours and short (a role and a language, such as page.kk), nothing personal: it goes into addresses and logs.
    `names` by language (kk, ru, en) are what people see. `shown` is a file to look at before signing (PDF), if any.
    Raises SigningError for an id that is not one, no Kazakh or Russian name, or a content of no size or too large.
    """

    id: str
    names: Mapping[str, str]
    content: bytes = field(repr=False)
    mime: str = "application/pdf"
    shown: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise SigningError("expected an id of 1 to 64 small Latin letters, digits, dots and dashes, came another")
        if not {"kk", "ru"} <= self.names.keys():
            raise SigningError(f"expected names in Kazakh and Russian for {self.id}, came {sorted(self.names)}")
        size = len(self.content)
        if not 0 < size <= LARGEST_DOCUMENT:
            raise SigningError(f"expected 1 to {LARGEST_DOCUMENT} bytes to sign for {self.id}, came {size}")

    def name(self, language: str) -> str:
        """The name in a language; the Russian one where there is none in it."""
        return self.names.get(language) or self.names["ru"]

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Signed:
    """A detached signature over one document, as it came: `cms` in DER or BER, not yet verified."""

    id: str
    cms: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signatory:
    """The official who is to sign: of this authority (BIN), in person (IIN), as its head, one entitled to sign, an
    employee, or in whatever role of the organisation."""

    bin: str
    iin: str = field(repr=False)
    role: Role = "head"


def cms_of(text: str) -> bytes:
    """The bytes of a CMS in PEM or in Base64; raises SigningError for anything else, also for a CMS of no size."""
    if len(text) > 2 * LARGEST_SIGNATURE:
        raise SigningError(f"expected a signature under {LARGEST_SIGNATURE} bytes, came a larger one; sign again")
    pem = _PEM.fullmatch(text.strip() + "\n")
    try:
        found = base64.b64decode("".join((pem[2] if pem else text).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SigningError("expected a CMS in PEM or Base64, came something else; sign again") from error
    # Every CMS is a SEQUENCE (RFC 5652 section 3), in DER or in BER.
    if not found.startswith(b"\x30"):
        raise SigningError("expected a CMS in PEM or Base64, came something else; sign again")
    return found


def all_of(documents: Sequence[ToSign], signed: Iterable[Signed]) -> list[Signed]:
    """The signatures in the order of the documents; raises SigningError unless there is exactly one of each."""
    came = list(signed)
    by_id = {one.id: one for one in came}
    if len(by_id) != len(came) or by_id.keys() != {document.id for document in documents}:
        raise SigningError(
            f"expected one signature of each of {len(documents)} documents, came {len(came)} for {len(by_id)} ids;"
            " sign again"
        )
    return [by_id[document.id] for document in documents]
