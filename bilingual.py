"""A form that is one document in both languages: its page has one wording, and a value given in both shows both.

What is merged here is drawn as if it were Kazakh: the page is one, and its own words stand in both languages anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qujat.fields import FieldSpec
from qujat.languages import LANGUAGES, Language

TAG = "-".join(LANGUAGES)  # what stands for the language in the name of a file


def tags(languages: Sequence[Language], *, bilingual: bool) -> list[str]:
    """The pages of a document by the tag of their language: one a language, or one for both ("kk-ru")."""
    return [TAG] if bilingual else list(languages)


def language_of(tag: str) -> Language:
    """The language as which a page with this tag is drawn."""
    return "kk" if tag.startswith("kk") else "ru"


def both(texts: Mapping[Language, str]) -> str:
    """Both texts with a stroke between them, once if they are equal."""
    return " / ".join(dict.fromkeys(texts[language] for language in LANGUAGES if language in texts))


def specs_of(specs: Mapping[str, FieldSpec]) -> dict[str, FieldSpec]:
    """The fields with the words of every choice in both languages."""
    return {
        name: spec.model_copy(
            update={
                "choices": {code: dict.fromkeys(LANGUAGES, both(words)) for code, words in spec.choices.items()},
                "columns": specs_of(spec.columns),
            }
        )
        for name, spec in specs.items()
    }


def values_of(specs: Mapping[str, FieldSpec], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with both texts wherever one is given by language."""
    return {name: _value(specs[name], value) for name, value in values.items()}


def _value(spec: FieldSpec, value: Any) -> Any:
    match spec.type:
        case "rows":
            return [values_of(spec.columns, row) for row in value]
        case "list" if spec.by_language:
            return [dict.fromkeys(LANGUAGES, both(entry)) for entry in value]
        case _:
            return dict.fromkeys(LANGUAGES, both(value)) if spec.by_language else value
