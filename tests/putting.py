"""A process that puts a blob into a folder and may run out of disk."""

from __future__ import annotations

import resource
import sys
from hashlib import sha256
from pathlib import Path

from qujat.blobs import Folder
from qujat.errors import StoreError

CONTENT = "Қандас\n".encode() * 1000
DIGEST = sha256(CONTENT).hexdigest()


def _put_within(folder: Path, limit: str) -> str:
    print("ready", flush=True)
    sys.stdin.readline()
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    try:
        return Folder(folder).put(CONTENT)
    except StoreError as error:
        return error.code


if __name__ == "__main__":
    print(_put_within(Path(sys.argv[1]), sys.argv[2]), end="")
