"""Handing work out on one machine: what `qujat worker` does with a register in SQLite.

One process looks at the rows and hands them to processes of its own, each with one thing in hand; webhooks, which only
wait, to threads. Nothing is noted of who has what: it is in this process's memory, a lock sees to it that there is one,
and what it had when it was killed is still to be done in the rows.
"""

from __future__ import annotations

import fcntl
import logging
import multiprocessing
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qujat.errors import QujatError, WorkerBusy
from qujat.jobs.work import Work, open_work
from qujat.office import open_office
from qujat.pool import Opening, opened

log = logging.getLogger("qujat.jobs")

LOOK_SECONDS = 0.3
COURIERS = 4
_DAY = 24 * 3600
_LONGEST_WAIT = 600


class _Here:
    """What a process that works has opened."""

    work: Work


def _begin(opening: Opening) -> None:
    _Here.work = open_work(opened(opening), opening.settings)


def _issue_part(batch: int, place: int) -> None:
    _Here.work.issue_part(batch, place)


def _renew_due() -> None:
    for number, authority in list(_Here.work.due()):
        _Here.work.renew(number, authority)


class _Lane:
    """One process, with one thing in hand; killed, it is replaced."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._pool = self._new()

    def _new(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["qujat.jobs.local", "qujat.pipeline"])
        return ProcessPoolExecutor(1, context, _begin, (self._opening,))

    def give(self, function: Callable[..., None], *arguments: int) -> Future[None]:
        try:
            return self._pool.submit(function, *arguments)
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = self._new()
            return self._pool.submit(function, *arguments)

    def stop(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


@dataclass
class _Desk:
    """What is in hand, and what waits after it failed (until when, by `time.monotonic`)."""

    work: Work
    lanes: list[_Lane]
    couriers: ThreadPoolExecutor
    in_hand: dict[Hashable, tuple[_Lane | None, Future[Any]]] = field(default_factory=dict)
    failures: dict[Hashable, int] = field(default_factory=dict)
    not_before: dict[Hashable, float] = field(default_factory=dict)

    def look(self) -> None:
        """One look at what is done, and at what is to do."""
        for key in [key for key, (_, future) in self.in_hand.items() if future.done()]:
            self._take_back(key)
        for part in self.work.batches.open_parts(len(self.lanes) + len(self.in_hand) + len(self.not_before)):
            self._hand_out(("part", *part), _issue_part, *part)
        if self._hand_out("renew", _renew_due):
            self.not_before["renew"] = time.monotonic() + _DAY
        for delivery in self.work.courier.due():
            key = "delivery", delivery
            if self._may(key):
                self.in_hand[key] = None, self.couriers.submit(self.work.deliver, delivery)

    def _may(self, key: Hashable) -> bool:
        return key not in self.in_hand and time.monotonic() >= self.not_before.get(key, 0)

    def _hand_out(self, key: Hashable, function: Callable[..., None], *arguments: int) -> bool:
        taken = {id(lane) for lane, _ in self.in_hand.values()}
        free = next((lane for lane in self.lanes if id(lane) not in taken), None)
        if free is None or not self._may(key):
            return False
        self.in_hand[key] = free, free.give(function, *arguments)
        return True

    def _take_back(self, key: Hashable) -> None:
        _, future = self.in_hand.pop(key)
        try:
            future.result()
        except (BrokenProcessPool, QujatError) as error:
            failures = self.failures[key] = self.failures.get(key, 0) + 1
            wait = 0 if isinstance(error, BrokenProcessPool) else min(_LONGEST_WAIT, 5 * 2 ** min(failures, 10))
            self.not_before[key] = time.monotonic() + wait
            log.warning("%s failed and is done again in %s s: %s", key, wait, type(error).__name__)
        else:
            self.failures.pop(key, None)
            if key != "renew":
                self.not_before.pop(key, None)

    def stop(self) -> None:
        """What is being worked on ends; the rest is in the rows."""
        for lane in self.lanes:
            lane.stop()
        self.couriers.shutdown(wait=True, cancel_futures=True)


def run(opening: Opening, processes: int, stop: threading.Event) -> None:
    """Work until `stop` is set. Raises WorkerBusy if another one works here, and what opening an office raises."""
    with _alone(opening.settings.root / "worker.lock"):
        work = open_work(open_office(opening.settings), opening.settings)
        couriers = ThreadPoolExecutor(COURIERS, "courier")
        desk = _Desk(work, [_Lane(opening) for _ in range(processes)], couriers)
        try:
            while not stop.wait(LOOK_SECONDS):
                desk.look()
        finally:
            desk.stop()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkerBusy(
                "another `qujat worker` works with this register in SQLite; give that one more --processes, or keep the"
                " register in PostgreSQL, where any number work"
            ) from None
        yield
