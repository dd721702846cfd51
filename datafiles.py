"""Reading the data files in forms/: TOML into strict, frozen models."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from qujat.errors import FormError

SHARED = Path(__file__).parent / "forms" / "shared"


class Strict(BaseModel):
    """No unknown keys, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")


def read(path: Path, kind: type[M]) -> M:
    """The whole file as one model. Raises FormError with everything that is wrong in the file."""
    return _validated(path, kind.model_validate)


def read_each(path: Path, kind: type[M]) -> dict[str, M]:
    """Every table of the file as a model, by its key. Raises FormError with everything that is wrong in one of them."""
    return _validated(path, lambda raw: {key: kind.model_validate(value) for key, value in raw.items()})


def _validated(path: Path, validate: Callable[[dict[str, Any]], R]) -> R:
    try:
        return validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise FormError(f"{path.name}: {error}") from error
