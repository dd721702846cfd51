"""Identification numbers of Kazakhstan: IIN of a person, BIN of an organisation (Law of 12.01.2007 No 223-III).

Twelve digits; the last is a check digit (mod 11, a second pass with shifted weights where the first gives 10).
IIN: birth date YYMMDD, then a digit of century and sex (1-2: 1800s, 3-4: 1900s, 5-6: 2000s; odd male, even female;
0: a foreigner, whose century and sex the number does not tell). BIN: month of registration YYMM, then 4, 5 or 6.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

Sex = Literal["male", "female"]

_FIRST = range(1, 12)
_SECOND = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
_CENTURY = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000}


def check_digit(first_eleven: str) -> int | None:
    """The twelfth digit, or None where the two passes give none (such numbers are never issued)."""
    digits = [int(c) for c in first_eleven]
    for weights in (_FIRST, _SECOND):
        remainder = sum(d * w for d, w in zip(digits, weights, strict=True)) % 11
        if remainder < 10:
            return remainder
    return None


def iin_fault(iin: str) -> str | None:
    """What is wrong with an IIN, in words for a developer and without the number; None if nothing is."""
    if fault := _digits_fault(iin):
        return fault
    if iin[6] not in "0123456":
        return "its seventh digit (century and sex) must be 0 to 6"
    if not _is_birth_date(iin):
        return "its first six digits must be a birth date YYMMDD"
    return None


def bin_fault(number: str) -> str | None:
    """What is wrong with a BIN, without the number; None if nothing is."""
    if fault := _digits_fault(number):
        return fault
    if not 1 <= int(number[2:4]) <= 12:
        return "its third and fourth digits must be a month"
    if number[4] not in "456":
        return "its fifth digit must be 4, 5 or 6 (kind of organisation)"
    return None


def birth_date_agrees(iin: str, birth_date: date) -> bool:
    """True if a sound IIN and a birth date tell the same day."""
    century = _CENTURY.get(iin[6])
    same_century = century is None or birth_date.year // 100 * 100 == century
    return same_century and f"{birth_date:%y%m%d}" == iin[:6]


def sex_agrees(iin: str, sex: Sex) -> bool:
    """True if a sound IIN and a sex agree; a foreigner's number (seventh digit 0) agrees with both."""
    return iin[6] == "0" or (sex == "male") == (int(iin[6]) % 2 == 1)


def _digits_fault(number: str) -> str | None:
    if len(number) != 12 or not (number.isascii() and number.isdigit()):
        return "expected exactly 12 digits"
    if check_digit(number[:11]) != int(number[11]):
        return "its check digit (the twelfth) does not fit the first eleven; one digit is probably mistyped"
    return None


def _is_birth_date(iin: str) -> bool:
    year = _CENTURY.get(iin[6], 2000) + int(iin[:2])
    try:
        date(year, int(iin[2:4]), int(iin[4:6]))
    except ValueError:
        return False
    return True
