"""The register: which decision became which document, and what became of it. Entries are added, never changed.

A number is reserved before the page is drawn (it is printed on it) and the document recorded after it is stored.
A crash in between leaves a reservation: no mark answers for it, and sending the decision again finishes the work
under the same number.

What any register does stands here; the one there is, in `registers`, keeps it in SQLite or in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from qujat.entries import (
    Assemble,
    Claim,
    Completion,
    Document,
    Entry,
    Found,
    NewTicket,
    Numbering,
    Role,
    Secrets,
    SignerRole,
    Status,
    StoredFile,
    Ticket,
    Wanted,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "Assemble",
    "Claim",
    "Completion",
    "Document",
    "Entry",
    "Found",
    "NewTicket",
    "Numbering",
    "OnEntry",
    "Register",
    "Role",
    "Secrets",
    "SignerRole",
    "Status",
    "StoredFile",
    "Ticket",
    "Wanted",
]

OnEntry = Callable[["Connection", Entry], None]
"""Called in the transaction that enters something, after the rows are written and before the commit.

It gets the SQLAlchemy Connection of that transaction (PostgreSQL: `connection.connection.driver_connection` is the
psycopg connection) and the entry. What it writes there is committed with the entry or not at all; if it raises, nothing
is entered and the error goes to the caller. It must not commit, and must not ask the register: that would be another
connection, which sees nothing of this and in SQLite waits for it. It is called once an entry: not for whoever records,
annuls or renews second.
"""


class Register(Protocol):
    """What the pipeline asks of a register. Everything may raise RegisterUnreachable."""

    @property
    def name(self) -> str:
        """Where it is, as errors say it: never with a password."""

    def reserve(self, claim: Claim, assemble: Assemble, draw: Callable[[], Secrets], at: datetime) -> Document:
        """The document of this decision: the one of before, or a new reservation. Raises DecisionChanged, NumberTaken.

        `assemble` gives the data of a number, `draw` new secrets; both may be called several times before one counts.
        """

    def known(self, authority: str, decision: str, digest: str) -> Document | None:
        """The document of a decision sent before; raises DecisionChanged if it came with other contents."""

    def record(
        self, document: Document, files: Sequence[StoredFile], at: datetime, completion: Completion | None = None
    ) -> Document:
        """From now on the document is issued, and the ticket of `completion` used. The first to record wins."""

    def numberings(self) -> Sequence[Numbering]:
        """How far each authority has counted in each year, and which numbers it has left out."""

    def skip(self, authority: str, year: int, to: int, reason: str, at: datetime) -> Numbering:
        """Leave out all numbers of the sequence up to `to` that have not been given: they stand on paper elsewhere.

        Where it has come that far already, nothing changes.
        """

    def by_number(self, number: str, authority: str | None = None) -> Document:
        """The document of a number, of the authority with this BIN where several have given it.

        Raises UnknownDocument, NumberShared.
        """

    def by_token(self, token: bytes) -> Document | None: ...

    def by_code(self, code: str) -> Document | None: ...

    def recorded_at(self, sha256: str) -> datetime | None:
        """When a file with this hash was recorded as issued or renewed; None if none was."""

    def issued(self) -> Iterator[Document]:
        """Every issued document, in the order of its number's reservation."""

    def lapsing(self, roles: Collection[Role], rules: str, until: datetime) -> Iterator[Document]:
        """The issued documents with a file of these roles that is not noted, by these rules, to last after `until`.

        In the order of `issued`; what has never been noted is among them.
        """

    def note_lapses(self, rules: str, lapses: Mapping[str, datetime]) -> None:
        """Note until when files last, by their SHA-256, in place of what was noted before.

        `rules`: by what it was found out; noted for `lapsing` alone, proves nothing.
        """

    def find(self, wanted: Wanted, after: int | None = None, limit: int = 50) -> Found:
        """The documents that are as wanted, reserved ones too, newest reservation first, at most `limit` at once."""

    def renew(self, document: Document, files: Sequence[StoredFile], at: datetime) -> Document:
        """From now on these are the document's files of their roles and languages; the old ones stay beside them."""

    def by_file(self, sha256: str) -> Document | None:
        """The document that a file with this hash was recorded for."""

    def annul(
        self, number: str, reason: str, at: datetime, superseded_by: str = "", authority: str | None = None
    ) -> Document:
        """An entry that the document is no longer in effect. Both numbers are those of `authority`, if it is given.

        Raises UnknownDocument if a number was never issued, NumberShared; annulling twice changes nothing.
        """

    def open_ticket(self, document: Document, signer: SignerRole, at: datetime) -> Ticket | None:
        """The ticket of this document for this signer that is open at `at`."""

    def add_ticket(self, new: NewTicket, files: Sequence[StoredFile]) -> Ticket:
        """The ticket that is open already, or this new one. Raises AlreadyIssued."""

    def ticket(self, ticket: str) -> Ticket | None: ...

    def approve(self, ticket: Ticket, completion: Completion, at: datetime) -> Ticket:
        """Enter the signature of a signer who is not the last one; the first to come wins."""

    def approvals(self, document: Document) -> Mapping[SignerRole, StoredFile]:
        """The signatures of those who signed before the last one, in their order."""

    def watched(self, on_entry: OnEntry) -> Register:
        """The same register, which tells `on_entry` of every entry made through it, in its transaction."""

    def close(self) -> None:
        """Give the connections back; a later question opens new ones."""
