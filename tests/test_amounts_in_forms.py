"""The forms of Order 234 that pay: the sums of their decisions are those that the law fixes."""

from __future__ import annotations

from datetime import date
from typing import Any

import offices
import pytest
from cases import catalogue
from pydantic import ValidationError

from qujat.amounts import AekDay
from qujat.document import fields_of
from qujat.errors import FieldError
from qujat.fields import Context, FieldSpec, check
from qujat.formfiles import FormFile
from qujat.languages import LANGUAGES

CERTIFICATE, EMPLOYER, MOVING, RENT = "o234-a11", "o234-a03-1", "o234-a12", "o234-a13"
NAMES = ["Оспанов Ерлан", "Оспанова Айгерім", "Оспанов Асқар", "Оспанова Меруерт", "Оспанов Дәурен", "Оспанова Рахат"]


def errors(annex: str, aek_day: AekDay = "decision", day: str = "", **changes: Any) -> list[FieldError]:
    """What the check says of the base fixture with some of its fields changed; None leaves a field out."""
    sent = offices.a_decision(annex)
    on = date.fromisoformat(day or sent["day"])
    wordings = {language: catalogue().in_force(annex, on, language) for language in LANGUAGES}
    values = {name: value for name, value in (sent["fields"] | changes).items() if value is not None}
    return check(fields_of(wordings), values, Context(LANGUAGES, on, {}, aek_day))


def faults(annex: str, aek_day: AekDay = "decision", day: str = "", **changes: Any) -> list[str]:
    found = errors(annex, aek_day, day, **changes)
    return [f"{error.path.removeprefix('/fields/')} {error.code}" for error in found]


def one(amount: str, **more: Any) -> list[dict[str, Any]]:
    return [{"full_name": NAMES[0], "amount": amount, **more}]


# The certificate (annex 11)


def test_a_certificate_is_paid_in_the_size_that_the_law_fixes() -> None:
    assert faults(CERTIFICATE, amount="7028125.00", recipients=one("7028125.00")) == []


@pytest.mark.parametrize("sum_", ["7028124.99", "7028125.01", "9000000.00", "5017000.00"])
def test_another_certificate_is_refused_with_what_was_expected(sum_: str) -> None:
    (error,) = errors(CERTIFICATE, amount=sum_, recipients=one(sum_))
    assert (error.path, error.code) == ("/fields/amount", "amount-disagrees")
    assert "expected 7028125.00" in error.message
    assert "appraised_value" in error.message


def test_housing_that_costs_less_is_paid_at_its_appraised_value() -> None:
    lower = {"amount": "6500000.00", "recipients": one("6500000.00")}
    assert faults(CERTIFICATE, **lower, appraised_value="6500000.00") == []
    assert faults(CERTIFICATE, **lower) == ["amount amount-disagrees"]
    assert faults(CERTIFICATE, **lower, appraised_value="6600000.00") == ["amount amount-disagrees"]


def test_housing_that_costs_more_does_not_raise_the_certificate() -> None:
    higher = {"amount": "9000000.00", "recipients": one("9000000.00"), "appraised_value": "9000000.00"}
    assert faults(CERTIFICATE, **higher) == ["amount amount-disagrees"]
    assert faults(CERTIFICATE, appraised_value="9000000.00") == []


def test_the_sums_of_the_rows_of_a_certificate_add_up_to_its_total() -> None:
    shares = [{"full_name": NAMES[0], "amount": "7000000.00"}, {"full_name": NAMES[1], "amount": "28125.00"}]
    assert faults(CERTIFICATE, recipients=shares) == []
    (error,) = errors(CERTIFICATE, recipients=shares[:1])
    assert (error.path, error.code) == ("/fields/amount", "total-disagrees")
    assert "expected 7000000.00, the total of recipients.amount" in error.message


def test_a_certificate_whose_rows_have_no_sums_has_no_total_to_disagree_with() -> None:
    assert faults(CERTIFICATE, recipients=[{"full_name": NAMES[0]}]) == []


def test_a_sum_of_a_row_that_is_none_is_reported_where_it_stands_and_not_as_a_total() -> None:
    assert faults(CERTIFICATE, recipients=one("a lot")) == ["recipients/0/amount bad-money"]


# The subsidy to an employer (annex 3-1), and moving (annex 12): for each person


@pytest.mark.parametrize(("annex", "rows", "aek", "tenge"), [
    (EMPLOYER, "workers", 400, "1730000.00"),
    (MOVING, "recipients", 70, "302750.00"),
])  # fmt: skip
def test_every_person_is_paid_the_same_size_and_sum(annex: str, rows: str, aek: int, tenge: str) -> None:
    (row,) = offices.a_decision(annex)["fields"][rows]
    assert (row["amount_mci"], row["amount"]) == (aek, tenge)
    other = {key: value for key, value in row.items() if key != "iin"} | {"full_name": NAMES[1]}
    unwanted = [f"{rows}/1/iin missing-field"] if "iin" in row else []
    assert faults(annex, **{rows: [row, other]}) == unwanted
    assert faults(annex, **{rows: [row, other | {"amount_mci": aek + 1, "amount": "1.00"}]}) == [
        *unwanted,
        f"{rows}/1/amount_mci amount-disagrees",
        f"{rows}/1/amount amount-disagrees",
    ]


def test_a_wrong_size_is_refused_with_what_was_expected() -> None:
    (row,) = offices.a_decision(EMPLOYER)["fields"]["workers"]
    (error,) = errors(EMPLOYER, workers=[row | {"amount_mci": 401}])
    assert (error.path, error.message) == ("/fields/workers/0/amount_mci", "expected 400 indices (АЕК)")


# Rent (annex 13): one sum for a household


def household(size: int, aek: int, tenge: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"full_name": name} for name in NAMES[:size]]
    return [rows[0] | {"amount_mci": aek, "amount": tenge}, *rows[1:]]


@pytest.mark.parametrize(("size", "place", "aek", "tenge"), [
    (1, "town", 20, "86500.00"),
    (4, "town", 25, "108125.00"),
    (5, "town", 30, "129750.00"),
    (1, "village", 15, "64875.00"),
    (2, "village", 18, "77850.00"),
    (6, "village", 21, "90825.00"),
])  # fmt: skip
def test_rent_is_that_of_the_household_in_town_or_village(size: int, place: str, aek: int, tenge: str) -> None:
    assert faults(RENT, place=place, recipients=household(size, aek, tenge)) == []
    assert faults(RENT, place=place, recipients=household(size, aek + 1, tenge)) == [
        "recipients/0/amount_mci amount-disagrees"
    ]


def test_rent_for_another_household_is_refused_with_what_was_expected() -> None:
    size, sum_ = errors(RENT, place="town", recipients=household(5, 25, "108125.00"))
    assert (size.path, size.message) == ("/fields/recipients/0/amount_mci", "expected 30 indices (АЕК)")
    assert (sum_.path, sum_.code) == ("/fields/recipients/0/amount", "amount-disagrees")
    assert "expected 129750.00" in sum_.message


def test_rent_cannot_be_checked_where_nobody_says_town_or_village() -> None:
    assert faults(RENT, place=None) == ["place missing-field"]


def test_rent_is_paid_once_for_a_household_and_not_in_every_row() -> None:
    twice = [row | {"amount_mci": 18, "amount": "77850.00"} for row in household(2, 18, "77850.00")]
    (size, sum_) = errors(RENT, place="village", recipients=twice)
    assert (size.path, size.code, sum_.path, sum_.code) == ("/fields/recipients", "not-once") * 2
    assert size.message == "expected amount_mci in one row, as it is for them all; came in 2"


def test_a_decision_on_rent_says_how_much() -> None:
    assert faults(RENT, recipients=[{"full_name": NAMES[0]}]) == ["recipients not-once", "recipients not-once"]


# The day whose index counts


@pytest.mark.parametrize("annex", [CERTIFICATE, EMPLOYER, MOVING, RENT])
def test_where_the_index_of_the_application_counts_its_day_must_be_given(annex: str) -> None:
    assert faults(annex, "application", applied_on="2026-02-20") == []
    found = errors(annex, "application")
    assert {error.code for error in found} == {"amount-unknown"}
    assert all("expected it in applied_on" in error.message for error in found)


def test_the_rent_of_a_year_is_paid_by_the_index_of_the_application_where_a_deployment_says_so() -> None:
    values = {"place": "village", "recipients": household(1, 15, "64875.00"), "applied_on": "2026-12-28"}
    assert faults(RENT, "application", day="2027-01-11", **values) == []
    assert faults(RENT, "decision", day="2027-01-11", **values) == ["recipients/0/amount amount-unknown"]


# Rules that cannot work


def _form(fields: dict[str, Any]) -> FormFile:
    return FormFile.model_validate(
        catalogue().form(RENT).file.model_dump(exclude={"fields"}, by_alias=True) | {"fields": fields}
    )


@pytest.mark.parametrize(("field", "said"), [
    ({"type": "money", "total_of": "rows.sum"}, "total_of: expected rows.column"),
    ({"type": "money", "total_of": "people.name"}, "total_of: expected rows.column"),
    ({"type": "money", "total_of": "people"}, "total_of: expected rows.column"),
    ({"type": "money", "once": True}, "once: expected it at a column of rows"),
])  # fmt: skip
def test_a_form_with_a_rule_on_rows_that_cannot_work_does_not_load(field: dict[str, Any], said: str) -> None:
    label = {"kk": "өріс", "ru": "поле"}
    people = {"type": "rows", "label": label, "columns": {"name": {"type": "name", "label": label}}}
    _form({"people": people, "sum": {"type": "money", "label": label}})
    with pytest.raises(ValidationError, match=said):
        _form({"people": people, "sum": field | {"label": label}})


def test_a_form_that_may_leave_out_town_or_village_does_not_load() -> None:
    label = {"kk": "өріс", "ru": "поле"}
    place = {"type": "choice", "label": label, "choices": {"town": label, "village": label}}
    rent = {"type": "money", "label": label, "amount": {"kind": "rent", "place": "place"}}
    _form({"place": place, "rent": rent})
    with pytest.raises(ValidationError, match="amount: expected place to be required"):
        _form({"place": place | {"required": False}, "rent": rent})


def test_what_the_rules_need_and_the_form_has_no_place_for_is_on_no_page() -> None:
    unprinted = {
        annex: {name for name, spec in catalogue().form(annex).file.fields.items() if not spec.printed}
        for annex in (CERTIFICATE, EMPLOYER, MOVING, RENT)
    }
    assert unprinted == {
        CERTIFICATE: {"appraised_value", "applied_on"},
        EMPLOYER: {"applied_on"},
        MOVING: {"applied_on"},
        RENT: {"place", "applied_on"},
    }
    assert all(isinstance(spec, FieldSpec) for spec in catalogue().form(RENT).file.fields.values())
