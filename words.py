"""Days and numbers in the words of a language: from tables, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from qujat.languages import Language

NBSP = "\u00a0"

# Kazakh in the nominative ("2026 жылғы 12 шілде"), Russian in the genitive ("12 июля 2026 года").
MONTHS: Mapping[Language, tuple[str, ...]] = {
    "kk": (
        "қаңтар",
        "ақпан",
        "наурыз",
        "сәуір",
        "мамыр",
        "маусым",
        "шілде",
        "тамыз",
        "қыркүйек",
        "қазан",
        "қараша",
        "желтоқсан",
    ),
    "ru": (
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ),
}

# "2026 жылғы 12 шілдедегі № 1 бұйрық": the attributive of the locative.
DATED_KK = (
    "қаңтардағы",
    "ақпандағы",
    "наурыздағы",
    "сәуірдегі",
    "мамырдағы",
    "маусымдағы",
    "шілдедегі",
    "тамыздағы",
    "қыркүйектегі",
    "қазандағы",
    "қарашадағы",
    "желтоқсандағы",
)


# In the locative ("шілдеде", in July), the ablative ("шілдеден", from July), the dative ("шілдеге", until July): the
# endings follow the last sound of the name, and after м and н the ablative is -нан, -нен.
Case = Literal["locative", "ablative", "dative"]
CASES_KK: Mapping[Case, tuple[str, ...]] = {
    "locative": (
        "қаңтарда",
        "ақпанда",
        "наурызда",
        "сәуірде",
        "мамырда",
        "маусымда",
        "шілдеде",
        "тамызда",
        "қыркүйекте",
        "қазанда",
        "қарашада",
        "желтоқсанда",
    ),
    "ablative": (
        "қаңтардан",
        "ақпаннан",
        "наурыздан",
        "сәуірден",
        "мамырдан",
        "маусымнан",
        "шілдеден",
        "тамыздан",
        "қыркүйектен",
        "қазаннан",
        "қарашадан",
        "желтоқсаннан",
    ),
    "dative": (
        "қаңтарға",
        "ақпанға",
        "наурызға",
        "сәуірге",
        "мамырға",
        "маусымға",
        "шілдеге",
        "тамызға",
        "қыркүйекке",
        "қазанға",
        "қарашаға",
        "желтоқсанға",
    ),
}


def month(day: date, language: Language) -> str:
    return MONTHS[language][day.month - 1]


def day_in_words(day: date, language: Language) -> str:
    """ "2026 жылғы 12 шілде", "12 июля 2026 года", with non-breaking spaces."""
    name = month(day, language)
    parts = (day.year, "жылғы", day.day, name) if language == "kk" else (day.day, name, day.year, "года")
    return NBSP.join(map(str, parts))


def month_in(day: date, case: Case, language: Language) -> str:
    """A month with a Kazakh case ending. Russian keeps the genitive: its prepositions do the work ("с 12 июля")."""
    return CASES_KK[case][day.month - 1] if language == "kk" else month(day, language)


def day_in(day: date, case: Case, language: Language) -> str:
    """ "2026 жылғы 12 шілдеде", "… шілдеден", "… шілдеге"; "12 июля 2026 года"."""
    if language == "ru":
        return day_in_words(day, language)
    return NBSP.join((str(day.year), "жылғы", str(day.day), month_in(day, case, language)))


def day_in_figures(day: date) -> str:
    """12.07.2026, as tables of both languages write it."""
    return f"{day:%d.%m.%Y}"


def dated(day: date, language: Language) -> str:
    """The day of an act as it stands before or after its name: "2026 жылғы 29 мамырдағы", "от 29 мая 2026 года"."""
    if language == "kk":
        return NBSP.join((str(day.year), "жылғы", str(day.day), DATED_KK[day.month - 1]))
    return f"от{NBSP}{day_in_words(day, language)}"
