"""Worker processes: what is asked is done or refused in time, whatever happens to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import offices
import pieces
import pytest
from offices import Pki, parsed

from qujat.errors import Busy, CardInvalid, DeadlinePassed, WorkerLost
from qujat.server import deeds, logs
from qujat.server.workers import Pool, WorkFailed

seconds: dict[str, float] = {}


@pytest.fixture(scope="module")
def pool(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """One process, two places to wait."""
    opened = partial(offices.office_in, tmp_path_factory.mktemp("pool"), pki, address="https://worker.example")
    made = Pool(opened, processes=1, queue_length=2, deadline=60.0, observe=seconds.update)
    until = time.monotonic() + 60
    while not made.alive() and time.monotonic() < until:
        time.sleep(0.05)
    assert made.alive()
    yield made
    made.close()


def done(pool: Pool, function: Callable[..., Any], *args: object) -> Any:
    return asyncio.run(pool.run(function, *args))


def test_work_is_done_in_another_process_with_an_office_of_its_own(pool: Pool) -> None:
    import os

    logs.request_id.set("request-of-test")
    assert done(pool, pieces.process) != os.getpid()
    assert done(pool, pieces.office_of) == ("https://worker.example", True, "request-of-test")


def test_a_decision_is_issued_once_and_its_steps_are_timed(pool: Pool) -> None:
    first, again = (done(pool, deeds.issue, parsed(id="pool")) for _ in range(2))
    assert (first.new, again.new) == (True, False)
    assert first.document == again.document
    assert [step.split()[0] for step in seconds] == list("12345678")


def test_an_error_of_a_worker_is_raised_as_it_was(pool: Pool) -> None:
    with pytest.raises(CardInvalid) as raised:
        done(pool, pieces.refuse)
    assert (raised.value.code, raised.value.message) == ("card-x", "expected a card")


def test_a_fault_in_a_worker_is_told_without_its_message_and_it_works_on(pool: Pool) -> None:
    worker = done(pool, pieces.process)
    with pytest.raises(WorkFailed) as raised:
        done(pool, pieces.fail)
    assert str(raised.value) == ""
    assert done(pool, pieces.process) == worker


def test_what_cannot_be_sent_is_refused_and_it_works_on(pool: Pool) -> None:
    with pytest.raises((AttributeError, TypeError)):
        done(pool, lambda office: 1)
    assert done(pool, pieces.wait, 0) == 0


def test_a_killed_worker_is_replaced_and_its_work_may_be_asked_for_again(pool: Pool) -> None:
    worker, replaced = done(pool, pieces.process), pool.replacements()
    with pytest.raises(WorkerLost) as raised:
        done(pool, pieces.die)
    assert raised.value.retry_after >= 1
    assert done(pool, pieces.process) != worker
    assert pool.replacements() == replaced + 1


def test_work_beyond_the_deadline_is_stopped(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = done(pool, pieces.process)
    monkeypatch.setattr(pool, "deadline", 0.5)
    with pytest.raises(DeadlinePassed):
        done(pool, pieces.wait, 60)
    monkeypatch.undo()
    assert done(pool, pieces.process) != worker


def test_more_than_the_queue_holds_is_refused_at_once(pool: Pool) -> None:
    async def crowd() -> list[Any]:
        first = asyncio.create_task(pool.run(pieces.wait, 0.5))
        while not first.done() and pool.waiting():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # the first one is worked on, and no longer waits
        others = [asyncio.create_task(pool.run(pieces.wait, 0)) for _ in range(5)]
        return await asyncio.gather(first, *others, return_exceptions=True)

    answers = asyncio.run(crowd())
    assert answers[:3] == [0.5, 0, 0]
    assert [type(answer) for answer in answers[3:]] == [Busy] * 3
    assert all(answer.retry_after >= 1 for answer in answers[3:])


def test_work_nobody_waits_for_any_more_is_not_begun(pool: Pool) -> None:
    async def leave() -> Any:
        first = asyncio.create_task(pool.run(pieces.wait, 0.3))
        await asyncio.sleep(0.1)
        gone = asyncio.create_task(pool.run(pieces.die))
        await asyncio.sleep(0)
        gone.cancel()
        return await first

    worker = done(pool, pieces.process)
    assert asyncio.run(leave()) == 0.3
    assert done(pool, pieces.process) == worker


def test_where_no_worker_can_start_the_answer_comes_and_says_so() -> None:
    pool = Pool(pieces.no_office, processes=1, deadline=10.0)
    with pytest.raises(WorkerLost):
        done(pool, pieces.process)
    assert pool.alive() == 0
    pool.close()
