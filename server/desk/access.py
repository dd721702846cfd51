"""Who is at the office: the session of a request, and that what is sent to it comes from a page of its own.

Every route of the office but the login asks for a `Visit`. What comes with POST must name our own origin and bring the
token of the session; the cookie alone opens nothing.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

from anyio import from_thread
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from qujat import mark as marks
from qujat import pages
from qujat.catalogue import Form
from qujat.entries import Document
from qujat.errors import MarkInvalid, QujatError
from qujat.languages import Language
from qujat.office import Office
from qujat.server.api import problems
from qujat.server.desk import sessions, sheets
from qujat.server.desk.clerks import Clerk
from qujat.server.desk.sessions import Session
from qujat.server.desk.tables import Store, open_store
from qujat.server.desk.words import tongue_of, trouble

log = logging.getLogger("qujat.server")

LARGEST_FORM = 2_000_000  # bytes; the longest decision has half of it
MOST_FIELDS = 4000
_ENTRANCE = "/office/login"

P = ParamSpec("P")
R = TypeVar("R")


class Turned(Exception):
    """The answer is another than the route would have given: to the login, not found, refused."""

    def __init__(self, status: int, name: str = "", to: str = "") -> None:
        super().__init__(name)
        self.status, self.name, self.to = status, name, to


@dataclass(frozen=True)
class Visit:
    """A clerk with his session, in front of his office."""

    request: Request
    session: Session
    store: Store

    @property
    def clerk(self) -> Clerk:
        return self.session.clerk

    @property
    def tongue(self) -> Language:
        return self.session.tongue

    @property
    def office(self) -> Office:
        found: Office = self.request.app.state.office
        return found

    @property
    def today(self) -> date:
        """The day in Kazakhstan."""
        return self.office.clock().astimezone(pages.ALMATY).date()

    def page(self, template: str, /, *, status: int = 200, **shown: Any) -> Response:
        """A page in his language."""
        return sheets.page(self.request, template, self.tongue, status=status, visit=self, **shown)

    def work(self, function: Callable[Concatenate[Office, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What a worker process gives for `function(office, …)`. Only in routes that run in a thread of their own."""
        workers = self.request.app.state.workers
        found: R = from_thread.run(partial(workers.run, function, *args, **kwargs))
        return found

    def form(self, name: str) -> Form:
        """A form that is his to use; any other is not there."""
        form = self.office.forms.form(name)
        if not self.clerk.may_use(form.annex):
            raise Turned(404, "not_found")
        return form

    def document(self, code: str) -> Document:
        """A document of his authority and of a form of his, by its short code; any other is not there."""
        try:
            found = self.office.register.by_code(marks.parse_short_code(code))
        except MarkInvalid:
            raise Turned(404, "not_found") from None
        if found is None or not may_see(self.clerk, found):
            raise Turned(404, "not_found")
        return found


def may_see(clerk: Clerk, found: Document) -> bool:
    """Whether a document is of his authority and of a form of his."""
    return bool(found.data["authority"]["bin"] == clerk.authority) and clerk.may_use(found.data["form"])


def store_of(request: Request) -> Store:
    """The store of the office, opened when it is first asked for."""
    state = request.app.state
    if not hasattr(state, "desk_store"):
        state.desk_store = open_store(state.settings, state.office.clock, state.office.register)
    found: Store = state.desk_store
    return found


def is_safe(request: Request) -> bool:
    """Whether browsers reach this office by https, so that its cookie may ask for it."""
    state = request.app.state
    return bool(state.settings.profile == "production" or state.office.address.startswith("https://"))


def cookie_name(request: Request) -> str:
    """With __Host- no other host and no page without https can set it (RFC 6265bis, section 4.1.3.2)."""
    return "__Host-office" if is_safe(request) else "office"


def visit(request: Request) -> Visit:
    """The clerk of this request; anybody else is sent to the login."""
    store = store_of(request)
    found = sessions.of_cookie(store, request.cookies.get(cookie_name(request), ""))
    if found is None:
        raise Turned(303, to=_ENTRANCE)
    chosen = tongue_of(request.query_params.get("lang", ""), found.tongue)
    if request.method == "GET" and chosen != found.tongue:
        sessions.change(store, found, tongue=chosen)
        found = replace(found, tongue=chosen)
    return Visit(request, found, store)


Visiting = Annotated[Visit, Depends(visit)]


async def sent_form(request: Request) -> FormData:
    """What a page of ours sent; 403 for what another site did, 413 for too much of it."""
    check_origin(request)
    announced = request.headers.get("content-length", "")
    if not announced.isdigit() or int(announced) > LARGEST_FORM:
        raise Turned(413, "too_large")
    try:
        return await request.form(max_files=0, max_fields=MOST_FIELDS)
    except HTTPException:  # what is no form, or has more fields than any of ours
        raise Turned(400, "not_a_form") from None


Sent = Annotated[FormData, Depends(sent_form)]


def confirmed(visit: Visiting, form: Sent) -> FormData:
    """What a page of this very session sent: with its token."""
    token = form.get("token")
    if not isinstance(token, str) or not hmac.compare_digest(token.encode(), visit.session.token.encode()):
        raise Turned(403, "forged")
    return form


Confirmed = Annotated[FormData, Depends(confirmed)]


def check_origin(request: Request) -> None:
    """The browser says where the form stood: on a page of this host. Raises Turned."""
    origin, site = request.headers.get("origin", ""), request.headers.get("sec-fetch-site", "")
    same = urlsplit(origin).netloc == request.headers.get("host", "") if origin else site == "same-origin"
    if not same or site not in ("", "same-origin"):
        raise Turned(403, "forged")


class OfficeRoute(APIRoute):
    """A route whose errors are answered with a page of the office, not with JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of before, with what it raises answered."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except Turned as turned:
                return _turned(request, turned)
            except QujatError as error:
                return _troubled(request, error)
            except RequestValidationError:  # an address that none of our pages has
                return _turned(request, Turned(404, "not_found"))
            except Exception as error:  # a clerk gets a page whatever it was; it is logged safely
                log.error("a fault of ours", exc_info=error)
                return _troubled(request, QujatError("unexpected"))

        return guarded


def _turned(request: Request, turned: Turned) -> Response:
    if turned.to:
        return RedirectResponse(turned.to, 303, sheets.headers(request))
    return sheets.page(request, "told.html.j2", _tongue(request), status=turned.status, told=turned.name)


def _troubled(request: Request, error: QujatError) -> Response:
    tongue, refused = _tongue(request), problems.refusal(error)
    title, what = trouble(error, tongue)
    answer = sheets.page(request, "trouble.html.j2", tongue, status=refused.status, title=title, what=what)
    answer.headers.update(refused.headers)
    return answer


def _tongue(request: Request) -> Language:
    """The language of the session, without minding whether there is one."""
    try:
        found = sessions.of_cookie(store_of(request), request.cookies.get(cookie_name(request), ""))
    except QujatError:
        found = None
    return found.tongue if found else tongue_of(request.headers.get("accept-language", ""))


def redirect(visit: Visit, path: str) -> Response:
    """303 See Other: reloading the page that comes sends nothing again."""
    return RedirectResponse(path, 303, sheets.headers(visit.request))
