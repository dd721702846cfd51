"""What the register in an SQLite file must do beside what any register must (`test_register`)."""

from __future__ import annotations

import json
import resource
import secrets
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qujat.errors import RegisterUnreachable
from qujat.register import Claim, Completion, Document, NewTicket, Register, Secrets, StoredFile
from qujat.registers.opening import in_sqlite

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NAME = "Қалиева Әсел Нұрланқызы"


def reserve(register: Register, decision: str) -> Document:
    token = secrets.token_bytes(12)
    wanted = Claim("990440001234", decision, "d" * 64, None, "{year}-{seq:06}", 2026, "o20-a05")
    return register.reserve(
        wanted,
        lambda number: {"number": number, "fields": {"full_name": NAME}},
        lambda: Secrets(token, token.hex(), b"salt"),
        AT,
    )


def issue(register: Register, decision: str) -> Document:
    return register.record(reserve(register, decision), [StoredFile("page", "kk", "1.pdf", f"sha of {decision}")], AT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An SQLite file with an annulled document, one in effect and one reserved, and nothing left in its log."""
    register = in_sqlite(tmp_path / "register.sqlite")
    first, second, _ = issue(register, "d-1"), issue(register, "d-2"), reserve(register, "d-3")
    register.annul(first.number, "reason", AT)
    ticket = register.add_ticket(NewTicket("t", 3, "official", AT, AT), [StoredFile("data", "", "1.xml", "sha")])
    register.approve(ticket, Completion("t", "digest"), AT)
    register.renew(second, [replace(second.files[0], sha256="f" * 64)], AT)
    register.skip("990440001234", 2026, 9, "reason", AT)
    with closing(sqlite3.connect(tmp_path / "register.sqlite")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return tmp_path / "register.sqlite"


BESIDE = ("webhook", "delivery", "batch", "part", "client", "client_revoked", "deed")


def _tables(db: sqlite3.Connection) -> list[str]:
    """All that only grow; `sequence` says where to look for the next free number, and documents what is free; what
    stands beside the register (jobs, clients) is not of it."""
    names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()
    return [name for (name,) in names if name not in ("sequence", "lasting", "alembic_version", *BESIDE)]


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def test_nothing_in_the_file_can_be_updated_or_deleted(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        before = list(db.iterdump())
        assert set(_tables(db)) >= {"document", "file", "entry", "ticket", "handed_out", "completion"}
        for table in _tables(db):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() > (0,)
            deeds = [f"UPDATE {table} SET {column} = {column}" for column in _columns(db, table)]
            for deed in [*deeds, f"DELETE FROM {table}"]:
                with pytest.raises(sqlite3.IntegrityError, match="only grows"):
                    db.execute(deed)
        assert list(db.iterdump()) == before


REPLACEMENTS = {
    "document": "document SELECT * FROM document LIMIT 1",
    "document-decision": "document SELECT 9, authority, decision, 'n', digest, x'01', 'c', salt, '', '' FROM document",
    "document-number": "document SELECT 9, authority, 'd', number, digest, x'01', 'c', salt, '', '' FROM document",
    "document-token": "document SELECT 9, 'a', 'd', 'n', digest, token, 'c', salt, '', '' FROM document",
    "document-code": "document SELECT 9, 'a', 'd', 'n', digest, x'01', code, salt, '', '' FROM document",
    "file": "file SELECT * FROM file LIMIT 1",
    "file-row": "file (rowid, document, role, language, name, sha256, page, engine)"
    " SELECT rowid, document, 'data', '', name, sha256, page, engine FROM file LIMIT 1",
    "entry": "entry SELECT * FROM entry LIMIT 1",
    "ticket": "ticket SELECT * FROM ticket",
    "ticket-row": "ticket (rowid, id, document, signer, made_at, expires_at)"
    " SELECT rowid, 'u', document, signer, '', '' FROM ticket",
    "handed-out": "handed_out SELECT * FROM handed_out",
    "handed-out-row": "handed_out (rowid, ticket, role, language, name, sha256, page, engine)"
    " SELECT rowid, ticket, 'page', language, '', '', '', '' FROM handed_out",
    "completion": "completion SELECT ticket, '', 'other', '', '', 7 FROM completion",
    "renewal": "renewal SELECT * FROM renewal",
    "search": "search SELECT document, 'other', '' FROM search LIMIT 1",
    "person": "person SELECT document, place, 'other', '' FROM person LIMIT 1",
    "person-row": "person (rowid, document, place, iin, name) SELECT rowid, document, 7, '', '' FROM person LIMIT 1",
    "entry-active": "entry (document, kind, at, reason, other) SELECT document, kind, '', '', '' FROM entry LIMIT 1",
}


@pytest.mark.parametrize("words", REPLACEMENTS.values(), ids=REPLACEMENTS)
def test_nothing_in_the_file_can_be_replaced(path: Path, words: str) -> None:
    """REPLACE deletes the row that has a key of the new one, and SQLite does not run DELETE's triggers for that."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        before = list(db.iterdump())
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(f"REPLACE INTO {words}")
        assert list(db.iterdump()) == before


def test_a_document_is_issued_once_also_by_hand(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute("INSERT INTO entry (document, kind, at, reason, other) VALUES (1, 'active', '', '', '')")


def test_every_commit_is_on_the_disk_before_it_is_acknowledged(path: Path) -> None:
    """PRAGMA synchronous: 2 is FULL, which in the mode of a write-ahead log syncs the log at each commit."""
    with in_sqlite(path).database.writing() as db:
        assert db.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert db.exec_driver_sql("PRAGMA synchronous").scalar_one() >= 2
        assert db.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_opening_a_new_register_waits_for_another_that_is_writing_it(tmp_path: Path) -> None:
    """Two processes that start at once on a new installation."""
    path, answers = tmp_path / "register.sqlite", []
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        second = threading.Thread(
            target=lambda: answers.append(_answer(lambda: reserve(in_sqlite(path), "d-1").number))
        )
        second.start()
        second.join(0.3)
        other.execute("COMMIT")
    second.join()
    assert answers == ["2026-000001"]


def _answer(question: Callable[[], object]) -> object:
    try:
        return question()
    except RegisterUnreachable as error:
        return error


def _no_database(path: Path) -> None:
    path.write_bytes(b"Not an SQLite file, but long enough for its head.\n" * 100)


def _no_pages(path: Path) -> None:
    """The head is whole; what comes after is rubbish."""
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xa5" * (len(content) - 100))


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _no_folder(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()


def _no_log(path: Path) -> None:
    """The folder does not let the log be made (root may write anywhere, so permissions would not do)."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.with_name(path.name + suffix).mkdir()


SPOILT = [_no_database, _no_pages, _cut_off, _folder, _no_folder, _no_log]
QUESTIONS: dict[str, Callable[[Register], Any]] = {
    "known": lambda r: r.known("990440001234", "d-1", "d" * 64),
    "by_number": lambda r: r.by_number("2026-000001"),
    "recorded_at": lambda r: r.recorded_at("sha of d-1"),
    "reserve": lambda r: reserve(r, "d-1"),
    "annul": lambda r: r.annul("2026-000002", "reason", AT),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__.strip("_"))
def test_a_damaged_register_is_unreachable_and_says_where_it_is(
    path: Path, spoil: Callable[[Path], None], question: Callable[[Register], Any]
) -> None:
    spoil(path)
    with pytest.raises(RegisterUnreachable, match=str(path)) as refusal:
        question(in_sqlite(path))
    assert refusal.value.code == "register-unreachable"


@pytest.mark.parametrize("question", ["known", "by_number", "reserve", "annul"])
@pytest.mark.parametrize(
    ("whole", "rubbish"),
    [(b'{"number"', b'["number"'), (b"2026-03-02T09:30", b"2026-03-02T09:x0"), (b"2026-03-02T", b"2026-03-02\xb0")],
    ids=["data", "moment", "text"],
)
def test_a_flipped_bit_that_sqlite_does_not_see_is_a_damaged_register_too(
    path: Path, whole: bytes, rubbish: bytes, question: str
) -> None:
    content = path.read_bytes()
    assert content.count(whole) >= 3
    path.write_bytes(content.replace(whole, rubbish))
    with pytest.raises(RegisterUnreachable, match=str(path)):
        QUESTIONS[question](in_sqlite(path))


def test_a_register_that_cannot_be_written_takes_nothing_in_and_goes_on_when_it_can(tmp_path: Path) -> None:
    """A full disk, as a limit on the size of files; in a process of its own, since the limit is one's own."""
    done = subprocess.run([sys.executable, __file__, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["2026-000001", "register-unreachable", "2026-000001", None, "2026-000002"]


def _on_a_full_disk(folder: Path) -> list[str | None]:
    register = in_sqlite(folder / "register.sqlite")
    first = issue(register, "d-1")
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(file.stat().st_size for file in folder.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, unlimited[1]))
    full = _answer(lambda: reserve(register, "d-2"))
    assert isinstance(full, RegisterUnreachable)
    still = register.by_number(first.number)
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    second = register.known("990440001234", "d-2", "d" * 64)
    return [first.number, full.code, still.number, second and second.number, reserve(register, "d-2").number]


if __name__ == "__main__":
    print(json.dumps(_on_a_full_disk(Path(sys.argv[1]))))
