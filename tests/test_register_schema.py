"""The schema of the register: new ones, those of before with documents in them, and those of other versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import postgres
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from qujat.entries import Wanted
from qujat.errors import SchemaUnfit
from qujat.jobs import tables
from qujat.registers import opening, versions
from qujat.registers.sql import SqlRegister
from qujat.registers.tables import HEAD, metadata
from qujat.server import clients
from qujat.server.desk import tables as desk
from registers import AT, OPENERS, OURS, THEIRS, claim, issued, reserve

# An SQLite register as the version before the migrations left it: three documents of one authority (issued and renewed;
# annulled; waiting for its second signer), one of another under a number of the first.
BEFORE = (Path(__file__).parent / "registers_before.sql").read_text(encoding="utf-8")
TABLES = ("document", "sequence", "file", "entry", "ticket", "handed_out", "completion", "renewal")


def sqlite_before(folder: Path) -> SqlRegister:
    with closing(sqlite3.connect(folder / "register.sqlite")) as db:
        db.executescript(BEFORE)
    return opening.in_sqlite(folder / "register.sqlite")


def postgresql_before(folder: Path) -> SqlRegister:
    """The same rows in the first schema that PostgreSQL had."""
    register = opening.in_postgresql(postgres.url_of(folder, ready=False))
    with closing(sqlite3.connect(":memory:")) as rows, register.database.upgrading() as db:
        rows.executescript(BEFORE)
        rows.row_factory = sqlite3.Row
        versions.upgrade(db, "0001")
        for table in TABLES:
            for row in rows.execute(f"SELECT * FROM {table} ORDER BY rowid"):
                columns = row.keys()
                values = ", ".join(f":{column}" for column in columns)
                db.execute(text(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"), dict(row))
        for table in ("document", "entry", "renewal"):
            db.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    return register


MAKERS: dict[str, Callable[[Path], SqlRegister]] = {"sqlite": sqlite_before, "postgresql": postgresql_before}


@pytest.fixture(params=MAKERS)
def before(request: pytest.FixtureRequest, tmp_path: Path) -> SqlRegister:
    """A register of before, not upgraded yet."""
    return MAKERS[request.param](tmp_path)


@pytest.fixture
def upgraded(before: SqlRegister) -> SqlRegister:
    opening.upgrade(before)
    return before


@pytest.fixture(params=OPENERS)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> SqlRegister:
    """A new register of this version."""
    made = OPENERS[request.param](tmp_path)
    assert isinstance(made, SqlRegister)
    return made


def test_an_upgrade_says_whence_and_whereto_and_a_second_one_changes_nothing(before: SqlRegister) -> None:
    since = "0001" if "postgresql" in before.name else None
    assert opening.upgrade(before) == (since, HEAD)
    assert opening.upgrade(before) == (HEAD, HEAD)


def test_documents_of_before_an_upgrade_are_whole_and_in_their_order(upgraded: SqlRegister) -> None:
    renewed = upgraded.by_number("2026-000001", OURS)
    assert [file.sha256 for file in renewed.files] == ["d1-ru-again", "d1-kk", "d1-xml", "d1-cms", "d1-mark"]
    assert [file.sha256 for file in renewed.former] == ["d1-ru"]
    assert (renewed.status, renewed.reserved_at) == ("active", AT + timedelta(minutes=1))
    assert upgraded.recorded_at("d1-ru-again") == AT + timedelta(days=400)
    annulled = upgraded.by_number("2026-000002")
    assert (annulled.status, annulled.reason, annulled.status_since) == (
        "annulled",
        "қате шешім",
        AT + timedelta(days=1),
    )
    assert [file.language for file in annulled.files] == ["ru", "kk", "", "", ""]
    assert upgraded.by_number("2026-000001", THEIRS).data["fields"]["full_name"] == "Омаров Асқар"


def test_tickets_of_before_an_upgrade_are_whole_and_in_their_order(upgraded: SqlRegister) -> None:
    waiting = upgraded.by_number("2026-000003")
    assert not waiting.issued
    first, second = (upgraded.ticket(f"ticket-{n}") for n in (1, 2))
    assert first
    assert second
    assert [file.name for file in first.files] == ["3.kk.pdf", "3.xml"]
    assert first.completion
    assert first.completion.approval == upgraded.approvals(waiting)["official"]
    assert second.completion is None
    assert upgraded.open_ticket(waiting, "head", AT + timedelta(hours=2)) == second


def test_documents_of_before_an_upgrade_are_found_by_person_form_and_day(upgraded: SqlRegister) -> None:
    def numbers(**wanted: object) -> list[str]:
        return [document.number for document in upgraded.find(Wanted(**wanted)).documents]

    assert numbers(iin="650101300019", authority=OURS) == ["2026-000003", "2026-000002", "2026-000001"]
    assert numbers(iin="800101300016") == ["2026-000001"]
    assert numbers(name="қалиева ә", form="quota_kandas_refusal", status="active") == ["2026-000001"]
    assert len(numbers(first_day=AT.date(), last_day=AT.date())) == 4
    assert numbers(first_day=AT.date() + timedelta(days=1)) == []


def test_numbering_goes_on_after_an_upgrade(upgraded: SqlRegister) -> None:
    assert reserve(upgraded, claim("d-4")).number == "2026-000004"
    assert issued(upgraded, claim("d-5")).issued


def test_an_upgraded_register_only_grows(upgraded: SqlRegister) -> None:
    for table in TABLES:
        if table == "sequence":
            continue
        for deed in (f"DELETE FROM {table}", f"UPDATE {table} SET {'place' if table != 'document' else 'id'} = 0"):
            if table in ("entry", "renewal"):
                deed = deed.replace("place", "id")
            with pytest.raises(IntegrityError, match="only grows"), _raw(upgraded) as db:
                db.exec_driver_sql(deed)


def _raw(register: SqlRegister):
    """A transaction beside the register, with the driver's own errors."""
    return register.database._writer(register.database._opened()).begin()


def test_a_register_in_sqlite_upgrades_itself_when_several_open_it_at_once(tmp_path: Path) -> None:
    sqlite_before(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(opening.in_sqlite(tmp_path / "register.sqlite").by_number, "2026-000002")] * 4
        assert {answer.result().status for answer in asked} == {"annulled"}


@pytest.mark.parametrize("make", [postgresql_before, lambda folder: opening.in_postgresql(empty(folder))])
def test_a_register_in_postgresql_of_another_schema_is_refused_with_the_command(
    tmp_path: Path, make: Callable[[Path], SqlRegister]
) -> None:
    with pytest.raises(SchemaUnfit, match="qujat register upgrade") as refusal:
        make(tmp_path).by_number("2026-000002")
    assert refusal.value.code == "schema-unfit"


def empty(folder: Path) -> str:
    return postgres.url_of(folder, ready=False)


def test_an_empty_postgresql_database_is_made_by_the_upgrade(tmp_path: Path) -> None:
    register = opening.in_postgresql(empty(tmp_path))
    assert opening.upgrade(register) == (None, HEAD)
    assert issued(register, claim()).number == "2026-000001"


def test_upgrades_at_once_wait_for_each_other(tmp_path: Path) -> None:
    postgresql_before(tmp_path)
    with ThreadPoolExecutor(3) as pool:
        asked = [
            pool.submit(opening.upgrade, opening.in_postgresql(postgres.url_of(tmp_path, ready=False)))
            for _ in range(3)
        ]
        assert sorted(answer.result() for answer in asked) == [("0001", HEAD), (HEAD, HEAD), (HEAD, HEAD)]


def test_a_register_that_a_newer_version_upgraded_is_refused(tmp_path: Path, fresh: SqlRegister) -> None:
    reserve(fresh, claim())
    with fresh.database.writing() as db:
        db.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    fresh.close()
    for deed in (lambda: fresh.by_number("2026-000001"), lambda: opening.upgrade(fresh)):
        with pytest.raises(SchemaUnfit, match="newer Qujat"):
            deed()


def test_the_newest_migration_is_the_one_that_is_asked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(versions.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_the_migrations_make_the_tables_that_are_asked(fresh: SqlRegister) -> None:
    reserve(fresh, claim())
    with fresh.database.reading() as db:
        context = MigrationContext.configure(db, opts={"include_name": _is_ours})
        beside = [desk.METADATA] if db.dialect.name == "postgresql" else []
        differences = compare_metadata(context, [metadata, tables.metadata, clients.metadata, *beside])
    # SQLite says that INTEGER PRIMARY KEY may be NULL; it never is.
    keys = [("modify_nullable", None, table, "id") for table in ("document", "entry", "renewal")]
    assert [found for found in differences if not (type(found) is list and found[0][:4] in keys)] == []


def _is_ours(name: str | None, kind: str, parents: object) -> bool:
    return kind != "table" or not str(name).startswith("procrastinate_")


def test_an_upgraded_sqlite_register_is_built_as_a_new_one(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    for register in (sqlite_before(old), opening.in_sqlite(new / "register.sqlite")):
        reserve(register, claim("d-9"))
    assert _built(old) == _built(new)


def _built(folder: Path) -> dict[str, object]:
    """Tables with their columns, indexes, triggers."""
    with closing(sqlite3.connect(folder / "register.sqlite")) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {n: [(c[1], c[2], c[4]) for c in db.execute(f"PRAGMA table_info({n})")] for n in sorted(names)}
        others = "SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
        return {**columns, **{name: " ".join(sql.split()) for name, sql in db.execute(others)}}
