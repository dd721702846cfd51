"""Batches that are kept in the database: sent in, cut into parts, done part by part, asked for."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Row, func, insert, select, update

from qujat.batch import PASSING, Line, issue_part, lines, partitions
from qujat.errors import BatchChanged, BatchRefused, QujatError, UnknownBatch, WorkerDied
from qujat.jobs import queue
from qujat.jobs.tables import batch, part
from qujat.registers.tables import moment_text

if TYPE_CHECKING:
    from qujat.decision import Decision
    from qujat.office import Office
    from qujat.registers.database import Database

PART = 10  # lines; what a killed worker did of one is done again
ATTEMPTS = 5  # of one part, before the batch waits for somebody to look
_CHUNK = 1 << 20
_AT_ONCE = 20  # parts entered with one statement

State = Literal["running", "stopped", "finished"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a batch has come. "stopped": nothing is left but parts that failed again and again."""

    name: str
    state: State
    decisions: int
    issued: int
    refused: int
    made_at: str
    trouble: str

    @property
    def done(self) -> int:
        return self.issued + self.refused


@dataclass(frozen=True, slots=True)
class Permit:
    """Whose decisions (BINs) and which forms (annex ids, or "*" for all) a batch may issue."""

    authorities: frozenset[str]
    forms: frozenset[str]

    def allows(self, decision: Decision, office: Office) -> bool:
        """Raises UnknownForm."""
        annex = office.forms.form(decision.form).annex
        return decision.authority.bin in self.authorities and bool({"*", annex} & self.forms)

    def text(self) -> str:
        return json.dumps({"authorities": sorted(self.authorities), "forms": sorted(self.forms)})


def _permit(text: str) -> Permit:
    said = json.loads(text)
    return Permit(frozenset(said["authorities"]), frozenset(said["forms"]))


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch as it came: the name that its owner gave it, what it may issue, and its JSON Lines."""

    owner: str
    name: str
    permit: Permit
    file: IO[bytes]


@dataclass(frozen=True)
class Batches:
    """The batches of one database."""

    database: Database

    def take(self, sent: Sent, limit: int, at: datetime) -> Standing:
        """Enter a batch that came as JSON Lines, or go on with it if it came before; all of it or nothing.

        Raises BatchChanged (it came before with other contents), BatchRefused (none, or more than `limit`, decisions).
        """
        owner, name = sent.owner, sent.name
        digest, decisions = _read_once(sent.file)
        if not 0 < decisions <= limit:
            raise BatchRefused(f"expected 1 to {limit} decisions, one a line, came {decisions}; cut it into several")
        with self.database.writing() as db:
            self.database.lock_authority(db, f"batch {owner} {name}")
            before = db.execute(select(batch).where(batch.c.owner == owner, batch.c.name == name)).first()
            if before and before.sha256 != digest:
                raise BatchChanged(
                    f"the batch {name} came before with other contents ({before.decisions} decisions, SHA-256"
                    f" {before.sha256}), now {decisions}, SHA-256 {digest}; send it under a name of its own"
                )
            made = before.id if before else _enter(db, sent, digest, decisions, at)
            if before:
                db.execute(update(part).where(part.c.batch == made, part.c.rows.is_(None)).values(attempts=0))
            queue.defer_parts(db, made)
        return self.standing(owner, name)

    def standing(self, owner: str, name: str) -> Standing:
        """Raises UnknownBatch."""
        with self.database.reading() as db:
            row = _row(db, owner, name)
            issued, refused, left, spent, trouble = db.execute(
                select(
                    func.coalesce(func.sum(part.c.issued), 0),
                    func.coalesce(func.sum(part.c.refused), 0),
                    func.count().filter(part.c.rows.is_(None)),
                    func.count().filter(part.c.rows.is_(None), part.c.attempts >= ATTEMPTS),
                    func.coalesce(func.max(part.c.trouble).filter(part.c.rows.is_(None)), ""),
                ).where(part.c.batch == row.id)
            ).one()
        state: State = "finished" if not left else "stopped" if spent == left else "running"
        # A part that ended its process could leave no word of it.
        trouble = trouble or (WorkerDied.code if spent else "")
        return Standing(name, state, row.decisions, int(issued), int(refused), row.made_at, trouble)

    def rows(self, owner: str, name: str) -> Iterator[str]:
        """The rows that are there, JSON Lines, in the order of the decisions, a part at a time. Raises UnknownBatch."""
        with self.database.reading() as db:
            made = _row(db, owner, name).id
        return self._rows(made)

    def _rows(self, made: int) -> Iterator[str]:
        last = -1
        asked = select(part.c.place, part.c.rows).where(part.c.batch == made, part.c.rows.is_not(None))
        while True:
            with self.database.reading() as db:
                found = db.execute(asked.where(part.c.place > last).order_by(part.c.place).limit(1)).first()
            if found is None:
                return
            last = found.place
            yield found.rows

    def open_parts(self, limit: int) -> list[tuple[int, int]]:
        """Parts (batch, place) that are to be done, the oldest first."""
        asked = select(part.c.batch, part.c.place).where(part.c.rows.is_(None), part.c.attempts < ATTEMPTS)
        with self.database.reading() as db:
            return [(row.batch, row.place) for row in db.execute(asked.order_by("batch", "place").limit(limit))]

    def do(self, made: int, place: int, office: Office) -> None:
        """Issue the decisions of one part and keep their rows; a part that is done stays as it is.

        Raises what `batch.issue_part` raises; the trouble is kept with the part.
        """
        here = part.c.batch == made, part.c.place == place, part.c.rows.is_(None)
        asked = (
            select(part.c.content, part.c.attempts, batch.c.permit).join(batch).where(*here, part.c.attempts < ATTEMPTS)
        )
        with self.database.writing() as db:
            found = db.execute(asked).first()
            if found is None or found.content is None:
                return
            # Counted before the work: a part that kills its process must not do so for ever.
            attempts = found.attempts + 1
            db.execute(update(part).where(*here).values(attempts=attempts, trouble=""))
        permit = _permit(found.permit)
        try:
            rows = list(issue_part(_unpacked(found.content), office, allowed=lambda d: permit.allows(d, office)))
        except QujatError as error:
            # What passes by itself is no reason to stop the batch, however long it takes.
            counted = attempts - isinstance(error, PASSING)
            self._note(here, trouble=error.code, attempts=counted)
            raise
        refused = sum(1 for row in rows if row.error)
        done = "".join(f"{row.as_json()}\n" for row in rows)
        values = {"rows": done, "content": None, "issued": len(rows) - refused, "refused": refused, "trouble": ""}
        self._note(here, **values)

    def _note(self, here: tuple[object, ...], **values: object) -> None:
        with self.database.writing() as db:
            db.execute(update(part).where(*here).values(**values))  # type: ignore[arg-type]


def _row(db: Connection, owner: str, name: str) -> Row[Any]:
    row = db.execute(select(batch).where(batch.c.owner == owner, batch.c.name == name)).first()
    if row is None:
        raise UnknownBatch(f"expected the name of a batch that was sent, came {name!r}")
    return row


def _read_once(file: IO[bytes]) -> tuple[str, int]:
    """The hash of the file and how many decisions it has."""
    digest = sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest(), sum(1 for _ in lines(file))


def _enter(db: Connection, sent: Sent, digest: str, decisions: int, at: datetime) -> int:
    row = {
        "owner": sent.owner,
        "name": sent.name,
        "sha256": digest,
        "decisions": decisions,
        "permit": sent.permit.text(),
        "made_at": moment_text(at),
    }
    made: int = db.execute(insert(batch).returning(batch.c.id), row).scalar_one()
    sent.file.seek(0)
    found = enumerate(partitions(lines(sent.file), PART))
    parts = ({"batch": made, "place": place, "content": _packed(part)} for place, part in found)
    while some := [row for _, row in zip(range(_AT_ONCE), parts, strict=False)]:
        db.execute(insert(part), some)
    return made


def _packed(found: list[Line]) -> bytes:
    """Lines with their numbers; JSON Lines hold no line feed, whatever else they hold."""
    return b"".join(b"%d\t%s\n" % (line.number, line.text) for line in found)


def _unpacked(content: bytes) -> Iterator[Line]:
    for packed in io.BytesIO(content):
        number, _, text = packed.removesuffix(b"\n").partition(b"\t")
        yield Line(int(number), text)
