"""Single answers of a check: does the mark agree with the data, what does the register say, was the edition right; and
what a check shows of a document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from qujat import comparison, document, issuing, pages, pagetext, qr, rendering
from qujat import mark as marks
from qujat.document import ATTACHED, Sealed
from qujat.errors import DecisionError, DocumentAltered, Indeterminate, UnknownForm, VerificationError
from qujat.languages import Language
from qujat.office import Office
from qujat.register import Document
from qujat.verdicts import Check


def failed(name: str, error: VerificationError) -> Check:
    return Check(name, "indeterminate" if isinstance(error, Indeterminate) else "invalid", error.code, error.message)


def attached(contents: pagetext.Contents) -> Sealed:
    if list(contents.attachments) != [ATTACHED]:
        raise DocumentAltered(f"expected one attachment {ATTACHED}, came {len(contents.attachments)}")
    return document.from_xml(contents.attachments[ATTACHED])


def texts_of_marks(content: bytes, contents: pagetext.Contents) -> list[str]:
    if contents.mark_page is None:
        return []
    try:
        return qr.read_page(content, contents.mark_page, crop=contents.mark_box)
    except VerificationError:
        return []


def same_as_data(claims: marks.Claims, sealed: Sealed, office: Office) -> bool:
    data = sealed.data
    said = (
        claims.token,
        claims.digest,
        claims.form,
        claims.edition,
        claims.kind,
        claims.number,
        claims.day,
        claims.subject,
    )
    meant = (
        sealed.token,
        marks.digest(sealed.salt, data),
        data["form"],
        document.edition_of(data),
        data["kind"],
        data["number"],
        date.fromisoformat(data["day"]),
        document.subject_of(data, office.forms),
    )
    return said == meant


def stands_on(sealed: Sealed, language: Language, mark: str, contents: pagetext.Contents, office: Office) -> bool:
    """Do the pages show exactly the words that the data give in this language?"""
    shown = pages.DrawnMark(b"", marks.short_code(sealed.token), issuing.typed_at(mark))
    root = rendering.tree(rendering.html(pages.page(office.forms, sealed.data, language, shown)))
    return comparison.stands_on(root, contents.pages)


def agrees(claims: marks.Claims, found: Document, office: Office, at: datetime) -> Check:
    if not same_as_data(claims, found.sealed, office):
        return Check("register", "invalid", "register-differs")
    return status(found, at)


def status(found: Document, at: datetime) -> Check:
    since = found.status_since.isoformat() if found.status_since else ""
    match found.status:
        case "annulled" | "superseded" as status if found.status_since and found.status_since > at:
            return Check("register", "valid", "ok", f"in effect then; {status} {since}")
        case "active":
            return Check("register", "valid", "ok", since)
        case "reserved":
            return Check("register", "indeterminate", "not-issued")
        case "annulled" | "superseded" as status:
            return Check("register", "invalid", status, f"{since} {found.superseded_by}".strip())


def edition(data: document.Data, language: Language, catalogue: Any) -> Check:
    name, state = f"edition-{language}", data["editions"][language]
    try:
        wording = catalogue.in_force(data["form"], date.fromisoformat(data["day"]), language)
    except UnknownForm as error:
        return Check(name, "indeterminate", "unknown-form", error.message)
    except DecisionError as error:
        return Check(name, "indeterminate", "edition-unknown", error.message)
    if wording.edition.id != state["edition"]:
        return Check(
            name, "invalid", "edition-wrong", f"in force was {wording.edition.id}, the document has {state['edition']}"
        )
    return Check(name, "valid", "last-held" if state["wording"] == "last-held" else "ok", state["edition"])


def summary(data: document.Data, sealed: Sealed, office: Office) -> dict[str, Any]:
    """What a check shows of a document: nothing personal but the masked name."""
    return {
        "number": data["number"],
        "form": data["form"],
        "title": dict(_title(data["form"], office)),
        "kind": data["kind"],
        "day": data["day"],
        "authority": dict(data["authority"]["name"]),
        "subject": document.subject_of(data, office.forms) if _title(data["form"], office) else "",
        "wordings": {language: data["editions"][language]["wording"] for language in data["languages"]},
        "code": marks.short_code(sealed.token),
    }


def known(found: Document, office: Office) -> dict[str, Any]:
    return summary(found.data, found.sealed, office)


def claimed(claims: marks.Claims, office: Office) -> dict[str, Any]:
    """What an offline mark shows: its claims."""
    return {
        "number": claims.number,
        "form": claims.form,
        "title": dict(_title(claims.form, office)),
        "kind": claims.kind,
        "day": claims.day.isoformat(),
        "subject": claims.subject,
        "code": marks.short_code(claims.token),
    }


def _title(form: str, office: Office) -> Mapping[Language, str]:
    try:
        return office.forms.form(form).title
    except UnknownForm:
        return {}
