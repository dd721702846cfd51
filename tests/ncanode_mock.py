"""A small HTTP server on this machine that answers as NCANode does, from recorded exchanges or as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qujat.signing.adapters.ncanode import NcaNode

Answer = tuple[int, Any]


@dataclass
class Mock:
    """What was asked, and what is answered: by path, the next answer of a list or the same one again."""

    answers: dict[str, list[Answer | Callable[[Any], Answer]]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    address: str = ""

    @property
    def node(self) -> NcaNode:
        return NcaNode(self.address, timeout_seconds=5)

    def on(self, path: str, *answers: Answer | Callable[[Any], Answer]) -> Mock:
        self.answers[path] = list(answers)
        return self

    def answer(self, method: str, path: str, body: Any) -> Answer:
        self.asked.append((method, path, body))
        waiting = self.answers.get(path, [(404, {"status": 404, "message": "Not Found"})])
        said = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return said(body) if callable(said) else said


@contextmanager
def serve() -> Iterator[Mock]:
    mock = Mock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = mock.answer(self.command, self.path, json.loads(sent) if sent else None)
            content = said if isinstance(said, bytes) else json.dumps(said, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status in (301, 302, 307):
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    mock.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield mock
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
