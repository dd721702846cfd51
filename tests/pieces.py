"""Work for worker processes of the tests: it goes to them by its name, so it stands in a module of its own."""

from __future__ import annotations

import os
import signal
import time

from qujat.errors import CardInvalid
from qujat.office import Office
from qujat.server import logs


def process(office: Office) -> int:
    return os.getpid()


def office_of(office: Office) -> tuple[str, bool, str]:
    """The address of the worker's office, whether it has keys, and whose request it works for."""
    return office.address, office.keys is not None, logs.request_id.get()


def wait(office: Office, seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def die(office: Office) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(office: Office) -> None:
    raise CardInvalid("card-x", "expected a card")


def fail(office: Office) -> None:
    raise KeyError("910412305665")


def no_office() -> Office:
    from qujat.errors import KeyUnavailable

    raise KeyUnavailable("no keys")
