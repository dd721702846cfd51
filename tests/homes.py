"""Deployments on the disk, for tests that start processes of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from offices import Pki

from qujat.settings import Settings, SignatureSettings, StoreSettings, WebhookSettings, WorkSettings

QUJAT = Path(sys.executable).parent / "qujat"


def make_home(folder: Path, pki: Pki, register: str = "sqlite:///register.sqlite", **stores: Any) -> Settings:
    """A deployment with the keys of all tests, and signatures that are quick to make. `stores`: more of [stores]."""
    folder.mkdir(parents=True)
    (folder / "keys").mkdir(0o700)
    for file in pki.folder.iterdir():
        (folder / "keys" / file.name).symlink_to(file)
    passphrase = folder / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(pki.passphrase)
    return Settings(
        home=folder,
        stores=StoreSettings(register=register, **stores),
        signatures=SignatureSettings(level="B-T"),
        webhooks=WebhookSettings(private=True),
        work=WorkSettings(stalled_seconds=5),
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of commands that work in such a deployment."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("QUJAT_")},
        "QUJAT_HOME": str(settings.root),
        "QUJAT_STORES__REGISTER": settings.stores.register_at,
        "QUJAT_STORES__BLOBS": settings.stores.blobs,
        "QUJAT_STORES__S3__ENDPOINT": settings.stores.s3.endpoint or "",
        "QUJAT_STORES__S3__ACCESS_KEY": settings.stores.s3.access_key or "",
        "QUJAT_S3_SECRET": "secret",
        "QUJAT_SIGNATURES__LEVEL": "B-T",
        "QUJAT_WEBHOOKS__PRIVATE": "true",
        "QUJAT_WORK__STALLED_SECONDS": str(settings.work.stalled_seconds),
    }


def typed(folder: Path, *words: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of `qujat` as a user types it in a folder; of our environment it has only where programs are."""
    env = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "qujat", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=env | {"HOME": str(folder), "LC_ALL": "C.UTF-8"} | environment,
        timeout=120,
    )
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port: int = found.getsockname()[1]
        return port


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, directly or not."""
    return [each for child in children(pid) for each in (child, *descendants(child))]
