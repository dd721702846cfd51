"""The verify page of one document, its files by their hashes, and the second factor."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse

from qujat import mark as marks
from qujat.errors import MarkInvalid, StoreError
from qujat.office import Office
from qujat.register import Document
from qujat.server.api.negotiation import Tongue
from qujat.server.pages import holder, sheets
from qujat.server.pages.answer import answer
from qujat.server.pages.attempts import Attempts, address_of
from qujat.server.pages.home import by_code
from qujat.server.pages.words import Spoken

router = APIRouter()

# With a birth date known, some ten thousand IINs are left: these are too slow to try them.
FOR_ONE_DOCUMENT = (5, 15 * 60)
FOR_ONE_ADDRESS = (20, 15 * 60)


@router.get("/d/{token}")
def document(request: Request, tongue: Spoken, token: str) -> Response:
    """The three verdicts. A short code in place of the token leads to its document."""
    try:
        found = _issued(request.app.state.office, token)
    except StoreError:
        return _trouble(request, tongue)
    if found is not None:
        return _shown(request, tongue, found)
    if re.fullmatch(r"[a-z2-7]{20}", token):
        return sheets.page(request, "missing.html.j2", tongue, status=404)
    return by_code(request, tongue, token)


@router.post("/d/{token}")
def second_factor(
    request: Request,
    tongue: Spoken,
    token: str,
    iin: Annotated[str, Form(max_length=40)] = "",
    birth_date: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Match or no match for what the holder typed; limited for one document and for one address."""
    office: Office = request.app.state.office
    try:
        found = _issued(office, token)
        if found is None:
            return sheets.page(request, "missing.html.j2", tongue, status=404)
        held = holder.known(found.data, office.forms)
        outcomes = holder.compare({"iin": iin, "birth_date": birth_date}, held)
        # Only a malformed field tells nothing and costs nothing.
        guessed = any(outcome != "malformed" for outcome in outcomes.values())
        if guessed and (seconds := _wait(request, token)):
            return _shown(request, tongue, found, wait=seconds)
        return _shown(request, tongue, found, outcomes=outcomes)
    except StoreError:
        return _trouble(request, tongue)


@router.get("/d/{token}/files.json")
def files(request: Request, token: str) -> Response:
    """The names and SHA-256 of the document's signed files, as they are and as they were before renewal."""
    try:
        found = _issued(request.app.state.office, token)
    except StoreError:
        return _json(request, {"files": []}, 503)
    if found is None:
        return _json(request, {"files": []}, 404)
    listed = [(file, True) for file in found.files] + [(file, False) for file in found.former]
    entries = [
        {"name": file.name, "sha256": file.sha256, "current": current}
        for file, current in listed
        if file.role in ("page", "data", "cms")
    ]
    return _json(request, {"number": found.number, "files": entries})


@router.get("/h/{sha256}")
def by_hash(request: Request, sha256: str) -> Response:
    """The document that a file with this SHA-256 was issued for. Whoever knows the hash has the file."""
    register = request.app.state.office.register
    try:
        found = register.by_file(sha256) if re.fullmatch(r"[0-9a-f]{64}", sha256) else None
    except StoreError:
        return _json(request, {}, 503)
    if found is None:
        return _json(request, {}, 404)
    current = any(file.sha256 == sha256 for file in found.files)
    return _json(request, {"document": f"/d/{marks.token_text(found.token)}", "current": current})


def _issued(office: Office, token: str) -> Document | None:
    """The document of a token; None too while it is only reserved: no mark answers for that. Raises StoreError."""
    try:
        found = office.register.by_token(marks.parse_token(token))
    except MarkInvalid:
        return None
    return found if found and found.issued else None


def _wait(request: Request, token: str) -> int:
    """Seconds until another attempt, 0 if this one counts."""
    state, now = request.app.state, time.monotonic()
    if not hasattr(state, "attempts"):
        state.attempts = Attempts(*FOR_ONE_DOCUMENT), Attempts(*FOR_ONE_ADDRESS)
    by_token, by_address = state.attempts
    return int(by_address.wait(address_of(request), now) or by_token.wait(token, now))


def _shown(
    request: Request, tongue: Tongue, found: Document, outcomes: dict[str, holder.Outcome] | None = None, wait: int = 0
) -> Response:
    office: Office = request.app.state.office
    return sheets.page(
        request,
        "document.html.j2",
        tongue,
        status=429 if wait else 200,
        more={"Retry-After": str(wait)} if wait else None,
        answer=answer(found, office, office.clock()),
        asked=holder.known(found.data, office.forms).keys(),
        outcomes=outcomes,
        minutes=-(-wait // 60),
    )


def _trouble(request: Request, tongue: Tongue) -> Response:
    return sheets.page(request, "trouble.html.j2", tongue, status=503, more={"Retry-After": "120"})


def _json(request: Request, value: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(value, status, {**sheets.headers(request), "Cache-Control": "no-store"})
