"""What a process that works has opened, and the deeds that jobs are: the same whoever hands them out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from qujat.errors import ConfigurationError, VerificationError
from qujat.jobs.batches import Batches
from qujat.jobs.delivering import Courier
from qujat.jobs.posting import Rules
from qujat.jobs.webhooks import open_vault

if TYPE_CHECKING:
    from qujat.office import Office
    from qujat.registers.database import Database
    from qujat.settings import Settings

log = logging.getLogger("qujat.jobs")


@dataclass(frozen=True)
class Work:
    """An office with what its jobs need besides."""

    office: Office
    batches: Batches
    courier: Courier
    months: int = 12

    def issue_part(self, batch: int, place: int) -> None:
        self.batches.do(batch, place, self.office)

    def deliver(self, delivery: int) -> datetime | None:
        """Gives when to try again."""
        return self.courier.deliver(delivery)

    def due(self) -> Iterator[tuple[str, str]]:
        """Documents (number, BIN) whose evidence lapses soon."""
        from qujat import renewing

        seen = set()
        for row in renewing.status(self.office, months=self.months):
            if row.state != "unproven" and (row.number, row.authority) not in seen:
                seen.add((row.number, row.authority))
                yield row.number, row.authority

    def renew(self, number: str, authority: str) -> None:
        """What cannot be proven any more is told in the log, and not tried again today."""
        from qujat import renewing

        try:
            renewing.renew(number, self.office, authority=authority)
        except VerificationError as error:
            log.error("the evidence of %s cannot be renewed: %s", number, error.code)

    def now(self) -> datetime:
        return self.office.clock()


def database_of(office: Office) -> Database:
    """The database that the register of an office is kept in. Raises ConfigurationError."""
    from qujat.registers.sql import SqlRegister

    if not isinstance(office.register, SqlRegister):
        raise ConfigurationError("expected a register in SQLite or PostgreSQL, came another one")
    return office.register.database


def open_work(office: Office, settings: Settings) -> Work:
    """Raises KeyUnavailable, ConfigurationError."""
    database = database_of(office)
    rules = Rules(private=settings.webhooks.private, seconds=settings.webhooks.seconds)
    courier = Courier(database, partial(open_vault, settings.key_folder), rules, office.clock)
    return Work(office, Batches(database), courier, settings.work.renew_months)
