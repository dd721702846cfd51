"""qujat register upgrade, backup, check"""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime, timedelta

from qujat import settings as configuration
from qujat.commands import print_json

LEFTOVER = timedelta(days=1)


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
