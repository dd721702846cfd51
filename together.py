"""Rules between the fields of one object: IIN and birth date, days in their order, sums and their total, terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from qujat.amounts import disagreement
from qujat.errors import FieldError
from qujat.identifiers import birth_date_agrees, iin_fault, sex_agrees
from qujat.money import money_text, parse_money
from qujat.terms import disagreements
from qujat.texts import parse_day

if TYPE_CHECKING:
    from qujat.fields import Context, FieldSpec

Json = Any


def together(
    specs: Mapping[str, FieldSpec], values: Mapping[str, Json], context: Context, path: str
) -> Iterator[FieldError]:
    """What is wrong between fields that may each be right. `context.outer` has the fields around a row, and these."""
    yield from _person_and_order(specs, values, path)
    for name, message in disagreements(specs, values, context.day):
        yield FieldError(f"{path}/{name}", "term-disagrees", message)
    yield from _with_choices(specs, values, path)
    yield from _amounts(specs, values, context, path)
    yield from _rows(specs, values, path)


def _person_and_order(specs: Mapping[str, FieldSpec], values: Mapping[str, Json], path: str) -> Iterator[FieldError]:
    """Rules between fields of one object: IIN against birth date and sex, a day not before another."""
    iin, born, sex = values.get("iin"), parse_day(values.get("birth_date")), values.get("sex")
    if isinstance(iin, str) and "iin" in specs and not iin_fault(iin):
        if born and not birth_date_agrees(iin, born):
            yield FieldError(
                f"{path}/birth_date", "iin-disagrees", "the IIN tells another birth date; one of the two is wrong"
            )
        if sex in ("male", "female") and not sex_agrees(iin, sex):
            yield FieldError(f"{path}/sex", "iin-disagrees", "the IIN tells the other sex; one of the two is wrong")
    for name, spec in specs.items():
        day, earlier = parse_day(values.get(name)), parse_day(values.get(spec.not_before))
        if day and earlier and day < earlier:
            yield FieldError(
                f"{path}/{name}", "day-too-early", f"expected a day not before {spec.not_before} ({earlier})"
            )


def _with_choices(specs: Mapping[str, FieldSpec], values: Mapping[str, Json], path: str) -> Iterator[FieldError]:
    """A field that belongs to some choices is given with them, and with no other."""
    for name, spec in specs.items():
        for choice, codes in spec.given_with.items():
            chosen, wanted = values.get(choice), f"{choice} = {' or '.join(codes)}"
            if chosen in codes and name not in values:
                yield FieldError(f"{path}/{name}", "missing-field", f"this field is required with {wanted}")
            elif chosen in [code for code in specs[choice].choices if code not in codes] and name in values:
                yield FieldError(f"{path}/{name}", "not-with-choice", f"expected this field only with {wanted}")


def _amounts(
    specs: Mapping[str, FieldSpec], values: Mapping[str, Json], context: Context, path: str
) -> Iterator[FieldError]:
    """Sums, and numbers of indices, against what the law fixes."""
    for name, spec in specs.items():
        value = values.get(name)
        if spec.amount and isinstance(value, (str, int)) and not isinstance(value, bool):
            wrong = disagreement(spec.amount, value, context.outer.get, context.day, context.aek_day)
            if wrong:
                yield FieldError(f"{path}/{name}", *wrong)


def _rows(specs: Mapping[str, FieldSpec], values: Mapping[str, Json], path: str) -> Iterator[FieldError]:
    """What the rows of a table say together: a total is that of its rows, a sum for them all stands in one row."""
    for name, spec in specs.items():
        if spec.total_of and (wrong := _total_fault(values.get(name), _column(values, *spec.total_of.split(".")))):
            yield FieldError(f"{path}/{name}", "total-disagrees", f"{wrong}, the total of {spec.total_of}")
        for column in (column for column, inner in spec.columns.items() if inner.once and _rows_of(values, name)):
            if (times := len(_column(values, name, column))) != 1:
                wanted = f"expected {column} in one row, as it is for them all; came in {times}"
                yield FieldError(f"{path}/{name}", "not-once", wanted)


def _column(values: Mapping[str, Json], rows: str, column: str) -> list[Json]:
    """What the rows give in one column, without the rows that give nothing."""
    return [row[column] for row in _rows_of(values, rows) if column in row]


def _rows_of(values: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    given = values.get(name)
    return [row for row in given if isinstance(row, dict)] if isinstance(given, list) else []


def _total_fault(value: Json, parts: Sequence[Json]) -> str:
    """Sums that are none are reported where they stand."""
    total, sums = parse_money(value), [parse_money(part) for part in parts]
    due = sum((part for part in sums if part is not None), Decimal())
    return f"expected {money_text(due)}" if sums and total is not None and None not in sums and total != due else ""
