"""The worker beside the server: with a register in SQLite, `qujat serve` does what outlives a request too.

It is a process of its own (`qujat worker`), started again when it ends, and gone with the server, also with one that
was killed. With a register in PostgreSQL there is none: any number of `qujat worker` processes work there.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

log = logging.getLogger("qujat.server")

_PAUSE_SECONDS = 5.0  # before a worker that ended is started again
_GRACE_SECONDS = 30.0  # for what it works on, when the server stops


class Companion:
    """One worker process, kept alive until `stop`."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = command, environment
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, name="companion", daemon=True)

    def start(self) -> None:
        """Begin; the worker opens its office in its own time."""
        self._keeper.start()

    def stop(self) -> None:
        """What the worker has in hand is finished; if that takes too long it is killed, and done again later."""
        self._stopping.set()
        if self._process and self._process.poll() is None:
            self._process.terminate()
        self._keeper.join(_GRACE_SECONDS)
        if self._process and self._process.poll() is None:
            self._process.kill()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._process = subprocess.Popen(self._command, env=dict(self._environment))  # noqa: S603  our own command
            if self._stopping.is_set():  # told to stop while it was being started
                self._process.terminate()
            ended = self._process.wait()
            if not self._stopping.wait(_PAUSE_SECONDS):
                log.warning("the worker beside the server has ended (%s) and is started again", ended)


@contextmanager
def beside(config: str | None, address: str) -> Iterator[None]:
    """A worker of the configuration in this file, as long as the block. `address`: where its marks point."""
    command = [sys.executable, "-m", "qujat", "worker", "--processes", "1", "--while", str(os.getpid())]
    if config:
        command += ["--config", config]
    companion = Companion(command, {**os.environ, "QUJAT_ADDRESS": address})
    companion.start()
    try:
        yield
    finally:
        companion.stop()
