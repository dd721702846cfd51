"""Drafts: what a clerk has typed, whatever it is, until it becomes a document or its time is over."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Row

from qujat.languages import LANGUAGES
from qujat.server.desk.clerks import Clerk
from qujat.server.desk.tables import DRAFT, LETTERHEAD, Store

KEPT = timedelta(days=30)

Contents = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """`form`: an annex id. `contents` as `typing.contents` makes them of a page: texts as they were typed."""

    id: str
    form: str
    contents: Contents = field(repr=False)
    changed_at: datetime


def begin(store: Store, clerk: Clerk, form: str, contents: Contents) -> Draft:
    """A new draft of this clerk; those whose time is over go."""
    draft, now = secrets.token_hex(12), store.clock()
    row = {"id": draft, "clerk": clerk.id, "form": form, "contents": contents, "changed_at": now.isoformat()}
    with store.open() as db:
        db.execute(DRAFT.delete().where(DRAFT.c.changed_at <= (now - KEPT).isoformat()))
        db.execute(DRAFT.insert().values(**row))
    return Draft(draft, form, contents, now)


def find(store: Store, clerk: Clerk, draft: str) -> Draft | None:
    """A draft of this clerk: those of others are theirs."""
    asked = select(DRAFT).where(DRAFT.c.id == draft, DRAFT.c.clerk == clerk.id)
    with store.open() as db:
        row = db.execute(asked).one_or_none()
    found = _draft(row) if row is not None else None
    return found if found and found.changed_at + KEPT > store.clock() else None


def of_clerk(store: Store, clerk: Clerk) -> list[Draft]:
    """His drafts, the newest first."""
    since = (store.clock() - KEPT).isoformat()
    asked = select(DRAFT).where(DRAFT.c.clerk == clerk.id, DRAFT.c.changed_at > since)
    with store.open() as db:
        return [_draft(row) for row in db.execute(asked.order_by(DRAFT.c.changed_at.desc()))]


def keep(store: Store, draft: Draft, contents: Contents) -> Draft:
    """The draft with what is typed now."""
    now = store.clock()
    with store.open() as db:
        db.execute(DRAFT.update().where(DRAFT.c.id == draft.id).values(contents=contents, changed_at=now.isoformat()))
    return Draft(draft.id, draft.form, contents, now)


def discard(store: Store, draft: Draft) -> None:
    """It is a document now, or nobody wants it."""
    with store.open() as db:
        db.execute(DRAFT.delete().where(DRAFT.c.id == draft.id))


def letterhead(store: Store, authority: str) -> Contents:
    """Who signs in this authority and how both are named, as in its last document; empty if it has none yet."""
    with store.open() as db:
        row = db.execute(select(LETTERHEAD).where(LETTERHEAD.c.authority == authority)).one_or_none()
    found: Contents = row.contents if row is not None else {}
    return found


def remember(store: Store, authority: str, contents: Contents) -> None:
    """The next draft begins with it, and with what was known in the language that this document did not have."""
    contents = _with_other_language(letterhead(store, authority), contents)
    with store.open() as db:
        if not db.execute(
            LETTERHEAD.update().where(LETTERHEAD.c.authority == authority).values(contents=contents)
        ).rowcount:
            db.execute(LETTERHEAD.insert().values(authority=authority, contents=contents))


def _with_other_language(before: Any, now: Any) -> Any:
    """Texts by language that say the same as before in the languages they have, with those they do not have.

    Of another person, or with another text, nothing is taken over: it might be wrong by now.
    """
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return now
    if before.keys() | now.keys() <= set(LANGUAGES):
        return {**before, **now} if all(before[name] == now[name] for name in before.keys() & now.keys()) else now
    same = all(before.get(name) == now.get(name) for name in ("iin", "full_name"))
    return {name: _with_other_language(before.get(name), now[name]) if same else now[name] for name in now}


def _draft(row: Row[Any]) -> Draft:
    return Draft(row.id, row.form, row.contents, datetime.fromisoformat(row.changed_at))
