"""qujat forms …, qujat blank"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from qujat import settings as configuration
from qujat.commands import error_json, print_json, write
from qujat.errors import QujatError

if TYPE_CHECKING:
    from qujat.catalogue import Catalogue, Edition, Wording


def _catalogue(options: Namespace) -> Catalogue:
    from qujat.catalogue import load

    settings = configuration.read(options.config)
    return load(settings.published, settings.wording.not_held)


def forms_list(options: Namespace) -> int:
    """qujat forms list"""
    catalogue = _catalogue(options)
    rows: list[dict[str, Any]] = []
    for form in sorted(catalogue.forms.values(), key=lambda form: _natural(form.annex)):
        editions = [_edition_json(edition) for edition in form.editions]
        rows.append({"form": form.key, "annex": form.annex, "title": dict(form.title), "editions": editions})
        if options.on:
            rows[-1] |= {"on": _states(catalogue, form.key, options.on)}
    if options.json:
        print_json(rows)
        return 0
    for row in rows:
        print(f"{row['annex']:<10} {row['form']}\n{'':<10} {row['title']['ru']}")
        lines = row["on"].items() if options.on else [(e["edition"], e) for e in row["editions"]]
        for name, state in lines:
            print(f"{'':<12}{name:<24}{_line(state)}")
    return 0


def _natural(annex: str) -> tuple[Any, ...]:
    order, _, number = annex.partition("-")
    return int(order[1:]), number[0], [int(part) for part in number[1:].split("-")]


def _line(state: Mapping[str, Any]) -> str:
    if "error" in state:
        return f"{state['error']['code']}"
    wording = state["wording"]
    words = wording if isinstance(wording, str) else ", ".join(f"{k}: {v}" for k, v in wording.items())
    first = state["in_force"] or " … ".join(str(day or "?") for day in state.get("in_force_between", []))
    return f"{first} – {state['until'] or ''}  {state['act']}  {words}"


def _states(catalogue: Catalogue, form: str, day: date) -> dict[str, Any]:
    return {language: _state(catalogue, form, day, language) for language in ("kk", "ru")}


def _state(catalogue: Catalogue, form: str, day: date, language: Any) -> dict[str, Any]:
    try:
        return _wording_json(catalogue.in_force(form, day, language))
    except QujatError as error:
        return {"error": error_json(error)}


def _edition_json(edition: Edition) -> dict[str, Any]:
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


def _wording_json(wording: Wording) -> dict[str, Any]:
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


def forms_show(options: Namespace) -> int:
    """qujat forms show FORM"""
    catalogue = _catalogue(options)
    form = catalogue.form(options.form)
    described: dict[str, Any] = {
        "form": form.key,
        "annex": form.annex,
        "kind": form.kind,
        "basis": form.file.basis,
        "signers": list(form.signers),
        "title": dict(form.title),
        "fields": {name: {"type": spec.type, "label": dict(spec.label)} for name, spec in form.file.fields.items()},
        "editions": [_edition_json(edition) for edition in form.editions],
        "notes": list(form.file.notes),
    }
    if options.on:
        described["on"] = _states(catalogue, form.key, options.on)
    if options.json:
        print_json(described)
        return 0
    print(f"{form.annex}  {form.key}  ({form.kind}; {form.file.basis})\n  {form.title['kk']}\n  {form.title['ru']}\n")
    for name, spec in form.file.fields.items():
        print(f"  {name:<24}{spec.type:<10}{spec.label['kk']} / {spec.label['ru']}")
    print()
    states = described["on"].items() if options.on else [(e["edition"], e) for e in described["editions"]]
    for name, state in states:
        print(f"  {name:<24}{_line(state)}")
    return 0


def forms_resolve(options: Namespace) -> int:
    """qujat forms resolve FORM --on DAY --language kk|ru"""
    described = _wording_json(_catalogue(options).in_force(options.form, options.on, options.language))
    if options.json:
        print_json(described)
    else:
        print("\n".join(f"{key:<12}{value if value is not None else '–'}" for key, value in described.items()))
    return 0


def forms_schema(options: Namespace) -> int:
    """qujat forms schema FORM --on DAY: for a decision in every language that is held on the day"""
    from qujat.languages import LANGUAGES
    from qujat.schema import schema

    catalogue = _catalogue(options)
    held, refused = {}, []
    for language in LANGUAGES:
        try:
            held[language] = catalogue.in_force(options.form, options.on, language)
        except QujatError as error:
            refused.append(error)
    if not held:
        raise refused[0]
    form = catalogue.form(options.form)
    specs = {name: spec for wording in held.values() for name, spec in wording.fields.items()}
    texts = {}
    for name in {spec.list_key for spec in specs.values() if spec.type == "grounds"}:
        grounds, edition = catalogue.grounds_on(name, options.on)
        texts[name] = [" / ".join(pair) for pair in zip(*grounds.file.texts[edition.id].values(), strict=True)]
    edition_id = "/".join(dict.fromkeys(wording.text.id for wording in held.values()))
    print_json(schema(form.title, f"{form.annex}:{edition_id}", specs, list(held), texts))
    return 0


def blank(options: Namespace) -> int:
    """qujat blank FORM --on DAY --language kk|ru -o FILE.pdf"""
    from qujat import pages, rendering

    catalogue = _catalogue(options)
    wording = catalogue.in_force(options.form, options.on, options.language)
    write(options.output, rendering.pdf(pages.blank(catalogue, wording)))
    if options.json:
        print_json({**_wording_json(wording), "file": str(options.output)})
    else:
        print(options.output)
    return 0
