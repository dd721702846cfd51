"""qujat serve"""

from __future__ import annotations

import logging
import os
from argparse import Namespace
from functools import partial
from typing import TYPE_CHECKING

from qujat import settings as configuration
from qujat.settings import DEFAULT_ADDRESS, Settings

if TYPE_CHECKING:
    from qujat.server.workers import Pool

log = logging.getLogger("qujat.server")


def serve(options: Namespace) -> int:
    """qujat serve [--host HOST] [--port PORT] [--workers N] [--demo]: until it is stopped"""
    from qujat.office import open_office
    from qujat.server import logs
    from qujat.server.app import application
    from qujat.server.running import run

    logs.configure()
    settings = _addressed(configuration.read(options.config), options)
    _keys(settings)
    open_office(settings, signing=True)  # whatever is wrong with the keys is said now
    app = application(open_office(settings), settings, _pool(settings, options.workers))
    run(app, options.host, options.port)
    return 0


def _addressed(settings: Settings, options: Namespace) -> Settings:
    """With no address of its own, a stand-in's marks point to this machine."""
    if settings.profile == "production" or settings.address != DEFAULT_ADDRESS:
        return settings
    here = f"http://{'127.0.0.1' if options.host == '0.0.0.0' else options.host}:{options.port}"  # noqa: S104
    log.warning("no address is configured: marks point to %s, and nobody else can scan them", here)
    return settings.model_copy(update={"address": here})


def _keys(settings: Settings) -> None:
    """Keys of a stand-in where there are none, said loudly; in production they are made by hand, and knowingly."""
    from qujat.commands.keys import make_stand_in

    if settings.profile == "production" or settings.signer.kind != "stand-in":
        return
    if not settings.key_folder.exists():
        make_stand_in(settings)
        log.warning("there were no keys: stand-in keys have been made in %s", settings.key_folder)
    log.warning("ДЕМО – не ЭЦП: documents are signed with stand-in keys and are worth nothing in law")


def _pool(settings: Settings, processes: int | None) -> Pool:
    from qujat.office import open_office
    from qujat.server.workers import Pool

    chosen = settings.server
    return Pool(
        partial(open_office, settings, signing=True),
        processes=processes or chosen.workers or os.cpu_count() or 1,
        queue_length=chosen.queue,
        deadline=chosen.deadline_seconds,
    )
