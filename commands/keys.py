"""qujat keys …, qujat demo"""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qujat import settings as configuration
from qujat.__main__ import CHECKED
from qujat.commands import print_json, write
from qujat.commands.documents import issue_one, print_issued
from qujat.commands.documents import office as open_office

if TYPE_CHECKING:
    from qujat.office import Office
    from qujat.signing.mark_keys import MarkKey
    from qujat.signing.trust import Trust
    from qujat.verdicts import Verdict

DEMO = Path(__file__).parent.parent / "fixtures" / "decisions" / "o20-a05.json"


def keys_init(options: Namespace) -> int:
    """qujat keys init: the stand-in and the mark's key; the mark's key alone where another signs."""
    from qujat.office import open_trust

    settings = configuration.read(options.config)
    if settings.signer.kind != "stand-in":
        open_trust(settings)  # a configuration that is not whole makes no keys
    _make_keys(settings, _person(options))
    return keys_show(options)


def _make_keys(settings: configuration.Settings, person: Any) -> None:
    from qujat.office import make_passphrase, now, passphrase_given
    from qujat.signing.keys import create_mark_key, create_stand_in

    secret = passphrase_given(settings) or make_passphrase(settings.passphrase_path)
    if settings.signer.kind == "stand-in":
        create_stand_in(settings.key_folder, secret, person, now=now())
    else:
        create_mark_key(settings.key_folder, secret, now=now())


def _person(options: Namespace) -> Any:
    """The head named by the options; whoever is not named is the invented head of the demonstration."""
    from qujat.decision import parse
    from qujat.signing.keys import Person

    decision = parse(DEMO.read_text(encoding="utf-8"))
    return Person(
        iin=options.iin or decision.official.iin,
        full_name=options.name or decision.official.full_name,
        bin=options.bin or decision.authority.bin,
        organisation=options.organisation or decision.authority.name["kk"],
    )


def keys_rotate(options: Namespace) -> int:
    """qujat keys rotate mark|register|head|tsa|passphrase"""
    from qujat.office import now, passphrase
    from qujat.signing import rotation

    settings = configuration.read(options.config)
    folder, secret = settings.key_folder, passphrase(settings)
    match options.what:
        case "mark":
            rotation.rotate_mark(folder, secret, at=now(), compromised=options.compromised)
        case "register":
            rotation.rotate_register(folder, secret, at=now(), compromised=options.compromised)
        case "head":
            rotation.rotate_head(folder, secret, _person(options), at=now())
        case "tsa":
            rotation.rotate_tsa(folder, secret, at=now())
        case _:
            _rotate_passphrase(settings, secret)
    return keys_show(options)


def _rotate_passphrase(settings: configuration.Settings, old: bytes) -> None:
    """A new random passphrase: beside the old one until every key is encrypted with it, then in its place."""
    from qujat.errors import ConfigurationError
    from qujat.office import make_passphrase
    from qujat.signing import rotation

    path = settings.passphrase_path
    if not path.is_file() or os.environ.get("QUJAT_PASSPHRASE"):
        raise ConfigurationError(
            f"expected the passphrase in {path}, came one from elsewhere;"
            " put it into the file for the time of the change"
        )
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    rotation.change_passphrase(settings.key_folder, old, make_passphrase(fresh))
    fresh.replace(path)


def keys_show(options: Namespace) -> int:
    """qujat keys show"""
    from qujat.office import open_trust
    from qujat.signing.keys import open_mark_keys

    settings = configuration.read(options.config)
    trust = open_trust(settings)
    described = {
        "folder": str(settings.key_folder),
        "kind": settings.signer.kind,
        "trust": "stand-in" if trust.stand_in else "production",
        **_signer(settings, trust),
        "lists_until": _lists_until(trust),
        "mark_keys": [_mark_key(key) for key in open_mark_keys(settings.key_folder).values()],
        "register_keys": _register_keys(settings),
    }
    if options.json:
        print_json(described)
    else:
        print("\n".join(f"{key:<14}{value}" for key, value in described.items()))
    return 0


def _register_keys(settings: configuration.Settings) -> list[str]:
    """None in an installation of before."""
    from qujat.signing.mark_keys import REGISTER_FILE, open_register_keys

    if not (settings.key_folder / REGISTER_FILE).exists():
        return []
    return [_mark_key(key) for key in open_register_keys(settings.key_folder).values()]


def _mark_key(key: MarkKey) -> str:
    """The kid with the interval in which the key signs, and what befell it."""
    ended = f" until {key.retired_at.isoformat()}" if key.retired_at else ""
    leaked = f", compromised {key.compromised_at.isoformat()}" if key.compromised_at else ""
    return f"{key.kid.hex()} from {key.valid_from.isoformat()}{ended}{leaked}"


def _signer(settings: configuration.Settings, trust: Trust) -> dict[str, str]:
    """Who signs here; nothing where documents are signed elsewhere. A file or a token is opened for it."""
    from qujat.office import open_signer
    from qujat.signing.keys import head_certificate

    if settings.signer.kind == "elsewhere":
        return {}
    signer = open_signer(settings, trust)
    certificate = signer.certificate if signer else head_certificate(settings.key_folder)
    return {
        "signer": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "valid_from": certificate.not_valid_before_utc.isoformat(),
        "valid_until": certificate.not_valid_after_utc.isoformat(),
    }


def _lists_until(trust: Trust) -> str:
    """Until when the newest list of every authority speaks."""
    newest = {crl.issuer: crl for crl in sorted(trust.crls, key=lambda crl: crl.last_update_utc)}
    ends = [crl.next_update_utc for crl in newest.values() if crl.next_update_utc]
    return min(ends).isoformat() if ends else ""


def keys_publish(options: Namespace) -> int:
    """qujat keys publish"""
    from qujat.office import now, passphrase
    from qujat.signing.keys import publish

    settings = configuration.read(options.config)
    publish(settings.key_folder, passphrase(settings), at=now())
    return keys_show(options)


def keys_serve(options: Namespace) -> int:
    """qujat keys serve: until it is told to stop (SIGTERM, Ctrl-C)"""
    import signal
    import threading

    from qujat.office import passphrase
    from qujat.signing.keys import open_keys, services
    from qujat.signing.services import serve

    settings = configuration.read(options.config)
    ring = open_keys(settings.key_folder, passphrase(settings))
    served = services(settings.key_folder, ring)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with serve(served, options.port) as url:
        addresses = [url.rstrip("/") + path for path in served]
        print(json.dumps(addresses) if options.json else "\n".join(addresses), flush=True)
        stop.wait()
    return 0


def make_stand_in(settings: configuration.Settings) -> None:
    """Keys of the invented head of the demonstration."""
    _make_keys(settings, _person(Namespace(iin=None, name=None, bin=None, organisation=None)))


def demo(options: Namespace) -> int:
    """qujat demo: keys if there are none, one refusal in both languages, checked and rendered again."""
    from qujat import qr

    settings = configuration.read(options.config)
    if not settings.key_folder.exists():
        make_stand_in(settings)
    office, folder = open_office(options, signing=True), settings.root / "demo"
    row = issue_one(str(DEMO.name), DEMO.read_text(encoding="utf-8"), office, folder)
    if "error" in row:
        print_issued(row)
        return int(row["exit"])
    verdicts, again = _demo_checks(row, office, folder)
    if options.json:
        print_json({**row, "checks": {path: verdict.value for path, verdict in verdicts.items()}, "rerendered": again})
    else:
        print_issued(row)
        print(qr.terminal(row["mark"]))
        for path, verdict in verdicts.items():
            print(f"checked      {verdict.value:<14}{path}")
        print("\n".join(f"rendered     {outcome:<14}{path}" for path, outcome in again.items()))
    return max(CHECKED[verdict.value] for verdict in verdicts.values())


def _demo_checks(row: Mapping[str, Any], office: Office, folder: Path) -> tuple[dict[str, Verdict], dict[str, str]]:
    from qujat.pipeline import check as check_document
    from qujat.pipeline import rerender as rerender_document

    checked = [file for file in row["files"] if file.endswith((".pdf", ".xml"))]
    verdicts = {file: check_document(Path(file), office) for file in checked}
    again: dict[str, str] = {}
    for page in rerender_document(row["number"], office).pages:
        write(folder / page.name, page.content)
        again[str(folder / page.name)] = page.outcome
    return verdicts, again
