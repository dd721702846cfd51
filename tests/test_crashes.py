"""Killed at any instant, nothing is lost, nothing is half issued, and sending the decision again finishes the work.

Run as a program, this file is a process that has everything loaded and forks others, which issue and die (`_serve`).
"""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import offices
import pytest
from messages import plain_cms
from offices import HandClock, Pki, a_decision, office_in, parsed

from qujat import handover, issuing, pipeline
from qujat import mark as marks
from qujat.blobs import Folder
from qujat.decision import Decision
from qujat.errors import AlreadyIssued, QujatError
from qujat.office import Office
from qujat.register import Document
from qujat.signing.signer import KeySigner
from qujat.signing.timestamp import HttpAuthority

STEPS = ("wordings", "examine", "reserve", "mark", "render", "sign", "store", "record")  # of `pipeline.issue`, in order
Job = dict[str, Any]
Answer = tuple[int, Any]
Issuers = Callable[[list[Job]], list[Answer]]


@pytest.fixture(scope="session")
def issuers(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuers]:
    """Does jobs, each in a process of its own and all at once; answers how each ended and what it said."""
    words = [str(tmp_path_factory.mktemp("warm")), str(pki.folder), pki.passphrase.decode(), pki.now.isoformat()]
    command = [sys.executable, __file__, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout

        def do(jobs: list[Job]) -> list[Answer]:
            print(json.dumps(jobs), file=process.stdin, flush=True)
            assert process.stdout
            return [(status, said) for status, said in json.loads(process.stdout.readline())]

        yield do
        process.stdin.close()
    assert process.returncode == 0


def killed(issuers: Issuers, home: Path, decision: dict[str, Any], how: str, n: int) -> bool:
    """Issue in another process, which dies at the n-th point of a kind; False if it has no so many."""
    ((status, said),) = issuers([{"home": str(home), "decision": decision, "how": how, "n": n}])
    assert (status, said) == (-signal.SIGKILL, None) or (status == 0 and said)
    return status != 0


def numbers(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / "register.sqlite")) as db:
        return [number for (number,) in db.execute("SELECT number FROM document ORDER BY number")]


def nothing_is_half_issued(home: Path, pki: Pki) -> list[Document]:
    """The documents that a register just opened knows, each whole or not issued at all; looked at two hours later."""
    office = office_in(home, pki, HandClock(pki.now + timedelta(hours=2)))
    assert office.register.by_token(b"none") is None
    found = [office.register.by_number(number) for number in numbers(home)]
    for document in found:
        asked = [document.number, marks.short_code(document.token), issuing.mark(document, office).text]
        verdicts = {(v.value, v.code) for v in (pipeline.check(what, office) for what in asked)}
        assert verdicts == {("valid", "genuine") if document.issued else ("indeterminate", "not-issued")}
        assert bool(document.files) == document.issued
        assert all(office.blobs.get(file.sha256) for file in document.files)
    recorded = {file.sha256 for document in found for file in document.files}
    for path in (home / "blobs").rglob("*"):
        if path.is_file() and path.parent.name + path.name not in recorded:
            assert pipeline.check(path, office).value != "valid"
    return found


def sending_it_again_finishes_it(home: Path, pki: Pki, decision: Decision) -> None:
    """An hour later, in another process, when another decision has been issued in between."""
    before = nothing_is_half_issued(home, pki)
    office = office_in(home, pki, HandClock(pki.now + timedelta(hours=1)))
    between = pipeline.issue(parsed(id="between", languages=["kk"]), office)
    done = pipeline.issue(decision, office)
    for found in before:
        kept = (found.number, found.token, found.salt, found.reserved_at, found.data)
        now = done.document
        assert issuing.mark(found, office_in(home, pki)).text == done.mark
        assert (now.number, now.token, now.salt, now.reserved_at, now.data) == kept
    assert sorted([done.number, between.number]) == numbers(home) == ["2026-000001", "2026-000002"]
    assert pipeline.issue(decision, office) == done
    assert {page.outcome for page in pipeline.rerender(done.number, office).pages} == {"identical"}
    assert [document.status for document in nothing_is_half_issued(home, pki)] == ["active", "active"]


@pytest.mark.parametrize("step", range(1, len(STEPS) + 1))
@pytest.mark.parametrize("how", ["before-step", "after-step"])
def test_killed_before_or_after_a_step_the_decision_sent_again_is_issued_whole(
    issuers: Issuers, tmp_path: Path, pki: Pki, how: str, step: int
) -> None:
    assert killed(issuers, tmp_path, a_decision(), how, step)
    found = nothing_is_half_issued(tmp_path, pki)
    done = step if how == "after-step" else step - 1
    assert [document.issued for document in found] == ([] if done < 3 else [done == 8])
    sending_it_again_finishes_it(tmp_path, pki, parsed())


@pytest.mark.parametrize("how", ["before-blob", "half-written-blob", "before-sync"])
def test_killed_while_storing_the_decision_sent_again_is_issued_whole(
    issuers: Issuers, tmp_path: Path, pki: Pki, how: str
) -> None:
    """Before each file; with half of its bytes written; before the sync of the bytes, and of the folder."""
    decision, n = a_decision(languages=["kk"]), 1
    while killed(issuers, tmp_path / str(n), decision, how, n):
        assert [d.issued for d in nothing_is_half_issued(tmp_path / str(n), pki)] == [False]
        sending_it_again_finishes_it(tmp_path / str(n), pki, parsed(languages=["kk"]))
        n += 1
    issued = nothing_is_half_issued(tmp_path / str(n), pki)
    assert n - 1 >= len(issued[0].files) * (2 if how == "before-sync" else 1)


def test_killed_before_any_statement_that_writes_the_register_the_decision_sent_again_is_issued_whole(
    issuers: Issuers, tmp_path: Path, pki: Pki
) -> None:
    """Between BEGIN and COMMIT too: of the reservation, and of the entry that the document is issued."""
    decision, n, states = a_decision(languages=["kk"]), 1, []
    while killed(issuers, tmp_path / str(n), decision, "before-statement", n):
        states.append([document.status for document in nothing_is_half_issued(tmp_path / str(n), pki)])
        sending_it_again_finishes_it(tmp_path / str(n), pki, parsed(languages=["kk"]))
        n += 1
    assert states == sorted(states, key=[[], ["reserved"], ["active"]].index)
    assert states.count([]) > 3 < states.count(["reserved"])


def test_killed_again_and_again_while_the_register_is_made_it_is_made_whole(
    issuers: Issuers, tmp_path: Path, pki: Pki
) -> None:
    decision, n = a_decision(languages=["kk"]), 0
    while killed(issuers, tmp_path, decision, "making-register", n := n + 1):
        pass
    assert n > 10
    sending_it_again_finishes_it(tmp_path, pki, parsed(languages=["kk"]))
    with closing(sqlite3.connect(tmp_path / "register.sqlite")) as db:
        made = set(db.execute("SELECT type, name, sql FROM sqlite_master"))
    assert issuers([{"home": str(tmp_path / "whole"), "decision": decision}])[0][0] == 0
    with closing(sqlite3.connect(tmp_path / "whole" / "register.sqlite")) as db:
        assert made == set(db.execute("SELECT type, name, sql FROM sqlite_master"))


def test_killed_in_turn_at_every_step_a_decision_keeps_its_number(issuers: Issuers, tmp_path: Path, pki: Pki) -> None:
    for step in range(1, len(STEPS)):
        assert killed(issuers, tmp_path, a_decision(languages=["kk"]), "after-step", step)
    assert [document.status for document in nothing_is_half_issued(tmp_path, pki)] == ["reserved"]
    sending_it_again_finishes_it(tmp_path, pki, parsed(languages=["kk"]))


def test_one_decision_sent_to_several_processes_at_once_is_one_document(
    issuers: Issuers, tmp_path: Path, pki: Pki
) -> None:
    answers = issuers([{"home": str(tmp_path), "decision": a_decision()}] * 4)
    assert [status for status, _ in answers] == [0] * 4, answers
    assert all(said == answers[0][1] for _, said in answers)
    (document,) = nothing_is_half_issued(tmp_path, pki)
    assert answers[0][1] == [document.number, {file.name: file.sha256 for file in document.files}]


def test_decisions_sent_to_several_processes_at_once_get_a_number_each(
    issuers: Issuers, tmp_path: Path, pki: Pki
) -> None:
    sent = [a_decision(id=f"d-{n}", languages=["kk"]) for n in range(6)]
    answers = issuers([{"home": str(tmp_path), "decision": decision} for decision in sent])
    assert [status for status, _ in answers] == [0] * 6, answers
    found = nothing_is_half_issued(tmp_path, pki)
    assert sorted(said[0] for _, said in answers) == [d.number for d in found] == [f"2026-{n:06}" for n in range(1, 7)]
    assert all(document.issued for document in found)


NOBODY, NO_AUTHORITY = "800101300016", "990140000017"  # valid numbers that are not those of the keys
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "field": ({"fields": a_decision()["fields"] | {"grounds": [99], "surplus": ""}}, "field-errors"),
    "missing-field": ({"fields": {}}, "field-errors"),
    "day-to-come": ({"day": "2999-01-01", "languages": ["ru"]}, "field-errors"),
    "unknown-form": ({"form": "o20-a99"}, "unknown-form"),
    "day-before-any-law": ({"day": "1991-12-16"}, "no-edition-in-force"),
    "authority": ({"authority": a_decision()["authority"] | {"bin": NO_AUTHORITY}}, "signer-not-entitled"),
    "official": ({"official": a_decision()["official"] | {"iin": NOBODY}}, "signer-not-entitled"),
    "number": ({"number": "2026-000001"}, "number-taken"),
    "contents": ({"id": "before", "number": "17"}, "decision-changed"),
}


def traces(home: Path) -> list[object]:
    """All that is in the register and among the blobs, the next free number too."""
    with closing(sqlite3.connect(home / "register.sqlite")) as db:
        return [*db.iterdump(), *sorted(path for path in (home / "blobs").rglob("*"))]


@pytest.mark.parametrize(("changes", "code"), WRONG.values(), ids=WRONG)
def test_a_wrong_decision_leaves_nothing_behind(tmp_path: Path, pki: Pki, changes: dict[str, Any], code: str) -> None:
    office = office_in(tmp_path, pki)
    pipeline.issue(parsed(id="before", languages=["kk"]), office)
    refused(changes, code, tmp_path, office)
    assert pipeline.issue(parsed(id="after", languages=["kk"]), office).number == "2026-000002"


def refused(changes: dict[str, Any], code: str, home: Path, office: Office) -> None:
    before = traces(home)
    with pytest.raises(QujatError) as refusal:
        pipeline.issue(parsed(**{"id": "wrong"} | changes), office)
    assert refusal.value.code == code
    assert traces(home) == before


def test_a_decision_of_which_the_wording_is_not_held_leaves_nothing_behind(tmp_path: Path, pki: Pki) -> None:
    office = office_in(tmp_path, pki)
    form = office.forms.form(parsed().form)
    editions = tuple(replace(e, wording=dict.fromkeys(e.wording, "not-held")) for e in form.editions)
    forms = replace(office.forms, forms={form.key: replace(form, editions=editions)})
    pipeline.issue(parsed(id="before", languages=["kk"]), office)
    refused({}, "wording-not-held", tmp_path, replace(office, forms=forms))


def test_a_decision_after_the_end_of_the_signers_certificate_leaves_nothing_behind(tmp_path: Path, pki: Pki) -> None:
    office = office_in(tmp_path, pki, HandClock(pki.now + timedelta(days=500)))
    office.register.by_token(b"")
    refused({}, "certificate-expired", tmp_path, office)


def test_what_fails_half_way_goes_on_under_its_number_when_the_trouble_is_over(tmp_path: Path, pki: Pki) -> None:
    """No timestamp, then no room for the documents: the number waits, and nobody else gets it."""
    office, decision = office_in(tmp_path, pki), parsed(languages=["kk"])
    (tmp_path / "file").write_bytes(b"")
    troubles = {
        "timestamp-unavailable": replace(office, timestamper=HttpAuthority("http://127.0.0.1:1/")),
        "store-error": replace(office, blobs=Folder(tmp_path / "file")),
    }
    for code, troubled in troubles.items():
        with pytest.raises(QujatError) as failure:
            pipeline.issue(decision, troubled)
        assert failure.value.code == code
        assert [(d.number, d.status) for d in nothing_is_half_issued(tmp_path, pki)] == [("2026-000001", "reserved")]
    sending_it_again_finishes_it(tmp_path, pki, decision)


# Documents that are signed elsewhere: prepared and completed in one go, by a process that dies on the way.

CALLS: list[tuple[Any, str]] = [
    *((issuing, step) for step in STEPS[:5]),
    *((handover, step) for step in ("hand_out", "returned", "signed")),
    *((issuing, step) for step in STEPS[6:]),
]


def completing_it_again_finishes_it(home: Path, pki: Pki) -> None:
    """The same ticket if there is one, the same number, and one document."""
    (before,) = nothing_is_half_issued(home, pki) or [None]
    office = office_in(home, pki)
    ticket = before and not before.issued and office.register.open_ticket(before, "head", pki.now)
    done = handed_over(parsed(languages=["kk"]), office)
    assert done.number == "2026-000001"
    assert not ticket or getattr(office.register.ticket(ticket.id), "completion", None)
    assert [document.status for document in nothing_is_half_issued(home, pki)] == ["active"]


def handed_over(decision: Decision, office: Office) -> pipeline.Issued:
    """Prepare, sign on another machine, complete; what was issued already is fetched."""
    try:
        prepared = pipeline.prepare(decision, office)
    except AlreadyIssued:
        return pipeline.issue(decision, office)
    signer = office.key_ring().signer
    assert isinstance(signer, KeySigner)
    sent = {file.name: plain_cms(signer, file.content, office.clock()) for file in prepared.files}
    done = pipeline.complete(prepared.ticket, sent, office)
    assert isinstance(done, pipeline.Issued)
    return done


def killed_elsewhere(issuers: Issuers, home: Path, how: str, n: int) -> bool:
    decision = a_decision(languages=["kk"])
    ((status, said),) = issuers([{"home": str(home), "decision": decision, "how": how, "n": n, "elsewhere": True}])
    assert (status, said) == (-signal.SIGKILL, None) or (status == 0 and said)
    return status != 0


@pytest.mark.parametrize("n", range(1, len(CALLS) + 1), ids=[name for _, name in CALLS])
def test_killed_before_any_step_of_prepare_and_complete_the_document_is_issued_whole(
    issuers: Issuers, tmp_path: Path, pki: Pki, n: int
) -> None:
    assert killed_elsewhere(issuers, tmp_path, "before-call", n)
    completing_it_again_finishes_it(tmp_path, pki)


@pytest.mark.parametrize(("how", "first"), [("before-blob", 1), ("before-write", 5)])
def test_killed_while_prepare_and_complete_write_the_document_is_issued_whole(
    issuers: Issuers, tmp_path: Path, pki: Pki, how: str, first: int
) -> None:
    """Before each file; before every fourth statement that writes after the reservation, within transactions too."""
    n, states = first, []
    while killed_elsewhere(issuers, tmp_path / str(n), how, n):
        states.append([document.status for document in nothing_is_half_issued(tmp_path / str(n), pki)])
        completing_it_again_finishes_it(tmp_path / str(n), pki)
        n += 4 if how == "before-write" else 1
    assert states.count(["reserved"]) > 2


# The other side: a process that forks others, which issue and die.


def _serve(warm: Path, pki: Pki) -> None:
    """Each line of the input is a list of jobs; each line of the output how they ended and what they said."""
    pipeline.issue(parsed(), office_in(warm, pki))
    for line in sys.stdin:
        jobs = json.loads(line)
        go, start = os.pipe()
        running = [_fork(job, pki, go, start) for job in jobs]
        os.close(go)
        os.close(start)
        print(json.dumps([_ended(*each) for each in running]), flush=True)


def _fork(job: Job, pki: Pki, go: int, start: int) -> tuple[int, int]:
    read, write = os.pipe()
    if process := os.fork():
        os.close(write)
        return process, read
    os.close(start)
    os.read(go, 1)  # ends when nobody can write any more: all have been forked
    try:
        os.write(write, json.dumps(_work(job, pki)).encode())
        os._exit(0)
    except Exception:
        logging.exception("the work failed")
    finally:
        os._exit(1)


def _ended(process: int, read: int) -> Answer:
    with open(read, "rb") as said:
        content = said.read()
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return status, json.loads(content) if content else None


def _work(job: Job, pki: Pki) -> Any:
    if "how" in job:
        _DEATHS[job["how"]](job["n"])
    issue = handed_over if job.get("elsewhere") else pipeline.issue
    issued = issue(offices.decision.parse(job["decision"]), office_in(Path(job["home"]), pki))
    return [issued.number, {file.name: file.sha256 for file in issued.document.files}]


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _countdown(n: int) -> Callable[[], bool]:
    """True at the n-th call."""
    left = iter(range(n - 1, -1, -1))
    return lambda: next(left, -1) == 0


def _before_step(n: int) -> None:
    setattr(issuing, STEPS[n - 1], _die)


def _before_call(n: int) -> None:
    setattr(*CALLS[n - 1], _die)


def _after_step(n: int) -> None:
    class Death(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith(f"{n} "):
                _die()

    log = logging.getLogger("qujat.pipeline")
    log.setLevel(logging.INFO)
    log.addHandler(Death())


def _before_blob(n: int) -> None:
    now, put = _countdown(n), Folder.put
    Folder.put = lambda folder, content: _die() if now() else put(folder, content)  # type: ignore[method-assign]


def _half_written_blob(n: int) -> None:
    now, fdopen = _countdown(n), os.fdopen

    class Half(io.BufferedWriter):
        def write(self, content: Any) -> int:
            super().write(content[: len(content) // 2])
            self.flush()
            _die()
            return 0

    os.fdopen = lambda handle, mode: Half(io.FileIO(handle, mode)) if now() else fdopen(handle, mode)


def _before_sync(n: int) -> None:
    now, fsync = _countdown(n), os.fsync
    os.fsync = lambda handle: _die() if now() else fsync(handle)


def _before_sql(counts: Callable[[str], bool]) -> Callable[[int], None]:
    """Dies before the n-th statement that counts, whichever connection runs it."""

    def arm(n: int) -> None:
        now, connect = _countdown(n), sqlite3.connect

        def traced(*args: Any, **options: Any) -> sqlite3.Connection:
            db = connect(*args, **options)
            db.set_trace_callback(lambda statement: _die() if counts(statement.strip()) and now() else None)
            return db

        sqlite3.connect = traced

    return arm


def _makes(statement: str) -> bool:
    return statement.startswith(("CREATE", "PRAGMA"))


def _writes(statement: str) -> bool:
    """To die before a question is to die before what is written after it: the file is the same."""
    return statement.startswith(("BEGIN IMMEDIATE", "INSERT", "UPDATE", "COMMIT"))


_DEATHS: dict[str, Callable[[int], None]] = {
    "before-step": _before_step,
    "before-call": _before_call,
    "after-step": _after_step,
    "before-blob": _before_blob,
    "half-written-blob": _half_written_blob,
    "before-sync": _before_sync,
    "before-statement": _before_sql(_writes),
    "before-write": _before_sql(_writes),
    "making-register": _before_sql(_makes),
}

if __name__ == "__main__":
    _serve(Path(sys.argv[1]), Pki(Path(sys.argv[2]), sys.argv[3].encode(), datetime.fromisoformat(sys.argv[4])))
