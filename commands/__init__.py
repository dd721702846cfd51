"""What commands share: how they answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qujat.errors import StoreError
from qujat.errors import as_json as error_json

__all__ = ["error_json", "print_json", "write"]


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


def write(path: Path, content: bytes) -> None:
    """Write a file whole; raises StoreError."""
    from qujat.blobs import write_whole

    try:
        write_whole(path, content)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
