"""A stranger's file is read in a process of its own: 20 s, 1 GiB, no network, no file written. Only that one can break.

One server a process, started when first needed: it has imported everything and forks a worker for each file, so a file
costs a fork and not a second of imports. The answer comes back as JSON and is parsed strictly: a worker that a file
took over can lie about that file, and nothing else.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from qujat.signing.trust import Trust
from qujat.verifier.report import Report, begun
from qujat.verifier.request import Request

MOST_AT_ONCE = 4
_LARGEST_ANSWER = 8 * 1024 * 1024
_GRACE_SECONDS = 5.0  # for the server to start, and to say that a worker was stopped
_STARTING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost: seconds of time and of processor, bytes of address space."""

    seconds: float = 20.0
    memory: int = 1024**3


DEFAULT = Limits()


def bounded(content: bytes, data: bytes | None, trust: Trust, at: datetime, limits: Limits) -> Report:
    """The report on a file, from a worker within these limits; whatever goes wrong there is indeterminate."""
    from qujat.verifier.verification import format_of

    form = format_of(content)
    empty = begun(form, trust, at)
    answer = _answer(form, Request(content, data, trust, at).pack(), limits)
    if answer.startswith(b"!"):
        return empty.because(*_why(answer[1:].decode("ascii", "replace")))
    try:
        return Report.model_validate(json.loads(answer))
    except (ValueError, ValidationError):
        return empty.because("checker-failed", "no answer")


def prepare(form: str) -> None:
    """Start the server, if there is none, and have it import what this format needs."""
    with contextlib.suppress(OSError):
        _servers.get().control.send(form.encode())


def _why(failure: str) -> tuple[str, str]:
    kind, _, detail = failure.partition(" ")
    return ("too-costly", kind) if kind in ("time", "memory") else ("checker-failed", detail[:100])


@dataclass
class _Server:
    """The process that forks workers, and the socket over which requests reach it."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    owner: int = field(default_factory=os.getpid)

    def close(self) -> None:
        self.control.close()
        if self.owner == os.getpid():
            self.process.wait()


class _Servers:
    """At most one server, made anew if it has gone."""

    def __init__(self) -> None:
        self.lock, self.places, self.server = threading.Lock(), threading.BoundedSemaphore(MOST_AT_ONCE), _none()

    def get(self) -> _Server:
        with self.lock:
            if self.server is None or (self.server.owner == os.getpid() and self.server.process.poll() is not None):
                self.close()
                self.server = _start()
            return self.server

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None


def _none() -> _Server | None:
    return None


_servers = _Servers()
atexit.register(_servers.close)


def _start() -> _Server:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-P", "-m", "qujat.verifier.worker", str(theirs.fileno())]
    with theirs:
        process = subprocess.Popen(  # noqa: S603  our own module
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return _Server(process, ours)


def _answer(form: str, packed: bytes, limits: Limits) -> bytes:
    """What the server says to a request; "!" and a word if there is no report."""
    with _servers.places:
        try:
            return _exchange(_servers.get(), form, packed, limits)
        except TimeoutError:
            return b"!time"
        except OSError as error:
            return b"!gone " + type(error).__name__.encode()


def _exchange(server: _Server, form: str, packed: bytes, limits: Limits) -> bytes:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            words = f"{form} {limits.seconds} {limits.memory}".encode()
            socket.send_fds(server.control, [words], [theirs.fileno()])
        ours.settimeout(_STARTING_SECONDS)
        if ours.recv(1) != b".":  # the server has all it needs for this format, and the clock of the file starts
            return b"!gone"
        ours.settimeout(limits.seconds + _GRACE_SECONDS)
        begun = time.monotonic()
        ours.sendall(packed)
        ours.shutdown(socket.SHUT_WR)
        answer = _received(ours)
        # A worker that says nothing was ended by the kernel: at the end of its time, or for something worse.
        return answer or (
            b"!time" if time.monotonic() - begun >= limits.seconds else b"!crash it ended without an answer"
        )


def _received(connection: socket.socket) -> bytes:
    parts, size = [], 0
    while part := connection.recv(65536):
        parts.append(part)
        size += len(part)
        if size > _LARGEST_ANSWER:
            return b"!crash an answer too long"
    return b"".join(parts)
