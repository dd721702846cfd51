"""Running the application: uvicorn, with patience for slow clients that ends."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

_IDLE_SECONDS = 15
_HEAD_BYTES = 32 * 1024
_MOST_CONNECTIONS = 1000


class Impatient(H11Protocol):
    """HTTP/1.1 that hangs up on whoever does not finish the head of a request in time.

    `head_seconds`: from the connection, or from the first byte of a further request, to the end of its headers.
    """

    head_seconds = 30.0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The clock of the first head starts."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """The clock of a further head starts with its first byte, and stops when a head is whole."""
        before = self.cycle
        if self._patience is None and (before is None or before.response_complete):
            self._wait()
        super().data_received(data)
        if self.cycle is not before:
            self._enough()

    def connection_lost(self, exc: Exception | None) -> None:
        """No clock outlives its connection."""
        self._enough()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._patience = self.loop.call_later(self.head_seconds, self.transport.close)

    def _enough(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def run(app: FastAPI, host: str, port: int, head_seconds: float) -> None:
    """Serve until SIGINT or SIGTERM; requests that have begun are answered first."""
    Impatient.head_seconds = head_seconds
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=Impatient,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_IDLE_SECONDS,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        limit_concurrency=_MOST_CONNECTIONS,
        proxy_headers=False,
    )
