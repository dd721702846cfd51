"""Rendering an issued document again, from the register's data, with the edition of its day.

It never signs. What it writes is the unsigned page, named a copy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from qujat import bilingual, document, issuing, pagetext, rendering
from qujat.errors import UnknownDocument
from qujat.office import Office
from qujat.register import Document, StoredFile

Outcome = Literal["identical", "same-text", "different"]


@dataclass(frozen=True)
class RerenderedPage:
    """One page set rendered again.

    language: "kk", "ru", or "kk-ru" for a bilingual page.
    outcome: identical bytes; or the engine differs and the text is identical; or different, and `where`.
    content: the unsigned page, with «көшірме / копия» on it if asked for (then its bytes differ by that alone).
    """

    language: str
    name: str
    outcome: Outcome
    content: bytes
    recorded: str
    rendered: str
    engine_then: Mapping[str, str]
    engine_now: Mapping[str, str]
    where: str = ""


@dataclass(frozen=True)
class Rerendered:
    """All pages of one document, rendered again."""

    number: str
    marked_copy: bool
    pages: tuple[RerenderedPage, ...]

    @property
    def faithful(self) -> bool:
        """True if no page differs in what it says."""
        return all(page.outcome != "different" for page in self.pages)


def rerender(number: str, office: Office, *, mark_copy: bool = False, authority: str | None = None) -> Rerendered:
    """Render document `number` (of the authority with this BIN) again and compare.

    Raises UnknownDocument, NumberShared, FormError, StoreError.
    """
    found = office.register.by_number(number, authority)
    if not found.issued:
        raise UnknownDocument(f"document {number} is reserved but not issued; send its decision again to finish it")
    pages = tuple(_page(found, file, office, mark_copy) for file in found.files if file.role == "page")
    return Rerendered(number, mark_copy, pages)


def _page(found: Document, file: StoredFile, office: Office, mark_copy: bool) -> RerenderedPage:
    (mark,) = (f for f in found.files if f.role == "mark")
    drawn = issuing.drawn(office.blobs.get(mark.sha256).decode("ascii"), found.token)
    xml = document.to_xml(found.sealed)
    language = bilingual.language_of(file.language)
    again = issuing.unsigned_page(found, language, drawn, xml, office)
    shown = issuing.unsigned_page(found, language, drawn, xml, office, copy=True) if mark_copy else again
    digest = sha256(again).hexdigest()
    where = "" if digest == file.page else _difference(office.blobs.get(file.sha256), again)
    outcome: Outcome = "identical" if digest == file.page else "different" if where else "same-text"
    return RerenderedPage(
        language=file.language,
        name=f"{issuing.file_stem(found.number)}.{file.language}.copy.pdf",
        outcome=outcome,
        content=shown,
        recorded=file.page,
        rendered=digest,
        engine_then=json.loads(file.engine),
        engine_now=rendering.engine_versions(),
        where=where,
    )


def _difference(signed: bytes, again: bytes) -> str:
    """The first place where the text differs, by page and line; empty if the texts are the same."""
    then, now = pagetext.texts(signed), pagetext.texts(again)
    for number, (old, new) in enumerate(zip(then, now, strict=False), 1):
        for line, (a, b) in enumerate(zip([*old.split("\n"), ""], [*new.split("\n"), ""], strict=False), 1):
            if pagetext.squeezed(a) != pagetext.squeezed(b):
                return f"page {number}, line {line}: then {a.strip()!r}, now {b.strip()!r}"
    return "" if len(then) == len(now) else f"then {len(then)} pages, now {len(now)}"
