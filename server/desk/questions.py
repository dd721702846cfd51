"""From the fields of a form to what a page asks: one question a field, with its kind of input, its words, its faults.

Everything comes from the form's own specs; a new field type that is not told here is a KeyError in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from qujat.errors import FieldError
from qujat.fields import MAX_EMAIL, MAX_TEXT, FieldSpec, FieldType
from qujat.languages import LANGUAGES, Language
from qujat.server.desk.words import fault, words

Kind = Literal["line", "area", "tongues", "radio", "select", "ticks", "list", "rows"]
_FEW = 4  # so many choices are shown at once


@dataclass(frozen=True, slots=True)
class Input:
    """The attributes of an <input>. `mode`: the keyboard of a telephone. `hint`: a name in [hint] of the words."""

    type: str = "text"
    mode: str = "text"
    longest: int = MAX_TEXT
    width: str = ""
    hint: str = ""


INPUTS: Mapping[FieldType, Input] = {
    "text": Input(),
    "name": Input(hint="name"),
    "phone": Input("tel", "tel", 30, "middle", "phone"),
    "email": Input("email", "email", MAX_EMAIL, "middle"),
    "iin": Input(mode="numeric", longest=20, width="narrow", hint="twelve"),
    "bin": Input(mode="numeric", longest=20, width="narrow", hint="twelve"),
    "iban": Input(longest=40, width="middle", hint="iban"),
    "bic": Input(longest=20, width="narrow", hint="bic"),
    "day": Input("date", "text", 10, "narrow"),
    "time": Input("time", "text", 5, "narrow"),
    "integer": Input(mode="numeric", longest=20, width="narrow"),
    "money": Input(mode="decimal", longest=30, width="narrow", hint="money"),
    "percent": Input(mode="decimal", longest=10, width="narrow", hint="percent"),
    "list": Input(),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose."""

    code: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked at `path`, a JSON Pointer, which is its name and its id.

    `parts`: the questions inside it: of a language, of a row, of an entry. `wrong`: what is wrong with it. `when`:
    a choice and the codes with which it is asked, ("", ()) for always.
    """

    path: str
    kind: Kind
    label: str
    input: Input = field(default_factory=Input)
    value: str = ""
    required: bool = True
    hint: str = ""
    language: str = ""
    options: tuple[Option, ...] = ()
    parts: tuple[Question, ...] = ()
    wrong: tuple[str, ...] = ()
    when: tuple[str, tuple[str, ...]] = ("", ())
    full: bool = False  # no more entries may be added
    few: bool = False  # none may be removed

    def every(self) -> Iterator[Question]:
        """It, and all that is inside it."""
        yield self
        for part in self.parts:
            yield from part.every()


@dataclass(frozen=True)
class Asking:
    """What all questions of a page share."""

    tongue: Language
    languages: Sequence[str]
    grounds: Mapping[str, Sequence[str]]
    errors: Sequence[FieldError] = ()

    def wrong(self, path: str) -> tuple[str, ...]:
        """What is wrong at a path, in the clerk's language."""
        return tuple(dict.fromkeys(fault(error, self.tongue) for error in self.errors if error.path == path))

    def hint(self, name: str) -> str:
        return words(self.tongue)["hint"][name] if name else ""


def questions(
    specs: Mapping[str, FieldSpec], typed: Mapping[str, Any], asking: Asking, path: str = "/fields"
) -> tuple[Question, ...]:
    """The questions of an object, in the order of the form."""
    return tuple(_question(spec, typed.get(name), asking, path, name) for name, spec in specs.items())


def _question(spec: FieldSpec, typed: Any, asking: Asking, above: str, name: str) -> Question:
    path = f"{above}/{name}"
    match spec.type:
        case "choice":
            kind: Kind = "radio" if len(spec.choices) <= _FEW else "select"
            options = _options(spec, [typed or ""], asking)
            return Question(path, kind, options=options, **_same(spec, asking, above, path))
        case "many":
            options = _options(spec, typed or [], asking)
            return Question(path, "ticks", options=options, **_same(spec, asking, above, path))
        case "grounds":
            options = _grounds(spec, typed or [], asking)
            return Question(path, "ticks", options=options, **_same(spec, asking, above, path))
        case "rows":
            return _rows(spec, typed or [], asking, above, path)
        case "list":
            return _list(spec, typed or [], asking, above, path)
        case _:
            return _single(spec, typed, path, asking, _same(spec, asking, above, path))


def _same(spec: FieldSpec, asking: Asking, above: str, path: str) -> dict[str, Any]:
    """What every kind of question has."""
    rules = [(f"{above}/{choice}", tuple(codes)) for choice, codes in spec.given_with.items()]
    return {
        "label": spec.label[asking.tongue],
        "required": spec.required or bool(rules),
        "hint": " ".join(_hints(spec, asking)),
        "wrong": asking.wrong(path),
        "when": rules[0] if rules else ("", ()),
    }


def _hints(spec: FieldSpec, asking: Asking) -> Iterator[str]:
    if spec.type in INPUTS and INPUTS[spec.type].hint:
        yield asking.hint(INPUTS[spec.type].hint)
    if spec.term and not spec.term.until:
        yield asking.hint("term")
    if spec.amount:
        yield asking.hint("amount")
    if spec.total_of:
        yield asking.hint("total")
    if not spec.printed:
        yield asking.hint("not_printed")


def _options(spec: FieldSpec, chosen: Sequence[str], asking: Asking) -> tuple[Option, ...]:
    return tuple(Option(code, said[asking.tongue], code in chosen) for code, said in spec.choices.items())


def _grounds(spec: FieldSpec, chosen: Sequence[str], asking: Asking) -> tuple[Option, ...]:
    texts = asking.grounds.get(spec.list_key, ())
    return tuple(Option(str(n), text, str(n) in chosen) for n, text in enumerate(texts, 1))


def _single(spec: FieldSpec, typed: Any, path: str, asking: Asking, same: Mapping[str, Any]) -> Question:
    given = INPUTS[spec.type]
    if not spec.by_language:
        return Question(path, "line", input=given, value=typed or "", **same)
    texts = typed or {}
    parts = tuple(
        Question(
            f"{path}/{language}",
            "area" if given.type == "text" else "line",
            words(asking.tongue)["tongue"][language],
            given,
            texts.get(language, ""),
            same["required"],
            language=language,
            wrong=asking.wrong(f"{path}/{language}"),
        )
        for language in LANGUAGES
        if language in asking.languages
    )
    return Question(path, "tongues", parts=parts, **same)


def _rows(spec: FieldSpec, typed: Sequence[Any], asking: Asking, above: str, path: str) -> Question:
    rows = list(typed) or [{}] * spec.min
    parts = tuple(
        Question(
            f"{path}/{n}",
            "rows",
            "",
            parts=questions(spec.columns, row or {}, asking, f"{path}/{n}"),
            wrong=asking.wrong(f"{path}/{n}"),
        )
        for n, row in enumerate(rows)
    )
    return Question(path, "rows", parts=parts, **_size(spec, rows), **_same(spec, asking, above, path))


def _list(spec: FieldSpec, typed: Sequence[Any], asking: Asking, above: str, path: str) -> Question:
    entries = list(typed) or [None] * max(spec.min, 1)
    parts = tuple(
        _single(
            spec,
            entry,
            f"{path}/{n}",
            asking,
            {"label": "", "required": n < spec.min, "hint": "", "wrong": asking.wrong(f"{path}/{n}")},
        )
        for n, entry in enumerate(entries)
    )
    return Question(path, "list", parts=parts, **_size(spec, entries), **_same(spec, asking, above, path))


def _size(spec: FieldSpec, entries: Sequence[Any]) -> dict[str, Any]:
    return {"full": len(entries) >= spec.max, "few": len(entries) <= spec.min}


def line(path: str, label: str, value: str, asking: Asking, *, type: FieldType = "text", hint: str = "") -> Question:
    """A question that no form has: the number, who signs."""
    given = INPUTS[type]
    said = asking.hint(hint or given.hint)
    return Question(path, "line", label, given, value, required=hint != "number", hint=said, wrong=asking.wrong(path))


def tongues(path: str, label: str, texts: Mapping[str, str], asking: Asking) -> Question:
    """The same, given by language."""
    spec = FieldSpec(type="text", label=dict.fromkeys(LANGUAGES, label), by_language=True)
    return _question(spec, texts, asking, path.rpartition("/")[0], path.rpartition("/")[2])


def summary(asked: Sequence[Question], errors: Sequence[FieldError], asking: Asking) -> list[tuple[str, str, str]]:
    """(path, where, what) of every fault: where to jump to, how the place is called, what is wrong with it."""
    names = {path: name for question in asked for path, name in _names(question, "", asking.tongue)}
    return [(_nearest(error.path, names), names.get(error.path, ""), fault(error, asking.tongue)) for error in errors]


def _names(question: Question, above: str, tongue: Language) -> Iterator[tuple[str, str]]:
    own = f"{above}: {question.label}" if above and question.label else question.label or above
    yield question.path, own
    for n, part in enumerate(question.parts, 1):
        row = words(tongue)["form"]["row"].format(number=n).lower()
        numbered = f"{own}, {row if question.kind == 'rows' else n}" if _is_counted(question, part) else own
        yield from _names(part, numbered, tongue)


def _is_counted(question: Question, part: Question) -> bool:
    return question.kind in ("rows", "list") and not part.label


def _nearest(path: str, names: Mapping[str, str]) -> str:
    """The path itself, or the nearest above it that the page has."""
    while path and path not in names:
        path = path.rpartition("/")[0]
    return path
