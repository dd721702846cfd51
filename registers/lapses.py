"""Until when the evidence of each file lasts, as far as it has been found out: so that it is found out once.

That depends on the bytes of a file and on the rules by which it was judged, and both are in the row: other rules,
another answer. It is no evidence itself; whoever doubts it reads the files again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, exists, func, select, text, union_all

from qujat.registers.tables import entry, lasting, moment_text, renewal
from qujat.registers.tables import file as issued_files

_NOTE = text(
    "INSERT INTO lasting (sha256, rules, lapses) VALUES (:sha256, :rules, :lapses)"
    " ON CONFLICT (sha256) DO UPDATE SET rules = excluded.rules, lapses = excluded.lapses"
)


def note(db: Connection, rules: str, lapses: Mapping[str, datetime]) -> None:
    """In one order everywhere, so that two who note the same wait for each other and never both."""
    rows = [{"sha256": sha256, "rules": rules, "lapses": moment_text(lapses[sha256])} for sha256 in sorted(lapses)]
    if rows:
        db.execute(_NOTE, rows)


def unproven(db: Connection, roles: Collection[str], rules: str, until: datetime) -> Sequence[int]:
    """The ids, ascending, of issued documents with a file of these roles not noted to last longer than `until`."""
    replaced = exists().where(
        renewal.c.document == issued_files.c.document,
        renewal.c.role == issued_files.c.role,
        renewal.c.language == issued_files.c.language,
    )
    newest = select(func.max(renewal.c.id)).group_by(renewal.c.document, renewal.c.role, renewal.c.language)
    current = union_all(
        select(issued_files.c.document, issued_files.c.role, issued_files.c.sha256).where(~replaced),
        select(renewal.c.document, renewal.c.role, renewal.c.sha256).where(renewal.c.id.in_(newest)),
    ).subquery()
    known = and_(lasting.c.sha256 == current.c.sha256, lasting.c.rules == rules, lasting.c.lapses > moment_text(until))
    active = and_(entry.c.document == current.c.document, entry.c.kind == "active")
    asked = select(current.c.document).join(entry, active).outerjoin(lasting, known)
    wanted = asked.where(current.c.role.in_(roles), lasting.c.sha256.is_(None)).distinct()
    return db.execute(wanted.order_by(current.c.document)).scalars().all()
