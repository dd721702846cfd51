"""The invented people are sound, and the fixtures with them are what scripts/people.py writes."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest
from cases import catalogue
from test_goldens import script

from qujat.catalogue import Form
from qujat.fields import Context, FieldSpec, check
from qujat.identifiers import birth_date_agrees, iin_fault, sex_agrees

people = script("people")
HOUSEHOLDS = people.households()
EVERYONE = [person for household in HOUSEHOLDS for person in household.people]
FORMS = [form for form in catalogue().forms.values() if (people.DECISIONS / f"{form.annex}.json").exists()]
DAY = date(2026, 3, 2)
NAME = FieldSpec(type="name", label={"kk": "аты", "ru": "имя"})
CHILDREN, PARENTS = {"son", "daughter"}, {"mother", "mother_in_law"}

each_person = pytest.mark.parametrize("person", EVERYONE, ids=lambda person: person.full_name)
each_household = pytest.mark.parametrize("household", HOUSEHOLDS, ids=lambda household: household.people[0].full_name)
each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.annex)


def test_the_fixtures_on_file_are_those_that_the_script_writes() -> None:
    wanted, found = people.files(), people.kept()
    assert {n for n in wanted | found if wanted.get(n) != found.get(n)} == set(), "run scripts/people.py"
    assert len(wanted) > 4 * len([form for form in FORMS if form.file.fields])


@each_form
def test_which_cases_apply_follows_from_the_fields_of_the_form(form: Form) -> None:
    applying = {case for case in people.CASES if people.applies(case, form)}
    of_people = [name for name in form.file.fields if people.seat(form, name)]
    names = [spec for spec in form.file.fields.values() if spec.type == "name" or "full_name" in spec.columns]
    assert ("minimal" in applying) == bool(form.file.fields)
    assert ("family" in applying) == bool(of_people)
    assert {"single", "long-names", "no-patronymic"} <= applying or not names
    assert not applying or form.file.fields


@each_form
def test_the_longest_fixture_gives_every_field_and_column_of_its_day(form: Form) -> None:
    longest = people.longest(form.annex)
    given, day = longest["fields"], date.fromisoformat(longest["day"])
    specs = form.fields(catalogue().in_force(form.key, day, "kk").text.id)
    missing = set(specs) - set(given)
    for name, spec in specs.items():
        columns = {column for row in given.get(name, []) for column in row} if spec.type == "rows" else set()
        missing |= {f"{name}.{column}" for column in set(spec.columns) - columns}
    # The longest decision on a kandas is a refusal; the place of settlement is that of a consent.
    assert missing == ({"settlement_region"} if form.annex == "o329-a04" else set())


@each_form
def test_the_shortest_fixture_gives_only_what_must_be_given(form: Form) -> None:
    if not people.applies("minimal", form):
        return
    given = people.made(form, "minimal")["fields"]
    assert set(given) == {name for name, spec in form.file.fields.items() if spec.required}
    for name, spec in form.file.fields.items():
        if spec.type == "rows" and name in given:
            assert len(given[name]) == max(spec.min, 1)
            must = {column for column, inner in spec.columns.items() if inner.required or inner.once}
            assert set(given[name][0]) == must


@each_form
def test_a_family_is_of_nine(form: Form) -> None:
    sizes = {"household": 9, "beside": 8, "workers": 9}
    given = people.made(form, "family")["fields"] if people.applies("family", form) else {}
    apart = len(given.get("children", []))
    for name in form.file.fields:
        where = people.seat(form, name)
        if where in sizes:
            assert len(given[name]) == sizes[where] - (apart if where == "beside" else 0)
        elif where == "children":
            assert given[name]


def named(fields: Any) -> list[str]:
    """The names of people, wherever they stand."""
    if isinstance(fields, list):
        return [name for entry in fields for name in named(entry)]
    if not isinstance(fields, dict):
        return []
    own = [fields["full_name"]] if "full_name" in fields else []
    return own + [name for value in fields.values() for name in named(value)]


@each_form
def test_the_cases_that_are_about_names_have_such_names_everywhere(form: Form) -> None:
    if not people.applies("long-names", form):
        return
    of_names = [name for name, spec in form.file.fields.items() if spec.type == "name"]
    without, long = (people.made(form, case)["fields"] for case in ("no-patronymic", "long-names"))
    assert "patronymic" not in without
    parts = [
        value for fields in (without,) for value in [*named(fields), *(fields[n] for n in of_names if n in fields)]
    ]
    assert parts
    assert all(value.count(" ") <= 1 for value in parts)
    assert all(len(name) >= 60 for name in named(long))
    assert all(len(long[name]) >= 12 for name in of_names if name in long)


@each_household
def test_a_household_is_possible(household: Any) -> None:
    applicant, *others = household.people
    assert applicant.relation == "applicant"
    assert applicant.age(DAY) >= 18
    ages = {p.relation: p.age(DAY) for p in others}
    parents = [p for p in household.people if p.relation in ("applicant", "wife", "husband")]
    assert len(parents) <= 2
    assert all(p.age(DAY) >= 18 for p in parents)
    assert {p.sex for p in others if p.relation == "husband"} <= {"male"} - {applicant.sex}
    assert {p.sex for p in others if p.relation == "wife"} <= {"female"} - {applicant.sex}
    assert ages.keys() <= CHILDREN | PARENTS | {"wife", "husband"}
    for child in (p for p in others if p.relation in CHILDREN):
        assert child.sex == ("male" if child.relation == "son" else "female")
        assert all(18 <= (child.birth_date - p.birth_date).days / 365.25 <= 46 for p in parents)
    for parent in (p for p in others if p.relation in PARENTS):
        child_of_hers = applicant if parent.relation == "mother" else next(p for p in others if p.relation == "husband")
        assert parent.sex == "female"
        assert 18 <= (child_of_hers.birth_date - parent.birth_date).days / 365.25 <= 46


def test_a_family_of_nine_has_spouses_children_and_a_grandmother() -> None:
    families = [household for household in HOUSEHOLDS if household.case == "family"]
    assert len(families) > 2
    for family in families:
        relations = Counter(person.relation for person in family.people)
        assert sum(relations.values()) == 9
        assert relations["wife"] + relations["husband"] == 1
        assert relations["mother"] + relations["mother_in_law"] == 1
        assert relations["son"] + relations["daughter"] == 6


@each_person
def test_an_iin_is_sound_and_agrees_with_its_person(person: Any) -> None:
    if not person.iin:
        assert person.age(DAY) == 0, "only a newborn child has no number yet"
        return
    assert iin_fault(person.iin) is None
    assert birth_date_agrees(person.iin, person.birth_date)
    assert sex_agrees(person.iin, person.sex)


@each_person
def test_a_name_is_one_that_a_decision_may_have(person: Any) -> None:
    specs = {"full_name": NAME, "surname": NAME, "given_name": NAME}
    values = {name: getattr(person, name) for name in specs}
    assert check(specs, values, Context(["kk"], DAY, {})) == []


@each_person
def test_a_standing_is_that_of_the_age(person: Any) -> None:
    ages = {"infant": (0, 7), "pupil": (6, 18), "student": (17, 25), "works": (18, 63), "retired": (61, 100)}
    first, last = ages.get(person.standing, (18, 100))
    assert first <= person.age(DAY) <= last


def test_nobody_stands_in_the_file_twice() -> None:
    assert len({person.full_name for person in EVERYONE}) == len(EVERYONE)
    numbers = [person.iin for person in EVERYONE if person.iin]
    assert len(set(numbers)) == len(numbers)


def test_the_names_have_rare_letters_hyphens_and_apostrophes_and_come_from_many_places() -> None:
    letters = "".join(person.full_name for person in EVERYONE)
    assert set("ҺһӨөҰұҮүғҚқңӘәіЎўэ-'’") <= set(letters)
    countries = {person.born["country"]["ru"] for person in EVERYONE}
    assert len(countries) >= 5
    assert {p.born["region"]["ru"] for p in EVERYONE} >= {"Республика Каракалпакстан", "Баян-Улгийский аймак"}
