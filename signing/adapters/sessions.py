"""One asking of one official for signatures: it is open for minutes, takes signatures once, and then is closed.

`InMemory` serves one process, `sessionfile.InFile` several on one machine; `Sessions` is all that a store owes.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

from qujat.errors import SigningError
from qujat.signing.adapters.exchange import Signatory, Signed, ToSign, all_of

State = Literal["open", "busy", "signed", "cancelled"]

LONGEST = timedelta(minutes=30)
MOST_ATTEMPTS = 5
_ID_BYTES = 24  # 192 bits: whoever knows the id may see the documents


class SessionClosed(SigningError):
    """The session is signed, cancelled, busy with other signatures, out of time or out of attempts."""

    code = "session-closed"


@dataclass(frozen=True, slots=True)
class Session:
    """What an official is asked to sign. `id` stands in an address, `token` opens the documents to an app.

    `reference`: what the session is about, for `complete`; such as the ticket of `pipeline.prepare`.
    """

    id: str = field(repr=False)
    token: str = field(repr=False)
    documents: tuple[ToSign, ...]
    signatory: Signatory
    description: Mapping[str, str] = field(repr=False)
    expires_at: datetime
    state: State = "open"
    attempts: int = 0
    reference: str = field(default="", repr=False)

    def takes(self, now: datetime) -> bool:
        """Whether signatures may still come."""
        return self.state == "open" and now < self.expires_at and self.attempts < MOST_ATTEMPTS

    @property
    def tag(self) -> str:
        """A name for logs, from which the id cannot be found."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:8]


Complete = Callable[[Session, Sequence[Signed]], None]
"""Verifies the signatures and embeds them; raises QujatError, and then nothing is signed."""


class Sessions(Protocol):
    """A store of sessions. `claim`, `release` and `close` are atomic, also between processes."""

    def add(self, session: Session, now: datetime) -> None:
        """Keep a new session, and forget those that are long past at `now`."""

    def get(self, session_id: str) -> Session | None:
        """A session by its id."""

    def claim(self, session_id: str, now: datetime) -> bool:
        """Make an open session busy; False if it takes nothing any more, or someone else was first."""

    def release(self, session_id: str) -> None:
        """Make a busy session open again, with one attempt more behind it."""

    def close(self, session_id: str, state: Literal["signed", "cancelled"]) -> None:
        """End a session."""


def start(
    sessions: Sessions,
    documents: Iterable[ToSign],
    signatory: Signatory,
    description: Mapping[str, str],
    *,
    now: datetime,
    lasting: timedelta = timedelta(minutes=5),
    reference: str = "",
) -> Session:
    """A new session in the store. Raises SigningError for no documents, ids that repeat, or more than half an hour."""
    asked = tuple(documents)
    if not asked or len({document.id for document in asked}) != len(asked):
        raise SigningError("expected documents with an id each of its own, came none or one id twice")
    if not timedelta() < lasting <= LONGEST:
        raise SigningError(f"expected a session of at most {LONGEST}, came {lasting}")
    made = Session(
        secrets.token_urlsafe(_ID_BYTES),
        secrets.token_urlsafe(_ID_BYTES),
        asked,
        signatory,
        description,
        now + lasting,
        reference=reference,
    )
    sessions.add(made, now)
    return made


def is_past(session: Session, now: datetime) -> bool:
    """Whether a session is so long over that nobody asks for it any more."""
    return session.expires_at + LONGEST <= now


class InMemory:
    """Sessions of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def add(self, session: Session, now: datetime) -> None:
        with self._lock:
            self._sessions = {k: s for k, s in self._sessions.items() if not is_past(s, now)}
            self._sessions[session.id] = session

    def get(self, session_id: str) -> Session | None:
        return self._sessions.get(session_id)

    def claim(self, session_id: str, now: datetime) -> bool:
        with self._lock:
            found = self._sessions.get(session_id)
            if found is None or not found.takes(now):
                return False
            self._sessions[session_id] = replace(found, state="busy")
            return True

    def release(self, session_id: str) -> None:
        self._change(session_id, "open", 1)

    def close(self, session_id: str, state: Literal["signed", "cancelled"]) -> None:
        self._change(session_id, state, 0)

    def _change(self, session_id: str, state: State, attempts: int) -> None:
        with self._lock:
            found = self._sessions[session_id]
            self._sessions[session_id] = replace(found, state=state, attempts=found.attempts + attempts)


def take(sessions: Sessions, session: Session, signed: Iterable[Signed], complete: Complete, *, now: datetime) -> None:
    """Hand the signatures of a session to `complete`, once. Raises SessionClosed, and what `complete` raises.

    Only success closes the session: after a failure the official may try again, a few times.
    """
    ordered = all_of(session.documents, signed)
    if not sessions.claim(session.id, now):
        raise SessionClosed("expected an open session, came signatures for one that takes none; begin again")
    done = False
    try:
        complete(session, ordered)
        done = True
    finally:
        if done:
            sessions.close(session.id, "signed")
        else:
            sessions.release(session.id)
