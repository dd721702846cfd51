"""A real server in a process of its own, as `sh scripts/serve` starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from homes import free_port


@dataclass(frozen=True)
class Server:
    """A running server: where it is, a key that may do everything, and what it has written."""

    url: str
    key: str
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def printed(self) -> str:
        return (self.home / "printed").read_text(encoding="utf-8")

    @property
    def log(self) -> str:
        return (self.home / "log").read_text(encoding="utf-8")

    def workers(self) -> list[int]:
        """The ids of its worker processes: the children of the child that forks them."""
        forking = set(_children(self.process.pid)) - set(self.companions())
        return [grandchild for child in forking for grandchild in _children(child)]

    def companions(self) -> list[int]:
        """The id of the worker beside it."""
        return [child for child in _children(self.process.pid) if b"--while" in _words(child)]


def _children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, ppid = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(ppid) == parent and state != "Z":
            found.append(int(path.parent.name))
    return found


def _words(process: int) -> list[bytes]:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


@contextmanager
def serving(home: Path, *words: str, **environment: str) -> Iterator[Server]:
    """`qujat serve --demo` in a folder, with these words and variables more; ended as an administrator ends it."""
    port = free_port()
    command = [sys.executable, "-m", "qujat", "serve", "--demo", "--port", str(port), *words]
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", "QUJAT_HOME": str(home / "var")}
    with (home / "printed").open("wb") as printed, (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=printed, stderr=log, cwd=home, env=env | environment)
    try:
        yield _ready(Server(f"http://127.0.0.1:{port}", "", home, process))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _ready(server: Server) -> Server:
    until = time.monotonic() + 90
    while time.monotonic() < until and server.process.poll() is None:
        try:
            if httpx.get(f"{server.url}/readyz").status_code == 200:
                (key,) = re.findall(r"^key +(\S+)$", server.printed, re.MULTILINE)
                return Server(server.url, key, server.home, server.process)
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the server does not get ready:\n{server.log}")
