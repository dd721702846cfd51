"""A day within a term of the law, such as that of a hearing: stated, never computed, and never out of the term."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from cases import catalogue
from pydantic import ValidationError

from qujat.fields import Context, FieldSpec, check
from qujat.formfiles import FormFile
from qujat.terms import TermRule, completed

NOTICE = date(2026, 8, 3)  # a Monday; the police work on Saturdays too
SPECS = catalogue().form("o259-n01").fields("order_348")
HEARING = {"hearing_on": SPECS["hearing_on"]}


def faults(hearing_on: str, day: date = NOTICE) -> list[tuple[str, str]]:
    found = check(HEARING, {"hearing_on": hearing_on}, Context(["ru"], day, {}))
    return [(error.code, error.message) for error in found]


@pytest.mark.parametrize("hearing_on", ["2026-08-03", "2026-08-04", "2026-08-05"])
def test_a_hearing_may_be_on_any_day_from_the_notice_to_the_end_of_its_term(hearing_on: str) -> None:
    assert faults(hearing_on) == []


@pytest.mark.parametrize("hearing_on", ["2026-08-02", "2026-08-06"])
def test_a_hearing_before_the_notice_or_after_its_term_is_refused_with_the_days_that_are_right(hearing_on: str) -> None:
    ((code, message),) = faults(hearing_on)
    assert code == "term-disagrees"
    assert "from 2026-08-03 to 2026-08-05" in message
    assert "o259-hearing" in message
    assert "left out" not in message


def test_the_term_of_a_hearing_runs_over_a_saturday_but_not_over_a_sunday() -> None:
    friday = date(2026, 8, 7)
    assert faults("2026-08-10", friday) == []
    ((_, message),) = faults("2026-08-11", friday)
    assert "from 2026-08-07 to 2026-08-10" in message


def test_the_day_of_a_hearing_is_required_and_never_computed() -> None:
    (missing,) = check(HEARING, {}, Context(["ru"], NOTICE, {}))
    assert (missing.path, missing.code) == ("/fields/hearing_on", "missing-field")
    assert completed(SPECS, {"accepted_on": "2026-07-20"}, NOTICE) == {
        "accepted_on": "2026-07-20",
        "result_by": "2026-08-12",
    }


@pytest.mark.parametrize(("until", "is_right"), [(True, True), (False, False)])
def test_only_a_day_that_is_not_computed_may_be_required(until: bool, is_right: bool) -> None:
    rule = TermRule.model_validate({"id": "o259-hearing", "from": "day", "until": until})
    label: Any = {"kk": "Күні", "ru": "Дата"}
    spec = FieldSpec(type="day", label=label, future=True, required=True, term=rule)
    file = catalogue().form("o259-n01").file
    given = file.model_dump(by_alias=True) | {"fields": {**file.fields, "hearing_on": spec}}
    if is_right:
        assert FormFile.model_validate(given).fields["hearing_on"] == spec
    else:
        with pytest.raises(ValidationError, match="hearing_on: term: expected a day with future = true"):
            FormFile.model_validate(given)
