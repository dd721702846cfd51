"""The forms: by order and annex, what stands on a day and why, the editions on an axis of days, empty ones to print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import APIRouter, Response

from qujat.catalogue import Form
from qujat.formfiles import Order
from qujat.gallery import contents, timeline
from qujat.gallery import words as gallery_words
from qujat.gallery.contents import Choice, Part, part, parts, short_name
from qujat.gallery.timeline import Chart, Row
from qujat.languages import LANGUAGES, Language
from qujat.server.desk import sheets, work
from qujat.server.desk.access import OfficeRoute, Visit, Visiting
from qujat.server.desk.standing import Standing, described, stand_ins, standing, status_words
from qujat.texts import parse_day

router = APIRouter(include_in_schema=False, route_class=OfficeRoute)

_LABELS = {"index": 120.0, "form": 250.0}  # room left of an axis, in units of its SVG


@dataclass(frozen=True)
class Shelf:
    """An order with those of its forms that are the clerk's."""

    key: str
    order: Order
    forms: tuple[Form, ...]


def shelves(visit: Visit) -> list[Shelf]:
    """The orders and their forms, in their order."""
    found = contents.shelves(visit.office.forms, Choice())
    own = [Shelf(s.key, s.order, tuple(f for f in s.forms if visit.clerk.may_use(f.annex))) for s in found]
    return [shelf for shelf in own if shelf.forms]


@router.get("/office/forms")
def forms(visit: Visiting, day: str = "", q: str = "") -> Response:
    """Every form with what stands on the day; `q`: words of its title, or its annex."""
    chosen = parse_day(day) or visit.today
    shown = []
    for shelf in shelves(visit):
        meant = [form for form in shelf.forms if _is_meant(form, q)]
        rows = [_row(visit, standing(visit.office.forms, form, chosen)) for form in meant]
        if rows:
            shown.append((shelf, rows))
    return visit.page("forms.html.j2", part="forms", day=chosen, q=q[:100], shelves=shown)


def _is_meant(form: Form, asked: str) -> bool:
    """Every word that was typed begins a word of a title in either language, or is the annex or the kind."""
    kinds = gallery_words.both("kind", form.kind)
    text = " ".join([*form.called.values(), *kinds.values(), form.annex]).casefold()
    words = text.replace("(", " ").replace("«", " ").split()
    return all(any(word.startswith(part) for word in words) for part in asked[:100].casefold().split())


def _row(visit: Visit, stands: Standing) -> dict[str, Any]:
    form = stands.form
    return {
        "form": form,
        "title": form.called[visit.tongue],
        "kind": gallery_words.both("kind", form.kind)[visit.tongue],
        "stands": stands,
        "status": [described(form, stand, visit.tongue) for stand in stands.stands.values()],
    }


@router.get("/office/forms/{annex}")
def room(visit: Visiting, annex: str, day: str = "") -> Response:
    """One form: what stands on the day and why, and its editions on an axis of days."""
    form, chosen = visit.form(annex), parse_day(day) or visit.today
    stands = standing(visit.office.forms, form, chosen)
    houses = stand_ins(visit.office.forms, form) if not stands.can_be_issued else []
    return visit.page(
        "form.html.j2",
        part="forms",
        form=form,
        day=chosen,
        row=_row(visit, stands),
        kinds=gallery_words.both("kind", form.kind),
        order=visit.office.forms.orders[form.file.order],
        houses=[(house, standing(visit.office.forms, house, chosen).can_be_issued) for house in houses],
        chart=_chart(form),
        statuses=_statuses(visit.tongue),
        editions=list(_editions(visit, form)),
    )


def _statuses(tongue: Language) -> list[tuple[str, str]]:
    return [(name, gallery_words.both("status", name)[tongue]) for name in gallery_words.statuses()]


def _chart(form: Form) -> Chart | None:
    """The editions of a form on their axis."""
    rows = []
    for edition in form.editions:
        found = [part(form, edition, language) for language in LANGUAGES]
        lanes = [[one] for one in found if one]
        if lanes:
            rows.append(Row(short_name(form, edition), f"#{edition.id}", lanes))
    everything = list(parts(form, LANGUAGES))
    return timeline.chart(rows, timeline.scale(everything, _LABELS["form"])) if rows else None


def _editions(visit: Visit, form: Form) -> Iterator[dict[str, Any]]:
    """The newest first."""
    for edition in reversed(form.editions):
        sides = [_side(visit, found) for found in (part(form, edition, at) for at in LANGUAGES) if found]
        yield {"edition": edition, "name": contents.edition_name(form, edition)[visit.tongue], "sides": sides}


def _side(visit: Visit, found: Part) -> dict[str, Any]:
    return {
        "language": found.language,
        "held": found.held,
        "status": status_words(found.status, visit.tongue),
        "code": found.status,
        "days": found.days[visit.tongue],
        "why": "" if found.held else found.why_not_held[visit.tongue],
    }


@router.get("/office/axis")
def axis(visit: Visiting) -> Response:
    """All forms on one axis of days, an order below the other."""
    shown = shelves(visit)
    everything = [one for shelf in shown for form in shelf.forms for one in parts(form, LANGUAGES)]
    scale = timeline.scale(everything, _LABELS["index"])
    charts = [(shelf, timeline.chart([_form_row(form) for form in shelf.forms], scale)) for shelf in shown]
    return visit.page("axis.html.j2", part="forms", charts=charts, statuses=_statuses(visit.tongue))


def _form_row(form: Form) -> Row:
    lanes = [list(parts(form, [language])) for language in LANGUAGES]
    return Row(dict.fromkeys(LANGUAGES, form.annex), f"/office/forms/{form.annex}", [lane for lane in lanes if lane])


@router.get("/office/forms/{annex}/{what}/{edition}.{language}.pdf")
def paper(
    visit: Visiting, annex: str, what: Literal["blank", "specimen"], edition: str, language: Language
) -> Response:
    """An empty form to print, or a specimen filled with invented people."""
    form = visit.form(annex)
    content = visit.work(work.paper, form.annex, edition, language, filled=what == "specimen")
    return sheets.file(visit.request, content, "application/pdf")
