"""The stand-in's authorities over HTTP, on this machine alone: timestamps, OCSP, lists of revoked certificates.

For tests, benchmarks and trying out; a real authority has services of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

_LARGEST = 65536


class Responding(Protocol):
    """Answers one request in DER with another."""

    def respond(self, request: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Service:
    """What answers under one path: the type of its answers, and how it makes one from a request's body."""

    media_type: str
    answer: Callable[[bytes], bytes]


def timestamps(authority: Responding) -> Service:
    """RFC 3161 3.4, by POST."""
    return Service("application/timestamp-reply", authority.respond)


def answers(responder: Responding) -> Service:
    """OCSP, by POST (RFC 6960 A.1)."""
    return Service("application/ocsp-response", responder.respond)


def lists(current: Callable[[], bytes]) -> Service:
    """A list of revoked certificates in DER, by GET (RFC 5280 4.2.1.13)."""
    return Service("application/pkix-crl", lambda _: current())


@contextmanager
def serve(served: Mapping[str, Service], port: int = 0) -> Iterator[str]:
    """Serve on the loopback interface while the block runs; gives the address, ending in /. Port 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer(self.rfile.read(min(int(self.headers["Content-Length"]), _LARGEST)))

        def do_GET(self) -> None:
            self._answer(b"")

        def _answer(self, request: bytes) -> None:
            service = served.get(self.path)
            content = service.answer(request) if service else b""
            self.send_response(200 if service else 404)
            self.send_header("Content-Type", service.media_type if service else "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: requests carry digests and serial numbers only, and tests want quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
