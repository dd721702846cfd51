"""Worker processes: what renders, signs or checks files runs in one of them, never in the process that answers.

    answer = await request.app.state.workers.run(function, *arguments)

`function` is one at the top level of a module (it goes to another process by its name). Its first parameter is the
Office of that process, opened with keys; what follows is given to `run`. Arguments and answer must be such that they
can be pickled: decisions, bytes, frozen dataclasses, errors of Qujat (which are raised here again). No route renders or
signs by itself.

`Pool` has the processes. `Here` does the work in a thread of the process that asks: for tests of a part, without
processes.

At most `queue` pieces of work wait; one more raises Busy. A process that ends in the middle is replaced and its work
raises WorkerLost; work that takes longer than the deadline is stopped with its process and raises DeadlinePassed. All
three say when to ask again: the same decision sent again finishes what was begun.
"""

from __future__ import annotations

import asyncio
import logging
import math
import multiprocessing
import queue
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from qujat.errors import Busy, DeadlinePassed, QujatError, WorkerLost
from qujat.office import Office
from qujat.server import logs

P = ParamSpec("P")
R = TypeVar("R")
Seconds = Mapping[str, float]

log = logging.getLogger("qujat.workers")

_STARTING_SECONDS = 60.0
_PRELOADED = ["qujat.server.deeds", "weasyprint", "qujat.signing.pades", "qujat.signing.xades"]


class WorkFailed(Exception):
    """A fault of ours in a worker process: it has been logged there, and the message holds nothing."""


class Workers(Protocol):
    """Whatever runs work with an office."""

    async def run(self, function: Callable[Concatenate[Office, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function(office, *args, **kwargs)` gives or raises; also Busy, WorkerLost, DeadlinePassed."""

    def waiting(self) -> int:
        """How many pieces of work wait."""

    def alive(self) -> int:
        """How many processes are ready to work."""

    def replacements(self) -> int:
        """How many processes were killed or stopped, and replaced."""

    def close(self) -> None:
        """End the processes."""


@dataclass(frozen=True)
class Here:
    """Work is done at once in the process that asks, in a thread: signing has an event loop of its own."""

    office: Office

    async def run(self, function: Callable[Concatenate[Office, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(function, self.office, *args, **kwargs)

    def waiting(self) -> int:
        return 0

    def alive(self) -> int:
        return 1

    def replacements(self) -> int:
        return 0

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class _Task:
    """What goes to a worker process."""

    call: Callable[[Office], Any]
    request: str


@dataclass(frozen=True)
class _Answer:
    """What comes back: a value, an error of Qujat, or that something else went wrong; and how long each step took."""

    value: Any = None
    error: QujatError | None = None
    failed: bool = False
    seconds: Seconds = field(default_factory=dict)


@dataclass(frozen=True)
class _Job:
    task: _Task
    until: float
    future: Future[Any]


@dataclass(frozen=True)
class _Worker:
    process: BaseProcess
    connection: Connection

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


class Pool:
    """So many worker processes, each with an office of its own that `opened` opens there."""

    def __init__(
        self,
        opened: Callable[[], Office],
        *,
        processes: int,
        queue_length: int = 32,
        deadline: float = 60.0,
        observe: Callable[[Seconds], None] = lambda seconds: None,
    ) -> None:
        """`opened` must be such that it can be pickled: functools.partial(open_office, settings, signing=True).

        `deadline` in seconds, from asking to answer. `observe` is told how long each step of issuing took.
        """
        self.opened, self.deadline, self.observe = opened, deadline, observe
        self._replaced = 0
        self._jobs: queue.Queue[_Job | None] = queue.Queue(queue_length)
        self._ready: set[int] = set()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_PRELOADED)
        self._attendants = [threading.Thread(target=self._attend, args=(n,), daemon=True) for n in range(processes)]
        for attendant in self._attendants:
            attendant.start()

    async def run(self, function: Callable[Concatenate[Office, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        task = _Task(cast("Callable[[Office], Any]", partial(_called, function, args, kwargs)), logs.request_id.get())
        job = _Job(task, time.monotonic() + self.deadline, Future())
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise Busy(
                f"expected fewer requests at once: {self._jobs.maxsize} wait already; ask again", self._patience()
            ) from None
        return cast("R", await asyncio.wrap_future(job.future))

    def waiting(self) -> int:
        return self._jobs.qsize()

    def alive(self) -> int:
        return len(self._ready)

    def replacements(self) -> int:
        return self._replaced

    def close(self) -> None:
        for job in iter(self._taken, None):
            job.future.cancel()
        for _ in self._attendants:
            self._jobs.put(None)
        for attendant in self._attendants:
            attendant.join()

    def _taken(self) -> _Job | None:
        try:
            return self._jobs.get_nowait()
        except queue.Empty:
            return None

    def _patience(self) -> int:
        """In how many seconds the queue is likely to have gone down: half a second a document and process."""
        return max(1, math.ceil(self._jobs.qsize() * 0.5 / len(self._attendants)))

    def _attend(self, number: int) -> None:
        """The life of a thread: one worker process at a time, one job at a time."""
        worker = self._started(number)
        while (job := self._jobs.get()) is not None:
            if not job.future.set_running_or_notify_cancel():
                continue
            if worker is None or not worker.process.is_alive():
                worker = self._started(number)
            if worker and not self._done(job, worker):
                self._ready.discard(number)
                worker.stop()
                worker = self._started(number, again=True)
            elif worker is None:
                job.future.set_exception(WorkerLost("expected a worker process, none can be started; ask again", 5))
        if worker:
            worker.stop()

    def _started(self, number: int, *, again: bool = False) -> _Worker | None:
        """A worker process that has opened its office; None, and a line in the log, if it cannot."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self.opened), daemon=True)
        process.start()
        theirs.close()
        self._replaced += again
        self._ready.discard(number)
        worker = _Worker(process, ours)
        answer = _received(ours, _STARTING_SECONDS)
        if answer is None or answer.error or answer.failed:
            log.error(
                "a worker process does not start", extra={"code": answer.error.code if answer and answer.error else ""}
            )
            worker.stop()
            return None
        self._ready.add(number)
        return worker

    def _done(self, job: _Job, worker: _Worker) -> bool:
        """True if the worker can go on; the job's future has been answered either way."""
        try:
            worker.connection.send(job.task)
        except (BrokenPipeError, ConnectionResetError):
            job.future.set_exception(_lost())
            return False
        except (AttributeError, TypeError, ValueError) as error:  # it cannot be pickled: a fault of ours
            job.future.set_exception(error)
            return True
        try:
            answer = _received(worker.connection, job.until - time.monotonic())
        except EOFError:
            log.error("a worker process has ended in the middle of its work")
            job.future.set_exception(_lost())
            return False
        return self._answered(job, answer)

    def _answered(self, job: _Job, answer: _Answer | None) -> bool:
        if answer is None:
            log.error("a worker process is stopped: it took longer than %s seconds", self.deadline)
            job.future.set_exception(
                DeadlinePassed(f"expected the work to be done within {self.deadline:g} s, it was not; ask again", 5)
            )
            return False
        self.observe(answer.seconds)
        if answer.error:
            job.future.set_exception(answer.error)
        elif answer.failed:
            job.future.set_exception(WorkFailed())
        else:
            job.future.set_result(answer.value)
        return True


def _lost() -> WorkerLost:
    return WorkerLost("the process that did the work has ended; ask again: what was begun is finished then")


def _received(connection: Connection, seconds: float) -> _Answer | None:
    """What the worker says within so many seconds; None if nothing. Raises EOFError if it has ended."""
    try:
        return cast("_Answer", connection.recv()) if connection.poll(max(0.0, seconds)) else None
    except ConnectionResetError as error:
        raise EOFError from error


def _called(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], office: Office) -> Any:
    return function(office, *args, **kwargs)


def _work(connection: Connection, opened: Callable[[], Office]) -> None:
    """The life of a worker process: open an office, then a task after another until the other side hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the process that asks
    logs.configure()
    steps = _Steps()
    logging.getLogger("qujat.pipeline").addHandler(steps)
    try:
        office = opened()
    except QujatError as error:
        connection.send(_Answer(error=error))
        return
    connection.send(_Answer())
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(_performed(task, office, steps))


def _performed(task: _Task, office: Office, steps: _Steps) -> _Answer:
    logs.request_id.set(task.request)
    steps.begin()
    try:
        return _Answer(value=task.call(office), seconds=steps.taken())
    except QujatError as error:
        return _Answer(error=error, seconds=steps.taken())
    except Exception as error:
        log.error("a fault in a worker process", exc_info=error)
        return _Answer(failed=True)


class _Steps(logging.Handler):
    """How long each step of issuing took, by the lines that the pipeline logs: "5 render: …" ends step 5."""

    def __init__(self) -> None:
        super().__init__()
        self.begin()

    def begin(self) -> None:
        self._last, self._seconds = time.monotonic(), dict[str, float]()

    def taken(self) -> Seconds:
        return dict(self._seconds)

    def emit(self, record: logging.LogRecord) -> None:
        now, step = time.monotonic(), str(record.msg).partition(":")[0]
        self._seconds[step], self._last = now - self._last, now
