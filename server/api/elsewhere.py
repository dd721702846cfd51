"""POST /v1/prepare, POST /v1/complete: for signers whose key is elsewhere."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from qujat.errors import UnknownTicket
from qujat.handover import Prepared
from qujat.office import Office
from qujat.server import deeds
from qujat.server.api import access, answers, bodies, models, problems
from qujat.server.api.access import Issuer
from qujat.server.api.documents import expect_permitted, json_body
from qujat.server.api.models import DocumentAnswer, PreparedAnswer
from qujat.server.clients import Client

router = APIRouter(
    prefix="/v1", tags=["signing elsewhere"], responses=access.REFUSALS, dependencies=[Depends(access.known_parameters)]
)


@router.post(
    "/prepare",
    operation_id="prepare",
    summary="What is to be signed elsewhere",
    response_model=PreparedAnswer,
    responses=problems.documented(400, 408, 409, 413, 415, 422),
    openapi_extra=json_body("Decision"),
)
async def prepare(request: Request, client: Issuer) -> PreparedAnswer:
    """Number and render a decision, and give what its signer should sign, with a ticket for /v1/complete.

    The same decision again gives the same ticket while it is open.
    """
    async with access.deed(request, client, "prepare") as doing:
        decision = await bodies.decision(request)
        await run_in_threadpool(expect_permitted, client, decision, request.app.state.office)
        prepared = await request.app.state.workers.run(deeds.prepare, decision)
        doing.number = prepared.number
    return answers.prepared(prepared)


@router.post(
    "/complete",
    operation_id="complete",
    summary="Put signatures into their document, and issue it",
    status_code=201,
    response_model=DocumentAnswer,
    responses={
        200: {"model": DocumentAnswer, "description": "The same signatures came before: the same document"},
        202: {"model": PreparedAnswer, "description": "Another signs after this one: what he should sign"},
        **problems.documented(400, 404, 408, 409, 410, 413, 415, 422),
    },
    openapi_extra=json_body("Completion"),
)
async def complete(request: Request, response: Response, client: Issuer) -> DocumentAnswer | PreparedAnswer | Response:
    """Every signature is checked, and whose it is. Nothing is issued unless all of them are right."""
    async with access.deed(request, client, "complete") as doing:
        sent = await bodies.one(request, models.Completion)
        doing.number = await run_in_threadpool(_number, client, sent.ticket, request.app.state.office)
        done = await request.app.state.workers.run(deeds.complete, sent.ticket, sent.signatures)
    if isinstance(done, Prepared):
        answer = answers.prepared(done)
        return Response(answer.model_dump_json(), 202, media_type="application/json")
    response.status_code = 201 if done.new else 200
    return answers.document(done)


def _number(client: Client, ticket: str, office: Office) -> str:
    """The number of a ticket's document. Raises UnknownTicket for one of another authority, as if it were not there."""
    found = office.register.ticket(ticket)
    data = found.document.data if found else {}
    if found is None or not client.may_use(data["authority"]["bin"], data["form"]):
        raise UnknownTicket("expected a ticket that was given out here, came another; prepare the decision again")
    return found.document.number
