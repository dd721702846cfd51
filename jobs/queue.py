"""Handing work out with Procrastinate: what `qujat worker` does with a register in PostgreSQL.

`defer_…` writes a job in the transaction of its caller, with Procrastinate's own function of its schema (which it also
uses itself); with SQLite there is nothing to write, since `local` looks at the rows themselves.

Three queues: `batches` and `evidence` take a processor, `webhooks` only waits. Jobs of workers that were killed are
found by their missing heartbeat, and done again.
"""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from qujat.errors import QujatError, StoreError

if TYPE_CHECKING:
    from procrastinate import App, JobContext
    from procrastinate.jobs import Job
    from procrastinate.retry import RetryDecision

    from qujat.jobs.work import Work

log = logging.getLogger("qujat.jobs")

HEAVY = ("batches", "evidence")
LIGHT = ("webhooks", "upkeep")
HEARTBEAT_SECONDS = 10.0
STALLED_SECONDS = 30.0
# A server that is gone without a word is noticed within seconds.
_LINK = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "qujat worker",
}
_LONGEST_WAIT = 600  # seconds between attempts at what fails

_DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, :priority, NULL, NULL, CAST(:args AS jsonb), NULL)"
    "::procrastinate_job_to_defer_v1])"
)
# Those of a part that are waiting or being done already are not doubled.
_DEFER_PARTS = text(
    "SELECT procrastinate_defer_jobs_v1(array_agg("
    "ROW('batches', 'issue_part', 0, NULL, 'part ' || batch || '/' || place,"
    " jsonb_build_object('batch', batch, 'place', place), NULL)::procrastinate_job_to_defer_v1 ORDER BY place))"
    " FROM part WHERE batch = :batch AND rows IS NULL AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs"
    " WHERE queueing_lock = 'part ' || batch || '/' || place AND status IN ('todo', 'doing')) HAVING count(*) > 0"
)


def is_queued(db: Connection) -> bool:
    return db.dialect.name == "postgresql"


def defer_delivery(db: Connection, delivery: int) -> None:
    """In the transaction of `db`: let a worker tell a webhook."""
    _defer(db, "webhooks", "deliver", 5, {"delivery": delivery})


def defer_parts(db: Connection, batch: int) -> None:
    """In the transaction of `db`: let workers do what is left of a batch."""
    if is_queued(db):
        db.execute(_DEFER_PARTS, {"batch": batch})


def _defer(db: Connection, queue: str, task: str, priority: int, args: dict[str, Any]) -> None:
    if is_queued(db):
        db.execute(_DEFER, {"queue": queue, "task": task, "priority": priority, "args": json.dumps(args)})


def app(url: str, work: Work, stalled_seconds: float = STALLED_SECONDS) -> App:
    """The tasks, over what a process has opened. `url`: of the register, postgresql://…"""
    from procrastinate import App, PsycopgConnector
    from procrastinate.exceptions import AlreadyEnqueued

    made = App(connector=PsycopgConnector(conninfo=url, kwargs=_LINK, min_size=1, max_size=4))
    again = _again()

    @made.task(name="issue_part", queue="batches", retry=again)
    def issue_part(batch: int, place: int) -> None:
        work.issue_part(batch, place)

    @made.task(name="deliver", queue="webhooks", retry=again)
    def deliver(delivery: int) -> None:
        if due := work.deliver(delivery):
            raise _NotYet(due - work.now())

    @made.task(name="renew", queue="evidence", retry=again)
    def renew(number: str, authority: str) -> None:
        work.renew(number, authority)

    @made.periodic(cron="30 2 * * *")
    @made.task(name="renew_due", queue="evidence", queueing_lock="renew_due", retry=again)
    def renew_due(timestamp: int) -> None:
        """Each document is a job of its own; one that waits already is not doubled."""
        for number, authority in work.due():
            try:
                renew.configure(queueing_lock=f"renew {authority} {number}").defer(number=number, authority=authority)
            except AlreadyEnqueued:
                continue

    @made.periodic(cron="* * * * * */10")
    @made.task(name="take_back", queue="upkeep", queueing_lock="take_back", pass_context=True)
    async def take_back(context: JobContext, timestamp: int) -> None:
        await _take_back(context.app, stalled_seconds)

    return made


async def _take_back(app: App, seconds: float) -> None:
    """Jobs whose worker was killed wait for another one; old ones that are done are forgotten."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds):
        log.warning("job %s (%s) has lost its worker and is done again", job.id, job.task_name)
        await app.job_manager.retry_job(job)
    await app.job_manager.delete_old_jobs(nb_hours=24 * 7, include_failed=True, include_cancelled=True)


class _NotYet(Exception):
    """No fault: the job asks to be done again so much later."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"again in {wait}")
        self.wait = wait


def _again() -> Any:
    """When a job that failed is done again: when it says so, else after 10, 20, 40 … seconds, ten minutes at most."""
    from procrastinate.retry import BaseRetryStrategy, RetryDecision

    class Again(BaseRetryStrategy):
        def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
            if isinstance(exception, _NotYet):
                return RetryDecision(retry_in={"seconds": max(1, round(exception.wait.total_seconds()))})
            if isinstance(exception, StoreError) or (isinstance(exception, QujatError) and job.attempts < 20):
                return RetryDecision(retry_in={"seconds": min(_LONGEST_WAIT, 10 * 2 ** min(job.attempts, 10))})
            return None

    return Again()
