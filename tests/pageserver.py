"""The service on a port of this machine, over an office in which documents of every fate have been issued."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import offices
import uvicorn
from offices import HandClock, Pki

from qujat import mark as marks
from qujat import pipeline
from qujat.office import Office
from qujat.pipeline import Issued
from qujat.server.app import application
from qujat.settings import Settings


@dataclass(frozen=True)
class Issue:
    """An office with a genuine document, an annulled one, and one that another took the place of."""

    office: Office
    clock: HandClock
    genuine: Issued
    annulled: Issued
    old: Issued
    new: Issued


def issue(home: Path, pki: Pki) -> Issue:
    """Issue the documents; the office is on the disk, since a server has many threads."""
    clock = HandClock(pki.now)
    office = offices.office_in(home, pki, clock)
    made = [_issued(office, f"pages-{n}", ["kk", "ru"] if n == 0 else ["ru"]) for n in range(4)]
    clock.step(days=1)
    pipeline.annul(made[1].number, "шешімнің күші жойылды", office)
    pipeline.supersede(made[2].number, made[3].number, "деректер нақтыланды", office)
    return Issue(office, clock, *made)


def _issued(office: Office, decision: str, languages: list[str]) -> Issued:
    return pipeline.issue(offices.parsed(id=decision, languages=languages), office)


def token(issued: Issued) -> str:
    return marks.token_text(issued.document.token)


def fragment(issued: Issued) -> str:
    """The proof of its mark, with the #."""
    return issued.mark[issued.mark.index("#") :]


@contextmanager
def serving(office: Office, settings: Settings | None = None) -> Iterator[str]:
    """The address of the service while it runs, in a thread of its own."""
    app = application(replace(office, address="https://qujat.example"), settings or Settings())
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="warning", lifespan="on", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
