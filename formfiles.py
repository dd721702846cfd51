"""The shape of the files in forms/: pydantic models of what TOML holds, nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from qujat import amounts, deadlines
from qujat.acts import Act, Bound
from qujat.datafiles import Strict, read_each
from qujat.fields import FieldSpec
from qujat.languages import LANGUAGES, Language
from qujat.terms import THE_DECISION, TermRule, Within

WordingStatus = Literal["official", "translation", "house", "not-held"]


class EditionFile(Strict):
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
    notes: list[str] = Field(default_factory=list)


SignerRole = Literal["official", "head"]


class House(Strict):
    """A document that the rules require and prescribe no form for: its words are ours.

    `basis` names the point of the rules that asks for it, as the foot prints it; `in_place_of` the annexes (by id) that
    prescribe a form after all, where their text is not held.
    """

    basis: dict[Language, str]
    in_place_of: list[str] = Field(default_factory=list)


class FormFile(Strict):
    """forms/<key>.toml.

    number: of the annex, empty for a document without a prescribed form (`house`); bilingual: the law has one document
    in both languages; within: the term of issuing it; signers: who signs, in their order. "head" is the decision's
    `official`, whose signature stands in the page and is the last; "official" is the one who prepared it
    (`prepared_by`), and signs the data before him; about: whom it is about, where another form of the order has the
    same title, so that a clerk takes the right one (printed nowhere).
    """

    key: str = Field(pattern=r"^[a-z0-9_]+$")
    annex: str
    order: str
    number: str = ""
    kind: str
    basis: str
    subject: str = ""
    house: House | None = None
    bilingual: bool = False
    signers: list[SignerRole] = Field(default=["head"])
    title: dict[Language, str]
    about: dict[Language, str] = Field(default_factory=dict)
    fields: dict[str, FieldSpec] = Field(default_factory=dict)
    within: Within | None = None
    edition: list[EditionFile]
    notes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _the_head_signs_last(self) -> FormFile:
        if not self.signers or self.signers[-1] != "head" or len(set(self.signers)) != len(self.signers):
            raise ValueError(f"signers: expected the head as the last one, and nobody twice, not {self.signers}")
        return self

    @model_validator(mode="after")
    def _house_or_annex(self) -> FormFile:
        statuses = {status for edition in self.edition for status in edition.wording.values()}
        if self.house and (self.number or statuses != {"house"}):
            raise ValueError("house: expected no number of an annex, and the wording of every edition to be house")
        if not self.house and (not self.number or "house" in statuses):
            raise ValueError("expected the number of the annex, or else a [house] table and wordings that are house")
        return self

    @model_validator(mode="after")
    def _rules_can_work(self) -> FormFile:
        for name, spec, beside in _specs(self.fields):
            if spec.amount and spec.amount.kind not in amounts.kinds():
                raise ValueError(f"{name}: amount: expected one of {', '.join(amounts.kinds())}")
            if spec.once and name in self.fields:
                raise ValueError(f"{name}: once: expected it at a column of rows")
            if spec.total_of and not _is_money_column(self.fields, spec.total_of):
                raise ValueError(f"{name}: total_of: expected rows.column, a column of sums of this form")
            if spec.amount and (place := self.fields.get(spec.amount.place)) and not place.required:
                raise ValueError(f"{name}: amount: expected {spec.amount.place} to be required")
            if spec.amount and (missing := set(amounts.fields_of(spec.amount)) - beside):
                raise ValueError(f"{name}: amount: the form has no field {', '.join(sorted(missing))}")
        return self

    @model_validator(mode="after")
    def _one_wording_in_both(self) -> FormFile:
        for edition in self.edition if self.bilingual else ():
            if set(edition.wording) != set(LANGUAGES) or len(set(edition.wording.values())) != 1:
                raise ValueError(f"edition {edition.id}: bilingual: expected one status for both languages")
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> FormFile:
        days = {name for name, spec in self.fields.items() if spec.type == "day"}
        for name, spec in self.fields.items():
            if unknown := set(spec.given_with) - set(self.fields):
                raise ValueError(f"{name}: given_with: the form has no field {', '.join(sorted(unknown))}")
            if spec.term:
                _known_term(name, spec, days)
            if any(column.term for column in spec.columns.values()):
                raise ValueError(f"{name}: term: expected it on a day of the form itself, not in a row")
        if self.within and self.within.counted_from not in days:
            raise ValueError(f"within: the form has no day {self.within.counted_from}")
        if self.within and self.within.case_of and self.within.case_of not in self.fields:
            raise ValueError(f"within: the form has no field {self.within.case_of}")
        return self


def _known_term(name: str, spec: FieldSpec, days: set[str]) -> None:
    rule: TermRule | None = spec.term
    if rule and rule.id not in {term.id for term in deadlines.table().term}:
        raise ValueError(f"{name}: term: expected the id of a term in deadlines.toml, not {rule.id!r}")
    if rule and rule.counted_from not in {*days, THE_DECISION}:
        raise ValueError(f"{name}: term: the form has no day {rule.counted_from}")
    if spec.type != "day" or not spec.future or (spec.required and rule and not rule.until):
        raise ValueError(f"{name}: term: expected a day with future = true, and required = false if it is computed")


def _specs(fields: Mapping[str, FieldSpec]) -> Iterator[tuple[str, FieldSpec, set[str]]]:
    """Every field and column with its name and the names of the fields that a rule of it can look at."""
    for name, spec in fields.items():
        yield name, spec, set(fields)
        for column, inner in spec.columns.items():
            yield f"{name}.{column}", inner, {*fields, *spec.columns}


def _is_money_column(fields: Mapping[str, FieldSpec], named: str) -> bool:
    rows, _, column = named.partition(".")
    found = fields[rows].columns.get(column) if rows in fields else None
    return found is not None and found.type == "money"


class GroundsFile(Strict):
    """forms/shared/grounds/<key>.toml: texts[edition][language] lists the grounds in the law's order.

    `waits_for` names the documents that will ask for the list, while no form does yet.
    """

    key: str
    where: str
    waits_for: str = ""
    title: dict[Language, str]
    edition: list[EditionFile]
    texts: dict[str, dict[Language, list[str]]]

    @model_validator(mode="after")
    def _whole(self) -> GroundsFile:
        for edition, by_language in self.texts.items():
            if len({len(texts) for texts in by_language.values()}) != 1:
                raise ValueError(f"edition {edition}: the languages list different numbers of grounds")
        return self


class _BoundFile(Strict):
    day: date
    reason: str


class _ActFile(Strict):
    """An act: number and day, or, where it is not known, a name and `first_not_before`."""

    number: str = ""
    day: date | None = None
    name: str = ""
    registered: str = ""
    title: dict[Language, str]
    first_day: date | None = None
    published_not_before: _BoundFile | None = None
    published_not_after: _BoundFile | None = None
    first_not_before: _BoundFile | None = None

    @model_validator(mode="after")
    def _known_or_bounded(self) -> _ActFile:
        known = bool(self.number and self.day) and not self.first_not_before
        unknown = bool(self.name and self.first_not_before) and not (self.number or self.first_day)
        if known == unknown:
            raise ValueError("expected number and day of the act, or else name and first_not_before")
        return self

    def act(self, key: str) -> Act:
        unknown = self.first_not_before
        day = self.day or (unknown.day if unknown else date.min)
        return Act(
            key=key,
            number=self.number,
            day=day,
            name=self.name or f"Order {self.number} of {day:%d.%m.%Y}",
            title=dict(self.title),
            first_day=self.first_day,
            published_not_before=_bound(self.published_not_before),
            published_not_after=_bound(self.published_not_after),
            first_not_before=_bound(unknown),
        )


def _bound(bound: _BoundFile | None) -> Bound | None:
    return Bound(bound.day, bound.reason) if bound else None


class Order(Strict):
    """An order whose annexes are forms."""

    number: str
    day: date
    title: dict[Language, str]


def read_orders(path: Path) -> Mapping[str, Order]:
    """forms/shared/orders.toml; raises FormError."""
    return read_each(path, Order)


def read_acts(path: Path) -> Mapping[str, Act]:
    """forms/shared/acts.toml; raises FormError."""
    return {key: file.act(key) for key, file in read_each(path, _ActFile).items()}
