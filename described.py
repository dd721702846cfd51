"""Forms, editions and wordings as plain objects for JSON: what `qujat forms` and the API show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from qujat.catalogue import Catalogue, Edition, Form, Wording
from qujat.errors import QujatError
from qujat.errors import as_json as error_json
from qujat.fields import ground_lists
from qujat.languages import LANGUAGES, Language
from qujat.schema import schema


def listed(catalogue: Catalogue, day: date | None = None) -> list[dict[str, Any]]:
    """Every form in the order of its annex, with its editions, and what is in force on `day`."""
    forms = sorted(catalogue.forms.values(), key=lambda form: _natural(form.annex))
    return [_with_states(_row(form), catalogue, form, day) for form in forms]


def _natural(annex: str) -> tuple[Any, ...]:
    order, _, number = annex.partition("-")
    return int(order[1:]), number[0], [int(part) for part in number[1:].split("-")]


def _row(form: Form) -> dict[str, Any]:
    return {
        "form": form.key,
        "annex": form.annex,
        "title": dict(form.title),
        "editions": [edition_json(edition) for edition in form.editions],
    }


def shown(catalogue: Catalogue, name: str, day: date | None = None) -> dict[str, Any]:
    """One form in full, and what is in force on `day`. Raises UnknownForm."""
    form = catalogue.form(name)
    described: dict[str, Any] = {
        "form": form.key,
        "annex": form.annex,
        "kind": form.kind,
        "basis": form.file.basis,
        "signers": list(form.signers),
        "title": dict(form.title),
        "fields": {name: {"type": spec.type, "label": dict(spec.label)} for name, spec in form.file.fields.items()},
        "editions": [edition_json(edition) for edition in form.editions],
        "notes": list(form.file.notes),
    }
    return _with_states(described, catalogue, form, day)


def _with_states(row: dict[str, Any], catalogue: Catalogue, form: Form, day: date | None) -> dict[str, Any]:
    """The row, and under "on" what is in force on the day in each language, or why nothing is."""
    if day is None:
        return row
    return {**row, "on": {language: _state(catalogue, form.key, day, language) for language in LANGUAGES}}


def _state(catalogue: Catalogue, form: str, day: date, language: Language) -> dict[str, Any]:
    try:
        return wording_json(catalogue.in_force(form, day, language))
    except QujatError as error:
        return {"error": error_json(error)}


def edition_json(edition: Edition) -> dict[str, Any]:
    """One edition: when, by which act, and in what state its wordings are."""
    described: dict[str, Any] = {
        "edition": edition.id,
        "in_force": _iso(edition.first.known),
        "until": _iso(edition.last),
        "act": edition.act.name,
        "wording": dict(edition.wording),
        "basis": edition.source,
        "notes": list(edition.notes),
    }
    if edition.first.known is None:
        described["in_force_between"] = [_iso(edition.first.earliest), _iso(edition.first.latest)]
    return described


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def wording_json(wording: Wording) -> dict[str, Any]:
    """The one wording in force on a day in a language."""
    described: dict[str, Any] = {
        "form": wording.form.key,
        "annex": wording.form.annex,
        "edition": wording.edition.id,
        "in_force": _iso(wording.first.known),
        "until": _iso(wording.last.known) if wording.last else None,
        "act": wording.edition.act.name,
        "language": wording.language,
        "wording": wording.status,
    }
    if wording.first.known is None:
        described["in_force_between"] = [_iso(wording.first.earliest), _iso(wording.first.latest)]
    if wording.last and wording.last.known is None:
        described["until_between"] = [_iso(wording.last.earliest), _iso(wording.last.latest)]
    if wording.text.id != wording.edition.id:
        described["text_of"] = wording.text.id
    return described


def schema_on(catalogue: Catalogue, name: str, day: date) -> dict[str, Any]:
    """JSON Schema of `fields` in a decision of `day`, in each language that is held then. Raises as `in_force` does."""
    held = _held(catalogue, name, day)
    form = catalogue.form(name)
    specs = {name: spec for wording in held.values() for name, spec in wording.fields.items()}
    texts = {}
    for key in ground_lists(specs):
        grounds, edition = catalogue.grounds_on(key, day)
        texts[key] = [" / ".join(pair) for pair in zip(*grounds.file.texts[edition.id].values(), strict=True)]
    edition_id = "/".join(dict.fromkeys(wording.text.id for wording in held.values()))
    return schema(form.title, f"{form.annex}:{edition_id}", specs, list(held), texts)


def _held(catalogue: Catalogue, name: str, day: date) -> Mapping[Language, Wording]:
    held: dict[Language, Wording] = {}
    refused: list[QujatError] = []
    for language in LANGUAGES:
        try:
            held[language] = catalogue.in_force(name, day, language)
        except QujatError as error:
            refused.append(error)
    if not held:
        raise refused[0]
    return held
