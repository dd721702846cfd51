"""Sums in tenge: their form in a decision, in figures and in words. Always Decimal, never float.

In a decision a sum is text with two decimals ("1625000.00"), as JSON numbers are read as binary fractions by many.
On paper the thousands stand apart by a non-breaking space, the tiyn behind a comma ("1 625 000,00"), as CLDR gives
for kk_KZ and ru_KZ.
"""

from __future__ import annotations

import re
from decimal import Decimal

from qujat.languages import Language
from qujat.number_words import cardinal
from qujat.words import NBSP

LARGEST = Decimal("999999999999.99")
PATTERN = r"^(0\.(0[1-9]|[1-9][0-9])|[1-9][0-9]{0,11}\.[0-9]{2})$"

_WELL_FORMED = re.compile(PATTERN.replace("$", r"\Z"))
_CURRENCY: dict[Language, tuple[str, str]] = {"kk": ("теңге", "тиын"), "ru": ("тенге", "тиын")}


def money_fault(text: str) -> str | None:
    """What is wrong with a sum, without the sum; None if nothing is."""
    if _WELL_FORMED.match(text):
        return None
    return 'expected digits, a point and two decimals, such as "1625000.00", above zero and at most 999999999999.99'


def parse_money(text: object) -> Decimal | None:
    """A sum from its text, strictly; None if it is none."""
    return Decimal(text) if isinstance(text, str) and money_fault(text) is None else None


def money_text(amount: Decimal) -> str:
    """A sum as a decision writes it: "1625000.00"."""
    return f"{amount:.2f}"


def in_figures(amount: Decimal) -> str:
    """ "1 625 000,00", with non-breaking spaces."""
    return f"{amount:,.2f}".replace(",", NBSP).replace(".", ",")


def in_words(amount: Decimal, language: Language) -> str:
    """The sum in words, capitalised and without the word for tenge, which stands in the forms behind the blank.

    Tiyn, where there are any, are two digits over a hundred, as on a cheque: "Жүз бес 50/100".
    """
    whole, tiyn = _parted(amount)
    words = _capitalised(cardinal(whole, language))
    return f"{words}{NBSP}{tiyn:02}/100" if tiyn else words


def in_words_with_currency(amount: Decimal, language: Language) -> str:
    """The sum in words with its currency, for forms that leave it to the blank: "Сто пять тенге 00 тиын".

    Neither word changes with the number: Kazakh nouns stay in the singular, and Russian "тенге" and "тиын" stand
    in state papers as they are.
    """
    whole, tiyn = _parted(amount)
    tenge_word, tiyn_word = _CURRENCY[language]
    return f"{_capitalised(cardinal(whole, language))} {tenge_word} {tiyn:02}{NBSP}{tiyn_word}"


def tiyn_of(amount: Decimal) -> str:
    """The tiyn of a sum as two digits."""
    return f"{_parted(amount)[1]:02}"


def _parted(amount: Decimal) -> tuple[int, int]:
    if not 0 <= amount <= LARGEST or amount != amount.quantize(Decimal("0.01")):
        raise ValueError(f"expected a sum of 0 to {LARGEST} with at most two decimals")
    return divmod(int(amount * 100), 100)


def _capitalised(words: str) -> str:
    return words[0].upper() + words[1:]
