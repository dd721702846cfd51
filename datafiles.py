"""Reading the data files in forms/shared/: TOML into strict, frozen models."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from qujat.errors import FormError

SHARED = Path(__file__).parent / "forms" / "shared"


class Strict(BaseModel):
    """No unknown keys, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=BaseModel)


def read(path: Path, kind: type[M]) -> M:
    """Raises FormError with everything that is wrong in the file."""
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise FormError(f"{path.name}: {error}") from error
