"""The two languages of a document, and text that is given in both."""

from __future__ import annotations

from typing import Literal

Language = Literal["kk", "ru"]
LANGUAGES: tuple[Language, ...] = ("kk", "ru")
