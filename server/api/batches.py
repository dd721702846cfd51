"""POST /v1/batches, GET /v1/batches/{name}, …/events, …/results"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from qujat.jobs.batches import Batches, Permit, Sent, Standing
from qujat.jobs.work import database_of
from qujat.office import Office
from qujat.server.api import access, bodies, problems
from qujat.server.api.access import Issuer
from qujat.server.api.models import BatchAnswer
from qujat.server.clients import Client

router = APIRouter(
    prefix="/v1/batches", tags=["batches"], responses=access.REFUSALS, dependencies=[Depends(access.known_parameters)]
)

JSON_LINES = ("application/jsonl", "application/x-ndjson", "application/x-jsonlines")
_NAME = r"^[A-Za-z0-9._-]{1,64}$"
Name = Annotated[str, Path(description="The name that you gave it", pattern=_NAME)]
NewName = Annotated[str, Query(description="Your own name for it: letters, digits, . _ -", pattern=_NAME)]
_HELD = 1024 * 1024  # bytes of a batch that are held in memory while it comes; the rest is on the disk
_LOOK_SECONDS = 1.0
_LIVE_SECONDS = 900.0  # of one stream of events; whoever wants more, asks again
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/jsonl": {"schema": {"type": "string", "description": "One decision a line"}}},
    }
}
_EVENT = {
    "type": "object",
    "description": "Each event; its data are JSON, the same as the batch itself",
    "required": ["event", "id", "data"],
    "properties": {"event": {"enum": ["progress", "end"]}, "id": {"type": "string"}, "data": {"type": "string"}},
}


@router.post(
    "",
    operation_id="batch",
    summary="Send many decisions",
    status_code=202,
    response_model=BatchAnswer,
    responses=problems.documented(408, 409, 413, 415, 422),
    openapi_extra=_BODY,
)
async def batch(request: Request, response: Response, client: Issuer, name: NewName) -> BatchAnswer:
    """JSON Lines in, one decision a line; workers issue them, and each gets a row in the results.

    All of the batch is taken, or nothing. The same batch sent again under the same name changes nothing that is done,
    and goes on with what stopped; other contents under that name are refused with 409.
    """
    async with access.deed(request, client, "batch"):
        bodies.expect_type(request, JSON_LINES)
        settings = request.app.state.settings.batches
        with tempfile.SpooledTemporaryFile(_HELD) as file:
            async for part in bodies.bounded(request, settings.megabytes * 1024 * 1024):
                await run_in_threadpool(file.write, part)
            sent = Sent(_owner(client), name, Permit(client.authorities, client.forms), file)
            standing = await run_in_threadpool(_batches(request).take, sent, settings.decisions, _now(request))
    response.headers["Location"] = f"/v1/batches/{name}"
    return answer(standing)


@router.get(
    "/{name}",
    operation_id="batch-standing",
    summary="How far a batch has come",
    response_model=BatchAnswer,
    responses=problems.documented(404, 422),
)
def standing(request: Request, name: Name, client: Issuer) -> BatchAnswer:
    """`stopped`: nothing is left but what failed again and again; `trouble` says why. Send the batch again to go on."""
    return answer(_batches(request).standing(_owner(client), name))


@router.get(
    "/{name}/events",
    operation_id="batch-events",
    summary="How far a batch comes, as it comes",
    responses={
        200: {"description": "Server-sent events", "content": {"text/event-stream": {"schema": _EVENT}}},
        **problems.documented(404, 422),
    },
)
async def events(request: Request, name: Name, client: Issuer) -> StreamingResponse:
    """Server-sent events: `progress` at every change, with the same data as the batch itself, and `end` at the end."""
    batches, owner = _batches(request), _owner(client)
    first = await run_in_threadpool(batches.standing, owner, name)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_told(request, batches, owner, first), media_type="text/event-stream", headers=headers)


async def _told(request: Request, batches: Batches, owner: str, now: Standing) -> AsyncIterator[str]:
    before = None
    looks = int(_LIVE_SECONDS / _LOOK_SECONDS)
    for _ in range(looks):
        if now != before:
            yield _event("progress", now)
        else:
            yield ": still there\n\n"  # so that nobody between us thinks the line is dead
        if now.state != "running":
            yield _event("end", now)
            return
        before = now
        await asyncio.sleep(_LOOK_SECONDS)
        if await request.is_disconnected():
            return
        now = await run_in_threadpool(batches.standing, owner, now.name)


def _event(kind: str, now: Standing) -> str:
    return f"event: {kind}\nid: {now.done}\ndata: {json.dumps(answer(now).model_dump())}\n\n"


@router.get(
    "/{name}/results",
    operation_id="batch-results",
    summary="What became of each decision",
    responses={
        200: {"description": "JSON Lines", "content": {"application/jsonl": {"schema": {"type": "string"}}}},
        **problems.documented(404, 422),
    },
)
async def results(request: Request, name: Name, client: Issuer) -> StreamingResponse:
    """One row for each decision that is done, in the order in which they came; also while the batch is going on."""
    rows = await run_in_threadpool(_batches(request).rows, _owner(client), name)
    headers = {"Cache-Control": "private, no-store"}
    return StreamingResponse(iterate_in_threadpool(rows), media_type="application/jsonl", headers=headers)


def answer(now: Standing) -> BatchAnswer:
    """How a batch stands, as the API tells it."""
    return BatchAnswer(
        name=now.name,
        state=now.state,
        decisions=now.decisions,
        done=now.done,
        issued=now.issued,
        refused=now.refused,
        made_at=now.made_at,
        trouble=now.trouble,
    )


def _batches(request: Request) -> Batches:
    return Batches(database_of(request.app.state.office))


def _owner(client: Client) -> str:
    return f"client {client.id}"


def _now(request: Request) -> datetime:
    office: Office = request.app.state.office
    return office.clock()
