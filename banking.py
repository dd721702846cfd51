"""Bank details: IBAN of Kazakhstan and BIC, with what is wrong said without the number.

IBAN, ISO 13616: KZ, two check digits (mod 97-10, ISO 7064), three digits of the bank, thirteen letters or digits of
the account: 20 characters. BIC, ISO 9362: eight characters, or eleven with the branch. Names of banks are never
derived from either: every list of them is stale.
"""

from __future__ import annotations

import re

IBAN_PATTERN = r"^KZ[0-9]{5}[A-Z0-9]{13}$"
BIC_PATTERN = r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$"

_IBAN = re.compile(IBAN_PATTERN.replace("$", r"\Z"))
_BIC = re.compile(BIC_PATTERN.replace("$", r"\Z"))


def iban_fault(iban: str) -> str | None:
    """What is wrong with an IBAN of Kazakhstan; None if nothing is."""
    if len(iban) != 20:
        return f"expected 20 characters without spaces, came {len(iban)}"
    if not _IBAN.match(iban):
        return "expected KZ, five digits, then thirteen capital Latin letters or digits"
    # The order of the check (ISO 13616): country and check digits go to the end, letters count 10 to 35.
    if int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 != 1:
        return "its check digits (third and fourth) do not fit the rest; one character is probably mistyped"
    return None


def bank_code(iban: str) -> str:
    """The three digits of the bank in a sound IBAN."""
    return iban[4:7]


def bic_fault(bic: str) -> str | None:
    """What is wrong with a BIC; None if nothing is."""
    if len(bic) not in (8, 11):
        return f"expected 8 characters, or 11 with the branch, came {len(bic)}"
    if not _BIC.match(bic):
        return "expected capital Latin letters and digits, the country in the fifth and sixth, such as NBRKKZKX"
    return None
