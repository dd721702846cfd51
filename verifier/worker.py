"""The server that forks a worker for each stranger's file, and the worker. Started by `bounds`, as a program.

    python -m qujat.verifier.worker FD

Over FD come "<format> <seconds> <bytes>" and a socket for each file. The worker reads the request from the socket,
confines itself to limits that the kernel keeps, and writes the report; if it dies before, the socket closes without.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import sys
from typing import Any

_REFUSED = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "urllib.",
    "shutil.",
)
_LARGEST_REQUEST = 64 * 1024 * 1024


def serve(control: socket.socket) -> None:
    """Fork a worker for every request, until the other side hangs up. A format alone is for getting ready."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel clears away workers that have ended
    while True:
        words, descriptors, _, _ = socket.recv_fds(control, 256, 1)
        if not words:
            return
        form, *limits = words.decode().split()
        _import(form)
        if not descriptors:
            continue
        seconds, memory = limits
        if os.fork() == 0:
            control.close()
            _work(socket.socket(fileno=descriptors[0]), float(seconds), int(memory))
        os.close(descriptors[0])


def _import(form: str) -> None:
    """All that a worker for this format needs: imported once, here, and not by every worker."""
    from qujat.verifier import request, verification
    from qujat.verifier.report import table

    del request, verification
    table()
    if form == "pdf":
        from qujat.verifier import drawn, pdf_files

        del drawn, pdf_files
    elif form == "xml":
        from qujat.verifier import xml_files

        del xml_files
    gc.collect()
    gc.freeze()  # what is shared with workers is not touched again


def _work(connection: socket.socket, seconds: float, memory: int) -> None:
    """Read the request, confined; write the report as JSON; never return."""
    from qujat.verifier.request import unpack
    from qujat.verifier.verification import verify_here

    try:
        connection.sendall(b".")
        packed = _read(connection)
        confine(seconds, memory)
        asked = unpack(packed)
        report = verify_here(asked.content, data=asked.data, trust=asked.trust, at=asked.at)
        connection.sendall(report.model_dump_json().encode())
    except MemoryError:
        connection.sendall(b"!memory")
    os._exit(0)


def confine(seconds: float, memory: int) -> None:
    """From here on this process has so much time and memory, writes no file, starts nothing and speaks to nobody."""
    whole = int(seconds) + 1
    signal.setitimer(signal.ITIMER_REAL, seconds)  # no handler: the kernel ends the process
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(_REFUSED):
        raise PermissionError(f"a worker does not {event}")
    if event == "open" and len(arguments) > 2 and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        raise PermissionError("a worker writes no file")


def _read(connection: socket.socket) -> bytes:
    parts, size = [], 0
    while part := connection.recv(1 << 20):
        parts.append(part)
        size += len(part)
        if size > _LARGEST_REQUEST:
            raise MemoryError
    return b"".join(parts)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
