"""Asking a signer elsewhere, whatever his tool: what `pipeline.prepare` gives becomes a session of an adapter, and what
the adapter brings back goes to `pipeline.complete`.

    sessions = InFile(settings.root / "sessions.sqlite")
    desk = egov_mobile.Desk(address, organisation, sessions, completing(office), clock=office.clock)
    session = ask(prepare(decision, office), sessions, office)
    desk.qr_text(session)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from qujat import pipeline
from qujat.handover import Prepared
from qujat.handover import ToSign as HandedOut
from qujat.office import Office
from qujat.signing.adapters.exchange import Role, Signatory, Signed, ToSign
from qujat.signing.adapters.messages import document_name
from qujat.signing.adapters.sessions import Complete, Session, Sessions, start

LASTING = timedelta(minutes=5)
_MIME = {"page": "application/pdf", "data": "application/xml"}


def ask(
    prepared: Prepared,
    sessions: Sessions,
    office: Office,
    *,
    role: Role | None = None,
    lasting: timedelta = LASTING,
) -> Session:
    """A session in which the signer of a ticket is asked for its signatures. It never outlasts the ticket.

    `role`: what the signer's tool looks for in his certificates; None is what the form and the mandates say. Raises
    SigningError for a session of no time, or more than half an hour.
    """
    now = office.clock()
    return start(
        sessions,
        documents(prepared, office),
        signatory(prepared, office, role),
        _titles(prepared, office),
        now=now,
        lasting=min(lasting, prepared.expires_at - now),
        reference=prepared.ticket,
    )


def documents(prepared: Prepared, office: Office) -> list[ToSign]:
    """The files of a ticket, each under the name by which `complete` knows its signature."""
    return [_document(file, prepared, office) for file in prepared.files]


def signatory(prepared: Prepared, office: Office, role: Role | None = None) -> Signatory:
    """Whose signature is asked for."""
    data = prepared.document.data
    who = data["official"] if prepared.signer == "head" else data["prepared_by"]
    return Signatory(data["authority"]["bin"], who["iin"], role or _role(prepared, office))


def completing(office: Office) -> Complete:
    """What a desk does with signatures: `complete` of the session's ticket, which verifies them and issues."""

    def complete(session: Session, signed: Sequence[Signed]) -> None:
        pipeline.complete(session.reference, by_name(signed), office)

    return complete


def by_name(signed: Iterable[Signed]) -> Mapping[str, bytes]:
    """Signatures as `complete` takes them."""
    return {one.id: one.cms for one in signed}


def _role(prepared: Prepared, office: Office) -> Role:
    """A head's certificate of him who signs as head; of an acting one, and of an official, any of the organisation."""
    if prepared.signer != "head":
        return "organisation"
    data, mandates = prepared.document.data, office.mandates
    bin, iin, day = data["authority"]["bin"], data["official"]["iin"], date.fromisoformat(data["day"])
    as_head = [m for m in mandates.held if (m.bin, m.iin, m.power) == (bin, iin, "head")]
    is_head = any(mandate.covers(day, data["kind"]) for mandate in as_head)
    return "head" if is_head or not mandates.are_kept_for(bin) else "organisation"


def _document(file: HandedOut, prepared: Prepared, office: Office) -> ToSign:
    titles = _titles(prepared, office)
    return ToSign(
        file.name,
        {language: document_name(file.name, language, title) for language, title in titles.items()},
        file.content,
        _MIME[file.role],
        next(_readings(file, prepared), None),
    )


def _readings(file: HandedOut, prepared: Prepared) -> Iterator[bytes]:
    """What to look at before signing: of a page the page, of the data the pages that show them."""
    return (page for name, page in prepared.reading.items() if file.role != "page" or name == file.kept.name)


def _titles(prepared: Prepared, office: Office) -> dict[str, str]:
    """The form and the number, in Kazakh and Russian: nothing personal."""
    title = office.forms.form(prepared.document.data["form"]).title
    return {language: f"{title[language]} № {prepared.number}" for language in title}
