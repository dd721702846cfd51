"""The pages for applicants: scan, see, compare. `router` has them all; docs/verify-page.md tells administrators."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from qujat.server.api import problems
from qujat.server.api.negotiation import media_type
from qujat.server.pages import assets, documents, home, sheets, uploads, words

router = APIRouter(include_in_schema=False)
for part in (home, documents, uploads, assets):
    router.include_router(part.router)


def install(app: FastAPI) -> None:
    """Whoever mistypes an address in a browser comes to the first page, not to a problem in JSON."""
    app.add_exception_handler(HTTPException, _lost)


async def _lost(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  for the type checker: it is registered so
    wanted = media_type(request.headers.get("accept", ""), (problems.MEDIA_TYPE, "text/html"))
    if error.status_code != 404 or request.method != "GET" or wanted != "text/html":
        return await problems.of_http(request, error)
    tongue = words.tongue_of(request)
    return sheets.page(request, "home.html.j2", tongue, status=404, typed="", wrong=False, lost=True)
