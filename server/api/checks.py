"""POST /v1/check: a file in, a verdict out."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BeforeValidator

from qujat.server import deeds
from qujat.server.api import access, bodies, problems
from qujat.server.api.access import Checker
from qujat.server.api.models import CheckAnswer

router = APIRouter(
    prefix="/v1", tags=["check"], responses=access.REFUSALS, dependencies=[Depends(access.known_parameters)]
)

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")


def _written_out(value: object) -> object:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("expected a moment as 2031-01-01T12:00:00+05:00 (+ is written %2B in an address)")
    return value


_Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
_FILE = {"type": "string", "format": "binary", "maxLength": bodies.MOST_FILE}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {"file": _FILE, "data": {**_FILE, "description": "What a detached CMS signed"}},
                }
            }
        },
    }
}


@router.post(
    "/check",
    operation_id="check",
    summary="Is a file genuine?",
    response_model=CheckAnswer,
    responses=problems.documented(400, 408, 413, 415, 422),
    openapi_extra=_BODY,
)
async def check(
    request: Request,
    client: Checker,
    at: Annotated[_Moment | None, Query(description="As of this moment (with its offset); else now")] = None,
) -> dict[str, Any]:
    """A PDF, an XML or a CMS signature: a document of ours is judged as one, anything else as a stranger's file, in a
    process of its own within bounds. Never an error for what is in the file: the verdict says what is wrong with it."""
    async with access.deed(request, client, "check"), bodies.uploading(request):
        sent = await bodies.files(request, ("file", "data"))
        moment: datetime | None = at
        found = await request.app.state.workers.run(deeds.check, sent["file"], sent.get("data"), moment)
    return {"ours": True, **found}
