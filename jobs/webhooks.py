"""Webhooks: who is told of what, and the secrets that sign it.

A secret must be readable to sign, so it is encrypted (AES-256-GCM) under a key of its own, `webhooks.key` in the folder
of keys (0600): who copies the database alone, cannot sign. It is shown once, when the webhook is added.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, func, insert, select, update

from qujat.errors import KeyUnavailable, UnknownWebhook
from qujat.jobs.tables import delivery, webhook
from qujat.registers.tables import moment_text
from qujat.signing import secret_files

Event = Literal["issued", "annulled", "superseded", "renewed"]
EVENTS: tuple[Event, ...] = get_args(Event)
KEY_FILE = "webhooks.key"
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is told of events of one authority (a BIN)."""

    id: str
    url: str
    events: tuple[str, ...]
    authority: str
    made_at: str


@dataclass(frozen=True, slots=True)
class Told:
    """How many events a webhook was told of, how many wait, and how many were given up."""

    webhook: Webhook
    delivered: int
    waiting: int
    given_up: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A delivery that was given up."""

    id: int
    webhook: str
    event: str
    made_at: str
    attempts: int
    trouble: str


@dataclass(frozen=True)
class Vault:
    """Encrypts and decrypts the secrets of webhooks."""

    key: bytes = field(repr=False)

    def shut(self, secret: str, webhook: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, secret.encode(), webhook.encode())

    def opened(self, kept: bytes, webhook: str) -> str:
        """Raises KeyUnavailable if it was shut with another key, or for another webhook."""
        try:
            return AESGCM(self.key).decrypt(kept[:_NONCE_BYTES], kept[_NONCE_BYTES:], webhook.encode()).decode()
        except InvalidTag:
            raise KeyUnavailable(
                f"the secret of webhook {webhook} was encrypted with another {KEY_FILE}; put that one into the folder"
                " of keys of this machine, or remove the webhook and add it again"
            ) from None


def open_vault(keys: Path, *, make: bool = False) -> Vault:
    """The vault of a folder of keys; with `make`, its key is made if there is none. Raises KeyUnavailable."""
    path = keys / KEY_FILE
    if make and not path.exists():
        secret_files.write(keys, {KEY_FILE: secrets.token_bytes(32)})
    secret_files.refuse_if_shared(path)
    try:
        return Vault(path.read_bytes())
    except OSError as error:
        raise KeyUnavailable(
            f"expected the key of webhooks in {path}, came {error.strerror}; copy it from the machine where the"
            " webhooks were added"
        ) from error


def add(db: Connection, vault: Vault, url: str, events: Sequence[str], authority: str, at: datetime) -> tuple[str, str]:
    """Enter a webhook; gives its id and its secret, which is told never again."""
    identity, secret = f"wh_{secrets.token_hex(8)}", f"whsec_{secrets.token_urlsafe(32)}"
    row = {"id": identity, "url": url, "events": ",".join(events), "authority": authority, "removed_at": ""}
    db.execute(insert(webhook), {**row, "secret": vault.shut(secret, identity), "made_at": moment_text(at)})
    return identity, secret


def remove(db: Connection, identity: str, at: datetime) -> None:
    """From now on it is told nothing; what waits for it is dropped. Raises UnknownWebhook."""
    gone = (
        update(webhook)
        .where(webhook.c.id == identity, webhook.c.removed_at == "")
        .values(removed_at=moment_text(at), secret=b"")
    )
    if not db.execute(gone).rowcount:
        raise UnknownWebhook(
            f"expected the id of a webhook in use, came {identity!r}; `qujat webhooks list` shows them"
        )
    waiting = delivery.c.webhook == identity, delivery.c.state == "waiting"
    db.execute(update(delivery).where(*waiting).values(state="given-up", trouble="the webhook was removed"))


def listed(db: Connection) -> Iterator[Told]:
    """Every webhook in use, with how its deliveries stand."""
    counted: dict[tuple[str, str], int] = {}
    by = db.execute(select(delivery.c.webhook, delivery.c.state, func.count()).group_by("webhook", "state"))
    for hook, state, count in by:
        counted[hook, state] = count
    for row in db.execute(select(webhook).where(webhook.c.removed_at == "").order_by(webhook.c.made_at, webhook.c.id)):
        states = (counted.get((row.id, state), 0) for state in ("delivered", "waiting", "given-up"))
        yield Told(_webhook(row), *states)


def wanting(db: Connection, event: str, authority: str) -> list[Webhook]:
    """The webhooks that are to be told of this event."""
    rows = db.execute(select(webhook).where(webhook.c.removed_at == "", webhook.c.authority == authority))
    return [found for found in map(_webhook, rows) if event in found.events]


def failed(db: Connection) -> list[Failed]:
    """Deliveries that were given up, oldest first, without those of webhooks that were removed."""
    columns = (delivery.c[name] for name in ("id", "webhook", "event", "made_at", "attempts", "trouble"))
    asked = select(*columns).join(webhook).where(delivery.c.state == "given-up", webhook.c.removed_at == "")
    return [Failed(*row) for row in db.execute(asked.order_by(delivery.c.id))]


def retry(db: Connection, at: datetime) -> int:
    """Deliveries that were given up wait again; gives how many."""
    from qujat.jobs.queue import defer_delivery

    found = [lost.id for lost in failed(db)]
    for identity in found:
        again = {"state": "waiting", "attempts": 0, "due_at": moment_text(at)}
        db.execute(update(delivery).where(delivery.c.id == identity).values(again))
        defer_delivery(db, identity)
    return len(found)


def _webhook(row: Row[tuple[object, ...]]) -> Webhook:
    return Webhook(row.id, row.url, tuple(row.events.split(",")), row.authority, row.made_at)


def signature(secret: str, moment: int, body: bytes) -> str:
    """The header Qujat-Signature: HMAC-SHA256 (RFC 2104) over the moment (seconds since 1970), a dot and the body."""
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, sha256).hexdigest()
    return f"t={moment},v1={signed}"
