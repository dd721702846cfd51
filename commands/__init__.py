"""What commands share: how they answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qujat.errors import FieldErrors, QujatError, StoreError


def error_json(error: QujatError) -> dict[str, Any]:
    """An error as JSON: stable code, message, and for field errors every path."""
    described: dict[str, Any] = {"code": error.code, "message": error.message}
    if isinstance(error, FieldErrors):
        described["errors"] = [{"path": e.path, "code": e.code, "message": e.message} for e in error.errors]
    return described


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


def write(path: Path, content: bytes) -> None:
    """Write a file whole; raises StoreError."""
    from qujat.blobs import write_whole

    try:
        write_whole(path, content)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
