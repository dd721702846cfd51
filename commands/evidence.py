"""qujat evidence status, renew"""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from qujat.__main__ import exit_code
from qujat.commands import error_json, print_json
from qujat.commands.documents import office
from qujat.errors import ConfigurationError, QujatError, StoreError

if TYPE_CHECKING:
    from qujat.office import Office
    from qujat.renewing import Lasting


def status(options: Namespace) -> int:
    """qujat evidence status [--months N] [--anew]"""
    from qujat.renewing import status as evidence_status

    rows = [_row(found) for found in evidence_status(office(options), months=options.months, anew=options.anew)]
    if options.json:
        print_json(rows)
    elif not rows:
        print(f"no evidence lapses within {options.months} months")
    for row in () if options.json else rows:
        print(_line(row))
    return 0


def renew(options: Namespace) -> int:
    """qujat evidence renew NUMBER… or --due. Every document is tried; the exit code is that of the first failure."""
    from qujat.renewing import status as evidence_status

    if bool(options.numbers) == options.due:
        raise ConfigurationError("expected the numbers of documents, or --due for all whose evidence lapses soon")
    desk = office(options, signing=True)
    if options.due:
        found = [(row.number, row.authority) for row in evidence_status(desk, months=options.months)]
    else:
        found = [(number, options.authority) for number in options.numbers]
    rows = [_renew_one(number, desk, authority) for number, authority in dict.fromkeys(found)]
    failures = [row.pop("exit") for row in rows if "exit" in row]
    if options.json:
        print_json(rows)
    else:
        for row in rows:
            _print_renewed(row)
    return int(failures[0]) if failures else 0


def _renew_one(number: str, desk: Office, authority: str | None) -> dict[str, Any]:
    from qujat.renewing import renew as renew_document

    try:
        renewed = renew_document(number, desk, authority=authority)
    except StoreError:
        raise
    except QujatError as error:
        return {"number": number, "error": error_json(error), "exit": exit_code(error)}
    return {"number": number, "files": [_row(file) for file in renewed.files]}


def _row(found: Lasting) -> dict[str, Any]:
    return {
        "number": found.number,
        "file": found.name,
        "level": found.level,
        "lapses": found.lapses.isoformat(timespec="seconds") if found.lapses else None,
        "what": found.what,
        "state": found.state,
    }


def _line(row: dict[str, Any]) -> str:
    return f"{row['file']:<30}{row['level']:<7}{row['state']:<11}{row['lapses'] or '':<27}{row['what']}"


def _print_renewed(row: dict[str, Any]) -> None:
    if "error" in row:
        print(f"№ {row['number']}: {row['error']['code']}\n{row['error']['message']}\n")
        return
    print(f"№ {row['number']}")
    for file in row["files"]:
        print(f"  {_line(file)}")
