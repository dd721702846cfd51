"""The first page, its likeness for no network, and the public keys of the mark."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from qujat import mark as marks
from qujat.errors import MarkInvalid, StoreError
from qujat.server.api.negotiation import Tongue
from qujat.server.pages import assets, sheets
from qujat.server.pages.answer import in_tongue
from qujat.server.pages.words import Spoken
from qujat.signing.mark_keys import mark_keys_json

router = APIRouter()


@router.get("/")
@router.get("/d")
@router.get("/c")
def home(request: Request, tongue: Spoken) -> Response:
    """Scan, type or drop. The paper prints the address `/d`, and says to type the code there."""
    return sheets.page(request, "home.html.j2", tongue, typed="", wrong=False)


@router.get("/offline")
def offline(request: Request, tongue: Spoken) -> Response:
    """What the service worker keeps and shows in place of any page when there is no network."""
    forms = request.app.state.office.forms.forms.values()
    titles = {form.annex: in_tongue(form.title, tongue)[0] for form in forms}
    return sheets.page(request, "offline.html.j2", tongue, titles=titles)


@router.post("/c")
def typed_code(request: Request, tongue: Spoken, code: Annotated[str, Form(max_length=200)] = "") -> Response:
    """The code of the form on the first page."""
    return by_code(request, tongue, code)


@router.get("/c/{code}")
def linked_code(request: Request, tongue: Spoken, code: str) -> Response:
    return by_code(request, tongue, code)


def by_code(request: Request, tongue: Tongue, code: str) -> Response:
    """To the document of a short code; a code with a slip is told apart from one that nobody has."""
    try:
        found = request.app.state.office.register.by_code(marks.parse_short_code(code))
    except MarkInvalid:
        return sheets.page(request, "home.html.j2", tongue, status=422, typed=code[:60], wrong=True)
    except StoreError:
        return sheets.page(request, "trouble.html.j2", tongue, status=503, more={"Retry-After": "120"})
    if found is None or not found.issued:
        return sheets.page(request, "missing.html.j2", tongue, status=404)
    return redirect(request, f"/d/{marks.token_text(found.token)}", tongue)


def redirect(request: Request, path: str, tongue: Tongue) -> Response:
    """303 See Other: the language stays as it was asked for."""
    address = f"{path}?{urlencode({'lang': tongue})}" if "lang" in request.query_params else path
    return RedirectResponse(address, 303, {**sheets.headers(request), "Cache-Control": "no-store"})


@router.get("/keys.json")
def keys(request: Request) -> Response:
    """All public keys of the mark, retired and compromised ones with their days: what an offline check needs."""
    content = mark_keys_json(request.app.state.office.mark_keys.values())
    return assets.tagged(request, content, "application/json", sheets.headers(request))
