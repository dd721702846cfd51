"""A stranger's file costs what it may cost and no more; the process that reads it can do nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from functools import cache

import pytest
from strangers import cms, costly, pages, pdf, xml
from strangers.authority import Authority
from strangers.case import Broken, Case

from qujat.verifier.bounds import Limits
from qujat.verifier.report import Report
from qujat.verifier.verification import MAX_BYTES, verify, verify_here


def judged(case: Case, authority: Authority, limits: Limits | None = None) -> Report:
    trust = case.trust or authority.trust
    bounds = {"limits": limits} if limits else {}
    return verify(case.content, data=case.data, trust=trust, at=case.at or authority.now, **bounds)


@pytest.mark.parametrize("broken", costly.cases.broken, ids=lambda broken: broken.name)
def test_a_costly_file_is_refused_within_its_bounds(broken: Broken, authority: Authority) -> None:
    report = judged(broken.build(authority), authority)
    assert (report.value, report.code) == (broken.value, broken.code), report.as_json()


@pytest.mark.parametrize(
    "build", [pdf.pades_b_t, pdf.incremental_saving_with_the_old_index, xml.xades_b_t, xml.gost, cms.two_signers]
)
def test_the_worker_says_what_is_said_without_it(build: object, authority: Authority) -> None:
    case = build(authority)
    here = verify_here(case.content, data=case.data, trust=authority.trust, at=authority.now)
    assert judged(case, authority) == here


@cache
def many_objects() -> Case:
    """A large file without a fault, which takes its time."""
    return Case(pages.page(dict.fromkeys(range(7, 150000), b"<</A [1 2 3]/B (b)>>")))


def test_a_worker_is_stopped_when_its_time_is_over(authority: Authority) -> None:
    report = judged(many_objects(), authority, Limits(seconds=0.05))
    assert (report.value, report.code, report.reason.detail) == ("indeterminate", "too-costly", "time")


def test_a_worker_is_stopped_when_it_wants_too_much_memory(authority: Authority) -> None:
    report = judged(many_objects(), authority, Limits(memory=192 * 1024**2))
    assert (report.value, report.code, report.reason.detail) == ("indeterminate", "too-costly", "memory")


def test_a_worker_that_breaks_is_no_answer(authority: Authority) -> None:
    """A limit that the kernel does not know makes the worker fail before it reads anything."""
    report = judged(cms.detached_b_b(authority), authority, Limits(memory=2**70))
    assert (report.value, report.code) == ("indeterminate", "checker-failed")


def test_a_file_too_large_is_not_even_read(authority: Authority) -> None:
    report = judged(Case(b"%PDF-1.7\n" + bytes(MAX_BYTES)), authority)
    assert (report.value, report.code) == ("indeterminate", "too-large")


def confined(program: str) -> str:
    """What a confined process prints."""
    prelude = "from qujat.verifier.worker import confine\nimport os, socket, subprocess\nconfine(20, 512 * 1024**2)\n"
    done = subprocess.run([sys.executable, "-c", prelude + program], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("bytes(600 * 1024**2)", "MemoryError"),
        ("socket.socket()", "PermissionError"),
        ("socket.getaddrinfo('localhost', 80)", "PermissionError"),
        ("subprocess.run(['true'])", "PermissionError"),
        ("os.system('true')", "PermissionError"),
        ("os.fork()", "PermissionError"),
        ("open('written', 'w')", "PermissionError"),
        ("os.open('written', os.O_CREAT)", "PermissionError"),
    ],
)
def test_a_worker_cannot_do_anything_but_read_its_file(program: str, error: str) -> None:
    assert error in confined(program)


def test_a_worker_can_read_what_it_needs() -> None:
    assert confined("print(len(bytes(100 * 1024**2)), len(open(os.devnull).read()))").split() == ["104857600", "0"]


def test_a_worker_that_waits_is_ended_by_the_clock() -> None:
    program = "from qujat.verifier.worker import confine\nimport time\nconfine(0.2, 1024**3)\ntime.sleep(60)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == -signal.SIGALRM


def test_a_worker_may_not_burn_more_than_its_time() -> None:
    assert confined("import resource; print(resource.getrlimit(resource.RLIMIT_CPU))") == "(21, 22)\n"


def test_a_server_that_was_killed_is_started_again(authority: Authority) -> None:
    from qujat.verifier import bounds

    case = cms.detached_b_b(authority)
    assert judged(case, authority).value == "valid"
    server = bounds._servers.get()
    server.process.kill()
    server.process.wait()
    assert judged(case, authority).value == "valid"
    assert bounds._servers.get() is not server


def test_many_files_at_once_are_verified_side_by_side(authority: Authority) -> None:
    good, bad = cms.detached_b_b(authority), cms.other_data_than_was_signed(authority)
    found: list[tuple[str, str]] = []

    def ask(case: Case, expected: str) -> None:
        found.append((judged(case, authority).value, expected))

    threads = [threading.Thread(target=ask, args=pair) for pair in [(good, "valid"), (bad, "invalid")] * 6]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert all(value == expected for value, expected in found)


def test_a_process_that_was_forked_may_ask_too(authority: Authority) -> None:
    case = cms.detached_b_b(authority)
    assert judged(case, authority).value == "valid"
    child = os.fork()
    if child == 0:
        os._exit(0 if judged(case, authority).value == "valid" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert judged(case, authority).value == "valid"
