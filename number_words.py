"""Cardinal numbers in words, Kazakh and Russian, 0 to 999 999 999 999: from tables of our own.

Kazakh as the State writes sums: a hundred, a thousand and a million are counted from one ("бір жүз", "бір мың"), so
that nothing can be written in front. Russian leaves "сто" and counts thousands in the feminine ("одна тысяча").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from qujat.languages import Language

LARGEST = 999_999_999_999

_UNITS: Mapping[Language, tuple[str, ...]] = {
    "kk": ("", "бір", "екі", "үш", "төрт", "бес", "алты", "жеті", "сегіз", "тоғыз"),
    "ru": ("", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"),
}
_TENS: Mapping[Language, tuple[str, ...]] = {
    "kk": ("", "он", "жиырма", "отыз", "қырық", "елу", "алпыс", "жетпіс", "сексен", "тоқсан"),
    "ru": (
        "",
        "десять",
        "двадцать",
        "тридцать",
        "сорок",
        "пятьдесят",
        "шестьдесят",
        "семьдесят",
        "восемьдесят",
        "девяносто",
    ),
}
_TEENS_RU = (
    "десять",
    "одиннадцать",
    "двенадцать",
    "тринадцать",
    "четырнадцать",
    "пятнадцать",
    "шестнадцать",
    "семнадцать",
    "восемнадцать",
    "девятнадцать",
)
_HUNDREDS_RU = (
    "",
    "сто",
    "двести",
    "триста",
    "четыреста",
    "пятьсот",
    "шестьсот",
    "семьсот",
    "восемьсот",
    "девятьсот",
)
_SCALES_KK = ("", "мың", "миллион", "миллиард")
# After one, after two to four, after the rest.
_SCALES_RU = (
    ("", "", ""),
    ("тысяча", "тысячи", "тысяч"),
    ("миллион", "миллиона", "миллионов"),
    ("миллиард", "миллиарда", "миллиардов"),
)
_ZERO: Mapping[Language, str] = {"kk": "нөл", "ru": "ноль"}


def cardinal(number: int, language: Language) -> str:
    """ "бір мың алты жүз жиырма бес", "одна тысяча шестьсот двадцать пять"."""
    if not 0 <= number <= LARGEST:
        raise ValueError(f"expected 0 to {LARGEST}: there are no words here for more")
    if number == 0:
        return _ZERO[language]
    groups = _kazakh if language == "kk" else _russian
    parts = [word for scale in (3, 2, 1, 0) for word in groups(number // 1000**scale % 1000, scale)]
    return " ".join(filter(None, parts))


def _kazakh(group: int, scale: int) -> Iterator[str]:
    """Three digits with the name of their scale; nothing for 000."""
    if not group:
        return
    units, tens = _UNITS["kk"], _TENS["kk"]
    if group >= 100:
        yield from (units[group // 100], "жүз")
    yield from (tens[group // 10 % 10], units[group % 10], _SCALES_KK[scale])


def _russian(group: int, scale: int) -> Iterator[str]:
    if not group:
        return
    yield _HUNDREDS_RU[group // 100]
    if 10 <= group % 100 <= 19:
        yield _TEENS_RU[group % 10]
    else:
        yield _TENS["ru"][group // 10 % 10]
        yield (
            {1: "одна", 2: "две"}.get(group % 10, _UNITS["ru"][group % 10]) if scale == 1 else _UNITS["ru"][group % 10]
        )
    yield _SCALES_RU[scale][_plural(group)]


def _unit_ru(unit: int, *, feminine: bool) -> str:
    """ "одна тысяча", "две тысячи", but "один миллион"."""
    return {1: "одна", 2: "две"}[unit] if feminine and unit in (1, 2) else _UNITS["ru"][unit]


def _plural(number: int) -> int:
    """Which of the three Russian forms follows a number."""
    if number % 100 in range(11, 15):
        return 2
    return {1: 0, 2: 1, 3: 1, 4: 1}.get(number % 10, 2)
