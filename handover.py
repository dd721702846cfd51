"""Documents that are signed elsewhere: what is handed out to be signed, and what comes back for a ticket.

The steps of `pipeline.prepare` and `pipeline.complete` that `issuing` does not have. What was handed out is kept among
the blobs under its hash, so what comes back is checked against the very same bytes, whatever happened in between.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from qujat import document, issuing, rendering
from qujat.decision import Decision
from qujat.errors import (
    AlreadyIssued,
    SignatureRefused,
    SigningError,
    TicketExpired,
    TicketUsed,
    UnknownTicket,
    VerificationError,
)
from qujat.issuing import Mark, Output
from qujat.office import Office
from qujat.pages import ALMATY
from qujat.register import Completion, Document, NewTicket, Role, SignerRole, StoredFile, Ticket

if TYPE_CHECKING:
    from qujat.signing.elsewhere import Accepted
    from qujat.signing.lasting import Extension
    from qujat.signing.proof import Level, Signed

log = logging.getLogger("qujat.pipeline")

# What each signer signs: the head the pages and the data, an official before him the data alone.
SIGNED: Mapping[SignerRole, tuple[Role, ...]] = {"official": ("data",), "head": ("page", "data")}


@dataclass(frozen=True, slots=True)
class ToSign:
    """One file that waits for a signature: a detached CMS over exactly `content`, sent back under `name`.

    `whole` is the file as it is kept: of a page, the PDF with the place for the signature.
    """

    kept: StoredFile
    content: bytes = field(repr=False)
    whole: bytes = field(repr=False)
    format: Literal["cms-detached"] = "cms-detached"

    @property
    def name(self) -> str:
        """page.kk, page.ru, data"""
        return f"{self.kept.role}.{self.kept.language}" if self.kept.language else self.kept.role

    @property
    def role(self) -> Role:
        return self.kept.role

    @property
    def language(self) -> str:
        return self.kept.language

    @property
    def sha256(self) -> str:
        """Of what is to be signed, in hexadecimal."""
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What waits for one signer until `expires_at`. `reading`: by file name, the pages as he should see them before."""

    ticket: str
    document: Document
    signer: SignerRole
    expires_at: datetime
    files: tuple[ToSign, ...]
    reading: Mapping[str, bytes] = field(repr=False)

    @property
    def number(self) -> str:
        return self.document.number


@dataclass(frozen=True, slots=True)
class Returned:
    """A ticket, what was handed out for it, and what came back. `last`: nobody signs after this signer."""

    ticket: Ticket
    files: tuple[ToSign, ...]
    signatures: Mapping[str, bytes] = field(repr=False)
    last: bool

    @property
    def document(self) -> Document:
        return self.ticket.document

    def completion(self, approval: StoredFile | None = None) -> Completion:
        return Completion(self.ticket.id, _digest(self.signatures), approval)


def waiting(decision: Decision, office: Office) -> Prepared | None:
    """What was handed out for this very decision and still waits. Raises DecisionChanged, AlreadyIssued."""
    found = office.register.known(decision.authority.bin, decision.id, decision.digest())
    if found is None:
        return None
    if found.issued:
        raise AlreadyIssued(
            f"the decision is document {found.number} already and waits for nothing; fetch it by its number"
        )
    ticket = office.register.open_ticket(found, next_signer(found, office), office.clock())
    return _prepared(ticket, office) if ticket else None


def hand_out(reserved: Document, made: Mark, unsigned: Mapping[str, bytes], office: Office) -> Prepared:
    """Keep what the next signer should sign, and give a ticket for it.

    Raises RenderingError, AlreadyIssued, StoreError.
    """
    signer, now = next_signer(reserved, office), office.clock().replace(microsecond=0)
    outputs = [*_pages(reserved, unsigned, signer, now, office), *_beside(reserved, made)]
    files = [StoredFile(o.role, o.language, o.name, office.blobs.put(o.content), o.page, o.engine) for o in outputs]
    new = NewTicket(secrets.token_hex(20), reserved.id, signer, now, now + office.ticket_life)
    ticket = office.register.add_ticket(new, files)
    log.info("handed out: %s, to the %s, until %s", reserved.number, signer, ticket.expires_at.isoformat())
    return _prepared(ticket, office)


def _pages(
    reserved: Document, unsigned: Mapping[str, bytes], signer: SignerRole, now: datetime, office: Office
) -> Iterator[Output]:
    """The pages with a place for the signature, for him who signs pages; for another the pages to read."""
    from qujat.signing import pades

    stem, engine = issuing.file_stem(reserved.number), json.dumps(rendering.engine_versions(), sort_keys=True)
    level: Level = "B-T" if office.timestamper else "B-B"
    for language, page in unsigned.items():
        content = page
        if "page" in SIGNED[signer]:
            content = pades.prepare(page, at=now, level=level, reason=reserved.data["form"], name=reserved.number)
        yield Output("page", language, f"{stem}.{language}.pdf", content, sha256(page).hexdigest(), engine)


def _beside(reserved: Document, made: Mark) -> Iterator[Output]:
    stem = issuing.file_stem(reserved.number)
    yield Output("data", "", f"{stem}.xml", document.to_xml(reserved.sealed))
    yield Output("mark", "", f"{stem}.mark.txt", made.text.encode("ascii"))


def next_signer(found: Document, office: Office) -> SignerRole:
    """Whose turn it is, in the order of the form."""
    done = office.register.approvals(found)
    return next(signer for signer in _signers(found, office) if signer not in done)


def _signers(found: Document, office: Office) -> Sequence[SignerRole]:
    return office.forms.form(found.data["form"]).signers


def prepared(ticket: str, office: Office) -> Prepared:
    """What was handed out for an open ticket, once more.

    Raises UnknownTicket, TicketUsed, TicketExpired, StoreError.
    """
    found = _known(ticket, office)
    _check_open(found, office)
    return _prepared(found, office)


def returned(ticket: str, signatures: Mapping[str, bytes], office: Office) -> Returned:
    """The ticket with what came back for it: signatures by the name of their file, each of them there.

    The same signatures once more are let through, so that a lost answer can be asked for again.
    Raises UnknownTicket, TicketUsed, TicketExpired, SignatureRefused, StoreError.
    """
    found = _known(ticket, office)
    if found.completion is None or found.completion.signatures != _digest(signatures):
        _check_open(found, office)
    files = _prepared(found, office).files
    if {file.name for file in files} != signatures.keys():
        raise SignatureRefused(
            f"expected a signature of each of {', '.join(file.name for file in files)}, came"
            f" {', '.join(sorted(signatures)) or 'none'}; send all of them, each under the name of its file"
        )
    return Returned(found, files, signatures, found.signer == _signers(found.document, office)[-1])


def _known(ticket: str, office: Office) -> Ticket:
    found = office.register.ticket(ticket)
    if found is None:
        raise UnknownTicket("expected a ticket that was given out here, came another; prepare the decision again")
    return found


def _check_open(found: Ticket, office: Office) -> None:
    number = found.document.number
    if found.completion or found.document.issued:
        raise TicketUsed(
            f"expected a ticket that waits, came one of document {number}, which has been signed since; send the"
            " decision again to learn what has become of it"
        )
    if office.clock() >= found.expires_at:
        raise TicketExpired(
            f"expected the signatures of document {number} before {found.expires_at.isoformat()}, came them later;"
            " prepare the decision again: it keeps its number"
        )


def signed(back: Returned, office: Office) -> list[Output]:
    """Step 6. Every signature checked, and whose it is; only then stamped, put where it belongs, and made to last.

    Raises SignatureRefused, SignerNotEntitled, TimestampUnavailable, EvidenceUnavailable, SignerRevoked,
    VerificationError.
    """
    found = [(file, _accepted(file, back, office)) for file in back.files]
    outputs = [output for file, accepted in found for output in _outputs(file, accepted, back, office)]
    log.info("6 sign: %d files, elsewhere, by the %s", len(outputs), back.ticket.signer)
    return outputs + (_approvals(back.document, office) if back.last else [])


def _accepted(file: ToSign, back: Returned, office: Office) -> Accepted:
    from qujat.signing import elsewhere

    now = office.clock()
    level = elsewhere.level_of(file.whole) if file.role == "page" else None
    with _naming(file):
        found = elsewhere.accepted(back.signatures[file.name], file.content, office.trust, at=now, level=level)
        _check_signer(found, back, office)
    return found


def _check_signer(found: Accepted, back: Returned, office: Office) -> None:
    from qujat.signing import policy

    data = back.document.data
    if back.ticket.signer == "head":
        policy.may_sign(
            found.certificate,
            bin=data["authority"]["bin"],
            iin=data["official"]["iin"],
            kind=data["kind"],
            mandates=office.mandates,
            days=(date.fromisoformat(data["day"]), office.clock().astimezone(ALMATY).date()),
        )
    else:
        policy.employed(found.certificate, bin=data["authority"]["bin"], iin=data["prepared_by"]["iin"])


def _outputs(file: ToSign, found: Accepted, back: Returned, office: Office) -> list[Output]:
    """The files that a signature makes: a signed page; or the data and the signature beside them. With evidence, where
    this office gathers it: nothing is issued at a level that it does not have."""
    from qujat.signing import cms, elsewhere, pades

    level: Level = elsewhere.level_of(file.whole) if file.role == "page" else "B-T" if office.timestamper else "B-B"
    kept, now = file.kept, office.clock()
    with _naming(file):
        encoded = elsewhere.stamped(found, level, office.timestamper)
        if file.role == "page":
            page = elsewhere.in_page(file.whole, encoded, office.trust, at=now)
            page = _evidence(pades.read(page).signed, found, office).pdf(page)
            return [Output("page", kept.language, kept.name, page, kept.page, kept.engine)]
        cms.verify_detached(encoded, file.content, office.trust, at=now, plain=True)
        signed = cms.read(encoded, file.content, plain=True)
        encoded = _evidence(signed, found, office).cms(encoded, file.content, plain=True)
    if not back.last:
        return [Output("approval", "", f"{kept.name}.{back.ticket.signer}.p7s", encoded)]
    return [Output("data", "", kept.name, file.content), Output("cms", "", f"{kept.name}.p7s", encoded)]


def _evidence(signed: Signed, found: Accepted, office: Office) -> Extension:
    """Evidence for one signature, each of which may have a certificate and a timestamp of its own."""
    return issuing.gathered(signed, office, stamped_here=not found.message.token)


def approve(back: Returned, outputs: Sequence[Output], office: Office) -> None:
    """Keep the signature of a signer who is not the last one. Raises TicketUsed, StoreError."""
    (output,) = outputs
    approval = StoredFile("approval", "", output.name, office.blobs.put(output.content))
    entered = office.register.approve(back.ticket, back.completion(approval), office.clock())
    if entered.completion and entered.completion.signatures != _digest(back.signatures):
        _check_open(entered, office)
    log.info("approved: %s, by the %s", back.document.number, back.ticket.signer)


def mark_of(back: Returned, office: Office) -> Mark:
    """The mark as it stands on the pages that were handed out. Raises StoreError."""
    (kept,) = (file for file in back.ticket.files if file.role == "mark")
    text = office.blobs.get(kept.sha256).decode("ascii")
    return Mark(text, issuing.drawn(text, back.document.token))


def _approvals(found: Document, office: Office) -> list[Output]:
    """The signatures of those who signed before, as files of the document."""
    kept = office.register.approvals(found).values()
    return [Output("approval", "", file.name, office.blobs.get(file.sha256)) for file in kept]


def _prepared(ticket: Ticket, office: Office) -> Prepared:
    from qujat.signing import elsewhere

    whole = {file: office.blobs.get(file.sha256) for file in ticket.files}
    files = tuple(
        ToSign(file, elsewhere.bytes_to_sign(content) if file.role == "page" else content, content)
        for file, content in whole.items()
        if file.role in SIGNED[ticket.signer]
    )
    reading = {file.name: content for file, content in whole.items() if file.role == "page"}
    return Prepared(ticket.id, ticket.document, ticket.signer, ticket.expires_at, files, reading)


def _digest(signatures: Mapping[str, bytes]) -> str:
    """SHA-256 over the names and the contents of all signatures."""
    listed = {name: sha256(content).hexdigest() for name, content in signatures.items()}
    return sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()


@contextmanager
def _naming(file: ToSign) -> Iterator[None]:
    """Errors say of which file they are."""
    try:
        yield
    except (SigningError, VerificationError) as error:
        raise type(error)(f"{file.name}: {error.message}") from error
