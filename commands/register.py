"""qujat register upgrade, backup, check, seal, audit, numbers, skip"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from qujat import settings as configuration
from qujat.__main__ import CHECKED
from qujat.commands import print_json
from qujat.errors import FieldError, FieldErrors
from qujat.identifiers import bin_fault
from qujat.texts import faults

if TYPE_CHECKING:
    from qujat.entries import Numbering

_MOST = 1_000_000  # numbers of a year: more is a slip of the hand, which nobody could take back
LEFTOVER = timedelta(days=1)
CHECKPOINTS = "checkpoints"


def upgrade(options: Namespace) -> int:
    """qujat register upgrade: the schema of this version; and what killed writers left half written is taken away."""
    from qujat.registers import opening

    settings = configuration.read(options.config)
    settings.root.mkdir(parents=True, exist_ok=True)
    register = opening.open_register(settings.stores.register_at, settings.root)
    before, after = opening.upgrade(register)
    cleared = _cleared(settings)
    if options.json:
        print_json({"register": register.name, "before": before, "after": after, "cleared": cleared})
        return 0
    state = "is at" if before == after else f"came from schema {before or 'none'} to"
    print(f"{register.name}: {state} schema {after}")
    if cleared:
        print(f"{cleared} files that were left half written, taken away")
    return 0


def _cleared(settings: configuration.Settings) -> int:
    """How many leftovers were taken away; a bucket has none."""
    from qujat.blobs import Folder
    from qujat.office import open_blobs

    if not settings.stores.blobs.startswith("folder:"):
        return 0
    blobs = open_blobs(settings)
    return blobs.clear((datetime.now(UTC) - LEFTOVER).timestamp()) if isinstance(blobs, Folder) else 0


def backup(options: Namespace) -> int:
    """qujat register backup DIR: a register in SQLite and the documents of a folder; the keys are not in it."""
    from qujat.office import open_blobs, open_register
    from qujat.registers.backup import copy

    settings = configuration.read(options.config)
    made = copy(open_register(settings), open_blobs(settings), options.folder)
    if options.json:
        print_json({"register": str(made.register), "copied": made.blobs, "kept": made.kept})
    else:
        print(f"{made.register}\n{made.blobs} blobs copied, {made.kept} were there; the keys are not in it")
    return 0


def check(options: Namespace) -> int:
    """qujat register check: can every file of every issued document be read back as it was stored? Else exit code 6."""
    from qujat.office import open_blobs, open_register
    from qujat.registers.backup import lost

    settings = configuration.read(options.config)
    found = list(lost(open_register(settings), open_blobs(settings)))
    if options.json:
        print_json([{"number": each.number, "file": each.file, "code": each.code} for each in found])
    for each in () if options.json else found:
        print(f"№ {each.number}  {each.file}  {each.code}")
    if not found and not options.json:
        print("every file of every document is there, as it was stored")
    return 6 if found else 0


def seal(options: Namespace) -> int:
    """qujat register seal"""
    from qujat.commands.documents import office
    from qujat.office import passphrase
    from qujat.sealing import seal as seal_register
    from qujat.signing.keys import open_register_key

    settings, desk = configuration.read(options.config), office(options)
    key = open_register_key(settings.key_folder, passphrase(settings))
    path, made = seal_register(desk.register, settings.root / CHECKPOINTS, key, at=desk.clock())
    if options.json:
        print_json({"file": str(path), **made.model_dump(mode="json")})
    else:
        print(f"{path}\n  {made.entries} entries before {made.until.isoformat()}\n  head {made.head}")
    return 0


def audit(options: Namespace) -> int:
    """qujat register audit"""
    from qujat.commands.documents import office
    from qujat.sealing import audit as audit_register
    from qujat.signing.keys import open_register_keys

    settings = configuration.read(options.config)
    keys = open_register_keys(settings.key_folder)
    findings = audit_register(office(options).register, settings.root / CHECKPOINTS, keys)
    values = [finding.value for finding in findings] or ["indeterminate"]
    worst = max(values, key=["valid", "indeterminate", "invalid"].index)
    if options.json:
        print_json({"verdict": worst, "findings": [finding.as_json() for finding in findings]})
    else:
        print(worst.upper() if findings else "INDETERMINATE  no checkpoints yet: run `qujat register seal`")
        for finding in findings:
            print(f"  {finding.name:<14}{finding.code:<28}{finding.detail}")
    return CHECKED[worst]


def numbers(options: Namespace) -> int:
    """qujat register numbers"""
    from qujat.office import open_register

    found = open_register(configuration.read(options.config)).numberings()
    if options.json:
        print_json([_counted(each) for each in found])
    for each in () if options.json else found:
        _print_counted(each)
    return 0


def skip(options: Namespace) -> int:
    """qujat register skip: nobody gets a number up to this one any more; what was given stays."""
    from qujat.office import open_register

    wrong = list(_wrong_skip(options))
    if wrong:
        raise FieldErrors(wrong)
    register = open_register(configuration.read(options.config))
    after = register.skip(options.authority, options.year, options.to, options.reason, datetime.now(UTC))
    if options.json:
        print_json(_counted(after))
    else:
        _print_counted(after)
    return 0


def _wrong_skip(options: Namespace) -> Iterator[FieldError]:
    if fault := bin_fault(options.authority):
        yield FieldError("/authority", "bad-bin", f"not a BIN: {fault}")
    for name, value, least, most in (("year", options.year, 2000, 2100), ("to", options.to, 1, _MOST)):
        if not least <= value <= most:
            yield FieldError(f"/{name}", "out-of-range", f"expected {least} to {most}, came {value}")
    for code, message in faults(options.reason):
        yield FieldError("/reason", code, message)


def _counted(numbering: Numbering) -> dict[str, Any]:
    skips = [{**asdict(one), "at": one.at.isoformat()} for one in numbering.skips]
    return {"authority": numbering.authority, "year": numbering.year, "last": numbering.last, "skipped": skips}


def _print_counted(numbering: Numbering) -> None:
    print(f"{numbering.authority}  {numbering.year}  the next number is {numbering.last + 1}")
    for one in numbering.skips:
        print(f"  {one.first} to {one.last} left out on {one.at:%d.%m.%Y}: {one.reason}")
