"""Working days of Kazakhstan, terms of the orders, and the dated phrase of electronic documents."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qujat import deadlines, phrases
from qujat.catalogue import load
from qujat.errors import FormError
from qujat.regions import region, regions
from qujat.working_days import (
    Week,
    add_working_days,
    between,
    is_checked,
    is_working,
    next_working_day,
    table,
)

# The official calendar for 2026 of 02.01.2026 (inform.kz), five-day week, less 31 August, which followed 30 August.
OFF_2026 = {
    (1, 1), (1, 2), (1, 7), (3, 9), (3, 23), (3, 24), (3, 25), (5, 1), (5, 7), (5, 11), (5, 27), (7, 6), (10, 26),
    (12, 16),
}  # fmt: skip


def test_the_year_2026_is_the_official_calendar() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    off = {(day.month, day.day) for day in days if day.weekday() < 5 and not is_working(day)}
    assert off == OFF_2026
    assert not any(is_working(day) for day in days if day.weekday() >= 5)


def test_constitution_day_is_no_day_off_in_august_2026_and_is_one_in_march_2027() -> None:
    assert is_working(date(2026, 8, 31))
    assert is_working(date(2026, 3, 16))
    assert not is_working(date(2027, 3, 15))


def test_swapped_days_are_worked() -> None:
    assert is_working(date(2024, 5, 4))
    assert not is_working(date(2024, 5, 8))
    assert is_working(date(2025, 1, 5))
    assert not is_working(date(2025, 1, 3))


@pytest.mark.parametrize(
    ("day", "five", "six"),
    [
        (date(2026, 3, 7), False, True),  # a Saturday
        (date(2026, 3, 8), False, False),  # a holiday on a Sunday
        (date(2026, 3, 9), False, False),  # moved for both weeks
        (date(2026, 3, 21), False, False),  # a holiday on a Saturday
        (date(2026, 3, 24), False, False),  # moved from Sunday 22 March for both
        (date(2026, 3, 25), False, True),  # moved from Saturday 21 March, which a six-day week does not rest
        (date(2026, 5, 11), False, True),  # moved from Saturday 9 May
        (date(2026, 10, 26), False, False),  # moved from Sunday 25 October
        (date(2025, 1, 3), False, True),  # swapped for the five-day week
        (date(2027, 1, 4), False, True),  # moved from Saturday 2 January
        (date(2027, 3, 24), False, False),  # moved from Sunday 21 March
        (date(2024, 1, 8), True, True),  # 7 January on a Sunday is moved nowhere
        (date(2024, 6, 17), True, True),  # nor Kurban Ait
    ],
)
def test_a_six_day_week_rests_on_sundays_and_moves_only_their_holidays(day: date, five: bool, six: bool) -> None:
    assert is_working(day, 5) is five
    assert is_working(day, 6) is six


def test_working_days_are_counted_from_the_day_after() -> None:
    assert add_working_days(date(2026, 3, 2), 1) == date(2026, 3, 3)
    assert add_working_days(date(2026, 3, 6), 1) == date(2026, 3, 10)  # Friday; Monday is moved from 8 March
    assert add_working_days(date(2026, 3, 20), 1) == date(2026, 3, 26)
    assert add_working_days(date(2026, 3, 21), 0) == date(2026, 3, 21)
    assert add_working_days(date(2026, 3, 26), -1) == date(2026, 3, 20)


DAYS = st.dates(date(2024, 1, 1), date(2028, 12, 31))
WEEKS: st.SearchStrategy[Week] = st.sampled_from([5, 6])


@given(DAYS, st.integers(1, 60), WEEKS)
def test_the_day_after_a_term_lies_its_length_away(day: date, count: int, week: Week) -> None:
    end = add_working_days(day, count, week)
    assert is_working(end, week)
    assert between(day, end, week) == count
    assert between(end, day, week) == -count


@given(DAYS, DAYS, DAYS, WEEKS)
def test_stretches_of_days_add_up(first: date, second: date, third: date, week: Week) -> None:
    assert between(first, second, week) + between(second, third, week) == between(first, third, week)


@given(DAYS, WEEKS)
def test_the_next_working_day_is_the_day_itself_or_the_first_after_it(day: date, week: Week) -> None:
    found = next_working_day(day, week)
    assert is_working(found, week)
    assert not any(is_working(day + timedelta(days=n), week) for n in range((found - day).days))


def test_a_term_says_whether_its_calendar_was_read() -> None:
    assert is_checked(date(2026, 1, 5), date(2026, 12, 31))
    assert not is_checked(date(2026, 12, 21), date(2027, 1, 15))


def test_every_stated_day_tells_its_source() -> None:
    stated = table().day
    assert all(entry.source and entry.name for entry in stated)
    assert len({(entry.day, week) for entry in stated for week in entry.weeks}) == sum(len(e.weeks) for e in stated)


# Terms


@pytest.mark.parametrize(
    ("form", "case", "start", "end"),
    [
        ("o20-a05", "", date(2026, 3, 2), date(2026, 3, 26)),  # 14 working days over 9 and 23-25 March
        ("o20-a08", "", date(2026, 5, 6), date(2026, 5, 12)),  # 2 working days over 7, 9-11 May
        ("o234-a14", "", date(2026, 3, 2), date(2026, 3, 5)),
        ("o329-a04", "", date(2026, 8, 3), date(2026, 9, 14)),
        ("o329-a04", "extension", date(2026, 8, 3), date(2026, 8, 6)),
        ("o329-a05", "", date(2026, 8, 5), date(2026, 8, 10)),  # 3 days end on a Saturday
        ("o259-a08", "", date(2026, 8, 3), date(2026, 8, 26)),  # 20 days of a six-day week
        ("o259-n01", "", date(2026, 8, 12), date(2026, 8, 8)),  # 3 days back from the end, over a Sunday
        ("o259-n09", "", date(2026, 8, 3), date(2026, 8, 26)),
        ("o236-a03", "reissue", date(2026, 8, 3), date(2026, 8, 6)),
        ("o236-n01", "", date(2026, 8, 3), date(2026, 8, 10)),
        ("o279-n07", "extension", date(2026, 8, 3), date(2026, 8, 6)),
        ("o279-n08", "extension", date(2026, 8, 3), date(2026, 8, 11)),
    ],
)
def test_the_term_of_a_form(form: str, case: str, start: date, end: date) -> None:
    assert deadlines.term_of(form, start, case) == end


def test_a_form_without_a_term_has_none() -> None:
    assert deadlines.term_of("o20-a01", date(2026, 3, 2)) is None


def test_terms_of_other_kinds() -> None:
    assert deadlines.term("o234-aid-term").last_day(date(2026, 2, 10)) == date(2026, 8, 10)
    assert deadlines.term("o329-validity").last_day(date(2026, 8, 5)) == date(2027, 8, 5)
    assert deadlines.term("o20-prelim").last_day(date(2026, 3, 7)) == date(2026, 3, 7)
    assert deadlines.term("o234-move-notice").last_day(date(2026, 3, 20)) == date(2026, 3, 10)
    assert deadlines.term("o259-prelim").last_day(date(2026, 8, 26)) == date(2026, 8, 22)


def test_a_term_of_months_ends_on_the_last_day_of_a_shorter_month() -> None:
    assert deadlines.add_months(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert deadlines.add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)
    assert deadlines.add_months(date(2026, 1, 15), -1) == date(2025, 12, 15)


def test_a_term_that_ends_on_a_day_off_ends_on_the_next_working_day() -> None:
    assert deadlines.term("o234-aid-restore").last_day(date(2026, 2, 9)) == date(2026, 5, 12)  # not 9, 10, 11 May


def test_a_term_that_is_only_told_is_not_computed() -> None:
    with pytest.raises(FormError, match=r"o234-suspend: a term in suspension has no last day"):
        deadlines.term("o234-suspend").last_day(date(2026, 3, 2))
    with pytest.raises(FormError, match=r"expected the id of a term"):
        deadlines.term("o20-forever")


def test_terms_are_those_of_orders_and_acts_that_are_known() -> None:
    catalogue, terms = load(), deadlines.table().term
    assert len({term.id for term in terms}) == len(terms)
    assert {term.order for term in terms} <= set(catalogue.orders)
    assert {term.act for term in terms} - {""} <= set(catalogue.acts)
    forms = [form for term in terms for form in term.forms]
    assert len(set(forms)) == len(forms)


def test_six_day_weeks_are_those_of_the_police() -> None:
    """Order 259, annex 2, row 9: the provider works from Monday to Saturday."""
    assert {term.order for term in deadlines.table().term if term.week == 6} == {"order_259"}


# Phrase and regions


def test_the_phrase_of_electronic_documents_ends_with_its_law() -> None:
    assert phrases.phrase_on(date(2026, 7, 11), "kk", "e_document") is not None
    ru = phrases.phrase_on(date(2026, 7, 11), "ru")
    assert ru is not None
    assert ru.startswith("Данный документ согласно пункту 1 статьи 7")
    assert phrases.phrase_on(date(2026, 7, 12), "kk") is None
    assert phrases.phrase_on(date(2026, 7, 12), "ru") is None


def test_the_twenty_regions_have_names_in_both_languages() -> None:
    assert len(regions()) == 20
    assert region("pavlodar").name_of("kk") == "Павлодар облысының"
    assert region("pavlodar").name_of("ru") == "Павлодарской области"
    assert region("astana").name("ru") == "город Астана"
    assert region("abai").name_of("ru") == "области Абай"
    with pytest.raises(FormError, match=r"expected one of the regions abai"):
        region("guryev")
