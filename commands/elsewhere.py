"""qujat prepare, complete"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qujat.commands import print_json, write
from qujat.commands.documents import issued_json, office, save
from qujat.errors import ConfigurationError

if TYPE_CHECKING:
    from qujat.handover import Prepared, ToSign

SIGNATURE = ".p7s"


def prepare(options: Namespace) -> int:
    """qujat prepare DECISION.json -o DIR"""
    from qujat.decision import parse
    from qujat.pipeline import prepare as prepare_decision

    try:
        text = options.decision.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{options.decision}: expected a decision in UTF-8 JSON: {error}") from error
    _hand_out(prepare_decision(parse(text), office(options, signing=True)), options)
    return 0


def complete(options: Namespace) -> int:
    """qujat complete TICKET --signature NAME=FILE… -o DIR"""
    from qujat.handover import Prepared
    from qujat.pipeline import complete as complete_ticket

    signatures = dict(_signatures(options))
    done = complete_ticket(_ticket(options.ticket), signatures, office(options, signing=True))
    if isinstance(done, Prepared):
        _hand_out(done, options)
        return 0
    row = issued_json(done, save(done, options.output))
    if options.json:
        print_json(row)
    else:
        print(f"№ {row['number']}")
        print("\n".join(f"  {path}" for path in row["files"]))
    return 0


def _hand_out(prepared: Prepared, options: Namespace) -> None:
    """Write what is to be signed, what is for reading, and the ticket."""
    folder = options.output
    for file in prepared.files:
        write(folder / _file(file), file.content)
    for name, content in prepared.reading.items():
        write(folder / "reading" / name, content)
    described = _described(prepared)
    write(folder / "ticket.json", json.dumps(described, ensure_ascii=False, indent=1).encode() + b"\n")
    if options.json:
        print_json({**described, "folder": str(folder)})
        return
    print(f"№ {prepared.number}, to be signed by the {prepared.signer} before {described['expires_at']}")
    for entry in described["files"]:
        print(f"  {folder / entry['file']}  →  {entry['name']}{SIGNATURE}")
    print(f"  ticket {prepared.ticket}")


def _described(prepared: Prepared) -> dict[str, Any]:
    """What a signing page or program must know; nothing personal."""
    return {
        "ticket": prepared.ticket,
        "number": prepared.number,
        "signer": prepared.signer,
        "expires_at": prepared.expires_at.isoformat(),
        "files": [
            {
                "name": file.name,
                "role": file.role,
                "language": file.language,
                "file": _file(file),
                "bytes": len(file.content),
                "sha256": file.sha256,
                "format": file.format,
            }
            for file in prepared.files
        ],
        "reading": [f"reading/{name}" for name in prepared.reading],
    }


def _file(file: ToSign) -> str:
    return f"{file.name}.bin" if file.role == "page" else f"{file.name}.xml"


def _ticket(given: str) -> str:
    """A ticket, or the one in a ticket.json."""
    if not given.endswith(".json"):
        return given
    try:
        return str(json.loads(Path(given).read_text(encoding="utf-8"))["ticket"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{given}: expected the ticket.json that `qujat prepare` wrote, came: {error}"
        ) from error


def _signatures(options: Namespace) -> Iterator[tuple[str, bytes]]:
    """By the name of their file: those of a folder, and before them those that are named."""
    if options.signatures and not options.signatures.is_dir():
        raise ConfigurationError(f"{options.signatures}: expected a folder of signatures (*{SIGNATURE})")
    paths = sorted(options.signatures.glob(f"*{SIGNATURE}")) if options.signatures else []
    named = [(path.name.removesuffix(SIGNATURE), path) for path in paths]
    for name, path in [*named, *options.signature]:
        try:
            yield name, path.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{path}: the signature cannot be read: {error.strerror}") from error
