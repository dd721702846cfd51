"""From a draft to a document: a last look, then the office's key signs, or the head does with NCALayer."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from anyio import from_thread, to_thread
from fastapi import APIRouter, Request, Response

from qujat import mark as marks
from qujat import terms
from qujat.asking import ask as ask_signer
from qujat.decision import Decision
from qujat.entries import Document
from qujat.errors import AlreadyIssued, DecisionChanged, FieldError, FieldErrors, NumberTaken, QujatError
from qujat.handover import Prepared
from qujat.server import deeds
from qujat.server.desk import drafts, sheets, trail
from qujat.server.desk.access import Confirmed, OfficeRoute, Turned, Visit, Visiting, check_origin, redirect
from qujat.server.desk.access import visit as visiting
from qujat.server.desk.writing import Desk, checked, desk_of, page
from qujat.signing.adapters import ncalayer, web
from qujat.signing.adapters.exchange import Signed
from qujat.signing.adapters.sessions import InMemory, Session

router = APIRouter(include_in_schema=False, route_class=OfficeRoute)

BASE = "/office/signing"
_PATIENCE = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a session of NCALayer is about: a ticket, a draft, and who asked; then what came of it."""

    clerk: int
    draft: str
    ticket: str
    outcome: deeds.Told | Prepared | None = None


@router.get("/office/drafts/{draft}/sign")
def last_look(visit: Visiting, draft: str) -> Response:
    """The document once more as it will be, who signs it, and whether its term is over."""
    desk = desk_of(visit, draft)
    decision, _ = desk.judged
    return _sheet(desk, decision) if decision else redirect(visit, checked(desk))


def _sheet(desk: Desk, decision: Decision, status: int = 200) -> Response:
    form = desk.standing.form
    late = terms.late(form.file.within, form.annex, decision.fields, decision.day)
    return desk.visit.page(
        "sign.html.j2",
        status=status,
        part="forms",
        desk=desk,
        decision=decision,
        late=late,
        elsewhere=_is_elsewhere(desk),
    )


def _is_elsewhere(desk: Desk) -> bool:
    """Whether the head signs with a key of his own: always where several sign."""
    settings = desk.visit.request.app.state.settings
    return settings.signer.kind == "elsewhere" or len(desk.standing.form.signers) > 1


@router.post("/office/drafts/{draft}/sign")
def sign(visit: Visiting, form: Confirmed, draft: str) -> Response:
    """Issue the document, or hand it out to be signed. Sent twice, it gives the same document."""
    desk = desk_of(visit, draft)
    decision, _ = desk.judged
    if decision is None:
        return redirect(visit, checked(desk))
    elsewhere = _is_elsewhere(desk)
    try:
        done = _done(visit, decision, elsewhere=elsewhere)
    except AlreadyIssued:
        done = visit.work(deeds.issue, decision)  # only finds it: it was issued for this very decision
    except DecisionChanged:
        # A number was reserved for what was typed before; what is typed now is another decision.
        again = desk.with_contents({**desk.kept, "attempt": desk.kept.get("attempt", 0) + 1})
        return redirect(visit, f"/office/drafts/{again.draft.id}/sign")
    except (FieldErrors, NumberTaken) as wrong:
        return page(desk, _told(wrong), 422)
    except QujatError as error:
        deed = "prepare" if elsewhere else "issue"
        trail.enter(visit.store, visit.clerk.name, deed, visit.clerk.authority, outcome=error.code)
        raise
    return redirect(visit, _after(visit, desk, done))


def _done(visit: Visit, decision: Decision, *, elsewhere: bool) -> deeds.Told | Prepared:
    return visit.work(deeds.prepare, decision) if elsewhere else visit.work(deeds.issue, decision)


def _told(wrong: FieldErrors | NumberTaken) -> Sequence[FieldError]:
    return wrong.errors if isinstance(wrong, FieldErrors) else [FieldError("/number", wrong.code, wrong.message)]


def _after(visit: Visit, desk: Desk, done: deeds.Told | Prepared) -> str:
    """Where to go on: to the document, or to the page on which it is signed."""
    if isinstance(done, Prepared):
        trail.enter(visit.store, visit.clerk.name, "prepare", visit.clerk.authority, done.number)
        return f"{BASE}/{_asked(visit, desk.draft.id, done).id}?lang={visit.tongue}"
    return _issued(visit, desk.draft.id, done.document)


def _issued(visit: Visit, draft: str, document: Document) -> str:
    """What is left to do when a document has been issued: the trail, the letterhead, the draft."""
    trail.enter(visit.store, visit.clerk.name, "issue", visit.clerk.authority, document.number)
    data = document.data
    known: dict[str, Any] = {who: data[who] for who in ("official", "prepared_by") if who in data}
    drafts.remember(visit.store, visit.clerk.authority, {"authority": {"name": data["authority"]["name"]}, **known})
    found = drafts.find(visit.store, visit.clerk, draft)
    if found:
        drafts.discard(visit.store, found)
    return f"/office/documents/{marks.short_code(document.token)}?new=1"


# Signing elsewhere


def _sessions(request: Request) -> InMemory:
    state = request.app.state
    if not hasattr(state, "desk_signing"):
        state.desk_signing, state.desk_asked = InMemory(), {}
    found: InMemory = state.desk_signing
    return found


def _asked(visit: Visit, draft: str, prepared: Prepared) -> Session:
    """A session of NCALayer for what was prepared."""
    kept = _sessions(visit.request)
    session = ask_signer(prepared, kept, visit.office, lasting=_PATIENCE)
    asked = visit.request.app.state.desk_asked
    for old in [one for one in asked if kept.get(one) is None]:
        del asked[old]
    asked[session.id] = Asked(visit.clerk.id, draft, prepared.ticket)
    return session


def _desk(request: Request) -> ncalayer.Desk:
    """The adapter, with an address of NCALayer that tests may set."""
    state = request.app.state
    made = ncalayer.Desk(
        _sessions(request),
        partial(_complete, request),
        BASE,
        clock=state.office.clock,
        stamped=False,
        after="/office/signed/{session}",
    )
    address = getattr(state, "ncalayer_address", "")
    return replace(made, address=address) if address else made


def _complete(request: Request, session: Session, signed: Sequence[Signed]) -> None:
    """Signatures that came back: checked and embedded at once, in a worker process."""
    state = request.app.state
    asked: Asked = state.desk_asked[session.id]
    given = {one.id: base64.b64encode(one.cms).decode("ascii") for one in signed}
    done = from_thread.run(partial(state.workers.run, deeds.complete, asked.ticket, given))
    state.desk_asked[session.id] = replace(asked, outcome=done)


@router.api_route("/office/signing/{rest:path}", methods=["GET", "POST"])
async def ask(request: Request, rest: str) -> Response:
    """The page, the request for NCALayer and the signatures, for the clerk who asked: `signing.adapters.ncalayer`."""
    if not rest.startswith("assets/"):
        await to_thread.run_sync(_check_asker, request, rest.partition("/")[0])
    if request.method == "POST":
        check_origin(request)
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > ncalayer.LARGEST_BODY:
        raise Turned(413, "too_large")
    came = web.Request(
        request.method, f"/{rest}", dict(request.headers), await request.body(), dict(request.query_params)
    )
    answer = await to_thread.run_sync(ncalayer.respond, came, _desk(request))
    sent = {**sheets.headers(request), **answer.all_headers()}
    sent.pop("Content-Length")
    return Response(answer.body, answer.status, sent)


def _check_asker(request: Request, session: str) -> None:
    _sessions(request)
    asked = request.app.state.desk_asked.get(session)
    if asked is None or asked.clerk != visiting(request).clerk.id:
        raise Turned(404, "not_found")


@router.get("/office/signed/{session}")
def signed(visit: Visiting, session: str) -> Response:
    """After NCALayer: the document, or the page for the next who signs."""
    _sessions(visit.request)
    asked = visit.request.app.state.desk_asked.get(session)
    if asked is None or asked.clerk != visit.clerk.id:
        raise Turned(404, "not_found")
    if asked.outcome is None:
        return redirect(visit, f"{BASE}/{session}?lang={visit.tongue}")
    if isinstance(asked.outcome, Prepared):
        trail.enter(visit.store, visit.clerk.name, "approve", visit.clerk.authority, asked.outcome.number)
        return redirect(visit, f"{BASE}/{_asked(visit, asked.draft, asked.outcome).id}?lang={visit.tongue}")
    return redirect(visit, _issued(visit, asked.draft, asked.outcome.document))
