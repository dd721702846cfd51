"""What follows from an entry of the register is written in its transaction: a crash loses no event and invents none."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import Connection, insert

from qujat.entries import Document, Entry
from qujat.jobs import queue
from qujat.jobs.tables import delivery
from qujat.jobs.webhooks import wanting
from qujat.registers.tables import moment_text

if TYPE_CHECKING:
    from qujat.register import OnEntry


def watcher(address: str) -> OnEntry:
    """What a register calls at every entry. `address`: of the service, for the links in events."""

    def on_entry(db: Connection, entry: Entry) -> None:
        authority = entry.document.data["authority"]["bin"]
        hooks = wanting(db, entry.kind, authority)
        if not hooks:
            return
        said = event(entry, address)
        body = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        row = {"event": said["id"], "body": body, "made_at": moment_text(entry.at), "state": "waiting"}
        for hook in hooks:
            waiting = {**row, "webhook": hook.id, "due_at": moment_text(entry.at), "trouble": "", "attempts": 0}
            made: int = db.execute(insert(delivery).returning(delivery.c.id), waiting).scalar_one()
            queue.defer_delivery(db, made)

    return on_entry


def event(entry: Entry, address: str) -> dict[str, Any]:
    """What a webhook is told: which document, what befell it, when, and where to ask for more. Nobody is named."""
    document = entry.document
    said = {
        "id": f"evt_{secrets.token_hex(12)}",
        "type": entry.kind,
        "at": moment_text(entry.at),
        "number": document.number,
        "authority": document.data["authority"]["bin"],
        "form": document.data["form"],
        "decision": document.data["id"],
        "link": link(document, address),
    }
    if document.superseded_by:
        said["superseded_by"] = document.superseded_by
    return said


def link(document: Document, address: str) -> str:
    """Where a client with a key asks for a document. Numbers may be shared, so the authority is named."""
    bin_ = document.data["authority"]["bin"]
    return f"{address}/v1/documents/{quote(document.number, safe='')}?authority={bin_}"
