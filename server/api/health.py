"""GET /healthz, /readyz, /metrics: for whoever runs the server. The proxy in front keeps them from others."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool

from qujat.errors import BlobMissing, QujatError
from qujat.mark import TOKEN_BYTES
from qujat.office import Office

router = APIRouter(include_in_schema=False)

State = Literal["ok", "unreachable"]


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """200 if a decision sent now would be issued: the register, the blobs and a worker process answer; else 503."""
    office: Office = request.app.state.office
    found = await run_in_threadpool(_stores, office)
    found["workers"] = "ok" if request.app.state.workers.alive() else "unreachable"
    ready = set(found.values()) == {"ok"}
    return JSONResponse({"ready": ready, **found}, 200 if ready else 503)


def _stores(office: Office) -> dict[str, State]:
    return {"register": _register(office), "blobs": _blobs(office)}


def _register(office: Office) -> State:
    try:
        office.register.by_token(bytes(TOKEN_BYTES))
    except QujatError:
        return "unreachable"
    return "ok"


def _blobs(office: Office) -> State:
    """A store that says "there is no such blob" is one that answers."""
    try:
        office.blobs.get("0" * 64)
    except BlobMissing:
        return "ok"
    except QujatError:
        return "unreachable"
    return "ok"


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Everything counted, in the text format of Prometheus."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
