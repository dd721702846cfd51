"""The processes of `qujat worker` with a register in PostgreSQL: started, watched, started again when one ends."""

from __future__ import annotations

import logging
import multiprocessing
import threading
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from qujat.jobs import queue
from qujat.pool import Opening, opened

log = logging.getLogger("qujat.jobs")

LIGHT_JOBS = 8  # webhooks told at once
_LOOK_SECONDS = 0.5
_PAUSE_SECONDS = 2.0  # before a process that ended is started again
_GRACE_SECONDS = 60.0  # for what is being worked on, when all is to stop


@dataclass
class _Post:
    """One process, and what it does."""

    queues: tuple[str, ...]
    concurrency: int
    process: BaseProcess | None = None
    not_before: float = 0.0


def run(opening: Opening, processes: int, stop: threading.Event) -> None:
    """Work until `stop` is set: so many processes that issue, and one that tells webhooks."""
    posts = [_Post(queue.HEAVY, 1) for _ in range(processes)] + [_Post(queue.LIGHT, LIGHT_JOBS)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["qujat.jobs.crew", "qujat.pipeline", "procrastinate"])
    try:
        while not stop.wait(_LOOK_SECONDS):
            for post in posts:
                _look(post, opening, context)
    finally:
        _stop([post.process for post in posts if post.process])


def _look(post: _Post, opening: Opening, context: multiprocessing.context.ForkServerContext) -> None:
    if post.process and not post.process.is_alive():
        log.warning("a worker process has ended (%s) and is started again", post.process.exitcode)
        post.process, post.not_before = None, time.monotonic() + _PAUSE_SECONDS
    if post.process is None and time.monotonic() >= post.not_before:
        post.process = context.Process(target=_work, args=(opening, post.queues, post.concurrency))
        post.process.start()


def _stop(processes: list[BaseProcess]) -> None:
    """Each finishes what it works on; whoever takes too long is killed, and its work done again by others."""
    for process in processes:
        process.terminate()
    until = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()


def _work(opening: Opening, queues: tuple[str, ...], concurrency: int) -> None:
    """The life of a process: Procrastinate's worker, until it is told to stop."""
    from qujat.jobs.work import database_of, open_work
    from qujat.registers.postgres import PostgresServer

    office = opened(opening)
    if isinstance(database_of(office), PostgresServer):
        silent = float(opening.settings.work.stalled_seconds)
        app = queue.app(opening.settings.stores.register_at, open_work(office, opening.settings), silent)
        app.run_worker(
            queues=list(queues),  # a tuple would be another type to PostgreSQL
            concurrency=concurrency,
            delete_jobs="successful",
            update_heartbeat_interval=min(queue.HEARTBEAT_SECONDS, silent / 3),
            stalled_worker_timeout=silent,
            shutdown_graceful_timeout=_GRACE_SECONDS,
        )
