"""Around every request: an id, one line in the log, its place in the metrics, bounds on what is sent, and an answer
whatever happens.

An id that the caller gives (X-Request-ID) is kept if it is one; it comes back with the answer.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qujat.server import logs
from qujat.server.api import problems
from qujat.server.api.problems import Refused
from qujat.server.metrics import Metrics

log = logging.getLogger("qujat.server")

_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_KEPT_SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


@dataclass
class _Seen:
    """What is known of one request when it has been answered."""

    id: str
    begun: float = field(default_factory=time.monotonic)
    status: int = 0


@dataclass(frozen=True)
class Around:
    """The outermost layer of the application."""

    app: ASGIApp
    metrics: Metrics
    body_seconds: float

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Whatever it raises is answered with 500 and logged without its message."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        seen = _Seen(_id(scope))
        logs.request_id.set(seen.id)
        patient = _Patient(receive, self.body_seconds)
        try:
            await self.app(scope, patient, _sending(send, seen))
        except Exception as error:  # noqa: BLE001  the edge of the server: whatever it was must be answered, and logged safely
            await _apologise(scope, send, seen, error)
        self._tell(scope, seen)

    def _tell(self, scope: Scope, seen: _Seen) -> None:
        """The pattern of the path is told, never the path: it may hold a number, a token, or what somebody typed."""
        route, taken = _route(scope), time.monotonic() - seen.begun
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.metrics.request(method, route, seen.status, taken)
        told: dict[str, Any] = {"method": method, "route": route, "status": seen.status}
        told["milliseconds"] = round(taken * 1000)
        if client := scope.get("state", {}).get("client"):
            told["client"] = client.name
        log.info("answered", extra=told)


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path_format", "none"))


def _id(scope: Scope) -> str:
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    return given if _ID.fullmatch(given) and logs.masked(given) == given else secrets.token_hex(16)


def _sending(send: Send, seen: _Seen) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            seen.status = message["status"]
            message["headers"] = _headers(message["headers"], seen)
        await send(message)

    return sent


def _headers(given: list[tuple[bytes, bytes]], seen: _Seen) -> list[tuple[bytes, bytes]]:
    """Whatever does not say otherwise is kept by nobody on the way."""
    said = {name for name, _ in given}
    added = [(name, value) for name, value in _KEPT_SAFE if name not in said]
    return [*given, (b"x-request-id", seen.id.encode()), *added]


async def _apologise(scope: Scope, send: Send, seen: _Seen, error: Exception) -> None:
    log.error("a fault of ours", exc_info=error)
    if seen.status:
        return  # the answer has begun: there is nothing to be done but to end it
    refused = Refused(500, "unexpected", "something went wrong here; it has been logged under the id of the request")
    await problems.response(Request(scope), refused)(scope, _nothing, _sending(send, seen))


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


class _Patient:
    """What the client sends, all of it within so many seconds."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive, self._until, self._whole = receive, time.monotonic() + seconds, False

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            raise Refused(
                408, "body-too-slow", "expected the whole request in time, came a part of it", {"Connection": "close"}
            ) from None
        self._whole = not message.get("more_body", False)
        return message


def install(app: FastAPI, metrics: Metrics, body_seconds: float) -> None:
    """Put this layer around the application."""
    app.add_middleware(Around, metrics=metrics, body_seconds=body_seconds)
