"""What a decision system sends: parsed once, frozen after.

`parse` reads one decision from JSON, `parse_many` a JSON Lines file. The contents of `fields` are the form's own
matter (`catalogue`, `fields`); here stands what every decision has.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from hashlib import sha256
from typing import Annotated, Any, NoReturn

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qujat.errors import FieldError, FieldErrors
from qujat.fields import escape
from qujat.identifiers import bin_fault, iin_fault
from qujat.languages import Language
from qujat.texts import faults, parse_day

MAX_BYTES = 1_000_000
ID = r"^[\x21-\x7e]+$"
_ID = re.compile(r"[\x21-\x7e]{1,128}")

Text = Annotated[str, Field(max_length=500)]
ByLanguage = dict[Language, Text]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Authority(_Frozen):
    """The body that decided: its BIN, and its name in every language of the document."""

    bin: str
    name: ByLanguage


class Official(_Frozen):
    """Who signs: the head, or the official who prepared the decision for him."""

    iin: str
    full_name: Text
    position: ByLanguage


class Decision(_Frozen):
    """One decision. `id` is the decision system's own; `number` is optional (else the register assigns one).

    `official` is the head, who signs it. `prepared_by` signs before him, where the form asks for both.
    """

    id: Annotated[str, Field(min_length=1, max_length=128, pattern=ID)]
    form: str
    day: date
    languages: Annotated[list[Language], Field(min_length=1, max_length=2)]
    number: Annotated[str, Field(max_length=64)] | None = None
    authority: Authority
    official: Official
    prepared_by: Official | None = None
    fields: dict[str, Any]

    def canonical(self) -> bytes:
        """RFC 8785 canonical JSON of the whole decision: equal decisions, equal bytes."""
        return rfc8785.dumps({**self.model_dump(exclude_none=True), "day": self.day.isoformat()})

    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal."""
        return sha256(self.canonical()).hexdigest()


def parse(source: str | bytes | Mapping[str, Any]) -> Decision:
    """A decision from JSON text (at most 1 MB) or from an object. Raises FieldErrors with JSON Pointers."""
    raw = _read(source) if isinstance(source, (str, bytes)) else source
    if isinstance(raw, Mapping) and parse_day(raw.get("day")):
        raw = {**raw, "day": parse_day(raw["day"])}
    try:
        decision = Decision.model_validate(raw)
    except ValidationError as error:
        raise FieldErrors([_explained(e) for e in error.errors()]) from None
    if errors := list(_envelope_errors(decision)):
        raise FieldErrors(errors)
    _check_canonical(decision)
    return decision


def identity(source: bytes) -> str | None:
    """The id in what `parse` refused, if it has one that is an id."""
    try:
        found = _read(source)
    except FieldErrors:
        return None
    name = found.get("id") if isinstance(found, Mapping) else None
    return name if isinstance(name, str) and _ID.fullmatch(name) else None


def _check_canonical(decision: Decision) -> None:
    """JSON that two readers could see as two things is refused here, not when the decision is digested."""
    try:
        decision.canonical()
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError, ValueError) as error:
        kind = "nests too deep" if isinstance(error, (RecursionError, ValueError)) else "has no one meaning"
        _fail("bad-json", f"expected JSON with a canonical form (RFC 8785): a number, a text or the whole {kind}")


def parse_many(text: str) -> Iterator[tuple[int, str]]:
    """(line number from 1, JSON text) of every line of a JSON Lines file that is not empty."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def _read(source: str | bytes) -> Any:
    size = len(source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source)
    if size > MAX_BYTES:
        _fail("too-large", f"expected at most {MAX_BYTES} bytes of JSON, came {size}")
    try:
        return json.loads(source, object_pairs_hook=_no_repeats, parse_constant=_no_constant)
    except UnicodeDecodeError:
        _fail("bad-json", "expected JSON in UTF-8")
    except RecursionError:
        _fail("bad-json", "expected JSON of a sane depth")
    except ValueError as error:
        _fail("bad-json", f"expected one JSON object: {error}")


def _fail(code: str, message: str) -> NoReturn:
    raise FieldErrors([FieldError("", code, message)])


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 8259 leaves repeated names open; two readers could see two decisions."""
    counted = Counter(name for name, _ in pairs)
    if len(counted) != len(pairs):
        repeated = sorted(name for name, times in counted.items() if times > 1)
        raise ValueError(f"the name {', '.join(repeated)} stands twice in one object")
    return dict(pairs)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _explained(error: Any) -> FieldError:
    """A pydantic error without the value that came (it may be personal)."""
    path = "".join(f"/{escape(str(part))}" for part in error["loc"] if part != "[key]")
    if path == "/day":
        return FieldError(path, "bad-day", 'expected the day of the decision as "YYYY-MM-DD"')
    return FieldError(path, error["type"].replace("_", "-"), error["msg"])


def _envelope_errors(decision: Decision) -> Iterator[FieldError]:
    if len(set(decision.languages)) != len(decision.languages):
        yield FieldError("/languages", "repeated-language", "expected each language once")
    if fault := bin_fault(decision.authority.bin):
        yield FieldError("/authority/bin", "bad-bin", f"not a BIN: {fault}")
    signers = {"/official": decision.official, "/prepared_by": decision.prepared_by}
    named = {path: official for path, official in signers.items() if official is not None}
    for path, official in named.items():
        if fault := iin_fault(official.iin):
            yield FieldError(f"{path}/iin", "bad-iin", f"not an IIN: {fault}")
        yield from _text_errors(f"{path}/full_name", official.full_name)
    if decision.number is not None:
        yield from _text_errors("/number", decision.number)
    yield from _by_language_errors("/authority/name", decision.authority.name, decision)
    for path, official in named.items():
        yield from _by_language_errors(f"{path}/position", official.position, decision)


def _by_language_errors(path: str, texts: ByLanguage, decision: Decision) -> Iterator[FieldError]:
    for language, text in texts.items():
        yield from _text_errors(f"{path}/{language}", text)
    for language in decision.languages:
        if language not in texts:
            yield FieldError(
                f"{path}/{language}", "missing-language", f"the document is issued in {language}: give the text in it"
            )


def _text_errors(path: str, text: str) -> Iterator[FieldError]:
    yield from (FieldError(path, code, message) for code, message in faults(text))
