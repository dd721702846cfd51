"""A pool of processes on this machine that issue decisions, and what happens when one of them is killed.

Rows come out in the order of the lines, and at most a few lines more than there are processes are in hand at once, so
memory stays flat. When a process is killed, what was in hand is done again; the last attempt of a line has nothing
beside it, so that one which kills its process is found out.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from qujat.batch import PATIENCE, Line, Row, issue_line
from qujat.errors import WorkerDied
from qujat.office import Office, open_office
from qujat.settings import Settings

AHEAD = 4  # lines in hand for each process: one is worked on, the others wait for it
ATTEMPTS = 3  # how often a line may lose its process


@dataclass(frozen=True)
class Opening:
    """How each process opens its office. `secret`: the passphrase, where it is in no file and no environment."""

    settings: Settings
    secret: str = field(default="", repr=False)
    files: Path | None = None
    patience: tuple[float, ...] = PATIENCE


class _Here:
    """What a process of the pool has opened."""

    office: Office
    opening: Opening


def _begin(opening: Opening) -> None:
    _Here.opening = opening
    _Here.office = opened(opening)


def opened(opening: Opening) -> Office:
    """Open the office of a process that a parent started; it ends when the parent does. Raises as `open_office`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which lets this process finish
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if opening.secret:
        os.environ["QUJAT_PASSPHRASE"] = opening.secret
    return open_office(opening.settings, signing=True)


def _end_with_parent() -> None:
    """A parent that was killed can end nobody: whoever sees it gone, goes."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _row(line: Line) -> Row:
    return issue_line(line, _Here.office, None, _Here.opening.files, _Here.opening.patience)


def rows(lines: Iterator[Line], opening: Opening, processes: int) -> Generator[Row]:
    """The rows of the lines, in their order. Raises as `batch.issue_part`, and WorkerDied; close it to stop early."""
    crew = _Crew(opening, processes)
    in_hand: deque[tuple[Line, Future[Row]]] = deque()
    try:
        for line in lines:
            in_hand.append((line, crew.submit(line)))
            if len(in_hand) >= processes * AHEAD:
                yield crew.row(*in_hand.popleft())
        while in_hand:
            yield crew.row(*in_hand.popleft())
    finally:
        crew.stop()


class _Crew:
    """A pool that is made anew when one of its processes was killed."""

    def __init__(self, opening: Opening, processes: int) -> None:
        self._opening, self._processes = opening, processes
        self._died = 0  # lines that killed their processes, one after the other
        self._pool = self._new()

    def _new(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["qujat.pool", "qujat.pipeline"])
        return ProcessPoolExecutor(self._processes, context, _begin, (self._opening,))

    def submit(self, line: Line) -> Future[Row]:
        try:
            return self._pool.submit(_row, line)
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = self._new()
            return self._pool.submit(_row, line)

    def row(self, line: Line, future: Future[Row]) -> Row:
        """The row of a line in hand; if its process was killed, the line is done again."""
        for _ in range(ATTEMPTS):
            try:
                done = future.result()
            except BrokenProcessPool:
                future = self.submit(line)
            else:
                self._died = 0
                return done
        return self._given_up(line)

    def _given_up(self, line: Line) -> Row:
        self._died += 1
        message = f"expected a row, came the end of the process that worked on it, {ATTEMPTS} times; issue it by itself"
        if self._died > 1:
            raise WorkerDied(f"line {line.number}: {message}, and see whether the machine has memory enough")
        return Row(line.number, None, error={"code": WorkerDied.code, "message": message})

    def stop(self) -> None:
        """What is being worked on ends, what waits is dropped: it is done when the batch is taken up again."""
        self._pool.shutdown(wait=True, cancel_futures=True)
