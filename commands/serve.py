"""qujat serve"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from argparse import Namespace
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from qujat import settings as configuration
from qujat.commands.keys import DEMO, make_stand_in
from qujat.settings import DEFAULT_ADDRESS, Settings

if TYPE_CHECKING:
    from qujat.decision import Decision
    from qujat.office import Office
    from qujat.server.metrics import Metrics
    from qujat.server.workers import Pool

log = logging.getLogger("qujat.server")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  the administrator's choice


def serve(options: Namespace) -> int:
    """qujat serve [--host HOST] [--port PORT] [--workers N] [--demo]: until it is stopped"""
    from qujat.office import open_office
    from qujat.server import logs
    from qujat.server.app import application
    from qujat.server.metrics import Metrics
    from qujat.server.running import listening, run

    logs.configure()
    settings = _addressed(configuration.read(options.config), options)
    at = listening(options.host, options.port)
    _keys(settings)
    _try(settings, demo=options.demo)
    metrics = Metrics()
    app = application(open_office(settings), settings, _pool(settings, options.workers, metrics), metrics=metrics)
    with _jobs(settings, options):
        run(app, at, settings.server.body_seconds)
    return 0


def _jobs(settings: Settings, options: Namespace) -> AbstractContextManager[None]:
    """Batches, webhooks and renewals of an office on one machine; with PostgreSQL `qujat worker` does them anywhere."""
    from qujat.server.companion import beside

    if not settings.server.jobs or not settings.stores.register_at.startswith("sqlite"):
        return nullcontext()
    return beside(options.config and str(options.config), settings.address)


def _addressed(settings: Settings, options: Namespace) -> Settings:
    """With no address of its own, a stand-in's marks point to this machine."""
    if settings.profile == "production" or settings.address != DEFAULT_ADDRESS:
        return settings
    host = _own_address() if options.host in EVERYWHERE else options.host
    here = f"http://{f'[{host}]' if ':' in host else host}:{options.port}"
    log.warning("no address is configured: marks point to %s, and only those who reach it can scan them", here)
    return settings.model_copy(update={"address": here})


def _own_address() -> str:
    """The address of this machine in its network, by which a phone there finds it; nothing is sent to learn it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # RFC 5737: an address that nobody has
        except OSError:
            return "127.0.0.1"
        return str(asked.getsockname()[0])


def _keys(settings: Settings) -> None:
    """Keys of a stand-in where there are none, said loudly; in production they are made by hand, and knowingly."""
    if settings.profile == "production" or settings.signer.kind != "stand-in":
        return
    if not settings.key_folder.exists():
        make_stand_in(settings)
        log.warning("there were no keys: stand-in keys have been made in %s", settings.key_folder)
    log.warning("ДЕМО – не ЭЦП: documents are signed with stand-in keys and are worth nothing in law")


def _try(settings: Settings, *, demo: bool) -> None:
    """Whatever is wrong with the keys is said now. They are not kept: the process that answers has none."""
    from qujat.office import open_office, passphrase

    if settings.signer.kind != "elsewhere":
        os.environ["QUJAT_PASSPHRASE"] = passphrase(settings).decode()  # worker processes have no terminal to ask at
    office = open_office(settings, signing=True)
    if demo:
        _demo(settings, office)


def _pool(settings: Settings, processes: int | None, metrics: Metrics) -> Pool:
    from qujat.office import open_office
    from qujat.server.workers import Pool

    chosen = settings.server
    return Pool(
        partial(open_office, settings, signing=True),
        processes=processes or chosen.workers or os.cpu_count() or 1,
        queue_length=chosen.queue,
        deadline=chosen.deadline_seconds,
        observe=metrics.steps,
    )


def _demo(settings: Settings, office: Office) -> None:
    """One document to look at, and a client of its authority; the key is printed this once."""
    from qujat.decision import parse
    from qujat.pipeline import issue
    from qujat.server.clients import SCOPES, kept

    decision = parse(DEMO.read_text(encoding="utf-8"))
    issued = issue(decision, office)
    print(f"document  № {issued.number}\nmark      {issued.mark.partition('#')[0]}", flush=True)
    clients = kept(office.register, office.clock)
    if not any(client.name == "demo" for client in clients.all()):
        _, key = clients.add("demo", [decision.authority.bin], ["*"], SCOPES)
        print(f"key       {key}\n          of the client demo; it is shown this once", flush=True)
    _demo_clerk(settings, decision, office)


def _demo_clerk(settings: Settings, decision: Decision, office: Office) -> None:
    """A clerk of the demo's authority, and what his first draft begins with; the password is printed this once."""
    from qujat.server.desk import clerks, drafts
    from qujat.server.desk.tables import open_store

    store = open_store(settings, office.clock, office.register)
    if any(clerk.name == "demo" for clerk in clerks.everybody(store)):
        return
    password = secrets.token_urlsafe(12)
    clerks.add(store, "demo", decision.authority.bin, password)
    sent = decision.model_dump()
    known = {"authority": {"name": sent["authority"]["name"]}, "official": sent["official"]}
    drafts.remember(store, decision.authority.bin, known)
    print(f"clerk     demo, {password}\n          at {settings.address}/office; it is shown this once", flush=True)
