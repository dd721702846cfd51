"""Who calls, what he may do, and the trail of what he did."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from qujat.entries import Document
from qujat.errors import FieldError, NumberShared, QujatError, UnknownDocument
from qujat.fields import escape
from qujat.office import Office
from qujat.server import logs
from qujat.server.api import problems
from qujat.server.api.problems import Refused
from qujat.server.clients import Client, Clients, Scope

_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="The key of a client, made by `qujat clients add`: `Authorization: Bearer qujat_…`",
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


@dataclass
class Rates:
    """So many requests a minute for each client: a bucket that fills evenly and holds a minute's worth at most."""

    per_minute: int
    _buckets: dict[int, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, client: int, now: float) -> float:
        """0 if the client may ask now; else in how many seconds. `now` in seconds of a clock that never goes back."""
        with self._lock:
            left, before = self._buckets.get(client, (float(self.per_minute), now))
            left = min(self.per_minute, left + (now - before) * self.per_minute / 60)
            allowed = left >= 1
            self._buckets[client] = (left - allowed, now)
            return 0.0 if allowed else (1 - left) * 60 / self.per_minute


def caller(request: Request, credentials: Credentials) -> Client:
    """The client whose key came. Raises Refused (401, 429), RegisterUnreachable."""
    clients: Clients = request.app.state.clients
    client = clients.by_key(credentials.credentials) if credentials else None
    if client is None:
        came = "a key that is not valid" if credentials else "none"
        raise Refused(401, "not-authenticated", f"expected the key of a client, came {came}", _CHALLENGE)
    request.state.client = client
    if seconds := request.app.state.rates.wait(client.id, time.monotonic()):
        after = {"Retry-After": str(math.ceil(seconds))}
        raise Refused(429, "too-many-requests", "expected fewer requests a minute; ask again later", after)
    return client


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="qujat"'}
AnyClient = Annotated[Client, Depends(caller)]


def allowed(scope: Scope) -> Callable[[Client], Client]:
    """A dependency: the client, if its key has this scope. Raises Refused (403) beside what `caller` raises."""

    def permitted(client: AnyClient) -> Client:
        if scope not in client.scopes:
            raise Refused(403, "not-permitted", f"expected a key with the scope {scope!r}, came one without it")
        return client

    return permitted


Issuer = Annotated[Client, Depends(allowed("issue"))]
Reader = Annotated[Client, Depends(allowed("read"))]
Checker = Annotated[Client, Depends(allowed("check"))]
Annuller = Annotated[Client, Depends(allowed("annul"))]


def expect_own(client: Client, bin: str, annex: str) -> None:
    """Raises Refused (403) unless the client may act for this authority with this form."""
    if not client.may_use(bin, annex):
        raise Refused(403, "not-permitted", "expected an authority and a form that this key is for, came another")


def own(client: Client, number: str, office: Office, authority: str | None = None) -> Document:
    """The document with this number, if it is the client's to see. `authority`: the BIN, where several have given it.

    Raises UnknownDocument: another authority's document is as if it were not there; NumberShared if several are his.
    """
    asked = client.authorities if authority is None else client.authorities & {authority}
    found = [document for bin in sorted(asked) for document in _of(client, bin, number, office)]
    if not found:
        raise UnknownDocument("expected the number of one document of yours, came another: no document has it")
    if len(found) > 1:
        raise NumberShared(
            f"expected the number of one document, came that of {len(found)} of your authorities;"
            " say which one: ?authority=BIN"
        )
    return found[0]


def _of(client: Client, bin: str, number: str, office: Office) -> list[Document]:
    """The issued document of this authority with this number, if the client may use its form; or none."""
    try:
        found = office.register.by_number(number, bin)
    except UnknownDocument:
        return []
    return [found] if found.issued and client.may_use(bin, found.data["form"]) else []


@dataclass
class Doing:
    """A deed on its way; `number` is set as soon as it is known."""

    number: str = ""


@asynccontextmanager
async def deed(request: Request, client: Client, name: str) -> AsyncIterator[Doing]:
    """Enter in the trail and the metrics what the client does inside, however it ends."""
    doing, outcome = Doing(), "unexpected"
    try:
        yield doing
        outcome = "ok"
    except (QujatError, Refused) as error:
        outcome = problems.code_of(error)
        raise
    finally:
        request.app.state.metrics.deed(name, outcome)
        clients: Clients = request.app.state.clients
        await run_in_threadpool(clients.enter, client, name, doing.number, outcome, logs.request_id.get())


def known_parameters(request: Request) -> None:
    """Raises Refused (422) for a parameter of the address that the route does not have: a slip would go unseen."""
    route = request.scope.get("route")
    known = {field.alias for field in route.dependant.query_params} if isinstance(route, APIRoute) else set()
    if unknown := sorted(set(request.query_params) - known):
        faults = [
            FieldError(f"/query/{escape(name)}", "unknown-field", "there is no such parameter") for name in unknown
        ]
        wanted = ", ".join(sorted(known)) or "no parameters"
        raise Refused(422, "bad-parameters", f"expected {wanted} in the address, came others", faults=faults)


REFUSALS = problems.documented(401, 403, 429, 500, 503)
