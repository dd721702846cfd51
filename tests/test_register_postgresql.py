"""What the register in PostgreSQL must do beside what any register must (`test_register`)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import postgres
import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError, ProgrammingError

import qujat.pipeline
from qujat.errors import ConfigurationError, RegisterUnreachable
from qujat.register import Completion, NewTicket, Register
from qujat.registers import opening
from qujat.registers.postgres import PostgresServer
from qujat.registers.sql import SqlRegister
from qujat.registers.tables import metadata
from registers import AT, DATA, OURS, PAGE, THEIRS, claim, data_of, draw, issued, reserve


@pytest.fixture
def register(tmp_path: Path) -> SqlRegister:
    return postgres.register_in(tmp_path)


@pytest.fixture
def filled(register: SqlRegister) -> SqlRegister:
    """A row in every table."""
    data = {"fields": {"iin": "900101400013"}}
    document = register.reserve(claim(), lambda number: data, draw, AT)
    ticket = register.add_ticket(NewTicket("t", document.id, "official", AT, AT), [DATA])
    register.approve(ticket, Completion("t", "digest"), AT)
    document = register.record(document, [PAGE], AT)
    register.renew(document, [replace(PAGE, sha256="f" * 64)], AT)
    register.skip(THEIRS, 2026, 3, "a journal on paper", AT)
    return register


FOREVER = [table for table in metadata.sorted_tables if table.name not in ("sequence", "lasting")]


@pytest.mark.parametrize("table", FOREVER, ids=[table.name for table in FOREVER])
def test_nothing_can_be_updated_deleted_or_truncated(filled: SqlRegister, table: Any) -> None:
    for deed in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE", *_updates(table)):
        with _raw(filled) as db:
            assert db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 1
        with pytest.raises(IntegrityError, match="only grows"), _raw(filled) as db:
            db.exec_driver_sql(deed)


def _updates(table: Any) -> list[str]:
    return [f"UPDATE {table} SET {column.name} = {column.name}" for column in table.columns]


def _raw(register: SqlRegister) -> Any:
    """A transaction beside the register, with the driver's own errors."""
    return register.database._writer(register.database._opened()).begin()


def test_a_document_is_issued_once_also_by_hand(filled: SqlRegister) -> None:
    with pytest.raises(IntegrityError, match="issued_once"), _raw(filled) as db:
        db.exec_driver_sql("INSERT INTO entry (document, kind, at, reason, other) VALUES (1, 'active', '', '', '')")


def test_two_authorities_do_not_wait_for_each_other_and_two_decisions_of_one_do(register: SqlRegister) -> None:
    """One reserves and stops half way; meanwhile the other authority gets its number, and the same one does not."""
    go_on, within = threading.Event(), threading.Event()

    def slow(number: str) -> dict[str, Any]:
        within.set()
        assert go_on.wait(20)
        return data_of(number)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(register.reserve, claim("d-1"), slow, draw, AT)
        assert within.wait(20)
        assert reserve(register, claim("d-1", authority=THEIRS)).number == "2026-000001"
        second = pool.submit(reserve, register, claim("d-2"))
        assert second.done() is False
        assert _waiting(register)
        go_on.set()
        assert (first.result().number, second.result().number) == ("2026-000001", "2026-000002")


def _waiting(register: SqlRegister) -> bool:
    """Does somebody wait for a lock of this register? It looks until one does, for some seconds."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND application_name = 'qujat'"
    with psycopg.connect(postgres.conninfo(), autocommit=True) as db:
        for _ in range(100):
            if db.execute(asked).fetchone() != (0,):
                return True
            threading.Event().wait(0.05)
    return False


def test_two_authorities_that_draw_one_code_at_once_get_two(register: SqlRegister) -> None:
    """Neither sees the other's row before its commit; the database makes the second one draw again."""
    first, second = draw(), draw()
    drawn = threading.Barrier(2, timeout=20)
    clash = {OURS: [first], THEIRS: [replace(second, code=first.code), second]}

    def draw_of(authority: str) -> Callable[[], Any]:
        def drawing() -> Any:
            new = clash[authority].pop(0)
            if new.code == first.code:
                drawn.wait()
            return new

        return drawing

    def make(authority: str) -> bytes:
        return register.reserve(claim(authority=authority), data_of, draw_of(authority), AT).token

    clash[OURS].append(draw())  # for when it comes second
    with ThreadPoolExecutor(2) as pool:
        tokens = list(pool.map(make, [OURS, THEIRS]))
    found = register.by_code(first.code)
    assert found
    assert found.token in tokens
    assert len(set(tokens)) == 2


def _kill_connections(of: str = "qujat") -> None:
    with psycopg.connect(postgres.conninfo(), autocommit=True) as db:
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [of])


def test_a_server_that_dies_in_the_middle_is_unreachable_and_nothing_was_reserved(tmp_path: Path) -> None:
    register = opening.in_postgresql(postgres.url_of(tmp_path) + "&application_name=dying")

    def die(number: str) -> dict[str, Any]:
        _kill_connections("dying")
        return data_of(number)

    with pytest.raises(RegisterUnreachable) as refusal:
        register.reserve(claim(), die, draw, AT)
    assert refusal.value.code == "register-unreachable"
    assert reserve(register, claim()).number == "2026-000001"


def test_a_server_that_was_started_again_is_asked_again(tmp_path: Path) -> None:
    register = opening.in_postgresql(postgres.url_of(tmp_path) + "&application_name=restarted")
    document = issued(register, claim())
    _kill_connections("restarted")
    assert register.by_number(document.number) == document


QUESTIONS: dict[str, Callable[[Register], object]] = {
    "known": lambda r: r.known(OURS, "d-1", "d" * 64),
    "by_number": lambda r: r.by_number("2026-000001"),
    "reserve": lambda r: reserve(r, claim()),
    "annul": lambda r: r.annul("2026-000002", "reason", AT),
    "upgrade": opening.upgrade,
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_no_server_is_an_unreachable_register_that_is_named_without_its_password(
    question: Callable[[Register], object],
) -> None:
    register = opening.in_postgresql("postgresql://qujat:hunter2@127.0.0.1:1/documents")
    with pytest.raises(RegisterUnreachable, match=r"postgresql://qujat:\*\*\*@127.0.0.1:1/documents") as refusal:
        question(register)
    told = f"{refusal.value} {register!r} {register.name}"
    assert "hunter2" not in told


def test_an_error_of_the_database_tells_nothing_of_the_rows(register: SqlRegister) -> None:
    """PostgreSQL adds the values of the row to what it says; they may be a person's."""
    reserve(register, claim())
    with pytest.raises(RegisterUnreachable) as refusal, register.database.writing() as db:
        db.exec_driver_sql(
            "INSERT INTO document (authority, decision, number, digest, token, code, salt, reserved_at, data)"
            " SELECT authority, decision, '', digest, '', '', salt, reserved_at, data FROM document"
        )
    assert "duplicate key" in refusal.value.message
    assert OURS not in refusal.value.message


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@host:port/name", "mysql://u:hunter2@host/n"])
def test_an_address_that_is_none_is_refused_without_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="postgresql://user@host/name") as refusal:
        opening.open_register(url, tmp_path)
    assert "hunter2" not in refusal.value.message


def test_every_statement_and_every_wait_has_an_end(register: SqlRegister) -> None:
    with register.database.reading() as db:
        limits = [db.exec_driver_sql(f"SHOW {name}").scalar() for name in ("statement_timeout", "lock_timeout")]
        assert db.exec_driver_sql("SHOW transaction_isolation").scalar() == "repeatable read"
        assert db.exec_driver_sql("SHOW transaction_read_only").scalar() == "on"
    assert limits == ["1min", "30s"]


def test_the_address_of_a_register_chooses_its_schema() -> None:
    server = PostgresServer(make_url("postgresql://host/name?options=-csearch_path%3Dmine&sslmode=require"))
    assert dict(server.url.query) == {"sslmode": "require"}
    assert server.name == "postgresql://host/name"


def test_a_dump_of_pg_dump_is_restored_with_its_documents_and_still_only_grows(
    filled: SqlRegister, tmp_path: Path
) -> None:
    restored = opening.in_postgresql(postgres.dumped(tmp_path, f"restored_{postgres.schema_of(tmp_path)}"))
    assert list(restored.issued()) == list(filled.issued())
    assert restored.ticket("t") == filled.ticket("t")
    with pytest.raises(IntegrityError, match="only grows"), _raw(restored) as db:
        db.exec_driver_sql("DELETE FROM entry")
    assert reserve(restored, claim("d-2")).number == "2026-000002"


def test_the_rights_that_the_operators_page_names_are_enough_and_take_no_trigger_away(tmp_path: Path) -> None:
    page = (Path(qujat.pipeline.__file__).parent / "docs" / "operator.md").read_text(encoding="utf-8")
    assert all(right.format(schema="public", role="qujat") in page for right in postgres.RIGHTS)
    register = opening.in_postgresql(postgres.service_url(tmp_path))
    document = register.record(reserve(register, claim()), [PAGE], AT)
    register.add_ticket(NewTicket("t", reserve(register, claim("d-2")).id, "head", AT, AT), [DATA])
    register.renew(document, [replace(PAGE, sha256="f" * 64)], AT)
    for rules in ("before", "now"):
        register.note_lapses(rules, {"f" * 64: AT})
        register.skip(THEIRS, 2026, len(rules), rules, AT)
    assert register.annul(document.number, "reason", AT).status == "annulled"
    for deed in ("DROP TRIGGER entry_no_change ON entry", "ALTER TABLE entry DISABLE TRIGGER ALL", "DELETE FROM entry"):
        with pytest.raises(ProgrammingError, match=r"owner|denied"), _raw(register) as db:
            db.exec_driver_sql(deed)
