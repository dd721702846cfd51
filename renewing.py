"""Evidence of issued documents: until when it lasts, and new timestamps over it before it lapses.

Signed pages and the detached signatures are renewed (that of an official who prepared the decision too); the old bytes
stay in the register beside the new ones. The XML never changes: its detached signature covers its bytes, so what renews
that proves the XML too.
"""

from __future__ import annotations

import calendar
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Literal

from qujat import beside
from qujat.errors import (
    EvidenceUnavailable,
    StoreError,
    TimestampUnavailable,
    UnknownDocument,
    VerificationError,
)
from qujat.office import Office
from qujat.register import Document, Role, StoredFile

if TYPE_CHECKING:
    from qujat.signing.evidence import RevocationSource
    from qujat.signing.lasting import Extension
    from qujat.signing.proof import Signed
    from qujat.signing.timestamp import TimestampAuthority

log = logging.getLogger("qujat.evidence")

_AT_ONCE = 100  # documents read before what was found out is noted
_READING = 1  # another number when `proof.lapses` comes to other answers

RENEWED: frozenset[Role] = frozenset({"page", "cms", "approval"})
State = Literal["lasting", "due", "lapsed", "unproven"]


@dataclass(frozen=True, slots=True)
class Lasting:
    """Until when one file can prove itself, without the register, and what runs out then (or what is wrong).

    `authority`: the BIN of whose number it is.
    """

    number: str
    name: str
    level: str
    lapses: datetime | None
    what: str
    state: State
    authority: str


@dataclass(frozen=True, slots=True)
class Renewed:
    """A document with new evidence: until when each renewed file lasts now."""

    number: str
    files: tuple[Lasting, ...]


def status(office: Office, *, months: int, anew: bool = False) -> Iterator[Lasting]:
    """Every file whose evidence lapses within so many months, has lapsed, or proves nothing.

    What was found to last longer, by the same rules, is not read again; `anew`: every file is. Raises StoreError.
    """
    now, rules = office.clock(), _rules(office)
    horizon = _later(now, months)
    found = office.register.issued() if anew else office.register.lapsing(RENEWED, rules, horizon)
    while some := list(islice(found, _AT_ONCE)):
        files = [(document, file) for document in some for file in _renewable(document)]
        rows = {file.sha256: _state(document, file, office, now, horizon) for document, file in files}
        office.register.note_lapses(rules, {sha256: row.lapses for sha256, row in rows.items() if row.lapses})
        yield from (row for row in rows.values() if row.state != "lasting")


def _rules(office: Office) -> str:
    """What `proof.lapses` depends on beside the file."""
    from qujat.signing import acceptance

    return f"{_READING} {acceptance.rules(office.trust, office.evidence or acceptance.Policy())}"


def lasting(found: Document, office: Office) -> tuple[Lasting, ...]:
    """Until when each renewable file of a document proves itself."""
    now = office.clock()
    return tuple(_state(found, file, office, now, now) for file in _renewable(found))


def due(office: Office, *, months: int) -> list[str]:
    """The numbers of the documents that `status` lists, each once."""
    return list(dict.fromkeys(row.number for row in status(office, months=months)))


def renew(number: str, office: Office, *, authority: str | None = None) -> Renewed:
    """A further timestamp over every signed page and detached signature of a document, and over new evidence.

    `authority`: the BIN, where several may have given the number.

    Raises UnknownDocument; EvidenceLapsed and other VerificationErrors for what cannot be proven any more and so not
    be renewed; TimestampUnavailable, EvidenceUnavailable (nothing was changed, try again); StoreError.
    """
    found = office.register.by_number(number, authority)
    if not found.issued:
        raise UnknownDocument(f"document {number} is reserved but not issued; send its decision again to finish it")
    files = [_renewed(found, file, office) for file in _renewable(found)]
    recorded = office.register.renew(found, files, office.clock())
    log.info("evidence renewed: %s, %d files", number, len(files))
    now = office.clock()
    return Renewed(number, tuple(_state(recorded, file, office, now, now) for file in _renewable(recorded)))


def _renewable(found: Document) -> list[StoredFile]:
    return [file for file in found.files if file.role in RENEWED]


def _state(found: Document, file: StoredFile, office: Office, now: datetime, horizon: datetime) -> Lasting:
    from qujat.signing import proof
    from qujat.signing.acceptance import Policy

    authority = found.data["authority"]["bin"]
    try:
        signed = _read(found, file, office.blobs.get(file.sha256), office)
        lapses, what = proof.lapses(signed, office.trust, office.evidence or Policy())
    except (VerificationError, StoreError) as error:
        return Lasting(found.number, file.name, "", None, f"{error.code}: {error.message}", "unproven", authority)
    state: State = "lapsed" if lapses < now else "due" if lapses <= horizon else "lasting"
    return Lasting(found.number, file.name, signed.kind, lapses, what, state, authority)


def _renewed(found: Document, file: StoredFile, office: Office) -> StoredFile:
    """The file with a further timestamp, stored under its own hash."""
    from qujat.signing import lasting

    tsa, source = _services(office)
    content = office.blobs.get(file.sha256)
    signed = _read(found, file, content, office)
    recorded = office.register.recorded_at
    new = lasting.at_renewal(signed, office.trust, source, at=office.clock(), policy=office.evidence, recorded=recorded)
    extended = _extended(found, file, content, lasting.Extension(new, tsa), office)
    return replace(file, sha256=office.blobs.put(extended))


def _services(office: Office) -> tuple[TimestampAuthority, RevocationSource]:
    if office.timestamper is None:
        raise TimestampUnavailable("expected a timestamp authority, came none; set [timestamp] url")
    if office.revocation is None:
        raise EvidenceUnavailable(
            'expected somebody to ask about revocation, came nobody; set [signatures] level = "B-LTA"'
        )
    return office.timestamper, office.revocation


def _read(found: Document, file: StoredFile, content: bytes, office: Office) -> Signed:
    from qujat.signing import pades

    return pades.read(content).signed if file.role == "page" else beside.detached(content, _data(found, office))


def _extended(found: Document, file: StoredFile, content: bytes, extension: Extension, office: Office) -> bytes:
    if file.role == "page":
        return extension.pdf(content)
    data = _data(found, office)
    return extension.cms(content, data, plain=beside.is_bare(data))


def _data(found: Document, office: Office) -> bytes:
    """The XML that a detached signature signs."""
    (data,) = (file for file in found.files if file.role == "data")
    return office.blobs.get(data.sha256)


def _later(now: datetime, months: int) -> datetime:
    """The same day so many months later, or the last day of that month."""
    year, month = divmod(now.year * 12 + now.month - 1 + months, 12)
    day = min(now.day, calendar.monthrange(year, month + 1)[1])
    return now.replace(year=year, month=month + 1, day=day)
