"""qujat forms …, qujat blank"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qujat import settings as configuration
from qujat.commands import print_json, write

if TYPE_CHECKING:
    from qujat.catalogue import Catalogue


def _catalogue(options: Namespace) -> Catalogue:
    from qujat.catalogue import load

    settings = configuration.read(options.config)
    return load(settings.published, settings.wording.not_held)


def forms_list(options: Namespace) -> int:
    """qujat forms list"""
    from qujat.described import listed

    rows = listed(_catalogue(options), options.on)
    if options.json:
        print_json(rows)
        return 0
    for row in rows:
        print(f"{row['annex']:<10} {row['form']}\n{'':<10} {row['title']['ru']}")
        lines = row["on"].items() if options.on else [(e["edition"], e) for e in row["editions"]]
        for name, state in lines:
            print(f"{'':<12}{name:<24}{_line(state)}")
    return 0


def _line(state: Mapping[str, Any]) -> str:
    if "error" in state:
        return f"{state['error']['code']}"
    wording = state["wording"]
    words = wording if isinstance(wording, str) else ", ".join(f"{k}: {v}" for k, v in wording.items())
    first = state["in_force"] or " … ".join(str(day or "?") for day in state.get("in_force_between", []))
    return f"{first} – {state['until'] or ''}  {state['act']}  {words}"


def forms_show(options: Namespace) -> int:
    """qujat forms show FORM"""
    from qujat.described import shown

    described = shown(_catalogue(options), options.form, options.on)
    if options.json:
        print_json(described)
        return 0
    title = described["title"]
    print(f"{described['annex']}  {described['form']}  ({described['kind']}; {described['basis']})")
    print(f"  {title['kk']}\n  {title['ru']}\n")
    for name, spec in described["fields"].items():
        print(f"  {name:<24}{spec['type']:<10}{spec['label']['kk']} / {spec['label']['ru']}")
    print()
    states = described["on"].items() if options.on else [(e["edition"], e) for e in described["editions"]]
    for name, state in states:
        print(f"  {name:<24}{_line(state)}")
    return 0


def forms_resolve(options: Namespace) -> int:
    """qujat forms resolve FORM --on DAY --language kk|ru"""
    from qujat.described import wording_json

    described = wording_json(_catalogue(options).in_force(options.form, options.on, options.language))
    if options.json:
        print_json(described)
    else:
        print("\n".join(f"{key:<12}{value if value is not None else '–'}" for key, value in described.items()))
    return 0


def forms_schema(options: Namespace) -> int:
    """qujat forms schema FORM --on DAY: for a decision in every language that is held on the day"""
    from qujat.described import schema_on

    print_json(schema_on(_catalogue(options), options.form, options.on))
    return 0


def blank(options: Namespace) -> int:
    """qujat blank FORM --on DAY --language kk|ru -o FILE.pdf"""
    from qujat import pages, rendering
    from qujat.described import wording_json

    catalogue = _catalogue(options)
    wording = catalogue.in_force(options.form, options.on, options.language)
    write(options.output, rendering.pdf(pages.blank(catalogue, wording)))
    if options.json:
        print_json({**wording_json(wording), "file": str(options.output)})
    else:
        print(options.output)
    return 0
