"""Finding documents: by number, by person, by day, by what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast, get_args

from fastapi import APIRouter, Response

from qujat import mark as marks
from qujat.entries import Document, Status, Wanted
from qujat.server.desk import drafts, sessions
from qujat.server.desk.access import Confirmed, OfficeRoute, Turned, Visit, Visiting, may_see, redirect
from qujat.server.desk.shelf import shelves
from qujat.server.desk.standing import standing
from qujat.texts import parse_day

router = APIRouter(include_in_schema=False, route_class=OfficeRoute)

ON_A_PAGE = 20
_OFTEN, _LAST = 5, 8
_ASKED = ("number", "person", "first", "last", "status", "form")


@router.get("/office")
def home(visit: Visiting) -> Response:
    """What a day begins with: a new document, what was left unfinished, what was issued last."""
    newest = visit.office.register.find(Wanted(authority=visit.clerk.authority)).documents
    own = [one for one in newest if may_see(visit.clerk, one)]
    return visit.page(
        "home.html.j2",
        part="home",
        drafts=[_draft(visit, draft) for draft in drafts.of_clerk(visit.store, visit.clerk)],
        rows=[row(visit, one) for one in own[:_LAST]],
        often=_often(visit, own),
    )


def _often(visit: Visit, newest: Sequence[Document]) -> list[tuple[str, str]]:
    """(annex, title) of the forms of these documents that can be issued today."""
    names = dict.fromkeys(one.data["form"] for one in newest)
    forms = [visit.office.forms.form(name) for name in names]
    usable = [form for form in forms if standing(visit.office.forms, form, visit.today).can_be_issued]
    return [(form.annex, form.called[visit.tongue]) for form in usable[:_OFTEN]]


def _draft(visit: Visit, draft: drafts.Draft) -> dict[str, Any]:
    form = visit.office.forms.form(draft.form)
    name = _person(draft.contents["fields"], form.file.subject)
    return {"draft": draft, "form": form, "title": form.called[visit.tongue], "subject": name}


def _person(fields: Mapping[str, Any], subject: str) -> str:
    value = fields.get(subject)
    if isinstance(value, list):
        value = value[0].get("full_name") if value and isinstance(value[0], dict) else None
    return value if isinstance(value, str) else ""


def row(visit: Visit, found: Document) -> dict[str, Any]:
    """A document in a list."""
    form = visit.office.forms.form(found.data["form"])
    return {
        "document": found,
        "code": marks.short_code(found.token),
        "annex": form.annex,
        "title": form.called[visit.tongue],
        "day": date.fromisoformat(found.data["day"]),
        "subject": _person(found.data["fields"], form.file.subject),
    }


@router.get("/office/documents")
def documents(visit: Visiting, after: int | None = None) -> Response:
    """The documents that were looked for last, the newest first; all of them if nothing was."""
    sought = visit.session.sought
    wanted = _wanted(visit, sought)
    found = visit.office.register.find(wanted, after, ON_A_PAGE)
    return visit.page(
        "documents.html.j2",
        part="documents",
        sought=sought,
        rows=[row(visit, one) for one in found.documents if may_see(visit.clerk, one)],
        after=found.after,
        begun=after is not None,
        forms=[form for shelf in shelves(visit) for form in shelf.forms],
        statuses=get_args(Status),
    )


def _wanted(visit: Visit, sought: Mapping[str, str]) -> Wanted:
    """Twelve digits are an IIN, anything else begins a name; letters and digits in threes of four may be a code."""
    person = sought.get("person", "").strip()
    digits = "".join(person.split())
    is_iin = digits.isdigit() and len(digits) == 12
    status = sought.get("status", "")
    form = sought.get("form", "")
    known = visit.office.forms.forms.values()
    return Wanted(
        authority=visit.clerk.authority,
        form=next((one.key for one in known if one.annex == form), ""),
        iin=digits if is_iin else "",
        name="" if is_iin else person,
        number=sought.get("number", "").strip(),
        status=cast("Status", status) if status in get_args(Status) else None,
        first_day=parse_day(sought.get("first", "")),
        last_day=parse_day(sought.get("last", "")),
    )


@router.post("/office/documents")
def look(visit: Visiting, form: Confirmed) -> Response:
    """Look for something. It is kept with the session: an address may hold neither a name nor an IIN."""
    asked = {name: str(form.get(name, ""))[:200] for name in _ASKED}
    sought = {} if form.get("do") == "all" else {name: text for name, text in asked.items() if text.strip()}
    sessions.change(visit.store, visit.session, sought=sought)
    code = _code(visit, sought.get("number", ""))
    return redirect(visit, f"/office/documents/{code}" if code else "/office/documents")


def _code(visit: Visit, text: str) -> str:
    """The code of a document of his, if that is what was typed in place of a number."""
    try:
        return marks.short_code(visit.document(text).token)
    except Turned:
        return ""
