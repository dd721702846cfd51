"""One attempt at telling a webhook of one event, and when to try again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from qujat.errors import ConfigurationError
from qujat.jobs.posting import NotPosted, Rules, post
from qujat.jobs.tables import delivery, webhook
from qujat.jobs.webhooks import Vault, signature
from qujat.registers.tables import moment_text

if TYPE_CHECKING:
    from qujat.office import Clock
    from qujat.registers.database import Database

log = logging.getLogger("qujat.webhooks")

_MINUTE, _HOUR = 60, 3600
# Seconds to wait after each failed attempt; after the last one, some four days on, the delivery is given up.
WAITS = (10, _MINUTE, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR, *(24 * _HOUR,) * 3)


@dataclass(frozen=True)
class Courier:
    """What delivering takes."""

    database: Database
    vault: Callable[[], Vault]
    rules: Rules
    clock: Clock
    waits: tuple[int, ...] = WAITS

    def deliver(self, identity: int) -> datetime | None:
        """Try once; gives when to try again, None if it was delivered or given up (also before).

        Nothing is held in the database while the other side answers: if this process ends in between, the event is
        told again, under the same id. Raises StoreError, KeyUnavailable.
        """
        columns = (delivery.c[name] for name in ("event", "body", "attempts"))
        asked = select(*columns, webhook.c.id, webhook.c.url, webhook.c.secret).join(webhook)
        with self.database.reading() as db:
            row = db.execute(asked.where(delivery.c.id == identity, delivery.c.state == "waiting")).first()
        if row is None:
            return None
        secret = self.vault().opened(row.secret, row.id)
        try:
            self._post(row.url, row.event, row.body.encode(), secret)
        except (NotPosted, ConfigurationError) as error:
            return self._failed(identity, row.attempts + 1, str(error))
        self._note(identity, state="delivered", attempts=row.attempts + 1, trouble="")
        return None

    def _post(self, url: str, event: str, body: bytes, secret: str) -> None:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Qujat",
            "Qujat-Event": event,
            "Qujat-Signature": signature(secret, int(time.time()), body),
        }
        post(url, body, headers, self.rules)

    def _failed(self, identity: int, attempts: int, trouble: str) -> datetime | None:
        if attempts > len(self.waits):
            log.error("delivery %s is given up after %s attempts: %s", identity, attempts, trouble)
            self._note(identity, state="given-up", attempts=attempts, trouble=trouble)
            return None
        due = self.clock() + timedelta(seconds=self.waits[attempts - 1])
        self._note(identity, attempts=attempts, trouble=trouble, due_at=moment_text(due))
        return due

    def _note(self, identity: int, **values: str | int) -> None:
        """Only while it waits: a webhook removed meanwhile stays removed."""
        row = delivery.c.id == identity, delivery.c.state == "waiting"
        with self.database.writing() as db:
            db.execute(update(delivery).where(*row).values(**values))

    def due(self, limit: int = 100) -> list[int]:
        """The deliveries whose next attempt is due, the oldest first."""
        waiting = delivery.c.state == "waiting", delivery.c.due_at <= moment_text(self.clock())
        with self.database.reading() as db:
            found = db.execute(select(delivery.c.id).where(*waiting).order_by(delivery.c.due_at).limit(limit))
            return list(found.scalars())
