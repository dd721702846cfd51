"""Drafts: begin one, fill it in, look at it as it will be."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from json import dumps
from typing import Any, Literal

from fastapi import APIRouter, Response

from qujat.decision import Decision
from qujat.errors import FieldError
from qujat.fields import FieldSpec, ground_lists
from qujat.languages import LANGUAGES, Language
from qujat.server.desk import drafts, drawing, judging, questions, sheets, typed
from qujat.server.desk.access import Confirmed, OfficeRoute, Turned, Visit, Visiting, redirect
from qujat.server.desk.drafts import Draft
from qujat.server.desk.drawing import Typed
from qujat.server.desk.questions import Asking, Question
from qujat.server.desk.standing import Standing, described, standing
from qujat.server.desk.words import fault, words
from qujat.texts import parse_day

router = APIRouter(include_in_schema=False, route_class=OfficeRoute)

_MOST_PICTURED = 24  # drafts whose pictures are remembered


@dataclass(frozen=True)
class Desk:
    """One draft with its form on its day, and what it would become."""

    visit: Visit
    draft: Draft
    standing: Standing

    @property
    def kept(self) -> dict[str, Any]:
        return dict(self.draft.contents)

    @property
    def languages(self) -> list[Language]:
        return [language for language in LANGUAGES if language in self.kept["languages"]]

    @property
    def specs(self) -> dict[str, FieldSpec]:
        return self.standing.specs(self.languages)

    @cached_property
    def raw(self) -> dict[str, Any]:
        """The decision as it would be sent."""
        attempt = self.kept.get("attempt", 0)
        name = f"desk-{self.draft.id}" + (f"-{attempt}" if attempt else "")
        return typed.decision_of(
            self.kept, self.specs, id=name, form=self.standing.form.annex, authority=self.visit.clerk.authority
        )

    @cached_property
    def judged(self) -> tuple[Decision | None, list[FieldError]]:
        """The decision, if nothing is wrong with it; and everything that is."""
        return judging.judged(self.raw, self.standing, self.visit.office)

    def with_contents(self, kept: dict[str, Any]) -> Desk:
        """The same with other contents, which are kept."""
        draft = drafts.keep(self.visit.store, self.draft, kept)
        return opened(self.visit, draft)

    def typed(self) -> Typed:
        """What can be printed of it."""
        raw, (_, errors) = self.raw, self.judged
        paths = {error.path for error in errors if error.code not in judging.SHOWN_THOUGH_WRONG}
        names = {at: text for at, text in raw["authority"]["name"].items() if f"/authority/name/{at}" not in paths}
        official = raw["official"]
        places = {at: text for at, text in official["position"].items() if f"/official/position/{at}" not in paths}
        name = "" if "/official/full_name" in paths else official.get("full_name", "")
        fields = judging.printable(raw, errors)
        return Typed(self.draft.form, self.standing.day, tuple(self.languages), names, name, places, fields)


def opened(visit: Visit, draft: Draft) -> Desk:
    """A draft with its form as it stands on its day."""
    form = visit.form(draft.form)
    day = parse_day(draft.contents["day"]) or visit.today
    return Desk(visit, draft, standing(visit.office.forms, form, day))


def desk_of(visit: Visit, draft: str) -> Desk:
    """A draft of this clerk; any other is not there."""
    found = drafts.find(visit.store, visit.clerk, draft)
    if found is None:
        raise Turned(404, "no_draft")
    return opened(visit, found)


@router.post("/office/drafts")
def begin(visit: Visiting, form: Confirmed) -> Response:
    """A new draft of a form, on a day; it begins with what is known of the authority."""
    chosen = visit.form(str(form.get("form", "")))
    day = parse_day(form.get("day")) or visit.today
    stands = standing(visit.office.forms, chosen, day)
    if not stands.can_be_issued:
        raise Turned(409, "not_in_force")
    draft = drafts.begin(visit.store, visit.clerk, chosen.annex, _beginning(visit, stands))
    return redirect(visit, f"/office/drafts/{draft.id}")


def _beginning(visit: Visit, stands: Standing) -> dict[str, Any]:
    known = drafts.letterhead(visit.store, visit.clerk.authority)
    empty = {"iin": "", "full_name": "", "position": {}}
    before = {"prepared_by": known.get("prepared_by", empty)} if "official" in stands.form.signers else {}
    return {
        "day": stands.day.isoformat(),
        "languages": list(stands.wordings),
        "number": "",
        "authority": known.get("authority", {"name": {}}),
        "official": known.get("official", empty),
        **before,
        "fields": {},
    }


@router.get("/office/drafts/{draft}")
def show(visit: Visiting, draft: str, checked: str = "") -> Response:
    """The page that asks what the form asks for. `checked`: and says what is wrong with what was typed."""
    desk = desk_of(visit, draft)
    return page(desk, desk.judged[1] if checked else [])


def page(desk: Desk, errors: Sequence[FieldError], status: int = 200) -> Response:
    """The draft as a page to fill in; with what is wrong beside the fields and in a summary that leads there."""
    visit, asking = desk.visit, _asking(desk, errors)
    asked = questions.questions(desk.specs, desk.kept["fields"], asking)
    framed = _frame(desk, asking)
    return visit.page(
        "draft.html.j2",
        status=status,
        part="forms",
        desk=desk,
        asked=asked,
        framed=framed,
        faults=questions.summary([*asked, *framed.values()], errors, asking),
        stands=[_stand_words(desk, language) for language in LANGUAGES],
        no_language=asking.wrong("/languages"),
        no_day=asking.wrong("/day"),
    )


def _asking(desk: Desk, errors: Sequence[FieldError]) -> Asking:
    visit, day = desk.visit, desk.standing.day
    texts = {name: visit.office.forms.ground_texts(name, day, visit.tongue) for name in ground_lists(desk.specs)}
    return Asking(visit.tongue, desk.languages, texts, errors)


def _frame(desk: Desk, asking: Asking) -> dict[str, Question]:
    """The questions around the form: whose decision it is, who signs it, its number."""
    said, kept = words(desk.visit.tongue)["form"], desk.kept
    found = {
        "number": questions.line("/number", said["number"], kept["number"], asking, hint="number"),
        "name": questions.tongues("/authority/name", said["authority"], kept["authority"]["name"], asking),
    }
    for who in ("official", "prepared_by"):
        if who in kept:
            official = kept[who]
            found |= {
                f"{who}.full_name": questions.line(
                    f"/{who}/full_name", said[f"{who}_name"], official["full_name"], asking, type="name"
                ),
                f"{who}.iin": questions.line(f"/{who}/iin", said["iin"], official["iin"], asking, type="iin"),
                f"{who}.position": questions.tongues(
                    f"/{who}/position", said["position"], official["position"], asking
                ),
            }
    return found


def _stand_words(desk: Desk, language: Language) -> dict[str, Any]:
    said = described(desk.standing.form, desk.standing.stands[language], desk.visit.tongue)
    return {**said, "chosen": language in desk.languages}


@router.post("/office/drafts/{draft}")
def send(visit: Visiting, form: Confirmed, draft: str) -> Response:
    """Keep what was typed, and do what the button said."""
    before = desk_of(visit, draft)
    deed, _, where = str(form.get("do", "save")).partition(" ")
    desk = before.with_contents(typed.contents(before.specs, form, before.kept))
    match deed:
        case "sign":
            return _to_sign(desk)
        case "day":
            return redirect(visit, _on_day(desk, parse_day(form.get("/day"))))
        case "add" | "remove":
            return redirect(visit, _counted(desk, deed, where))
        case "discard":
            drafts.discard(visit.store, desk.draft)
            return redirect(visit, "/office")
        case _:
            return redirect(visit, f"/office/drafts/{draft}")


def _to_sign(desk: Desk) -> Response:
    desk = desk.with_contents(typed.without_empty(desk.kept, desk.specs))
    return redirect(desk.visit, checked(desk) if desk.judged[1] else f"/office/drafts/{desk.draft.id}/sign")


def checked(desk: Desk) -> str:
    """The address at which the draft is shown with its faults: to be reloaded, and to be come back to."""
    return f"/office/drafts/{desk.draft.id}?checked=1"


def _on_day(desk: Desk, day: date | None) -> str:
    """The draft on another day: its edition and its languages may be others."""
    if day is not None:
        stands = standing(desk.visit.office.forms, desk.standing.form, day)
        # What was chosen stays chosen where it can; a language that came back with the day is chosen again.
        desk.with_contents({**desk.kept, "day": day.isoformat(), "languages": list(stands.wordings)})
    return f"/office/drafts/{desk.draft.id}"


def _counted(desk: Desk, deed: Literal["add", "remove"] | str, where: str) -> str:
    """One entry more, or one less; and where to look then."""
    parts = where.split("/")
    name = parts[2] if len(parts) > 2 else ""
    if deed == "add":
        changed = typed.with_entry(desk.kept, desk.specs, name)
    else:
        index = parts[3] if len(parts) > 3 else ""
        changed = typed.without_entry(desk.kept, name, int(index) if index.isdigit() else -1)
    desk.with_contents(changed)
    return f"/office/drafts/{desk.draft.id}" + (f"#/fields/{name}" if name in desk.specs else "")


@router.post("/office/drafts/{draft}/kept")
def keep(visit: Visiting, form: Confirmed, draft: str) -> Response:
    """For the script: keep what is typed, say what is wrong already, and how the page looks now."""
    before = desk_of(visit, draft)
    desk = before.with_contents(typed.contents(before.specs, form, before.kept))
    _, errors = desk.judged
    shown = [error for error in errors if error.code not in judging.NOT_YET]
    language = _shown_language(desk, str(form.get("shown", "")))
    pictures = _pictures(desk, language) if language else ()
    base = f"/office/drafts/{draft}/preview/{language}"
    told = {
        "errors": [{"path": error.path, "text": fault(error, visit.tongue)} for error in shown],
        "left": len(errors),
        "pages": [f"{base}/{n}.png?of={_digest(picture)}" for n, picture in enumerate(pictures, 1)],
        "pdf": f"{base}.pdf",
    }
    return sheets.as_json(visit.request, told)


def _shown_language(desk: Desk, wanted: str) -> Language | None:
    languages = [language for language in desk.languages if language in desk.standing.wordings]
    return next((language for language in languages if language == wanted), languages[0] if languages else None)


@router.get("/office/drafts/{draft}/preview/{language}.pdf")
def preview(visit: Visiting, draft: str, language: Language) -> Response:
    """The draft as it will be, as a PDF that says on every page that it is a draft."""
    desk = desk_of(visit, draft)
    return sheets.file(visit.request, visit.work(drawing.pdf, desk.typed(), language), "application/pdf")


@router.get("/office/drafts/{draft}/preview/{language}/{number}.png")
def picture(visit: Visiting, draft: str, language: Language, number: int) -> Response:
    """One page of it."""
    found = _pictures(desk_of(visit, draft), language)
    if not 0 < number <= len(found):
        raise Turned(404, "not_found")
    return sheets.file(visit.request, found[number - 1], "image/png")


def _pictures(desk: Desk, language: Language) -> tuple[bytes, ...]:
    """The pages of the draft in a language: drawn once for what is typed."""
    shown = desk.typed()
    key = (desk.draft.id, language, _digest(dumps([repr(shown), shown.fields], sort_keys=True).encode()))
    state = desk.visit.request.app.state
    if not hasattr(state, "desk_pictures"):
        state.desk_pictures = OrderedDict()
    known: OrderedDict[Any, tuple[bytes, ...]] = state.desk_pictures
    if key not in known:
        known[key] = desk.visit.work(drawing.pictures, shown, language)
        if len(known) > _MOST_PICTURED:
            known.popitem(last=False)
    return known[key]


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]
