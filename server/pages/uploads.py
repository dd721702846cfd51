"""The full check of a file that somebody chose to send: read once, judged, forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anyio import CapacityLimiter, WouldBlock
from fastapi import APIRouter, Request, Response

from qujat.errors import StoreError, WorkError
from qujat.server import deeds
from qujat.server.api import bodies
from qujat.server.api.negotiation import Tongue
from qujat.server.api.problems import Refused
from qujat.server.pages import sheets
from qujat.server.pages.answer import State
from qujat.server.pages.words import Spoken, words

router = APIRouter()

AT_ONCE = 2
_STATES: Mapping[str, State] = {"valid": "good", "invalid": "bad", "indeterminate": "open"}


@router.get("/check")
def nothing_sent(request: Request, tongue: Spoken) -> Response:
    """A reload of the answer asks for nothing: the first page."""
    return sheets.page(request, "home.html.j2", tongue, typed="", wrong=False)


@router.post("/check")
async def full_check(request: Request, tongue: Spoken) -> Response:
    """The verdict on one file, sent as multipart under the name `file`."""
    limiter = _limiter(request)
    try:
        limiter.acquire_nowait()
    except WouldBlock:
        return _busy(request, tongue)
    try:
        sent = await bodies.files(request, ("file",))
        found = await request.app.state.workers.run(deeds.check, sent["file"])
    except Refused as refused:
        note = "too_large" if refused.status == 413 else "none"
        return _page(request, tongue, refused.status, note=note, more=refused.headers)
    except WorkError as error:
        return _busy(request, tongue, error.retry_after)
    except StoreError:
        return sheets.page(request, "trouble.html.j2", tongue, status=503, more={"Retry-After": "120"})
    finally:
        limiter.release()
    described = _verdict(found, tongue) if found.get("ours", True) else _report(found, tongue)
    return _page(request, tongue, 200, found=described)


def _busy(request: Request, tongue: Tongue, seconds: int = 60) -> Response:
    return _page(request, tongue, 503, note="busy", more={"Retry-After": str(seconds)})


def _limiter(request: Request) -> CapacityLimiter:
    """Visitors' files do not keep the workers from decisions."""
    state = request.app.state
    if not hasattr(state, "upload_limiter"):
        state.upload_limiter = CapacityLimiter(AT_ONCE)
    limiter: CapacityLimiter = state.upload_limiter
    return limiter


def _verdict(found: Mapping[str, Any], tongue: Tongue) -> dict[str, Any]:
    return {
        "state": _STATES[found["verdict"]],
        "headline": found[tongue],
        "note": "",
        "lines": [(_STATES[check["verdict"]], check[tongue]) for check in found["checks"]],
        "document": found["document"],
    }


def _report(found: Mapping[str, Any], tongue: Tongue) -> dict[str, Any]:
    """A stranger's file: that it is none of ours comes first, and never looks good."""
    state = _STATES[found["verdict"]]
    return {
        "state": "open" if state == "good" else state,
        "headline": words(tongue)["upload"]["beside" if found["format"] == "cms" else "stranger"],
        "note": found[tongue],
        "lines": list(dict.fromkeys(_signature_lines(found, tongue))),
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
