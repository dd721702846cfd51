"""Terms on documents: computed where they are left out, compared where they are stated, told where they have ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import offices
import pytest
from cases import catalogue

from qujat import deadlines, fields
from qujat.errors import FieldErrors
from qujat.fields import Context, FieldSpec
from qujat.formfiles import FormFile
from qujat.office import Office
from qujat.pipeline import issue
from qujat.terms import Within, late

DAY = date(2026, 3, 2)
LABEL = {"kk": "күн", "ru": "день"}
WITHIN = [form for form in catalogue().forms.values() if form.file.within]


@pytest.fixture
def whole(office: Office) -> Office:
    return replace(office, forms=catalogue())


def receipt(**changes: Any) -> Any:
    given = offices.a_decision("o20-n01")
    return offices.parsed("o20-n01", fields=given["fields"] | changes)


def test_a_term_that_is_left_out_is_computed_and_kept_in_the_data(whole: Office) -> None:
    """Fourteen working days after 02.03.2026: 9 March and 23, 24, 25 March 2026 are days off."""
    assert issue(receipt(), whole).document.data["fields"]["result_by"] == "2026-03-26"


def test_a_stated_term_is_compared_with_the_law(whole: Office) -> None:
    assert issue(receipt(result_by="2026-03-26"), whole).document.data["fields"]["result_by"] == "2026-03-26"
    with pytest.raises(FieldErrors) as refused:
        issue(
            offices.parsed("o20-n01", id="another", fields=dict(receipt().fields) | {"result_by": "2026-03-25"}), whole
        )
    (error,) = refused.value.errors
    assert (error.path, error.code) == ("/fields/result_by", "term-disagrees")
    assert "2026-03-26" in error.message
    assert "o20-total" in error.message


def test_a_term_may_count_from_the_decision_itself() -> None:
    specs = {"until": _day_field(term={"id": "o20-objection", "from": "day"})}
    context = Context(["kk"], DAY, {})
    end = deadlines.term("o20-objection").last_day(DAY)
    assert fields.check(specs, {"until": end.isoformat()}, context) == []
    wrong = fields.check(specs, {"until": (end + timedelta(days=1)).isoformat()}, context)
    assert [error.code for error in wrong] == ["term-disagrees"]


def test_a_term_whose_event_is_open_is_not_computed() -> None:
    specs = {"until": _day_field(term={"id": "o20-objection", "from": "received_on"}), "received_on": _day_field()}
    assert fields.check(specs, {"until": "2026-03-09"}, Context(["kk"], DAY, {})) == []


def _day_field(**more: Any) -> FieldSpec:
    return FieldSpec.model_validate({"type": "day", "label": LABEL, "required": False, "future": True} | more)


@pytest.mark.parametrize("form", WITHIN, ids=lambda form: form.annex)
def test_a_form_with_a_term_of_issue_warns_from_the_day_after_it(form: Any) -> None:
    within: Within = form.file.within
    for code in within.cases or [""]:
        term = deadlines.term_for(form.annex, within.cases.get(code, ""))
        assert term is not None
        event = date(2026, 3, 2)
        values = {within.counted_from: event.isoformat()} | ({within.case_of: code} if code else {})
        end = term.last_day(event)
        assert late(within, form.annex, values, end) is None
        warned = late(within, form.annex, values, end + timedelta(days=1))
        assert warned is not None
        assert (warned.term, warned.last_day, warned.code) == (term.id, end, "issued-late")


def test_a_late_document_is_issued_and_its_lateness_told(whole: Office) -> None:
    given = offices.a_decision("o20-a05")
    accepted = {"accepted_on": "2026-01-12", "executed_on": given["day"]}
    sent = offices.parsed("o20-a05", fields=given["fields"] | accepted)
    for _ in range(2):
        issued = issue(sent, whole)
        assert issued.document.status == "active"
        assert [(w.code, w.term) for w in issued.warnings] == [("issued-late", "o20-total")]


def test_a_document_in_time_and_one_whose_event_is_not_told_have_no_warning(whole: Office) -> None:
    assert issue(offices.parsed("o20-a05"), whole).warnings == ()
    assert issue(offices.parsed("o20-a04"), whole).warnings == ()


def _computed(term: str, counted_from: str, **more: Any) -> dict[str, Any]:
    spec = {"type": "day", "label": LABEL, "required": False, "future": True}
    return {"fields": {"x": {**spec, "term": {"id": term, "from": counted_from}, **more}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_computed("no", "day"), "id of a term"),
        (_computed("o20-total", "y"), "no day y"),
        (_computed("o20-total", "day", required=True), "required = false"),
        ({"within": {"from": "y"}}, "no day y"),
        ({"fields": {"x": {"type": "text", "label": LABEL, "given_with": {"y": ["a"]}}}}, "no field y"),
    ],
)
def test_a_form_that_names_what_is_not_there_is_refused(change: dict[str, Any], message: str) -> None:
    file = catalogue().form("o20-n01").file.model_dump(by_alias=True, exclude={"fields", "within"})
    with pytest.raises(ValueError, match=message):
        FormFile.model_validate(file | change)


def test_a_field_that_belongs_to_a_choice_is_given_with_it_and_with_no_other(whole: Office) -> None:
    given = offices.a_decision("o329-a04")
    values = {name: value for name, value in given["fields"].items() if name != "grounds"}

    def codes(**changes: Any) -> list[tuple[str, str]]:
        try:
            issue(offices.parsed("o329-a04", id="x", fields=values | changes), whole)
        except FieldErrors as refused:
            return [(error.path, error.code) for error in refused.errors]
        return []

    assert codes(decision="refuse") == [("/fields/grounds", "missing-field")]
    assert codes(decision="assign", grounds=[1]) == [("/fields/grounds", "not-with-choice")]
    assert codes(decision="refuse", grounds=[1]) == []
