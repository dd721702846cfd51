"""The shape of the files in forms/: pydantic models of what TOML holds, nothing more."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qujat.acts import Act, Bound
from qujat.errors import FormError
from qujat.fields import FieldSpec
from qujat.languages import Language

WordingStatus = Literal["official", "translation", "not-held"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EditionFile(_Strict):
    """One [[edition]]. Without `first` the first day is that of its act. `last` is inclusive."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    act: str
    act_annex: str = ""
    first: date | None = None
    last: date | None = None
    checked: date
    paper: str = "v1"
    source: str = ""
    wording: dict[Language, WordingStatus]
    notes: list[str] = []


class FormFile(_Strict):
    """forms/<key>.toml"""

    key: str = Field(pattern=r"^[a-z0-9_]+$")
    annex: str
    order: str
    number: str
    kind: str
    basis: str
    subject: str = ""
    title: dict[Language, str]
    fields: dict[str, FieldSpec] = {}
    edition: list[EditionFile]
    notes: list[str] = []


class GroundsFile(_Strict):
    """forms/shared/grounds/<key>.toml: texts[edition][language] lists the grounds in the law's order."""

    key: str
    where: str
    title: dict[Language, str]
    edition: list[EditionFile]
    texts: dict[str, dict[Language, list[str]]]

    @model_validator(mode="after")
    def _whole(self) -> GroundsFile:
        for edition, by_language in self.texts.items():
            if len({len(texts) for texts in by_language.values()}) != 1:
                raise ValueError(f"edition {edition}: the languages list different numbers of grounds")
        return self


class _BoundFile(_Strict):
    day: date
    reason: str


class _ActFile(_Strict):
    number: str
    day: date
    registered: str = ""
    title: dict[Language, str]
    first_day: date | None = None
    published_not_before: _BoundFile | None = None
    published_not_after: _BoundFile | None = None

    def act(self, key: str) -> Act:
        return Act(
            key=key,
            number=self.number,
            day=self.day,
            name=f"Order {self.number} of {self.day:%d.%m.%Y}",
            title=dict(self.title),
            first_day=self.first_day,
            published_not_before=_bound(self.published_not_before),
            published_not_after=_bound(self.published_not_after),
        )


def _bound(bound: _BoundFile | None) -> Bound | None:
    return Bound(bound.day, bound.reason) if bound else None


class Order(_Strict):
    """An order whose annexes are forms."""

    number: str
    day: date
    title: dict[Language, str]


def read_orders(path: Path) -> Mapping[str, Order]:
    """forms/shared/orders.toml; raises FormError."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return {key: Order.model_validate(value) for key, value in raw.items()}
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise FormError(f"{path.name}: {error}") from error


def read_acts(path: Path) -> Mapping[str, Act]:
    """forms/shared/acts.toml; raises FormError."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return {key: _ActFile.model_validate(value).act(key) for key, value in raw.items()}
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise FormError(f"{path.name}: {error}") from error
