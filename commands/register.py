"""qujat register seal, audit"""

from __future__ import annotations

from argparse import Namespace

from qujat import settings as configuration
from qujat.__main__ import CHECKED
from qujat.commands import print_json

FOLDER = "checkpoints"


def seal(options: Namespace) -> int:
    """qujat register seal"""
    from qujat.commands.documents import office
    from qujat.office import passphrase
    from qujat.sealing import seal as seal_register
    from qujat.signing.keys import open_register_key

    settings, desk = configuration.read(options.config), office(options)
    key = open_register_key(settings.key_folder, passphrase(settings))
    path, made = seal_register(desk.register, settings.root / FOLDER, key, at=desk.clock())
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
    findings = audit_register(office(options).register, settings.root / FOLDER, keys)
    values = [finding.value for finding in findings] or ["indeterminate"]
    worst = max(values, key=["valid", "indeterminate", "invalid"].index)
    if options.json:
        print_json({"verdict": worst, "findings": [finding.as_json() for finding in findings]})
    else:
        print(worst.upper() if findings else "INDETERMINATE  no checkpoints yet: run `qujat register seal`")
        for finding in findings:
            print(f"  {finding.name:<14}{finding.code:<28}{finding.detail}")
    return CHECKED[worst]
