"""JSON Schema (2020-12) of a form's fields, for decision systems and for pages built from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qujat.banking import BIC_PATTERN, IBAN_PATTERN
from qujat.fields import (
    EMAIL_PATTERN,
    MAX_EMAIL,
    MAX_TEXT,
    PERCENT_PATTERN,
    PHONE_PATTERN,
    TIME_PATTERN,
    FieldSpec,
    FieldType,
)
from qujat.languages import LANGUAGES, Language
from qujat.money import PATTERN as MONEY_PATTERN

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# `format` is an annotation: where it is not one of JSON Schema's own, readers pass over it.
_SINGLE: Mapping[FieldType, dict[str, Any]] = {
    "iin": {"pattern": "^[0-9]{12}$", "format": "iin"},
    "bin": {"pattern": "^[0-9]{12}$", "format": "bin"},
    "iban": {"pattern": IBAN_PATTERN, "format": "iban"},
    "bic": {"pattern": BIC_PATTERN, "format": "bic"},
    "phone": {"pattern": PHONE_PATTERN},
    "email": {"pattern": EMAIL_PATTERN, "maxLength": MAX_EMAIL, "format": "email"},
    "day": {"format": "date"},
    "time": {"pattern": TIME_PATTERN},
    "money": {"pattern": MONEY_PATTERN, "format": "tenge"},
    "percent": {"pattern": PERCENT_PATTERN, "format": "percent"},
}


def schema(
    title: Mapping[Language, str],
    identifier: str,
    specs: Mapping[str, FieldSpec],
    languages: Sequence[Language] = LANGUAGES,
    grounds: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """The schema of `fields` in a decision in `languages`. `grounds` gives the texts of each list in force."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:qujat:form:{identifier}",
        "title": " / ".join(title[language] for language in LANGUAGES if language in title),
        **_object(specs, languages, grounds or {}),
    }


def _object(
    specs: Mapping[str, FieldSpec], languages: Sequence[Language], grounds: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, spec in specs.items() if spec.required],
        "properties": {name: _field(spec, languages, grounds) for name, spec in specs.items()},
        **_given_with(specs),
    }


def _given_with(specs: Mapping[str, FieldSpec]) -> dict[str, Any]:
    """Fields that belong to some codes of a choice: required with them, not allowed with others."""
    rules = []
    for name, spec in specs.items():
        for choice, codes in spec.given_with.items():
            others = [code for code in specs[choice].choices if code not in codes]
            rules.append({"if": _is_one_of(choice, codes), "then": {"required": [name]}})
            rules.append({"if": _is_one_of(choice, others), "then": {"properties": {name: False}}})
    return {"allOf": rules} if rules else {}


def _is_one_of(choice: str, codes: Sequence[str]) -> dict[str, Any]:
    return {"properties": {choice: {"enum": list(codes)}}, "required": [choice]}


def _field(spec: FieldSpec, languages: Sequence[Language], grounds: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    value = _value(spec, languages, grounds)
    if spec.by_language and spec.type != "list":
        value = _by_language(value, languages)
    return {"title": f"{spec.label['kk']} / {spec.label['ru']}", **value}


def _by_language(value: dict[str, Any], languages: Sequence[Language]) -> dict[str, Any]:
    properties = {language: dict(value) for language in LANGUAGES}
    return {"type": "object", "additionalProperties": False, "required": list(languages), "properties": properties}


def _value(spec: FieldSpec, languages: Sequence[Language], grounds: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
    count = {"minItems": spec.min, "maxItems": spec.max}
    match spec.type:
        case "choice":
            return _choice(spec)
        case "many":
            return {"type": "array", **count, "uniqueItems": True, "items": _choice(spec)}
        case "integer":
            return {"type": "integer", "minimum": spec.min, "maximum": spec.max}
        case "list":
            return {"type": "array", **count, "items": _by_language(text, languages) if spec.by_language else text}
        case "rows":
            return {"type": "array", **count, "items": _object(spec.columns, languages, grounds)}
        case "grounds":
            return _grounds(grounds.get(spec.list_key, ()))
        case _:
            return {"type": "string", **_SINGLE[spec.type]} if spec.type in _SINGLE else text


def _choice(spec: FieldSpec) -> dict[str, Any]:
    return {"oneOf": [{"const": code, "title": f"{w['kk']} / {w['ru']}"} for code, w in spec.choices.items()]}


def _grounds(texts: Sequence[str]) -> dict[str, Any]:
    numbers = [{"const": number, "title": text} for number, text in enumerate(texts, 1)]
    known = {"oneOf": numbers} if numbers else {"type": "integer", "minimum": 1}
    return {"type": "array", "minItems": 1, "uniqueItems": True, "items": known}
