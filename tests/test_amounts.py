"""Amounts that the law fixes, and sums of decisions that are checked against them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from qujat import amounts
from qujat.amounts import AekDay, Place
from qujat.errors import AmountUnknown, FormError
from qujat.fields import Context, FieldSpec, check
from qujat.formfiles import FormFile

DAY = date(2026, 3, 2)
LABEL = {"kk": "сома", "ru": "сумма"}
Json = Any


@pytest.mark.parametrize(
    ("household", "place", "indices"),
    [
        (1, "town", 20),
        (2, "town", 25),
        (4, "town", 25),
        (5, "town", 30),
        (9, "town", 30),
        (1, "village", 15),
        (2, "village", 18),
        (4, "village", 18),
        (5, "village", 21),
    ],
)
def test_rent_depends_on_the_household_and_on_town_or_village(household: int, place: Place, indices: int) -> None:
    assert amounts.indices("rent", DAY, household, place) == indices
    assert amounts.expected("rent", DAY, household, place) == Decimal(4325) * indices


@pytest.mark.parametrize(
    ("kind", "day", "tenge"),
    [
        ("certificate", date(2026, 1, 1), "7028125.00"),
        ("certificate", date(2026, 12, 31), "7028125.00"),
        ("certificate", date(2025, 12, 31), "4561120.00"),
        ("employer", DAY, "1730000.00"),
        ("leave_duty", date(2026, 7, 12), "4325.00"),
    ],
)
def test_an_amount_is_that_of_its_day(kind: str, day: date, tenge: str) -> None:
    assert amounts.expected(kind, day) == Decimal(tenge)


@pytest.mark.parametrize(("year", "tenge"), [(2024, 3692), (2025, 3932), (2026, 4325)])
def test_the_index_of_a_year_holds_from_its_first_day_to_its_last(year: int, tenge: int) -> None:
    assert amounts.aek(date(year, 1, 1)) == amounts.aek(date(year, 12, 31)) == tenge


def test_an_index_that_is_not_on_file_is_not_guessed() -> None:
    with pytest.raises(AmountUnknown, match=r"2027 is not on file: add it to amounts\.toml"):
        amounts.expected("certificate", date(2027, 1, 1))


def test_an_amount_before_its_edition_is_not_known() -> None:
    with pytest.raises(AmountUnknown):
        amounts.expected("leave_duty", date(2026, 7, 11))


def test_moving_is_paid_for_each_member_of_the_family() -> None:
    assert amounts.expected("moving", DAY, household=3) == 3 * 70 * Decimal(4325)


def test_an_unknown_kind_is_an_error_of_ours() -> None:
    with pytest.raises(FormError, match=r"expected one of certificate, employer"):
        amounts.expected("bonus", DAY)


def test_every_amount_tells_its_order_and_source() -> None:
    for amount in amounts.table().amount:
        assert amount.order.startswith("order_")
        assert amount.point
        assert amount.source
        assert amount.held == amount.source.startswith("seed")


def test_rent_is_fixed_for_every_household_exactly_once() -> None:
    for place in ("town", "village"):
        for household in range(1, 41):
            assert amounts.indices("rent", DAY, household, place) > 0


# Fields


def _codes(specs: Mapping[str, FieldSpec], values: Json, day: date = DAY, aek_day: AekDay = "decision") -> list[str]:
    return [f"{e.path} {e.code}" for e in check(specs, values, Context(["kk"], day, {}, aek_day))]


CERTIFICATE = {
    "amount": FieldSpec.model_validate(
        {
            "type": "money",
            "label": LABEL,
            "amount": {"kind": "certificate", "lower": "appraised_value", "applied_on": "applied_on"},
        }
    ),
    "appraised_value": FieldSpec(type="money", label=LABEL, required=False, printed=False),
    "applied_on": FieldSpec(type="day", label=LABEL, required=False),
}


def test_the_sum_that_the_law_fixes_is_accepted() -> None:
    assert _codes(CERTIFICATE, {"amount": "7028125.00"}) == []


def test_another_sum_disagrees() -> None:
    assert _codes(CERTIFICATE, {"amount": "7028125.01"}) == ["/fields/amount amount-disagrees"]
    assert _codes(CERTIFICATE, {"amount": "7000000.00"}) == ["/fields/amount amount-disagrees"]


def test_the_message_says_what_is_expected_and_where_less_is_explained() -> None:
    (error,) = check(CERTIFICATE, {"amount": "7000000.00"}, Context(["kk"], DAY, {}))
    assert error.message == (
        "expected 7028125.00, the amount that the law fixes; where less is due, appraised_value must say so"
    )


def test_a_lower_appraised_value_is_paid_instead() -> None:
    assert _codes(CERTIFICATE, {"amount": "6500000.00", "appraised_value": "6500000.00"}) == []


def test_a_lower_appraised_value_forbids_the_full_sum() -> None:
    values = {"amount": "7028125.00", "appraised_value": "6500000.00"}
    assert _codes(CERTIFICATE, values) == ["/fields/amount amount-disagrees"]


def test_a_higher_appraised_value_changes_nothing() -> None:
    assert _codes(CERTIFICATE, {"amount": "7028125.00", "appraised_value": "9000000.00"}) == []
    values = {"amount": "9000000.00", "appraised_value": "9000000.00"}
    assert _codes(CERTIFICATE, values) == ["/fields/amount amount-disagrees"]


def test_the_index_is_that_of_the_application_where_a_deployment_says_so() -> None:
    values = {"amount": "4561120.00", "applied_on": "2025-12-30"}
    assert _codes(CERTIFICATE, values, aek_day="application") == []
    assert _codes(CERTIFICATE, values) == ["/fields/amount amount-disagrees"]


def test_a_year_without_an_index_is_told_apart_from_a_wrong_sum() -> None:
    assert _codes(CERTIFICATE, {"amount": "7028125.00"}, date(2027, 1, 11)) == ["/fields/amount amount-unknown"]


def test_a_sum_that_is_none_is_reported_once() -> None:
    assert _codes(CERTIFICATE, {"amount": "a lot"}) == ["/fields/amount bad-money"]


RENT = {
    "place": FieldSpec(type="choice", label=LABEL, choices={"town": LABEL, "village": LABEL}),
    "recipients": FieldSpec.model_validate(
        {
            "type": "rows",
            "label": LABEL,
            "columns": {
                "full_name": {"type": "name", "label": LABEL},
                "aek": {
                    "type": "integer",
                    "max": 1000,
                    "required": False,
                    "label": LABEL,
                    "amount": {"kind": "rent", "household": "recipients", "place": "place"},
                },
                "amount": {
                    "type": "money",
                    "required": False,
                    "label": LABEL,
                    "amount": {"kind": "rent", "household": "recipients", "place": "place"},
                },
            },
        }
    ),
}


def _family(size: int, **first: Json) -> list[Json]:
    return [{"full_name": "Оспанов Ерлан", **first}, *({"full_name": "Оспанова Айгерім"} for _ in range(size - 1))]


def test_a_sum_in_a_row_is_checked_by_the_fields_around_it() -> None:
    assert _codes(RENT, {"place": "village", "recipients": _family(5, aek=21, amount="90825.00")}) == []
    assert _codes(RENT, {"place": "town", "recipients": _family(5, aek=21, amount="90825.00")}) == [
        "/fields/recipients/0/aek amount-disagrees",
        "/fields/recipients/0/amount amount-disagrees",
    ]


def test_a_household_is_counted_with_those_who_stand_beside_the_rows() -> None:
    rule = amounts.AmountRule(kind="rent", household="family", place="place", beside=1)
    values = {"family": [{}, {}, {}, {}], "place": "town"}
    assert amounts.disagreement(rule, "129750.00", values.get, DAY, "decision") is None
    assert amounts.disagreement(rule, "108125.00", values.get, DAY, "decision") is not None


def test_a_missing_place_is_not_guessed_and_reported_where_it_is_missing() -> None:
    with pytest.raises(AmountUnknown):
        amounts.expected("rent", DAY, household=1)
    assert _codes(RENT, {"recipients": _family(1, amount="86500.00")}) == ["/fields/place missing-field"]
    assert _codes(RENT, {"place": "moon", "recipients": _family(1, amount="1.00")}) == ["/fields/place unknown-choice"]


# Forms


def _form(rule: Json) -> FormFile:
    return FormFile.model_validate(
        {
            "key": "a_form",
            "annex": "x-a01",
            "order": "order_234",
            "number": "1",
            "kind": "decision",
            "basis": "point 1",
            "title": LABEL,
            "fields": {"amount": {"type": "money", "label": LABEL, "amount": rule}},
            "edition": [],
        }
    )


def test_a_rule_may_be_given_by_its_name_alone() -> None:
    spec = _form("certificate").fields["amount"]
    assert spec.amount == amounts.AmountRule(kind="certificate")


@pytest.mark.parametrize(
    ("rule", "said"),
    [("bonus", "expected one of certificate"), ({"kind": "certificate", "lower": "price"}, "has no field price")],
)
def test_a_form_with_a_rule_that_cannot_work_does_not_load(rule: Json, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        _form(rule)
