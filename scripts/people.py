"""Write the fixtures of every form: fixtures/decisions/<annex>-<case>.json, from its base fixture and invented people.

    python scripts/people.py            write all; prints what has changed
    python scripts/people.py --check    exit 1 if a fixture is missing, left over, or is not what would be written now
    python scripts/people.py --table    which cases apply to which form

A form needs a base fixture, <annex>.json, written by hand, as is the longest, <annex>-long.json. The people stand in
fixtures/people.toml. Which field is whose follows from the fields of the form (`seat`); sums follow the law.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

from qujat import amounts
from qujat.catalogue import Form, load
from qujat.fields import FieldSpec
from qujat.languages import LANGUAGES
from qujat.money import money_text

FIXTURES = Path(__file__).parent.parent / "fixtures"
DECISIONS = FIXTURES / "decisions"
CASES = ("single", "family", "long-names", "no-patronymic", "minimal")
ADULT = 18
BIRTH_PLACE = ("birth_country", "birth_region", "birth_district", "birth_rural_district", "birth_settlement")

Json = Any
Fields = dict[str, Json]
Seat = Literal["household", "beside", "children", "workers"]


class Person(NamedTuple):
    """An invented person; `born`: country, region and settlement by language."""

    surname: str
    given_name: str
    patronymic: str
    sex: str
    birth_date: date
    iin: str
    relation: str
    standing: str
    born: Mapping[str, Mapping[str, str]]

    @property
    def full_name(self) -> str:
        return " ".join(part for part in (self.surname, self.given_name, self.patronymic) if part)

    def age(self, day: date) -> int:
        return day.year - self.birth_date.year - ((day.month, day.day) < (self.birth_date.month, self.birth_date.day))


class Household(NamedTuple):
    case: str
    people: tuple[Person, ...]


class Cast(NamedTuple):
    """Who plays in one fixture: the household (the applicant first), workers, officials; the day of the decision."""

    case: str
    people: tuple[Person, ...]
    workers: tuple[Person, ...]
    officials: tuple[str, ...]
    day: date


@cache
def words() -> Mapping[str, Any]:
    """fixtures/people.toml as it stands."""
    return tomllib.loads((FIXTURES / "people.toml").read_text(encoding="utf-8"))


@cache
def households() -> tuple[Household, ...]:
    return tuple(
        Household(entry["case"], tuple(_person(person, entry["born"]) for person in entry["person"]))
        for entry in words()["household"]
    )


def _person(given: Mapping[str, Any], born: Mapping[str, Any]) -> Person:
    return Person(**({"patronymic": "", "iin": "", "born": born} | given))


def cast(case: str, annex: str, day: date) -> Cast:
    """The people of a fixture: each form gets one of the households of the case, always the same."""
    turn = int(sha256(annex.encode()).hexdigest(), 16)
    fitting = [household for household in households() if household.case == case]
    hired = fitting if case not in ("single", "family") else [h for h in households() if h.case in ("single", "family")]
    at_work = [person for household in hired for person in household.people if person.standing == "works"]
    start = turn % len(at_work)
    return Cast(
        case=case,
        people=fitting[turn % len(fitting)].people,
        workers=tuple((at_work[start:] + at_work[:start])[: 1 if case in ("single", "minimal") else 9]),
        officials=tuple(words()["officials"].get(case, ())),
        day=day,
    )


def seat(form: Form, name: str) -> Seat | None:
    """Whom the rows of a field list; None for what are no rows of people, or of people whom we do not know."""
    spec = form.file.fields[name]
    if spec.type != "rows" or "full_name" not in spec.columns:
        return None
    if name in ("children", "minors"):
        return "children"
    if "position" in spec.columns:
        return "workers"
    if name == form.file.subject:
        return "household"
    return "beside" if name == _first_relatives(form.file.fields) else None


def _first_relatives(specs: Mapping[str, FieldSpec]) -> str:
    of_relatives = (n for n, s in specs.items() if s.type == "rows" and {"relation", "full_name"} <= set(s.columns))
    return next((name for name in of_relatives if name not in ("children", "minors")), "")


def applies(case: str, form: Form) -> bool:
    """Whether a case says anything on this form: a family where rows of people stand, names where there are names."""
    specs = form.file.fields
    if case == "minimal":
        return bool(specs)
    tables = [name for name in specs if seat(form, name)]
    return bool(tables) if case == "family" else bool(tables) or any(spec.type == "name" for spec in specs.values())


def made(form: Form, case: str) -> Json:
    """The decision of a case."""
    base = read(form.annex)
    actors = cast(case, form.annex, date.fromisoformat(base["day"]))
    fields = settled(form.file.fields, _peopled(form, actors, base["fields"]), actors.day)
    if case == "minimal":
        fields = shortest(form.file.fields, fields)
    return base | {"id": f"{base['id']}-{case}", "fields": {n: fields[n] for n in form.file.fields if n in fields}}


def _peopled(form: Form, actors: Cast, base: Fields) -> Fields:
    """The base fixture with these people in the places of its own."""
    fields = {**base, **_subject(form, actors, base), **_officials(form, actors, base)}
    for name in form.file.fields:
        if (where := seat(form, name)) is not None:
            fields[name] = _rows(form, name, _sitting(form, where, actors), base)
    return _chosen(form, {name: value for name, value in fields.items() if value}, actors)


def read(name: str) -> Json:
    return json.loads((DECISIONS / f"{name}.json").read_text(encoding="utf-8"))


def longest(annex: str) -> Json:
    """The longest fixture, or the base fixture of a form that has no other."""
    return read(f"{annex}-long" if (DECISIONS / f"{annex}-long.json").exists() else annex)


def written(decision: Json) -> str:
    return json.dumps(decision, ensure_ascii=False, indent=2) + "\n"


def _sitting(form: Form, where: Seat, actors: Cast) -> list[Person]:
    match where:
        case "household":
            return list(actors.people)
        case "workers":
            return list(actors.workers)
        case "children":
            return _minors(actors)
        case "beside":
            apart = _minors(actors) if "children" in form.file.fields else []
            return [person for person in actors.people[1:] if person not in apart]


def _minors(actors: Cast) -> list[Person]:
    return [p for p in actors.people if p.relation in ("son", "daughter") and p.age(actors.day) < ADULT]


def _subject(form: Form, actors: Cast, base: Fields) -> Fields:
    """The applicant in the fields of one person, where the base fixture has them; empty where there is nothing."""
    applicant, specs, subject = actors.people[0], form.file.fields, form.file.subject
    if subject not in specs or specs[subject].type != "name":
        return {}
    known = {subject: applicant.full_name} | dict.fromkeys(BIRTH_PLACE) | _traits(form, applicant)
    given = {name for name, spec in specs.items() if spec.required or name in base or name == "patronymic"}
    return {name: value for name, value in known.items() if name in given}


def _traits(form: Form, person: Person) -> Fields:
    """What fields and columns of these names say of a person."""
    born, ours = person.born, words()
    foreign = "kandas" in form.key  # all others are citizens: a kandas may have become one
    return {
        "full_name": person.full_name,
        "surname": person.surname,
        "given_name": person.given_name,
        "patronymic": person.patronymic,
        "iin": person.iin,
        "birth_date": person.birth_date.isoformat(),
        "sex": person.sex,
        "nationality": dict(ours["nationality"][person.sex]),
        "citizenship": dict(born["country"] if foreign else ours["citizenship"]),
        "birth_place": {language: f"{born['country'][language]}, {born['region'][language]}" for language in LANGUAGES},
        "birth_country": dict(born["country"]),
        "birth_region": dict(born["region"]),
        "birth_settlement": dict(born["settlement"]),
    }


def _officials(form: Form, actors: Cast, base: Fields) -> Fields:
    """Names of officials, in the cases that are about names."""
    own = {form.file.subject, "surname", "given_name", "patronymic"}
    places = [n for n, spec in form.file.fields.items() if spec.type == "name" and n in base and n not in own]
    return {name: actors.officials[i % len(actors.officials)] for i, name in enumerate(places) if actors.officials}


def _rows(form: Form, name: str, people: list[Person], base: Fields) -> list[Fields]:
    """The rows of these people; what is not about the person is that of the base fixture, or of the longest."""
    firsts, others = base.get(name, []), longest(form.annex)["fields"].get(name, [{}])
    likes = firsts + [others[index % len(others)] for index in range(len(firsts), len(people))]
    columns = form.file.fields[name].columns
    rows = [
        dict(_cells(form, columns, person, like, base, is_first=index < len(firsts)))
        for index, (person, like) in enumerate(zip(people, likes, strict=False))
    ]
    return rows or (firsts if form.file.fields[name].required else [])


def _cells(
    form: Form, columns: Mapping[str, FieldSpec], person: Person, like: Fields, around: Fields, *, is_first: bool
) -> Iterator[tuple[str, Json]]:
    own = _traits(form, person) | {
        "relation": dict(words()["relation"][person.relation]),
        "status": dict(words()["standing"][person.standing]),
        "address": around.get("address", words()["address"]),
    }
    for column, spec in columns.items():
        value = own[column] if column in own else like.get(column) if spec.required or is_first else None
        if value:
            yield column, value


def _chosen(form: Form, fields: Fields, actors: Cast) -> Fields:
    """Choices that tell how many ask, or whether they are married, agree with the rows."""
    has_family = any(seat(form, name) == "beside" and name in fields for name in form.file.fields)
    is_married = any(person.relation in ("wife", "husband") for person in actors.people)
    wanted = {
        "request": "family" if has_family else "self",
        "marital_status": "married" if is_married else "never_married",
    }
    specs = form.file.fields
    return fields | {n: code for n, code in wanted.items() if n in fields and n in specs and code in specs[n].choices}


def settled(specs: Mapping[str, FieldSpec], fields: Fields, day: date) -> Fields:
    """Sums as the law fixes them for these people."""
    fields = deepcopy(fields)
    for name, spec in specs.items():
        if spec.amount and name in fields:
            fields[name] = _due(spec, fields, day)
        for index, row in enumerate(fields.get(name, []) if spec.type == "rows" else []):
            for column in [c for c, inner in spec.columns.items() if inner.amount and c in row]:
                row[column] = _due(spec.columns[column], fields, day)
                if spec.columns[column].once and index:
                    del row[column]
    for name, spec in specs.items():
        rows, _, column = spec.total_of.partition(".")
        if rows and name in fields:
            fields[rows] = [{key: v for key, v in row.items() if key != column} for row in fields[rows]]
            fields[rows][0][column] = fields[name]
    return fields


def _due(spec: FieldSpec, fields: Fields, day: date) -> Json:
    rule = spec.amount
    assert rule
    size = len(fields.get(rule.household, [])) + rule.beside if rule.household else 1
    if spec.type == "integer":
        return amounts.indices(rule.kind, day, size, fields.get(rule.place))
    return money_text(amounts.expected(rule.kind, day, size, fields.get(rule.place)))


def shortest(specs: Mapping[str, FieldSpec], fields: Fields) -> Fields:
    """Only what must be given, as short as it can be said."""
    needed = {name: spec for name, spec in specs.items() if spec.required or spec.once}
    return {name: _short(spec, fields[name]) for name, spec in needed.items() if name in fields}


def _short(spec: FieldSpec, value: Json) -> Json:
    if spec.type == "rows":
        return [shortest(spec.columns, row) for row in value[: max(spec.min, 1)]]
    if spec.type == "list":
        return value[: max(spec.min, 1)]
    if spec.by_language:
        return {language: _head(text) for language, text in value.items()}
    return value


def _head(text: str) -> str:
    """What stands before the first comma, if that is whole."""
    head = text.split(",")[0]
    balanced = head.count("(") == head.count(")") and head.count("«") == head.count("»") and head.count('"') % 2 == 0
    return head if balanced else text


def files() -> dict[str, str]:
    """name → text of every fixture that this script writes."""
    return {
        f"{form.annex}-{case}.json": written(made(form, case))
        for form in load().forms.values()
        for case in CASES
        if (DECISIONS / f"{form.annex}.json").exists() and applies(case, form)
    }


def kept() -> dict[str, str]:
    """name → text of the fixtures of our cases that are on file."""
    found = (path for case in CASES for path in DECISIONS.glob(f"*-{case}.json"))
    return {path.name: path.read_text(encoding="utf-8") for path in found}


def table() -> str:
    """Which cases apply to which form."""
    lines = [f"{'':12}" + "".join(f"{case:15}" for case in CASES)]
    for form in load().forms.values():
        if (DECISIONS / f"{form.annex}.json").exists():
            lines.append(f"{form.annex:12}" + "".join(f"{'x' if applies(case, form) else '-':15}" for case in CASES))
    return "\n".join(line.rstrip() for line in lines)


def main() -> int:
    if "--table" in sys.argv:
        print(table())
        return 0
    wanted, found = files(), kept()
    stale = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
    print(*stale, sep="\n")
    if "--check" not in sys.argv:
        for name in stale:
            path = DECISIONS / name
            path.write_text(wanted[name], encoding="utf-8") if name in wanted else path.unlink()
        return 0
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
