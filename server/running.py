"""Running the application: uvicorn, with patience for slow clients that ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from qujat.errors import ConfigurationError

log = logging.getLogger("qujat.server")

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


def listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections. Raises ConfigurationError if there is no such address, or it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_MOST_CONNECTIONS)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"--host {host} --port {port}: expected an address to listen at, came {error}; choose another, or stop"
            " what listens there"
        ) from error


def run(app: FastAPI, at: socket.socket, head_seconds: float) -> None:
    """Serve until SIGINT or SIGTERM; requests that have begun are answered first."""
    Impatient.head_seconds = head_seconds
    config = uvicorn.Config(
        app,
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
    log.info("listening at %s, port %d", *at.getsockname()[:2])
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[at])
