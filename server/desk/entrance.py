"""The login and the way out."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from qujat.languages import Language
from qujat.server.desk import clerks, sessions, sheets, trail
from qujat.server.desk.access import (
    Confirmed,
    OfficeRoute,
    Sent,
    Visiting,
    cookie_name,
    is_safe,
    redirect,
    store_of,
)
from qujat.server.desk.words import tongue_of
from qujat.server.pages.attempts import Attempts, address_of

router = APIRouter(include_in_schema=False, route_class=OfficeRoute)

# A clerk's name from one place, one place for any name, and one name from any place: so nobody is guessed at for long,
# and nobody elsewhere can lock a clerk out of his own office by a few wrong words.
_WINDOW_SECONDS = 15 * 60
_LIMITS = {"both": 8, "place": 30, "name": 60}


@router.get("/office/login")
def login(request: Request) -> Response:
    """The page that asks who is there; a clerk who is in goes on."""
    if sessions.of_cookie(store_of(request), request.cookies.get(cookie_name(request), "")):
        return RedirectResponse("/office", 303, sheets.headers(request))
    return _asked(request)


def _asked(request: Request, status: int = 200, wrong: str = "", name: str = "", wait: int = 0) -> Response:
    shown = {"wrong": wrong, "name": name, "wait": (wait + 59) // 60}
    answer = sheets.page(request, "login.html.j2", _tongue(request), status=status, **shown)
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return answer


def _tongue(request: Request) -> Language:
    return tongue_of(request.query_params.get("lang") or request.headers.get("accept-language", ""))


@router.post("/office/login")
def enter(request: Request, form: Sent) -> Response:
    """A session with a new id for whoever has the name and the password, whatever cookie he came with."""
    store, name, password = store_of(request), str(form.get("name", ""))[:200], str(form.get("password", ""))
    if wait := _wait(request, name):
        return _asked(request, 429, "too_often", name, wait)
    clerk = clerks.admitted(store, name, password)
    if clerk is None:
        trail.enter(store, "", "login", outcome="refused")
        return _asked(request, 401, "wrong", name)
    sessions.end(store, request.cookies.get(cookie_name(request), ""))
    trail.enter(store, clerk.name, "login", clerk.authority)
    answer = RedirectResponse("/office", 303, sheets.headers(request))
    cookie = sessions.start(store, clerk, _tongue(request))
    answer.set_cookie(cookie_name(request), cookie, path="/", secure=is_safe(request), httponly=True, samesite="strict")
    return answer


def limits() -> dict[str, Attempts]:
    """What counts the attempts, by what is counted."""
    return {kind: Attempts(most, _WINDOW_SECONDS) for kind, most in _LIMITS.items()}


def _wait(request: Request, name: str) -> int:
    """How many seconds to wait before the next attempt; 0 if it may be made, which counts it."""
    state, place = request.app.state, address_of(request)
    if not hasattr(state, "desk_attempts"):
        state.desk_attempts = limits()
    folded, now = name.strip().casefold(), time.monotonic()
    asked = {"both": f"{place} {folded}", "place": place, "name": folded}
    counted: dict[str, Attempts] = state.desk_attempts
    return max(counted[kind].wait(who, now) for kind, who in asked.items())


@router.post("/office/logout")
def leave(visit: Visiting, form: Confirmed) -> Response:
    """The session is over, here and in the browser."""
    name = cookie_name(visit.request)
    sessions.end(visit.store, visit.request.cookies[name])
    trail.enter(visit.store, visit.clerk.name, "logout", visit.clerk.authority)
    answer = redirect(visit, "/office/login")
    answer.delete_cookie(name, path="/", secure=is_safe(visit.request), httponly=True, samesite="strict")
    return answer
