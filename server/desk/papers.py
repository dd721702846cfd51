"""A document: its files, whether they are good, what became of it, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from fastapi import APIRouter, Response

from qujat import bilingual, issuing
from qujat import mark as marks
from qujat.entries import Document, Role, StoredFile
from qujat.errors import FieldError, UnknownDocument
from qujat.languages import LANGUAGES, Language
from qujat.server.api.models import DOCX, MEDIA_TYPES
from qujat.server.desk import questions, sheets, trail, work
from qujat.server.desk.access import Confirmed, OfficeRoute, Turned, Visit, Visiting, redirect
from qujat.server.desk.finding import row
from qujat.server.desk.questions import Asking
from qujat.server.desk.words import words
from qujat.texts import faults

router = APIRouter(include_in_schema=False, route_class=OfficeRoute)

_KINDS: dict[Role, str] = {**MEDIA_TYPES, "mark": "text/plain; charset=us-ascii"}


@router.get("/office/documents/{code}")
def show(visit: Visiting, code: str, new: str = "", check: str = "") -> Response:
    """One document. `check`: also the verdict on its files, as they are now."""
    found = visit.document(code)
    checked = visit.work(work.verdict, found.number, visit.clerk.authority) if check and found.issued else None
    return visit.page(
        "document.html.j2",
        part="documents",
        found=found,
        new=bool(new),
        row=row(visit, found),
        files=[_file(visit, file) for file in found.files],
        copies=_copies(found),
        verdict=checked.as_json() if checked is not None else None,
        history=_history(visit, found),
        link=_link(visit, found),
        successor=_successor(visit, found),
    )


def _copies(found: Document) -> list[Language]:
    """The languages in which there is a Word copy."""
    if not found.issued:
        return []
    languages = [language for language in LANGUAGES if language in found.data["languages"]]
    bilingual_page = any(file.language == bilingual.TAG for file in found.files)
    return languages[:1] if bilingual_page else languages


def _file(visit: Visit, file: StoredFile) -> dict[str, Any]:
    said = words(visit.tongue)["file"]
    name = said[f"page_{file.language}".replace("-", "_")] if file.role == "page" else said[file.role]
    return {"file": file, "label": name}


def _link(visit: Visit, found: Document) -> str:
    """Where anybody sees what the register says of it."""
    return f"/d/{marks.token_text(found.token)}?lang={visit.tongue}" if found.issued else ""


def _successor(visit: Visit, found: Document) -> str:
    """The code of the document that took its place."""
    if not found.superseded_by:
        return ""
    return marks.short_code(visit.office.register.by_number(found.superseded_by, visit.clerk.authority).token)


def _history(visit: Visit, found: Document) -> Sequence[dict[str, Any]]:
    """What the register and the trail say of it, the oldest first."""
    said = words(visit.tongue)["history"]
    lines = [{"at": found.reserved_at, "what": said["reserved"], "who": ""}]
    for deed in trail.of_document(visit.store, visit.clerk.authority, found.number):
        lines.append({"at": deed.at, "what": said[deed.deed], "who": deed.clerk})
    known = {deed["what"] for deed in lines}
    ended = {"annulled": said["annul"], "superseded": said["supersede"]}.get(found.status, said["issue"])
    if found.status_since and ended not in known:
        lines.append({"at": found.status_since, "what": ended, "who": ""})
    return sorted(lines, key=lambda one: one["at"])


@router.get("/office/documents/{code}/files/{name}")
def file(visit: Visiting, code: str, name: str, save: str = "") -> Response:
    """A file of the document, as it was signed: to be looked at, or to be kept."""
    found = visit.document(code)
    wanted = next((one for one in found.files if one.name == name), None)
    if wanted is None:
        raise Turned(404, "not_found")
    content = visit.office.blobs.get(wanted.sha256)
    kept = wanted.name if save or wanted.role != "page" else ""
    trail.enter(visit.store, visit.clerk.name, "fetch", visit.clerk.authority, found.number)
    return sheets.file(visit.request, content, _KINDS[wanted.role], kept)


@router.get("/office/documents/{code}/picture/{language}.png")
def picture(visit: Visiting, code: str, language: str) -> Response:
    """The first page of the document in a language, to recognise it by."""
    found = visit.document(code)
    wanted = next((one for one in found.files if one.role == "page" and one.language == language), None)
    if wanted is None:
        raise Turned(404, "not_found")
    content = visit.office.blobs.get(wanted.sha256)
    return sheets.file(visit.request, visit.work(work.first_page, content), "image/png")


@router.get("/office/documents/{code}/word/{language}.docx")
def word_copy(visit: Visiting, code: str, language: Language) -> Response:
    """The editable Word copy, marked as one."""
    found = visit.document(code)
    if language not in found.data["languages"] or not found.issued:
        raise Turned(404, "not_found")
    content = visit.work(work.word_copy, found, language, visit.request.app.state.settings)
    trail.enter(visit.store, visit.clerk.name, "word", visit.clerk.authority, found.number)
    return sheets.file(visit.request, content, DOCX, f"{issuing.file_stem(found.number)}.{language}.docx")


@router.get("/office/documents/{code}/end")
def ask_end(visit: Visiting, code: str) -> Response:
    """The page that asks why the document ends, and what takes its place."""
    return _end_page(visit, visit.document(code))


def _end_page(
    visit: Visit,
    found: Document,
    errors: Sequence[FieldError] = (),
    typed: tuple[str, str] = ("", ""),
    *,
    sure: bool = False,
) -> Response:
    if found.status != "active":
        return redirect(visit, f"/office/documents/{marks.short_code(found.token)}")
    asking, said = Asking(visit.tongue, LANGUAGES, {}, errors), words(visit.tongue)["end"]
    reason = questions.line("/reason", said["reason"], typed[0], asking)
    other = questions.line("/superseded_by", said["other"], typed[1], asking, hint="successor")
    return visit.page(
        "end.html.j2",
        status=422 if errors else 200,
        part="documents",
        found=found,
        row=row(visit, found),
        asked=[reason, other],
        sure=sure,
        day=date.fromisoformat(found.data["day"]),
    )


@router.post("/office/documents/{code}/end")
def end(visit: Visiting, form: Confirmed, code: str) -> Response:
    """First it is asked whether that is meant; then the register enters the end, and nothing takes it back."""
    found = visit.document(code)
    reason, other = (str(form.get(name, "")).strip()[:2000] for name in ("/reason", "/superseded_by"))
    errors = _wrong(visit, found, reason, other)
    if errors or form.get("do") != "sure":
        return _end_page(visit, found, errors, (reason, other), sure=not errors and form.get("do") != "back")
    issuing.end(found.number, reason, visit.office, other, authority=visit.clerk.authority)
    deed = "supersede" if other else "annul"
    trail.enter(visit.store, visit.clerk.name, deed, visit.clerk.authority, found.number)
    return redirect(visit, f"/office/documents/{code}")


def _wrong(visit: Visit, found: Document, reason: str, other: str) -> list[FieldError]:
    """What is wrong with a reason and with the number of a document that takes the place of this one."""
    errors = [FieldError("/reason", code, message) for code, message in faults(reason)]
    if not other:
        return errors
    try:
        successor = visit.office.register.by_number(other, visit.clerk.authority)
    except UnknownDocument:
        successor = None
    if successor is None or not successor.issued or successor.number == found.number:
        errors.append(FieldError("/superseded_by", "no-successor", "expected another issued document"))
    return errors
