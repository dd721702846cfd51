"""What the register keeps: documents, their files, and the tickets of those that are signed elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from qujat.document import Sealed
from qujat.formfiles import SignerRole as SignerRole

Role = Literal["page", "data", "cms", "mark", "approval"]
Status = Literal["reserved", "active", "superseded", "annulled"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a document. `page` is the SHA-256 of the unsigned page that a signed PDF begins with."""

    role: Role
    language: str
    name: str
    sha256: str
    page: str = ""
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the register needs to know to reserve: whose decision, its digest, and how to number it.

    `number` None asks for the next of `pattern`, which may hold {year}, {seq}, {bin} and {annex}.
    """

    authority: str
    decision: str
    digest: str
    number: str | None
    pattern: str
    year: int
    annex: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Numbers that the sequence of an authority and a year leaves out, `first` to `last`, and why."""

    first: int
    last: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Numbering:
    """How far the sequence of an authority has come in a year: `last` is given or left out, the next number follows."""

    authority: str
    year: int
    last: int
    skips: tuple[Skip, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A reserved or issued document as the register knows it. `former`: files whose evidence was renewed since."""

    id: int
    number: str
    digest: str
    token: bytes
    salt: bytes
    reserved_at: datetime
    data: dict[str, Any]
    status: Status
    files: tuple[StoredFile, ...] = ()
    reason: str = ""
    status_since: datetime | None = None
    superseded_by: str = ""
    former: tuple[StoredFile, ...] = ()

    @property
    def issued(self) -> bool:
        return self.status != "reserved"

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.data, self.token, self.salt)


@dataclass(frozen=True, slots=True)
class Entry:
    """What was just entered: the document as it is from now on, what happened to it, and when (UTC)."""

    kind: Literal["issued", "annulled", "superseded", "renewed"]
    document: Document
    at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; what is left empty does not matter.

    `authority`: a BIN. `form`: the key of a form. `iin`: of anybody in the fields. `name`: how the full name of one of
    them begins, surname first, in any letters. `first_day`, `last_day`: the day of the decision, both inclusive.
    """

    authority: str = ""
    form: str = ""
    iin: str = ""
    name: str = ""
    number: str = ""
    status: Status | None = None
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was found, newest first. `after` asks for the next page; None: this was the last."""

    documents: tuple[Document, ...]
    after: int | None


Assemble = Callable[[str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Secrets:
    """What nobody can guess: the token of the mark, its code for typing by hand, the salt of the digest."""

    token: bytes
    code: str
    salt: bytes


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back for a ticket. `signatures`: the SHA-256 over all of them; `approval`: the signature of a signer
    who is not the last one, kept until the document is issued."""

    ticket: str
    signatures: str
    approval: StoredFile | None = None


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket as it is entered: of the document with this id, for one signer, open in [made_at, expires_at)."""

    id: str
    document: int
    signer: SignerRole
    made_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """What waits for the signatures of one signer, in [made_at, expires_at). `files` are as they were handed out."""

    id: str
    document: Document
    signer: SignerRole
    made_at: datetime
    expires_at: datetime
    files: tuple[StoredFile, ...]
    completion: Completion | None = None
