"""Deployments on the disk, for tests that start processes of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from offices import Pki

from qujat.settings import Settings, SignatureSettings, StoreSettings, WebhookSettings, WorkSettings

QUJAT = Path(sys.executable).parent / "qujat"


def make_home(folder: Path, pki: Pki, register: str = "sqlite:///register.sqlite") -> Settings:
    """A deployment with the keys of all tests, and signatures that are quick to make."""
    folder.mkdir(parents=True)
    (folder / "keys").mkdir(0o700)
    for file in pki.folder.iterdir():
        (folder / "keys" / file.name).symlink_to(file)
    passphrase = folder / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(pki.passphrase)
    return Settings(
        home=folder,
        stores=StoreSettings(register=register),
        signatures=SignatureSettings(level="B-T"),
        webhooks=WebhookSettings(private=True),
        work=WorkSettings(stalled_seconds=3),
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of commands that work in such a deployment."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("QUJAT_")},
        "QUJAT_HOME": str(settings.root),
        "QUJAT_STORES__REGISTER": settings.stores.register_at,
        "QUJAT_SIGNATURES__LEVEL": "B-T",
        "QUJAT_WEBHOOKS__PRIVATE": "true",
        "QUJAT_WORK__STALLED_SECONDS": str(settings.work.stalled_seconds),
    }


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, directly or not."""
    return [each for child in children(pid) for each in (child, *descendants(child))]
