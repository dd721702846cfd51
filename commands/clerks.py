"""qujat clerks …"""

from __future__ import annotations

import os
import secrets
import sys
from argparse import Namespace
from dataclasses import asdict
from getpass import getpass
from typing import TYPE_CHECKING

from qujat import settings as configuration
from qujat.commands import print_json
from qujat.errors import ConfigurationError
from qujat.office import now
from qujat.signing.secret_files import refuse_if_shared

if TYPE_CHECKING:
    from qujat.server.desk.clerks import Clerk
    from qujat.server.desk.tables import Store


def _store(options: Namespace) -> Store:
    from qujat.server.desk.tables import open_store

    return open_store(configuration.read(options.config), now)


def add(options: Namespace) -> int:
    """qujat clerks add NAME --authority BIN [--forms ANNEX,…] [--password-file FILE]"""
    from qujat.server.desk import clerks

    forms = [annex.strip() for annex in options.forms.split(",") if annex.strip()]
    made = clerks.add(_store(options), options.name, options.authority, _password(options), forms)
    if options.json:
        print_json(_described(made))
    else:
        print(f"{made.name} may come in at /office")
    return 0


def _password(options: Namespace) -> str:
    """From QUJAT_CLERK_PASSWORD, a file for its owner alone, or asked for twice; never from the command line."""
    if given := os.environ.get("QUJAT_CLERK_PASSWORD"):
        return given
    if options.password_file:
        refuse_if_shared(options.password_file)
        try:
            return str(options.password_file.read_text(encoding="utf-8")).strip("\r\n")
        except OSError as error:
            raise ConfigurationError(f"--password-file: expected a file to read, came {error.strerror}") from error
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "expected the clerk's password in QUJAT_CLERK_PASSWORD or in --password-file, or a terminal to ask at"
        )
    first, second = getpass("password of the clerk: "), getpass("once more: ")
    if not secrets.compare_digest(first.encode(), second.encode()):
        raise ConfigurationError("expected the same password twice, came two; try again")
    return first


def listed(options: Namespace) -> int:
    """qujat clerks list"""
    from qujat.server.desk import clerks

    found = clerks.everybody(_store(options))
    if options.json:
        print_json([_described(clerk) for clerk in found])
        return 0
    for clerk in found:
        state = "removed" if clerk.removed_at else ", ".join(sorted(clerk.forms))
        print(f"{clerk.name:<24}{clerk.authority}  {state}")
    return 0


def remove(options: Namespace) -> int:
    """qujat clerks remove NAME"""
    from qujat.server.desk import clerks

    gone = clerks.remove(_store(options), options.name)
    if options.json:
        print_json(_described(gone))
    else:
        print(f"{gone.name} is out, and cannot come in any more")
    return 0


def trail(options: Namespace) -> int:
    """qujat clerks trail [--last N]: who did what, and how it ended"""
    from qujat.server.desk import trail as trails

    rows = trails.newest(_store(options), options.last)
    if options.json:
        print_json([{**asdict(row), "at": row.at.isoformat()} for row in rows])
        return 0
    for row in rows:
        print(f"{row.at:%Y-%m-%d %H:%M:%S}  {row.clerk or '–':<24}{row.deed:<12}{row.number:<18}{row.outcome}")
    return 0


def _described(clerk: Clerk) -> dict[str, object]:
    return {
        "name": clerk.name,
        "authority": clerk.authority,
        "forms": sorted(clerk.forms),
        "made_at": clerk.made_at.isoformat(),
        "removed_at": clerk.removed_at.isoformat() if clerk.removed_at else None,
    }
