"""Requests and responses as plain values, so that an adapter is a function that any server mounts; WSGI around it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

# Nothing here may be kept, guessed at, framed or told on.
_ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What came. `path` as it is written after the mount point; names of `headers` in small letters."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back; `headers` come after the ones that always go along, and may replace them."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def all_headers(self) -> dict[str, str]:
        return {**_ALWAYS, **self.headers, "Content-Length": str(len(self.body))}


App = Callable[[Request], Response]
_Start = Callable[[str, list[tuple[str, str]]], object]
Wsgi = Callable[[dict[str, Any], _Start], Iterable[bytes]]


def json_response(status: int, value: object, **headers: str) -> Response:
    """A response with a JSON body; `headers` with underscores for dashes."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    body = json.dumps(value, ensure_ascii=False).encode("utf-8")
    return Response(status, body, {"Content-Type": "application/json; charset=utf-8", **named})


def language_of(request: Request, known: Iterable[str], default: str = "ru") -> str:
    """The first language of Accept-Language that is known (RFC 9110 12.5.4, without weights: apps send one)."""
    wanted = request.headers.get("accept-language", "").lower().replace("kz", "kk")
    tags = [part.split(";")[0].strip().split("-")[0] for part in wanted.split(",")]
    return next((tag for tag in tags if tag in set(known)), default)


def wsgi(app: App, largest: int) -> Wsgi:
    """The same as a WSGI application (PEP 3333). A body beyond `largest` bytes is refused unread, with 413."""

    def application(environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
        response = _answer(app, environ, largest)
        status = HTTPStatus(response.status)
        start(f"{status.value} {status.phrase}", list(response.all_headers().items()))
        return [response.body]

    return application


def _answer(app: App, environ: dict[str, Any], largest: int) -> Response:
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > largest:
        return json_response(413, {"code": "too-large", "message": f"expected a body of at most {largest} bytes"})
    headers = {name[5:].replace("_", "-").lower(): v for name, v in environ.items() if name.startswith("HTTP_")}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    query = {name: values[-1] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    body = environ["wsgi.input"].read(int(length))
    return app(Request(environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""), headers, body, query))
