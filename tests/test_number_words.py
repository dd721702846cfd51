"""Numbers, sums and days in words: Kazakh and Russian, against tables and against num2words where it agrees."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from qujat import money, words
from qujat.number_words import LARGEST, cardinal

KAZAKH = {
    0: "нөл",
    1: "бір",
    10: "он",
    19: "он тоғыз",
    20: "жиырма",
    99: "тоқсан тоғыз",
    100: "бір жүз",
    300: "үш жүз",
    1_000: "бір мың",
    1_100: "бір мың бір жүз",
    1_625: "бір мың алты жүз жиырма бес",
    40_000: "қырық мың",
    7_028_125: "жеті миллион жиырма сегіз мың бір жүз жиырма бес",
    1_000_000: "бір миллион",
    1_000_001: "бір миллион бір",
    1_000_000_000: "бір миллиард",
}
RUSSIAN = {
    0: "ноль",
    2: "два",
    11: "одиннадцать",
    40: "сорок",
    112: "сто двенадцать",
    1_000: "одна тысяча",
    2_000: "две тысячи",
    5_000: "пять тысяч",
    11_000: "одиннадцать тысяч",
    12_000: "двенадцать тысяч",
    21_001: "двадцать одна тысяча один",
    22_002: "двадцать две тысячи два",
    112_000: "сто двенадцать тысяч",
    1_000_000: "один миллион",
    2_000_000: "два миллиона",
    7_028_125: "семь миллионов двадцать восемь тысяч сто двадцать пять",
    21_000_000_000: "двадцать один миллиард",
    500_000_000_000: "пятьсот миллиардов",
}


@pytest.mark.parametrize(("number", "said"), KAZAKH.items())
def test_a_number_in_kazakh(number: int, said: str) -> None:
    assert cardinal(number, "kk") == said


@pytest.mark.parametrize(("number", "said"), RUSSIAN.items())
def test_a_number_in_russian(number: int, said: str) -> None:
    assert cardinal(number, "ru") == said


@given(st.integers(0, LARGEST))
def test_every_russian_number_is_what_num2words_says(number: int) -> None:
    assert cardinal(number, "ru") == num2words(number, lang="ru")


@given(st.integers(0, LARGEST))
def test_every_kazakh_number_is_what_num2words_says_but_for_one_hundred(number: int) -> None:
    """num2words (language `kz`) leaves "бір" out before a hundred, and before a hundred only."""
    assert re.sub(r"\bбір жүз\b", "жүз", cardinal(number, "kk")) == num2words(number, lang="kz")


@pytest.mark.parametrize("number", [-1, LARGEST + 1])
def test_a_number_without_words_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=r"expected 0 to"):
        cardinal(number, "ru")


def test_a_sum_in_figures_has_groups_and_a_decimal_comma() -> None:
    assert money.in_figures(Decimal("7028125.00")) == "7\u00a0028\u00a0125,00"
    assert money.in_figures(Decimal("0.05")) == "0,05"
    assert money.in_figures(money.LARGEST) == "999\u00a0999\u00a0999\u00a0999,99"


def test_a_sum_in_words_leaves_the_word_for_tenge_to_the_form() -> None:
    assert money.in_words(Decimal("7028125.00"), "kk") == "Жеті миллион жиырма сегіз мың бір жүз жиырма бес"
    assert money.in_words(Decimal("1001.00"), "ru") == "Одна тысяча один"


def test_tiyn_are_two_digits() -> None:
    assert money.in_words(Decimal("105.05"), "kk") == "Бір жүз бес\u00a005/100"
    assert money.in_words(Decimal("0.50"), "ru") == "Ноль\u00a050/100"
    assert money.in_words_with_currency(Decimal("105.00"), "ru") == "Сто пять тенге 00\u00a0тиын"
    assert money.in_words_with_currency(Decimal("105.50"), "kk") == "Бір жүз бес теңге 50\u00a0тиын"
    assert money.tiyn_of(Decimal("105.07")) == "07"


def test_the_largest_sum_has_words_in_both_languages() -> None:
    for language in ("kk", "ru"):
        assert money.in_words(money.LARGEST, language).endswith("99/100")


@pytest.mark.parametrize("amount", ["-1", "1000000000000", "1.005"])
def test_a_sum_that_is_none_has_no_words(amount: str) -> None:
    with pytest.raises(ValueError, match=r"expected a sum"):
        money.in_words(Decimal(amount), "kk")


@given(st.integers(1, 99_999_999_999_999))
def test_a_sum_survives_its_text(tiyn: int) -> None:
    amount = Decimal(tiyn) / 100
    assert money.parse_money(money.money_text(amount)) == amount


MONTHS_KK = [
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
]
FRONT = "әөүіеэ"
VOICELESS = "кқпстфхцчшщ"


def _ending(name: str, case: str) -> str:
    """The rule of Kazakh grammar, on its own: vowel harmony of the last vowel, assimilation to the last letter."""
    front = next(c for c in reversed(name) if c in "аоұыәөүіе") in FRONT
    voiceless, nasal = name[-1] in VOICELESS, name[-1] in "мнң"
    vowel = "е" if front else "а"
    match case:
        case "locative":
            return ("т" if voiceless else "д") + vowel
        case "ablative":
            return ("т" if voiceless else "н" if nasal else "д") + vowel + "н"
        case _:
            return {(0, 0): "ға", (0, 1): "ге", (1, 0): "қа", (1, 1): "ке"}[voiceless, front]


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("case", get_args(words.Case))
def test_every_month_has_its_kazakh_case_endings(month: int, case: words.Case) -> None:
    name = MONTHS_KK[month - 1]
    assert words.MONTHS["kk"][month - 1] == name
    assert words.month_in(date(2026, month, 1), case, "kk") == name + _ending(name, case)


def test_the_attributive_of_every_month_is_its_locative_and_one_ending() -> None:
    for locative, dated in zip(words.CASES_KK["locative"], words.DATED_KK, strict=True):
        assert dated == locative + ("гі" if locative[-1] == "е" else "ғы")


def test_days_in_cases_as_sentences_need_them() -> None:
    july, september, february = date(2026, 7, 12), date(2026, 9, 1), date(2026, 2, 28)
    assert words.day_in(july, "locative", "kk") == "2026\u00a0жылғы\u00a012\u00a0шілдеде"
    assert words.day_in(july, "ablative", "kk").endswith("шілдеден")
    assert words.day_in(september, "locative", "kk").endswith("қыркүйекте")
    assert words.day_in(september, "dative", "kk").endswith("қыркүйекке")
    assert words.day_in(february, "dative", "kk").endswith("ақпанға")
    assert words.day_in(february, "ablative", "kk").endswith("ақпаннан")
    assert words.day_in(july, "ablative", "ru") == "12\u00a0июля\u00a02026\u00a0года"
