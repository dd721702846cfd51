"""Fields of a form: their types and their check.

A field's value is what JSON can say: text, whole numbers, days as "YYYY-MM-DD", times as "HH:MM", sums in tenge as
"1625000.00", per cent as "12.5" (text, since JSON numbers are read as binary fractions), lists, objects. Text that
differs by language is an object {"kk": …, "ru": …}. `check` gathers everything that is wrong, with JSON Pointers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from qujat.amounts import AekDay, AmountRule
from qujat.banking import bic_fault, iban_fault
from qujat.errors import FieldError
from qujat.identifiers import bin_fault, iin_fault
from qujat.languages import LANGUAGES, Language
from qujat.money import money_fault
from qujat.terms import TermRule
from qujat.texts import faults, parse_day
from qujat.together import together

# fmt: off
FieldType = Literal[
    "text", "name", "phone", "email",
    "iin", "bin", "iban", "bic",
    "day", "time",
    "integer", "money", "percent",
    "choice", "many", "list", "rows", "grounds",
]
# fmt: on
Json = Any
MAX_TEXT = 2000
MAX_ROWS = 40
MAX_EMAIL = 254  # RFC 5321 section 4.5.3.1
YEARS_AHEAD = 30  # a future day further off is a slip of the hand
PHONE_PATTERN = r"^\+?[0-9][0-9 ()\-]{5,24}$"
TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
PERCENT_PATTERN = r"^(100|[1-9]?[0-9](\.[0-9]{1,2})?)$"
# What browsers take for an address (HTML, "valid e-mail address"), with a dot in the domain.
EMAIL_PATTERN = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$"
)

# No sign stands in two of the alternatives, or a long name would be tried in every way (ʻ and ʼ are letters).
_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|['’.])*(?:[ -](?:[^\W\d_]|['’.])+)*")


class FieldSpec(BaseModel):
    """One field in forms/<key>.toml.

    by_language: given in every language of the decision; choices: code → words by language (choice, many); columns:
    the fields of a row; list (list_key): the key of the grounds list; min, max: of a whole number or of entries;
    lines: blank lines on an empty form; future: a day after the decision is allowed; not_before: a day field of the
    same object; given_with: choice → codes with which the field is given, and with no other; amount: what the law fixes
    a sum at (`amounts`); total_of: "rows.column", of which a sum is the total; once: a column that one row gives for
    them all, and only one; term: a day that is the last of a term of the law, computed where it is left out, or a day
    within the term (`terms`); printed: false for what the rules need and the form has no place for: it is in the data
    and on no page; editions: where the field stands (empty: in all).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: FieldType
    label: dict[Language, str]
    by_language: bool = False
    required: bool = True
    choices: dict[str, dict[Language, str]] = {}
    columns: dict[str, FieldSpec] = {}
    list_key: str = Field(default="", alias="list")
    min: int = 0
    max: int = MAX_ROWS
    lines: int = 2
    future: bool = False
    not_before: str = ""
    given_with: dict[str, list[str]] = {}
    amount: AmountRule | None = None
    term: TermRule | None = None
    total_of: str = ""
    once: bool = False
    printed: bool = True
    editions: list[str] = []

    def stands_in(self, edition: str) -> bool:
        return not self.editions or edition in self.editions


@dataclass(frozen=True, slots=True)
class Context:
    """What the check of a field needs to know beside the value.

    `grounds` counts each list of grounds; `outer` are the fields around a row, for rules that look at them.
    """

    languages: Sequence[Language]
    day: date
    grounds: Mapping[str, int]
    aek_day: AekDay = "decision"
    outer: Mapping[str, Json] = field(default_factory=dict)


Check = Callable[[FieldSpec, Json, Context, str], Iterator[FieldError]]


def ground_lists(specs: Mapping[str, FieldSpec]) -> set[str]:
    """The lists of refusal grounds that these fields choose from."""
    return {spec.list_key for spec in specs.values() if spec.type == "grounds"}


def check(specs: Mapping[str, FieldSpec], values: Json, context: Context, path: str = "/fields") -> list[FieldError]:
    """Everything wrong with `values`, in the order of the form; an empty list if nothing is."""
    if not isinstance(values, dict):
        return [_wrong_type(path, "an object", values)]
    errors = [
        FieldError(
            f"{path}/{escape(name)}",
            "unknown-field",
            f"the form has no such field; it has: {', '.join(specs) or 'none'}",
        )
        for name in values
        if name not in specs
    ]
    inside = replace(context, outer={**context.outer, **values})
    for name, spec in specs.items():
        errors += _check_field(spec, values, name, inside, f"{path}/{name}")
    told = {error.path for error in errors}
    return [*errors, *together(specs, values, inside, path, told)]


def _check_field(
    spec: FieldSpec, values: Mapping[str, Json], name: str, context: Context, path: str
) -> list[FieldError]:
    if name not in values:
        missing = FieldError(path, "missing-field", f"this field is required: {spec.label['ru']} / {spec.label['kk']}")
        return [missing] if spec.required else []
    value = values[name]
    if value is None:
        return [_wrong_type(path, "a value, or the field left out", value)]
    if spec.by_language and spec.type != "list":
        return _check_by_language(spec, value, context, path)
    return list(_CHECKS[spec.type](spec, value, context, path))


def _check_by_language(spec: FieldSpec, value: Json, context: Context, path: str) -> list[FieldError]:
    if not isinstance(value, dict):
        wanted = " and ".join(f'"{language}"' for language in context.languages)
        return [_wrong_type(path, f"an object with {wanted} (this text differs by language)", value)]
    errors = [
        FieldError(f"{path}/{escape(key)}", "unknown-language", 'expected only "kk" and "ru"')
        for key in value
        if key not in LANGUAGES
    ]
    for language in LANGUAGES:
        if language in value:
            errors += _CHECKS[spec.type](spec, value[language], context, f"{path}/{language}")
        elif language in context.languages:
            errors.append(
                FieldError(
                    f"{path}/{language}",
                    "missing-language",
                    f"the document is issued in {language}: give the text in it",
                )
            )
    return errors


def _text(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
    if not isinstance(value, str):
        yield _wrong_type(path, "text", value)
    elif len(value) > MAX_TEXT:
        yield FieldError(path, "too-long", f"expected at most {MAX_TEXT} characters, came {len(value)}")
    else:
        yield from (FieldError(path, code, message) for code, message in faults(value))


def _name(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
    errors = list(_text(spec, value, context, path))
    if not errors and not _NAME.fullmatch(value):
        errors = [
            FieldError(
                path,
                "not-a-name",
                "expected letters, spaces, hyphens, apostrophes and full stops, beginning with a letter",
            )
        ]
    yield from errors


def _by_fault(wanted: str, code: str, fault_in: Callable[[str], str | None]) -> Check:
    """The check of a text by a function that says what is wrong with it."""

    def checker(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
        if not isinstance(value, str):
            yield _wrong_type(path, wanted, value)
        elif fault := fault_in(value):
            yield FieldError(path, code, f"not {wanted.split(' as ')[0]}: {fault}")

    return checker


def _by_pattern(pattern: str, code: str, wanted: str) -> Check:
    """The check of a text by its shape alone."""
    well_formed = re.compile(pattern.removesuffix("$") + r"\Z")

    def checker(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
        if not isinstance(value, str) or not well_formed.fullmatch(value):
            yield FieldError(path, code, f"expected {wanted}")

    return checker


def _day(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
    day = parse_day(value)
    if day is None:
        yield FieldError(path, "bad-day", 'expected a day of the calendar as "YYYY-MM-DD"')
    elif day > context.day and not spec.future:
        yield FieldError(
            path, "day-after-decision", f"expected a day not after the day of the decision ({context.day})"
        )
    elif not 1900 <= day.year <= context.day.year + YEARS_AHEAD:
        latest = f", nor more than {YEARS_AHEAD} years after the decision" if spec.future else ""
        yield FieldError(path, "bad-day", f"expected a day not before 1900{latest}")


def _choice(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
    if not isinstance(value, str) or value not in spec.choices:
        yield FieldError(path, "unknown-choice", f"expected one of {', '.join(spec.choices)}")


def _integer(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield _wrong_type(path, "a whole number", value)
    elif not spec.min <= value <= spec.max:
        yield FieldError(path, "out-of-range", f"expected {spec.min} to {spec.max}")


def _email(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
    too_long = isinstance(value, str) and len(value) > MAX_EMAIL
    yield from _EMAIL(spec, None if too_long else value, context, path)


def _count(spec: FieldSpec, value: Json, path: str) -> Iterator[FieldError]:
    if not spec.min <= len(value) <= spec.max:
        yield FieldError(path, "wrong-count", f"expected {spec.min} to {spec.max} entries, came {len(value)}")


def _many(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
    codes = value if isinstance(value, list) else [None]
    if any(not isinstance(code, str) or code not in spec.choices for code in codes) or len(set(codes)) != len(codes):
        yield FieldError(path, "unknown-choice", f"expected a list, each once, of {', '.join(spec.choices)}")
    else:
        yield from _count(spec, codes, path)


def _list(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
    if not isinstance(value, list):
        yield _wrong_type(path, "a list", value)
        return
    yield from _count(spec, value, path)
    for index, entry in enumerate(value):
        if spec.by_language:
            yield from _check_by_language(_TEXT, entry, context, f"{path}/{index}")
        else:
            yield from _text(spec, entry, context, f"{path}/{index}")


def _rows(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
    if not isinstance(value, list):
        yield _wrong_type(path, "a list of objects", value)
        return
    yield from _count(spec, value, path)
    for index, row in enumerate(value):
        yield from check(spec.columns, row, context, f"{path}/{index}")
    yield from _repeated_iins(value, path)


def _repeated_iins(rows: Sequence[Json], path: str) -> Iterator[FieldError]:
    seen: dict[str, int] = {}
    for index, row in enumerate(rows):
        iin = row.get("iin") if isinstance(row, dict) else None
        if not isinstance(iin, str):
            continue
        if iin in seen:
            yield FieldError(
                f"{path}/{index}/iin", "repeated-iin", f"the same IIN stands in row {seen[iin] + 1}; list a person once"
            )
        seen.setdefault(iin, index)


def _grounds(spec: FieldSpec, value: Json, context: Context, path: str) -> Iterator[FieldError]:
    count = context.grounds[spec.list_key]
    numbers = value if isinstance(value, list) else []
    whole = all(isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= count for n in numbers)
    if not numbers or not whole or len(set(numbers)) != len(numbers):
        yield FieldError(
            path,
            "unknown-ground",
            f"expected one or more numbers of the grounds in force on the day, 1 to {count}, each once, such as [2]",
        )


_TEXT = FieldSpec(type="text", label={"kk": "", "ru": ""})
_EMAIL = _by_pattern(EMAIL_PATTERN, "bad-email", f"an e-mail address in ASCII, at most {MAX_EMAIL} characters")
_CHECKS: Mapping[FieldType, Check] = {
    "text": _text,
    "name": _name,
    "phone": _by_pattern(PHONE_PATTERN, "bad-phone", "a telephone number such as +7 (7172) 12-34-56"),
    "email": _email,
    "iin": _by_fault("an IIN as text of 12 digits", "bad-iin", iin_fault),
    "bin": _by_fault("a BIN as text of 12 digits", "bad-bin", bin_fault),
    "iban": _by_fault("an IBAN of Kazakhstan as text of 20 characters", "bad-iban", iban_fault),
    "bic": _by_fault("a BIC as text of 8 or 11 characters", "bad-bic", bic_fault),
    "day": _day,
    "time": _by_pattern(TIME_PATTERN, "bad-time", 'a time of the day as "HH:MM", 00:00 to 23:59'),
    "integer": _integer,
    "money": _by_fault("a sum in tenge as text with two decimals", "bad-money", money_fault),
    "percent": _by_pattern(
        PERCENT_PATTERN, "bad-percent", 'text of 0 to 100 with at most two decimals, such as "12.5"'
    ),
    "choice": _choice,
    "many": _many,
    "list": _list,
    "rows": _rows,
    "grounds": _grounds,
}


def _wrong_type(path: str, wanted: str, value: Json) -> FieldError:
    kinds = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return FieldError(path, "wrong-type", f"expected {wanted}, came {kinds.get(type(value), 'null')}")


def escape(token: str) -> str:
    """RFC 6901 section 3."""
    return token.replace("~", "~0").replace("/", "~1")
