"""The foot of every page: number, edition or basis, and what must be said of the wording."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from qujat.catalogue import Catalogue, Edition, Form, Wording
from qujat.languages import Language
from qujat.rendering import TEMPLATES
from qujat.words import dated, day_in_figures


@cache
def paper_words() -> Mapping[Language, Mapping[str, str]]:
    """The paper's own words (not the law's)."""
    words: dict[Language, dict[str, str]] = {}
    words.update(tomllib.loads((TEMPLATES / "paper" / "v1" / "words.toml").read_text(encoding="utf-8")))  # type: ignore[arg-type]
    return words


def of_document(catalogue: Catalogue, form: Form, data: Mapping[str, Any], languages: Sequence[Language]) -> list[str]:
    """The lines at the foot of a document whose page stands in `languages`."""
    day = day_in_figures(date.fromisoformat(data["day"]))
    lines = [paper_words()[languages[0]]["number"].format(number=data["number"], day=day, form=form.annex)]
    for language in languages:
        state = data["editions"][language]
        edition, text = form.edition(state["edition"]), form.edition(state["text"])
        lines.append(_edition_line(catalogue, form, edition, language))
        lines += _status_lines(state["wording"], edition, text, language)
        if text.wording[language] == "house" and _translates_grounds(catalogue, form, data, language):
            lines.append(paper_words()[language]["grounds_translation"])
        lines += [data["phrase"][language]] if "phrase" in data else []
    return lines


def of_empty_form(catalogue: Catalogue, wording: Wording, languages: Sequence[Language]) -> list[str]:
    """The lines at the foot of an empty form."""
    lines = [_edition_line(catalogue, wording.form, wording.edition, language) for language in languages]
    lines.append(" / ".join(paper_words()[language]["blank"] for language in languages))
    for language in languages:
        lines += _status_lines(wording.status, wording.edition, wording.text, language)
    return lines


def _translates_grounds(catalogue: Catalogue, form: Form, data: Mapping[str, Any], language: Language) -> bool:
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
