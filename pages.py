"""From the data of a document to the sheet that rendering draws: the page of one language, or an empty form."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from typing import Any

from qujat.catalogue import Catalogue, Edition, Form, Wording
from qujat.languages import Language
from qujat.rendering import TEMPLATES, Attachment, Sheet
from qujat.slots import DaySlot, Slot
from qujat.views import Person, fields_view
from qujat.words import dated, day_in_figures, day_in_words

# Kazakhstan has had one time zone since 01.03.2024; the time of a page is a convention, its day is the decision's.
ALMATY = timezone(timedelta(hours=5))

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """The mark as it stands on paper: the QR, the code for typing by hand, the address to type it at."""

    png: bytes
    code: str
    address: str


@cache
def paper_words() -> Mapping[Language, Mapping[str, str]]:
    """The paper's own words (not the law's)."""
    words: dict[Language, dict[str, str]] = {}
    words.update(tomllib.loads((TEMPLATES / "paper" / "v1" / "words.toml").read_text(encoding="utf-8")))  # type: ignore[arg-type]
    return words


def page(
    catalogue: Catalogue,
    data: Data,
    language: Language,
    mark: DrawnMark,
    attachments: Sequence[Attachment] = (),
    *,
    copy: bool = False,
) -> Sheet:
    """The sheet of a document in one language. `copy` prints «көшірме / копия» on it."""
    form = catalogue.form(data["form"])
    text = form.edition(data["editions"][language]["text"])
    words = paper_words()[language]
    day = date.fromisoformat(data["day"])
    texts = {name: catalogue.grounds[name].file.texts[edition][language] for name, edition in data["grounds"].items()}
    context = {
        **_frame(form, language, day),
        "f": fields_view(form.fields(text.id), data["fields"], language, texts),
        "number": Slot(data["number"]),
        "day": DaySlot(day, language),
        "authority": Slot(data["authority"]["name"][language]),
        "official": Person(Slot(data["official"]["full_name"]), Slot(data["official"]["position"][language])),
        "seal": _seal(data, language, mark),
        "copy": words["copy"] if copy else None,
        "foot": _foot(catalogue, form, data, language),
    }
    return Sheet(_template(form, text, language), context, _moment(day), mark.png, tuple(attachments))


def blank(catalogue: Catalogue, wording: Wording) -> Sheet:
    """The sheet of an empty form for filling by hand: no number, no mark, no signature."""
    words = paper_words()[wording.language]
    first = wording.first.known or wording.first.earliest
    texts: Mapping[str, Sequence[str]] = dict.fromkeys(catalogue.grounds, ())
    foot = [_edition_line(catalogue, wording.form, wording.edition, wording.language), words["blank"]]
    context = {
        **_frame(wording.form, wording.language, first),
        "f": fields_view(wording.fields, None, wording.language, texts),
        "number": Slot(None, "s"),
        "day": DaySlot(None, wording.language, given=False),
        "authority": Slot(None, "l"),
        "official": Person(Slot(None, "l"), Slot(None, "l")),
        "seal": None,
        "copy": None,
        "foot": foot + _status_lines(wording.status, wording.edition, wording.text, wording.language),
    }
    return Sheet(wording.template, context, _moment(first))


def _template(form: Form, text: Edition, language: Language) -> str:
    return f"{form.key}/{text.id}/{language}.html.j2"


def _frame(form: Form, language: Language, day: date) -> dict[str, Any]:
    return {"language": language, "title": form.title[language], "created": _moment(day).isoformat()}


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), ALMATY)


def _seal(data: Data, language: Language, mark: DrawnMark) -> dict[str, Any]:
    words = paper_words()[language]
    return {
        "signed": words["signed"],
        "official": data["official"]["full_name"],
        "position": data["official"]["position"][language],
        "organisation": data["authority"]["name"][language],
        "day": day_in_words(date.fromisoformat(data["day"]), language),
        "stand_in": words["stand_in"] if data["stand_in"] else None,
        "alt": words["qr"],
        "code": mark.code,
        "address": mark.address,
        "how": words["how"],
    }


def _foot(catalogue: Catalogue, form: Form, data: Data, language: Language) -> list[str]:
    state = data["editions"][language]
    edition, text = form.edition(state["edition"]), form.edition(state["text"])
    day = day_in_figures(date.fromisoformat(data["day"]))
    lines = [
        paper_words()[language]["number"].format(number=data["number"], day=day, form=form.annex),
        _edition_line(catalogue, form, edition, language),
    ]
    lines += _status_lines(state["wording"], edition, text, language)
    if text.wording[language] == "house" and _translates_grounds(catalogue, form, data, language):
        lines.append(paper_words()[language]["grounds_translation"])
    return lines


def _translates_grounds(catalogue: Catalogue, form: Form, data: Data, language: Language) -> bool:
    """True if grounds are printed, and in a working translation."""
    printed = {spec.list_key for name, spec in form.file.fields.items() if data["fields"].get(name)}
    lists = ((catalogue.grounds[name].editions, data["grounds"][name]) for name in printed & data["grounds"].keys())
    return any(e.wording[language] == "translation" for editions, edition in lists for e in editions if e.id == edition)


def _edition_line(catalogue: Catalogue, form: Form, edition: Edition, language: Language) -> str:
    """What the form rests on: the annex of the order, or the point of the rules that asks for a house form."""
    order, house = catalogue.orders[form.file.order], form.file.house
    kind = "edition" if house is None else "house_in_place_of" if house.in_place_of else "house"
    return paper_words()[language][kind].format(
        annex=form.file.number,
        annexes=", ".join(catalogue.form(annex).file.number for annex in house.in_place_of) if house else "",
        basis=house.basis[language] if house else "",
        order=order.number,
        order_day=dated(order.day, language),
        act=edition.act.number,
        act_day=dated(edition.act.day, language),
    )


def _status_lines(status: str, edition: Edition, text: Edition, language: Language) -> list[str]:
    """What the foot must say of the wording: a working translation, or a wording that is not the one in force."""
    words = paper_words()[language]
    lines = []
    if status == "last-held":
        lines.append(words["last_held"].format(act=edition.act.number, act_day=dated(edition.act.day, language)))
    if text.wording[language] == "translation":
        lines.append(words["translation"])
    return lines
