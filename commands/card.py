"""qujat card build, check"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from qujat.__main__ import CHECKED
from qujat.commands import print_json, write
from qujat.commands.documents import office
from qujat.errors import ConfigurationError

if TYPE_CHECKING:
    from qujat.verdicts import Verdict


def build(options: Namespace) -> int:
    """qujat card build NUMBER -o DIR"""
    from qujat.card.building import build as build_card

    card = build_card(options.number, office(options), authority=options.authority)
    path = options.output / card.name
    write(path, card.content)
    if options.json:
        print_json({"number": options.number, "file": str(path), "bytes": len(card.content)})
    else:
        print(path)
    return 0


def check(options: Namespace) -> int:
    """qujat card check FILE [--at MOMENT]"""
    from qujat.card.checking import check as check_card

    verdict = check_card(_read(options.file), office(options), at=options.at)
    if options.json:
        print_json(verdict.as_json())
    else:
        _print(verdict)
    return CHECKED[verdict.value]


def _read(path: Path) -> bytes:
    """At most one byte more than a card may have, so that a huge file is refused and not held."""
    from qujat.card.container import MAX_FILE

    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error


def _print(verdict: Verdict) -> None:
    described = verdict.as_json()
    print(f"{verdict.value.upper()}  {verdict.code}\n  {described['kk']}\n  {described['ru']}")
    if verdict.stand_in:
        print("  ДЕМО – не ЭЦП: the signatures rest on stand-in keys")
    files = [verdict.document[name] for name in ("original",) if name in verdict.document]
    for file in [*files, *verdict.document.get("signatures", [])]:
        print(f"  {file['name']:<32}{file['bytes']:>9} bytes  {file.get('signed_at', '')}")
        if "signer" in file:
            print(f"    {file['signer']}, {file['organisation']}")
    for answer in verdict.checks:
        print(f"  {answer.name:<14}{answer.value:<15}{answer.code:<27}{answer.detail}")
    print(f"  as of {described['at']}")
