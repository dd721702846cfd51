"""The words of the signing adapters for people, in Kazakh, Russian and English: templates/web/signing.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from qujat.rendering import TEMPLATES

LANGUAGES = ("kk", "ru", "en")


@cache
def _words() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    read: dict[str, Any] = tomllib.loads((TEMPLATES / "web" / "signing.toml").read_text(encoding="utf-8"))
    return read


def message(name: str, language: str) -> str:
    """What is said of an answer of ours, such as `success` or `refused`."""
    return _words()["messages"][name][language]


def page_words(language: str) -> dict[str, str]:
    """Everything that the signing page says, in one language."""
    return {name: texts[language] for name, texts in _words()["page"].items()}


def document_name(name: str, language: str, title: str) -> str:
    """What people see of a file to sign: `name` as the ticket has it (page.kk, data), `title` that of its document."""
    return _words()["documents"][name.replace(".", "-")][language].format(title=title)
