"""Many decisions: one row each, in order; taken up where it stopped; whatever is killed, nothing is doubled."""

from __future__ import annotations

import fcntl
import io
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from homes import QUJAT, children, environment_of, make_home
from offices import Pki, a_decision

from qujat import pool, results
from qujat.batch import Line, Row, issue_part, lines, partitions
from qujat.blobs import Memory
from qujat.decision import MAX_BYTES
from qujat.errors import BatchBusy, BatchChanged, StoreError, WorkerDied
from qujat.office import Office, open_office
from qujat.register import Document
from qujat.settings import Settings

KK = ["kk"]
COUNT = 6


def jsonl(*sent: dict[str, Any] | str) -> bytes:
    return b"".join((s if isinstance(s, str) else json.dumps(s)).encode() + b"\n" for s in sent)


def numbered(count: int) -> list[dict[str, Any]]:
    return [a_decision(id=f"batch-{n}", languages=KK) for n in range(count)]


def rows_of(content: bytes, office: Office, **how: Any) -> list[Row]:
    return list(issue_part(lines(io.BytesIO(content)), office, **how))


def test_every_decision_has_one_row_in_the_order_of_the_lines(office_in_memory: Office) -> None:
    first, second = numbered(2)
    rows = rows_of(b"\xef\xbb\xbf" + jsonl(first, "", "  ", second | {"fields": {}}, "no JSON"), office_in_memory)
    assert [(row.line, row.decision, row.number) for row in rows] == [
        (1, "batch-0", "2026-000001"),
        (4, "batch-1", None),
        (5, None, None),
    ]
    assert [row.error["code"] for row in rows if row.error] == ["field-errors", "field-errors"]


def test_a_decision_that_was_issued_has_the_same_row_again(office_in_memory: Office) -> None:
    content = jsonl(*numbered(1))
    assert rows_of(content, office_in_memory) == rows_of(content, office_in_memory)


def test_a_refused_decision_keeps_its_id_in_the_row_and_nothing_personal(office_in_memory: Office) -> None:
    (sent,) = numbered(1)
    (row,) = rows_of(jsonl(sent | {"form": 7}), office_in_memory)
    assert row.decision == "batch-0"
    assert sent["official"]["iin"] not in row.as_json()
    assert sent["official"]["full_name"] not in json.loads(row.as_json()).__repr__()


def test_an_id_that_is_none_does_not_get_into_the_results(office_in_memory: Office) -> None:
    (row,) = rows_of(jsonl({"id": "Ахметова Гүлнар"}), office_in_memory)
    assert row.decision is None


def test_a_line_too_long_to_be_a_decision_is_refused_and_not_held() -> None:
    content = b'{"id": "' + b"x" * 3 * MAX_BYTES + b'"}\n{}\n'
    long, short = lines(io.BytesIO(content))
    assert (long.number, len(long.text)) == (1, MAX_BYTES + 2)
    assert short == Line(2, b"{}")


def test_a_long_line_gets_a_row_of_its_own(office_in_memory: Office) -> None:
    (row,) = rows_of(b'{"id": "' + b"x" * 2 * MAX_BYTES + b'"}', office_in_memory)
    assert row.error
    assert [e["code"] for e in row.error["errors"]] == ["too-large"]


def test_parts_hold_every_line_once() -> None:
    found = list(partitions(lines(io.BytesIO(b"1\n2\n3\n4\n5\n")), 2))
    assert [[line.number for line in part] for part in found] == [[1, 2], [3, 4], [5]]


@dataclass(frozen=True)
class Failing(Memory):
    """A store that refuses its first writes."""

    left: list[int]

    def put(self, content: bytes) -> str:
        if self.left[0]:
            self.left[0] -= 1
            raise StoreError("the store does not answer")
        return Memory.put(self, content)


def test_trouble_of_the_store_that_passes_is_waited_for(office_in_memory: Office) -> None:
    office = replace(office_in_memory, blobs=Failing({}, [2]))
    (row,) = rows_of(jsonl(*numbered(1)), office, patience=(0, 0))
    assert row.number == "2026-000001"


def test_trouble_of_the_store_that_stays_stops_the_batch_and_makes_no_row(office_in_memory: Office) -> None:
    office = replace(office_in_memory, blobs=Failing({}, [99]))
    with pytest.raises(StoreError, match="does not answer"):
        rows_of(jsonl(*numbered(1)), office, patience=(0, 0))


def test_a_document_whose_bytes_are_gone_gets_a_row_and_stops_nothing(office_in_memory: Office) -> None:
    content = jsonl(*numbered(2))
    rows_of(jsonl(numbered(2)[0]), office_in_memory)
    assert isinstance(office_in_memory.blobs, Memory)
    office_in_memory.blobs.content.clear()
    lost, fresh = rows_of(content, office_in_memory)
    assert lost.error
    assert lost.error["code"] == "blob-missing"
    assert fresh.number == "2026-000002"


# The folder of results


def a_source(folder: Path, count: int = 3) -> results.Source:
    path = folder / "in.jsonl"
    path.write_bytes(jsonl(*numbered(count)))
    return results.source(path)


def test_rows_that_are_there_are_counted_and_kept(tmp_path: Path) -> None:
    source = a_source(tmp_path)
    with results.taken_up(tmp_path / "out", source) as found:
        found.add(Row(1, "a", "1"))
        found.add(Row(2, "b", error={"code": "x"}))
    with results.taken_up(tmp_path / "out", source) as found:
        assert (found.progress.issued, found.progress.refused, found.progress.last) == (1, 1, 2)
        found.add(Row(3, "c", "2"))
    written = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["line"] for line in written] == [1, 2, 3]


@pytest.mark.parametrize("torn", [b'{"line": 2, "decis', b"\0\0\0\0", b'{"line": 2}\n', b"\xff\n"])
def test_a_row_that_was_cut_short_is_done_again(tmp_path: Path, torn: bytes) -> None:
    source = a_source(tmp_path)
    path = tmp_path / "out" / "results.jsonl"
    with results.taken_up(tmp_path / "out", source) as found:
        found.add(Row(1, "a", "1"))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    with results.taken_up(tmp_path / "out", source) as found:
        assert found.progress.done == 1
    assert path.read_bytes() == whole


def test_results_with_something_else_amid_them_are_refused_and_left_alone(tmp_path: Path) -> None:
    source = a_source(tmp_path)
    path = tmp_path / "out" / "results.jsonl"
    with results.taken_up(tmp_path / "out", source) as found:
        found.add(Row(1, "a", "1"))
    content = b"something else\n" + path.read_bytes()
    path.write_bytes(content)
    with pytest.raises(StoreError, match="expected a row"), results.taken_up(tmp_path / "out", source):
        pass
    assert path.read_bytes() == content


def test_the_results_of_another_file_are_refused(tmp_path: Path) -> None:
    with results.taken_up(tmp_path / "out", a_source(tmp_path, 3)):
        pass
    changed = a_source(tmp_path, 4)
    with pytest.raises(BatchChanged, match="3 decisions"), results.taken_up(tmp_path / "out", changed):
        pass


def test_two_processes_do_not_add_to_one_batch(tmp_path: Path) -> None:
    source = a_source(tmp_path)
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / "results.jsonl").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BatchBusy), results.taken_up(tmp_path / "out", source):
            pass


# Processes


def documents(settings: Settings) -> list[Document]:
    return list(open_office(settings).register.issued())


@pytest.fixture
def home(tmp_path: Path, pki: Pki) -> Settings:
    return make_home(tmp_path / "var", pki)


@dataclass(frozen=True)
class Run:
    """One `qujat batch` in a process group of its own."""

    process: subprocess.Popen[str]
    results: Path

    def rows(self) -> int:
        return self.results.read_bytes().count(b"\n") if self.results.exists() else 0

    def until(self, rows: int) -> None:
        """Wait until so many rows are there."""
        give_up = time.monotonic() + 60
        while self.rows() < rows:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < give_up
            time.sleep(0.01)

    def workers(self) -> list[int]:
        """The processes of the pool: children of the fork server."""
        return [grand for child in children(self.process.pid) for grand in children(child)]


Start = Callable[[], Run]


@pytest.fixture
def start(tmp_path: Path, home: Settings) -> Iterator[Start]:
    """Starts `qujat batch` over a few decisions of one home; every time the same batch."""
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_bytes(jsonl(*numbered(COUNT)))
    command = [QUJAT, "batch", source, "-o", out, "--processes", "2", "--json"]
    running: list[subprocess.Popen[str]] = []

    def begin() -> Run:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, env=environment_of(home), text=True, **pipes)
        running.append(process)
        return Run(process, out / "results.jsonl")

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def finished(run: Run) -> dict[str, Any]:
    out, trouble = run.process.communicate(timeout=120)
    assert run.process.returncode == 0, trouble
    said: dict[str, Any] = json.loads(out)
    return said


def audit(run: Run, settings: Settings) -> None:
    """One row a line, one document a decision, one number each."""
    rows = [json.loads(line) for line in run.results.read_text().splitlines()]
    assert [row["line"] for row in rows] == list(range(1, COUNT + 1))
    found = {document.data["id"]: document.number for document in documents(settings)}
    assert found == {row["decision"]: row["number"] for row in rows}
    assert len(set(found.values())) == COUNT


def test_the_decisions_of_a_killed_worker_are_done_again_and_none_is_doubled(start: Start, home: Settings) -> None:
    run = start()
    run.until(2)
    os.kill(run.workers()[0], signal.SIGKILL)
    assert finished(run)["issued"] == COUNT
    audit(run, home)


def test_a_killed_batch_is_taken_up_where_it_was_and_none_is_doubled(start: Start, home: Settings) -> None:
    run = start()
    run.until(1)
    left = run.workers()
    run.process.kill()
    run.process.wait()
    give_up = time.monotonic() + 30
    while any(Path(f"/proc/{pid}/cmdline").exists() for pid in left):  # they see that their parent is gone
        assert time.monotonic() < give_up
        time.sleep(0.01)
    again = start()
    again.until(again.rows() + 1)
    again.process.send_signal(signal.SIGINT)
    said = json.loads(again.process.communicate(timeout=60)[0])
    assert (again.process.returncode, said["state"]) == (130, "interrupted")
    last = start()
    assert finished(last)["issued"] == COUNT
    audit(last, home)


class Dying:
    """A pool's future whose process was killed."""

    def result(self) -> Row:
        raise pool.BrokenProcessPool("killed")


class DyingPool:
    def submit(self, *_: object) -> Dying:
        return Dying()

    def shutdown(self, **_: object) -> None: ...


def dying(monkeypatch: pytest.MonkeyPatch, count: int) -> Sequence[Row]:
    """The rows of lines each of which kills its process."""
    monkeypatch.setattr(pool._Crew, "_new", lambda _: DyingPool())
    return list(pool.rows(iter([Line(n, b"{}") for n in range(1, count + 1)]), pool.Opening(Settings()), 1))


def test_a_line_that_kills_its_process_each_time_gets_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = dying(monkeypatch, 1)
    assert row.error
    assert row.error["code"] == "worker-died"


def test_when_line_after_line_kills_its_process_the_batch_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkerDied, match="line 2"):
        dying(monkeypatch, 3)


def test_no_more_lines_are_in_hand_than_a_few_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def endless() -> Iterator[Line]:
        for n in range(1, 1_000_000):
            taken.append(n)
            yield Line(n, b"{}")

    monkeypatch.setattr(pool._Crew, "_new", lambda _: DyingPool())
    next(pool.rows(endless(), pool.Opening(Settings()), 3))
    assert len(taken) == 3 * pool.AHEAD


def test_files_stand_in_a_folder_of_their_authority(tmp_path: Path, office_in_memory: Office) -> None:
    content = jsonl(*numbered(1))
    (row,) = rows_of(content, office_in_memory, folder=tmp_path)
    assert row.files[0] == "990440001234/2026-000001.kk.pdf"
    assert all((tmp_path / name).stat().st_size for name in row.files)


def test_a_row_is_one_line_of_json() -> None:
    assert Row(1, "x", "1").as_json() == '{"line": 1, "decision": "x", "number": "1", "warnings": []}'
