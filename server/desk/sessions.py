"""Sessions of clerks: on the server, under the hash of what the cookie holds; they end by themselves."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import or_, select

from qujat.languages import Language
from qujat.server.desk.clerks import Clerk, clerk_of
from qujat.server.desk.tables import CLERK, SESSION, Store

IDLE = timedelta(minutes=45)
LONGEST = timedelta(hours=10)  # a working day
_SEEN_STEP = timedelta(minutes=1)  # so that not every look writes


@dataclass(frozen=True, slots=True)
class Session:
    """`key` is the hash under which it is kept; `token` is what every form of its pages brings along (CSRF).

    `sought`: what was looked for last, kept here because it may be personal and an address must not be.
    """

    key: str = field(repr=False)
    clerk: Clerk
    token: str = field(repr=False)
    tongue: Language
    sought: Mapping[str, str] = field(repr=False)


def start(store: Store, clerk: Clerk, tongue: Language) -> str:
    """A new session; what the cookie holds, 256 random bits, which are kept nowhere."""
    cookie, now = secrets.token_urlsafe(32), store.clock()
    row = {"id": _key(cookie), "clerk": clerk.id, "token": secrets.token_urlsafe(32), "tongue": tongue}
    with store.open() as db:
        db.execute(SESSION.delete().where(_over(now)))
        db.execute(SESSION.insert().values(**row, sought={}, made_at=now.isoformat(), seen_at=now.isoformat()))
    return cookie


def of_cookie(store: Store, cookie: str) -> Session | None:
    """The session of a cookie, and that it was seen; None if there is none, or its time is over."""
    now, key = store.clock(), _key(cookie)
    with store.open() as db:
        row = db.execute(select(SESSION).where(SESSION.c.id == key, ~_over(now))).one_or_none()
        if row is None:
            return None
        clerk = clerk_of(db.execute(select(CLERK).where(CLERK.c.id == row.clerk)).one())
        if clerk.removed_at:
            return None
        if datetime.fromisoformat(row.seen_at) + _SEEN_STEP <= now:
            db.execute(SESSION.update().where(SESSION.c.id == key).values(seen_at=now.isoformat()))
    return Session(key, clerk, row.token, row.tongue, row.sought)


def change(store: Store, session: Session, **values: Any) -> None:
    """Another language, or what was looked for."""
    with store.open() as db:
        db.execute(SESSION.update().where(SESSION.c.id == session.key).values(**values))


def end(store: Store, cookie: str) -> None:
    """Whoever has the cookie is out."""
    with store.open() as db:
        db.execute(SESSION.delete().where(SESSION.c.id == _key(cookie)))


def _over(now: datetime) -> Any:
    # Every moment is UTC in one notation, so the order of the texts is that of the moments.
    idle, longest = (now - IDLE).isoformat(), (now - LONGEST).isoformat()
    return or_(SESSION.c.seen_at <= idle, SESSION.c.made_at <= longest)


def _key(cookie: str) -> str:
    return sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
