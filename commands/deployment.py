"""The commands of whoever runs a deployment: keys, stores, the server, its workers, who may use it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from qujat.commands.parsing import add, count, group


def describe(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add them to the commands of `qujat`."""
    _worker(commands, common)
    _keys(commands, common)
    _serve(commands, common)
    _stores(commands, common)
    _clients(commands, common)
    _clerks(commands, common)


def _worker(commands: Any, common: argparse.ArgumentParser) -> None:
    worker = add(
        commands, common, "worker", "worker.worker", "do batches, tell webhooks, renew evidence, until stopped"
    )
    worker.add_argument(
        "--processes", type=count, default=os.cpu_count() or 1, metavar="N", help="default: a core each"
    )
    worker.add_argument("--while", dest="parent", type=int, metavar="PID", help="end when this parent has ended")
    hooks = group(commands, "webhooks", "who is told when a document is issued, annulled, superseded, renewed")
    added = add(hooks, common, "add", "worker.webhooks_add", "tell an address; its secret is shown this once")
    added.add_argument("url", metavar="URL")
    added.add_argument("--authority", required=True, metavar="BIN", help="whose documents")
    added.add_argument(
        "--events", nargs="+", choices=("issued", "annulled", "superseded", "renewed"), help="default: all of them"
    )
    add(hooks, common, "list", "worker.webhooks_list", "webhooks, how many events they were told, what was given up")
    removed = add(hooks, common, "remove", "worker.webhooks_remove", "tell it nothing more")
    removed.add_argument("id", metavar="ID")
    add(hooks, common, "retry", "worker.webhooks_retry", "try again what was given up")


def _keys(commands: Any, common: argparse.ArgumentParser) -> None:
    keys = commands.add_parser("keys", help="the stand-in keys of this installation").add_subparsers(
        metavar="WHAT", required=True
    )
    init = add(keys, common, "init", "keys.keys_init", "make stand-in keys: a demonstration, not an EDS")
    _head(init)
    rotate = add(keys, common, "rotate", "keys.keys_rotate", "a new key for an old one; what that signed stays valid")
    rotate.add_argument("what", choices=("mark", "register", "head", "tsa", "passphrase"))
    rotate.add_argument("--compromised", action="store_true", help="the old key (mark, register) has leaked")
    _head(rotate)
    add(keys, common, "show", "keys.keys_show", "who signs here, until when, and on whose trust")
    add(keys, common, "publish", "keys.keys_publish", "new lists of revoked certificates of the stand-in's authorities")
    serve = add(keys, common, "serve", "keys.keys_serve", "serve timestamps, OCSP and lists on this machine")
    serve.add_argument("--port", type=int, default=8318, help="default: 8318, the one that the certificates name")


def _serve(commands: Any, common: argparse.ArgumentParser) -> None:
    serve = add(commands, common, "serve", "serve.serve", "the server: the API of decision systems and the web pages")
    serve.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, for a proxy in front of it")
    serve.add_argument("--port", type=int, default=8000, help="default: 8000")
    serve.add_argument("--workers", type=int, metavar="N", help="worker processes; default: [server] workers")
    serve.add_argument("--demo", action="store_true", help="issue a demo document first, and make a client")


def _clients(commands: Any, common: argparse.ArgumentParser) -> None:
    clients = group(commands, "clients", "who may use the API")
    added = add(clients, common, "add", "clients.add", "a new client; its key is shown once")
    added.add_argument("name", metavar="NAME", help="of the decision system: letters, digits, . _ -")
    added.add_argument("--authority", action="append", required=True, metavar="BIN", help="for which it acts; again")
    added.add_argument("--forms", default="*", metavar="ANNEX,…", help="annex ids such as o20-a05; default: all")
    added.add_argument("--scope", default="issue,read,check", metavar="SCOPE,…", help="of issue,read,check,annul")
    add(clients, common, "list", "clients.listed", "every client, and what it may do")
    revoked = add(clients, common, "revoke", "clients.revoke", "its key opens nothing any more")
    revoked.add_argument("name", metavar="NAME")
    trail = add(clients, common, "trail", "clients.trail", "who did what, and how it ended")
    trail.add_argument("name", nargs="?", default="", metavar="NAME")
    trail.add_argument("--last", type=int, default=100, metavar="N", help="default: 100")


def _clerks(commands: Any, common: argparse.ArgumentParser) -> None:
    clerks = group(commands, "clerks", "who may come into the office of the clerks, /office")
    added = add(clerks, common, "add", "clerks.add", "a new clerk; his password is asked for")
    added.add_argument("name", metavar="NAME", help="letters, digits, . _ -")
    added.add_argument("--authority", required=True, metavar="BIN", help="for which he acts")
    added.add_argument("--forms", default="*", metavar="ANNEX,…", help="annex ids such as o20-a05; default: all")
    added.add_argument("--password-file", type=Path, metavar="FILE", help="or the environment: QUJAT_CLERK_PASSWORD")
    add(clerks, common, "list", "clerks.listed", "every clerk, and what is his")
    removed = add(clerks, common, "remove", "clerks.remove", "he is out, and cannot come in any more")
    removed.add_argument("name", metavar="NAME")
    trail = add(clerks, common, "trail", "clerks.trail", "who did what, and how it ended")
    trail.add_argument("--last", type=int, default=100, metavar="N", help="default: 100")


def _stores(commands: Any, common: argparse.ArgumentParser) -> None:
    register = group(commands, "register", "the register and its documents: schema, backup, check, seal")
    add(register, common, "upgrade", "register.upgrade", "bring the register to the schema of this version")
    copied = add(register, common, "backup", "register.backup", "copy a register in SQLite, then the documents")
    copied.add_argument("folder", type=Path, metavar="DIR", help="a new folder, or that of the backup before")
    add(register, common, "check", "register.check", "is every file of every document there, as it was stored?")
    add(register, common, "seal", "register.seal", "sign what the register holds now; run it every day")
    add(register, common, "audit", "register.audit", "does it still hold what was sealed? Was anything changed?")
    add(register, common, "numbers", "register.numbers", "how far each authority has counted, and what it left out")
    skipped = add(register, common, "skip", "register.skip", "leave out numbers that stand on paper already")
    skipped.add_argument("--authority", required=True, metavar="BIN")
    skipped.add_argument("--year", required=True, type=int, metavar="YEAR", help="that of the decisions")
    skipped.add_argument(
        "--to", required=True, type=int, metavar="N", help="the last one to leave out: {seq} of a number"
    )
    skipped.add_argument("--reason", required=True, metavar="TEXT", help="why; it is kept")
    config = group(commands, "config", "the configuration of this deployment")
    add(config, common, "check", "config.check", "try each part of the deployment, and say what to do about it")


def _head(command: argparse.ArgumentParser) -> None:
    for name, words in (
        ("--iin", "IIN of the head"),
        ("--name", "full name of the head"),
        ("--bin", "BIN of the authority"),
        ("--organisation", "name of the authority"),
    ):
        command.add_argument(name, help=words)
