"""The office of the clerks, behind a login: /office. docs/office.md tells administrators and clerks."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from qujat.server.desk import entrance, finding, papers, sheets, shelf, signing, writing
from qujat.server.desk.access import OfficeRoute, Turned

_nothing = APIRouter(include_in_schema=False, route_class=OfficeRoute)


@_nothing.get("/office/{rest:path}")
def nothing(request: Request, rest: str) -> Response:
    """Whatever else is asked for below /office is not there."""
    raise Turned(404, "not_found")


router = APIRouter(include_in_schema=False)
for part in (sheets, entrance, shelf, writing, signing, finding, papers):
    router.include_router(part.router)
router.include_router(_nothing)
