"""With a register in PostgreSQL the office is one, whichever server answers, with the rights that the service has."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import deskserver
import offices
import postgres
import pytest
from deskserver import CLERK, PASSWORD, Visitor
from fastapi import FastAPI
from offices import HandClock, Pki
from sqlalchemy.exc import SQLAlchemyError

from qujat.errors import ConfigurationError, RegisterUnreachable
from qujat.office import open_register
from qujat.server.app import application
from qujat.server.desk import clerks, drafts, entrance, trail
from qujat.server.desk.tables import METADATA, Store, open_store
from qujat.settings import Settings, StoreSettings

BIN = offices.a_decision()["authority"]["bin"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", stores=StoreSettings(register=postgres.service_url(tmp_path)))


@pytest.fixture
def store(settings: Settings, pki: Pki) -> Store:
    found = open_store(settings, HandClock(pki.now))
    clerks.add(found, CLERK, BIN, PASSWORD)
    return found


@pytest.fixture
def servers(tmp_path: Path, settings: Settings, pki: Pki, store: Store) -> list[FastAPI]:
    """Two servers with one register, one store of documents, one store of the office."""
    del store
    made = replace(offices.office_in(tmp_path / "home", pki, HandClock(pki.now)), address="http://127.0.0.1:8000")
    found = [application(replace(made, register=open_register(settings)), settings) for _ in range(2)]
    for app in found:
        app.state.desk_attempts = entrance.limits()
    return found


def test_what_a_clerk_began_at_one_server_goes_on_at_another(servers: list[FastAPI], store: Store) -> None:
    here = Visitor(servers[0])
    assert here.login().status_code == 303
    there = Visitor(servers[1], cookies=here.cookies)
    address = here.begin("o20-a05")
    sent = offices.a_decision("o20-a05")
    assert there.press(address, deskserver.typed(sent) | {"do": "sign"}).headers["location"].endswith("/sign")
    issued = here.press(f"{address}/sign").headers["location"]
    assert issued.startswith("/office/documents/")
    assert there.get(issued).status_code == 200
    assert there.get(address).status_code == 404
    assert drafts.letterhead(store, BIN)["official"] == sent["official"]
    assert [one.deed for one in trail.newest(store)] == ["login", "issue"]
    assert there.press("/office/logout").status_code == 303
    assert here.get("/office").headers["location"].startswith("/office/login")


def test_a_clerk_who_is_removed_is_out_everywhere_at_once(servers: list[FastAPI], store: Store) -> None:
    visitors = [Visitor(app) for app in servers]
    assert [visitor.login().status_code for visitor in visitors] == [303, 303]
    clerks.remove(store, CLERK)
    assert [visitor.get("/office").status_code for visitor in visitors] == [303, 303]
    assert [visitor.login().status_code for visitor in visitors] == [401, 401]


def test_nothing_of_the_office_is_kept_beside_the_register(servers: list[FastAPI], settings: Settings) -> None:
    assert Visitor(servers[0]).login().status_code == 303
    assert not list(settings.root.glob("desk.sqlite*"))


def test_a_name_is_given_once(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="a clerk has it"):
        clerks.add(store, CLERK.upper(), BIN, PASSWORD)


def test_the_trail_cannot_be_changed(store: Store) -> None:
    trail.enter(store, CLERK, "login")
    with pytest.raises((RegisterUnreachable, SQLAlchemyError)), store.open() as db:
        db.exec_driver_sql("UPDATE desk_deed SET clerk = 'nobody'")


def test_a_store_of_the_version_before_keeps_its_clerks(tmp_path: Path, pki: Pki) -> None:
    settings, clock = Settings(home=tmp_path), HandClock(pki.now)
    clerks.add(open_store(settings, clock), CLERK, BIN, PASSWORD)
    with closing(sqlite3.connect(tmp_path / "desk.sqlite")) as db:
        for table in METADATA.sorted_tables:
            db.execute(f"ALTER TABLE {table.name} RENAME TO {table.name.removeprefix('desk_')}")
    again = open_store(settings, clock)
    assert clerks.admitted(again, CLERK, PASSWORD)
    assert [one.name for one in clerks.everybody(open_store(settings, clock))] == [CLERK]
