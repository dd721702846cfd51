"""Files that only their owner may read: written whole, refused where others can read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from qujat.errors import KeyUnavailable

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write each file whole (0600, then renamed into place), so that a reader never sees half of one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name, content in files.items():
        part = folder / f".{name}.part"
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        part.rename(folder / name)


def refuse_if_shared(path: Path) -> None:
    """Raise KeyUnavailable if anybody but the owner may read or write the file. A file that is not there is no harm."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return
    if mode & _OTHERS:
        raise KeyUnavailable(
            f"expected {path.name} to be its owner's alone (mode 0600), came mode {mode:04o}; run: chmod 600 {path}"
        )
