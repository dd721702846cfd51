"""The full check of a file that somebody chose to send: read once, judged, forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anyio import CapacityLimiter, WouldBlock, to_thread
from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from qujat.checking import MAX_BYTES
from qujat.errors import StoreError
from qujat.office import Office
from qujat.server.pages import sheets
from qujat.server.pages.answer import State
from qujat.server.pages.words import Spoken, Tongue
from qujat.verdicts import Verdict
from qujat.verifier import uploads
from qujat.verifier.report import Report

router = APIRouter()

LARGEST_BODY = MAX_BYTES + 65536  # the file, and what multipart puts around it
AT_ONCE = 2
_STATES: Mapping[str, State] = {"valid": "good", "invalid": "bad", "indeterminate": "open"}


@router.get("/check")
def nothing_sent(request: Request, tongue: Spoken) -> Response:
    """A reload of the answer asks for nothing: the first page."""
    return sheets.page(request, "home.html.j2", tongue, typed="", wrong=False)


@router.post("/check")
async def full_check(request: Request, tongue: Spoken) -> Response:
    """The verdict on one file, sent as multipart under the name `file`."""
    if refusal := _too_large(request):
        return _page(request, tongue, refusal, note="too_large")
    limiter = _limiter(request)
    try:
        limiter.acquire_nowait()
    except WouldBlock:
        return _page(request, tongue, 503, note="busy", more={"Retry-After": "60"})
    try:
        content = await _content(request)
        if not content:
            return _page(request, tongue, 422, note="none")
        described = await to_thread.run_sync(_judged, content, request.app.state.office, tongue)
    except StoreError:
        return sheets.page(request, "trouble.html.j2", tongue, status=503, more={"Retry-After": "120"})
    finally:
        limiter.release()
    return _page(request, tongue, 200, found=described)


def _too_large(request: Request) -> int:
    """The status to refuse with before a byte is read, or 0. The server lets nobody send more than he announced."""
    announced = request.headers.get("content-length", "")
    if not announced.isdigit():
        return 411
    return 413 if int(announced) > LARGEST_BODY else 0


def _limiter(request: Request) -> CapacityLimiter:
    state = request.app.state
    if not hasattr(state, "upload_limiter"):
        state.upload_limiter = CapacityLimiter(AT_ONCE)
    limiter: CapacityLimiter = state.upload_limiter
    return limiter


async def _content(request: Request) -> bytes:
    """The bytes of the file; none if there is no such part."""
    try:
        async with request.form(max_files=1, max_fields=4) as form:
            sent = form.get("file")
            return await sent.read() if isinstance(sent, UploadFile) else b""
    except HTTPException:  # what is no multipart, or has more parts than a form of ours
        return b""


def _judged(content: bytes, office: Office, tongue: Tongue) -> dict[str, Any]:
    found = uploads.check(content, office)
    return _verdict(found, tongue) if isinstance(found, Verdict) else _report(found, tongue)


def _verdict(found: Verdict, tongue: Tongue) -> dict[str, Any]:
    described = found.as_json()
    return {
        "state": _STATES[found.value],
        "headline": described[tongue],
        "note": "",
        "lines": [(_STATES[check["verdict"]], check[tongue]) for check in described["checks"]],
        "document": found.document,
    }


def _report(found: Report, tongue: Tongue) -> dict[str, Any]:
    """A stranger's file: that it is none of ours comes first, and never looks good."""
    described = found.as_json()
    return {
        "state": "open" if found.value == "valid" else _STATES[found.value],
        "headline": described["note"][tongue],
        "note": described[tongue],
        "lines": list(_signature_lines(described, tongue)),
        "document": {},
    }


def _signature_lines(described: Mapping[str, Any], tongue: Tongue) -> Iterator[tuple[State, str]]:
    for one in described["signatures"]:
        yield _STATES[one["verdict"]], one[tongue]
    for reason in described["reasons"]:
        yield _STATES[reason["verdict"]], reason[tongue]


def _page(
    request: Request,
    tongue: Tongue,
    status: int,
    *,
    found: Mapping[str, Any] | None = None,
    note: str = "",
    more: Mapping[str, str] | None = None,
) -> Response:
    return sheets.page(request, "check.html.j2", tongue, status=status, more=more, found=found, note=note)
