"""Official wordings stand in the templates verbatim and whole, typos included (scripts/fidelity prints the measure)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cases import catalogue
from test_goldens import script

from qujat.catalogue import Edition, Form
from qujat.languages import Language

fidelity = script("fidelity")
OFFICIAL: list[tuple[Form, Edition, Language]] = fidelity.official(catalogue())
LAW = ["бір", "екі", "үш", "төрт", "бес"]


def named(value: Any) -> str:
    return getattr(value, "annex", None) or getattr(value, "id", None) or str(value)


@pytest.mark.parametrize(("form", "edition", "language"), OFFICIAL, ids=named)
def test_an_official_wording_is_printed_word_for_word_or_says_what_it_leaves_out(
    form: Form, edition: Edition, language: Language
) -> None:
    line = fidelity.line(catalogue(), form, edition, language)
    assert line.fidelity.words > 100
    assert line.fidelity.added == ()
    assert sorted(line.fidelity.missing) == sorted(line.not_printed), "explain each in the notes: Not printed: …"
    assert line.is_faithful


def test_every_law_on_file_is_held_against_a_wording() -> None:
    texts = {path.name for path in fidelity.LAW.glob("*.txt")}
    assert texts == {f"{form.annex}.{edition.id}.{language}.txt" for form, edition, language in OFFICIAL}


@pytest.mark.parametrize(
    ("page", "found", "missing", "added"),
    [
        ("бір екі үш төрт бес", 5, (), ()),
        ("бір екі төрт бес", 4, ("үш",), ()),
        ("бір", 1, ("екі үш төрт бес",), ()),
        ("бір екі үш алты төрт бес", 5, (), ("алты",)),
        ("бір екі алты төрт бес", 4, ("үш",), ("алты",)),
        ("екі үш төрт бес бір", 4, ("бір",), ("бір",)),
        ("", 0, ("бір екі үш төрт бес",), ()),
    ],
)
def test_words_are_found_in_the_order_of_the_law(
    page: str, found: int, missing: tuple[str, ...], added: tuple[str, ...]
) -> None:
    measured = fidelity.compared(LAW, page.split())
    assert measured == (5, found, missing, added)
    assert measured.per_cent == pytest.approx(20 * found)


def test_blanks_dots_and_spaces_are_no_words_and_signs_are() -> None:
    assert fidelity.words("1. Аты ______ ,\n\u00a0күні …………. (бар болса )") == [
        *("1", ".", "Аты", ",", "күні", ".", "(", "бар", "болса", ")"),
    ]


def a_line(*notes: str, missing: tuple[str, ...] = (), added: tuple[str, ...] = ()) -> Any:
    """A line about a page that misses or adds words, its edition with these notes."""
    form, edition, language = OFFICIAL[0]
    noted = replace(edition, notes=notes)
    line = fidelity.line(catalogue(), form, noted, language)
    return line._replace(fidelity=fidelity.Fidelity(100, 100 - len(missing), missing, added))


def test_a_missing_word_is_explained_by_a_note_of_its_own() -> None:
    note = 'Not printed: "Нысан" (the order has it twice).'
    assert a_line(note, missing=("Нысан",)).is_faithful
    assert not a_line(missing=("Нысан",)).is_faithful
    assert not a_line('"Нысан" is odd', missing=("Нысан",)).is_faithful
    assert not a_line(note, missing=("Нысан", "Форма")).is_faithful
    assert not a_line(note).is_faithful, "a note that explains nothing is out of date"


def test_no_note_explains_an_added_word() -> None:
    assert not a_line('Added: "көшірме"', added=("көшірме",)).is_faithful
    assert a_line('Added: "көшірме"').said_to_be_added == ("көшірме",)


def test_the_table_has_a_line_for_every_wording_and_never_rounds_up_to_the_whole() -> None:
    lines = [fidelity.line(catalogue(), *wording) for wording in OFFICIAL[:2]]
    short = lines[1]._replace(fidelity=fidelity.Fidelity(100_000, 99_999, ("үш",), ()))
    _, first, second, missing, total = fidelity.table([lines[0], short])
    assert "100.00" in first
    assert "99.99" in second
    assert missing.strip() == "missing: үш"
    assert total.startswith("2 official wordings: ")
    assert "100.00" not in total
