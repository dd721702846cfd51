"""qujat worker, qujat webhooks"""

from __future__ import annotations

import os
import signal
import sys
import threading
from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

from qujat import settings as configuration
from qujat.commands import print_json

_LOOK_SECONDS = 0.5

if TYPE_CHECKING:
    from qujat.registers.database import Database


def worker(options: Namespace) -> int:
    """qujat worker [--processes N]: until it is told to stop (SIGTERM, Ctrl-C); what is being worked on is finished"""
    from qujat.commands.batch import opening
    from qujat.jobs import crew, local
    from qujat.jobs.work import database_of
    from qujat.office import open_office
    from qujat.registers.postgres import PostgresServer
    from qujat.server import logs

    settings = configuration.read(options.config)
    shared = isinstance(database_of(open_office(settings)), PostgresServer)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if options.parent:
        logs.configure()
        threading.Thread(target=_end_with, args=(options.parent, stop), daemon=True).start()
    else:
        print(f"working, {options.processes} processes; Ctrl-C ends it", file=sys.stderr, flush=True)
    (crew if shared else local).run(opening(settings), options.processes, stop)
    return 0


def _end_with(parent: int, stop: threading.Event) -> None:
    """Stop when the process that started this one is gone, however it ended."""
    while os.getppid() == parent and not stop.wait(_LOOK_SECONDS):
        pass
    stop.set()


def _database(options: Namespace) -> tuple[Database, configuration.Settings]:
    from qujat.jobs.work import database_of
    from qujat.office import open_office

    settings = configuration.read(options.config)
    return database_of(open_office(settings)), settings


def webhooks_add(options: Namespace) -> int:
    """qujat webhooks add URL --authority BIN [--events …]"""
    from qujat.errors import ConfigurationError
    from qujat.identifiers import bin_fault
    from qujat.jobs import webhooks
    from qujat.jobs.posting import Rules, check_url
    from qujat.office import now

    database, settings = _database(options)
    check_url(options.url, Rules(private=settings.webhooks.private))
    if fault := bin_fault(options.authority):
        raise ConfigurationError(f"--authority: expected the BIN of an authority: {fault}")
    vault = webhooks.open_vault(settings.key_folder, make=True)
    with database.writing() as db:
        identity, secret = webhooks.add(
            db, vault, options.url, options.events or webhooks.EVENTS, options.authority, now()
        )
    if options.json:
        print_json({"id": identity, "secret": secret})
    else:
        print(f"{identity}\nsecret  {secret}\nIt is shown this once: give it to whoever checks the signatures.")
    return 0


def webhooks_list(options: Namespace) -> int:
    """qujat webhooks list"""
    from qujat.jobs import webhooks

    with _database(options)[0].reading() as db:
        told, failed = list(webhooks.listed(db)), webhooks.failed(db)
    if options.json:
        print_json({"webhooks": [asdict(row) for row in told], "given_up": [asdict(row) for row in failed]})
        return 0
    for row in told:
        hook = row.webhook
        print(f"{hook.id}  {hook.authority}  {','.join(hook.events)}  {hook.url}")
        print(f"  {row.delivered} delivered, {row.waiting} waiting, {row.given_up} given up")
    for lost in failed:
        print(f"given up  {lost.id}  {lost.webhook}  {lost.event}  {lost.made_at}  {lost.trouble}")
    return 0


def webhooks_remove(options: Namespace) -> int:
    """qujat webhooks remove ID"""
    from qujat.jobs import webhooks
    from qujat.office import now

    with _database(options)[0].writing() as db:
        webhooks.remove(db, options.id, now())
    return 0


def webhooks_retry(options: Namespace) -> int:
    """qujat webhooks retry: what was given up is tried again, from the beginning"""
    from qujat.jobs import webhooks
    from qujat.office import now

    with _database(options)[0].writing() as db:
        count = webhooks.retry(db, now())
    print_json({"deliveries": count}) if options.json else print(f"{count} deliveries wait again")
    return 0
