"""What worker processes do for the server: each function takes the Office of its process first (`workers`)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from qujat import issuing, pages, pipeline, rendering, renewing
from qujat import mark as marks
from qujat import word as words
from qujat.checking import check_number
from qujat.decision import Decision
from qujat.entries import Document
from qujat.handover import Prepared
from qujat.issuing import Issued
from qujat.languages import Language
from qujat.office import Office
from qujat.rerendering import Rerendered
from qujat.settings import Settings
from qujat.terms import Late
from qujat.verdicts import Verdict
from qujat.verifier import uploads


@dataclass(frozen=True, slots=True)
class Told:
    """An issued document without its files: those are fetched by their hash. `new`: it was issued just now."""

    document: Document
    mark: str
    warnings: tuple[Late, ...] = ()
    new: bool = False


def issue(office: Office, decision: Decision) -> Told:
    """Issue, or find what was issued for this decision. Raises as `pipeline.issue` does."""
    before = issuing.issued_before(decision, office)
    return _told(before or pipeline.issue(decision, office), new=before is None)


def _told(issued: Issued, *, new: bool) -> Told:
    return Told(issued.document, issued.mark, issued.warnings, new)


def prepare(office: Office, decision: Decision) -> Prepared:
    """What is to be signed elsewhere. Raises as `pipeline.prepare` does."""
    return pipeline.prepare(decision, office)


def complete(office: Office, ticket: str, signatures: Mapping[str, str]) -> Told | Prepared:
    """`signatures`: Base64 of each CMS, by the name of its file. Raises as `pipeline.complete` does."""
    found = office.register.ticket(ticket)
    before = found is not None and found.document.issued
    given = {name: base64.b64decode(encoded) for name, encoded in signatures.items()}
    done = pipeline.complete(ticket, given, office)
    return done if isinstance(done, Prepared) else _told(done, new=not before)


def check(office: Office, content: bytes, data: bytes | None = None, at: datetime | None = None) -> dict[str, Any]:
    """The verdict on a file of ours, or the report on another's, as JSON. Never raises for what a stranger gives."""
    return uploads.check(content, office, data=data, near=data, at=at).as_json()


def evidence(office: Office, found: Document) -> tuple[Verdict, tuple[renewing.Lasting, ...]]:
    """What proves a document today, and until when each of its files proves itself. Asked by its code, which is the
    only one of its kind: a number may be shared with another authority."""
    return check_number(marks.short_code(found.token), office), renewing.lasting(found, office)


def rerender(office: Office, number: str) -> Rerendered:
    """The pages once more, unsigned. Raises as `pipeline.rerender` does."""
    return pipeline.rerender(number, office)


def word_copy(office: Office, found: Document, language: Language, settings: Settings) -> bytes:
    """The editable copy of an issued document as a .docx. Raises FormError."""
    return words.word(office.forms, found.data, language, settings.word_overrides)


def blank(office: Office, form: str, day: date, language: Language) -> bytes:
    """An empty form as a PDF. Raises as `Catalogue.in_force` does, FormError."""
    return rendering.pdf(pages.blank(office.forms, office.forms.in_force(form, day, language)))


def blank_word(office: Office, form: str, day: date, language: Language, settings: Settings) -> bytes:
    """An empty form as a .docx. Raises as `Catalogue.in_force` does, FormError."""
    wording = office.forms.in_force(form, day, language)
    return words.empty(office.forms, wording, settings.word_overrides)
