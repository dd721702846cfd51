"""Every fixture of every form goes the whole path, both languages at once, and nothing on its pages is clipped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import tostring

import offices
import pytest
import verapdf
from cases import Case, cases, catalogue
from goldens import _mark
from layout import laid_out, strays

from qujat import decision, document, engine, pages, rendering
from qujat.office import Office
from qujat.pipeline import Issued, check, issue, rerender

ANNEXES = sorted({case.form.annex for case in cases()})
LENGTHS = ("-long", "-minimal")
FIXTURES = sorted(offices.FIXTURES.glob("*.json"))
ANSWERS = {"signature", "timestamp", "signer", "data", "mark", "text", "register", "edition-kk", "edition-ru"}
Json = Any


def sent(path: Path) -> Json:
    return json.loads(path.read_text(encoding="utf-8"))


def _on_a_fixture() -> set[tuple[str, str]]:
    """(annex, edition) that the base fixtures are on, by their own days."""
    bases = [sent(offices.FIXTURES / f"{annex}.json") for annex in {case.form.annex for case in cases()}]
    return {
        (base["form"], catalogue().in_force(base["form"], date.fromisoformat(base["day"]), language).text.id)
        for base in bases
        for language in base["languages"]
    }


def others() -> list[Case]:
    """Editions that no fixture is on, one case each, in all their languages."""
    missed = [case for case in cases() if (case.form.annex, case.edition.id) not in _on_a_fixture()]
    return [case for case in missed if case.language == case.languages[0]]


@pytest.fixture
def whole(office_in_memory: Office) -> Office:
    return replace(office_in_memory, forms=catalogue())


def goes_the_whole_path(given: Json, whole: Office, *, again: bool = True) -> Issued:
    with laid_out() as layouts:
        issued = issue(decision.parse(given), whole)
    pages_made = [file for file in issued.document.files if file.role == "page"]
    assert len(layouts) == len(pages_made)
    assert "-".join(file.language for file in pages_made).split("-") == given["languages"]
    assert [fault for layout in layouts for fault in strays(layout)] == []
    verdict = check(issued.number, whole)
    assert (verdict.value, verdict.code) == ("valid", "genuine"), verdict.as_json()
    assert {answer.name for answer in verdict.checks} >= ANSWERS
    assert check(issued.mark, whole).value == "valid"
    if again:
        rendered = rerender(issued.number, whole)
        assert [page.outcome for page in rendered.pages] == ["identical"] * len(pages_made)
    return issued


def keeps_both_claims(issued: Issued, tags: Sequence[str], folder: Path) -> None:
    """PDF/A-3a and PDF/UA-1, signed to B-LTA, with the data, the mark and the seal; no answer is no pass (verapdf)."""
    paths = [folder / f"{tag}.pdf" for tag in tags]
    for path, tag in zip(paths, tags, strict=True):
        path.write_bytes(issued.files[f"{issued.number}.{tag}.pdf"])
    assert not paths or verapdf.failures(paths) == []


def tags(issued: Issued) -> list[str]:
    """The languages of its pages: kk and ru, or kk-ru."""
    return [file.language for file in issued.document.files if file.role == "page"]


def _people(path: Path) -> Any:
    """Fixtures that differ from the first by their people alone are tried with the wide tests."""
    first = path.stem in ANNEXES or path.stem.endswith(LENGTHS)
    return pytest.param(path, id=path.stem, marks=() if first else pytest.mark.wide)


@pytest.mark.parametrize("path", [_people(path) for path in FIXTURES])
def test_every_fixture_goes_the_whole_path_in_both_languages(path: Path, whole: Office, tmp_path: Path) -> None:
    """Rendered again: the first, shortest and longest of each form; other people differ by words alone."""
    given = sent(path)
    assert given["languages"] == ["kk", "ru"]
    issued = goes_the_whole_path(given, whole, again=path.stem in ANNEXES or path.stem.endswith(LENGTHS))
    keeps_both_claims(issued, _judged(path, tags(issued)), tmp_path)


def _judged(path: Path, made: list[str]) -> list[str]:
    """Which pages of a fixture veraPDF sees: of a form's first one, one language by turns; of the long one, which
    breaks over pages, the other. The others differ by words alone."""
    form = path.stem.removesuffix("-long")
    turn = ANNEXES.index(form) + (form != path.stem) if form in ANNEXES else None
    return [] if turn is None else [made[turn % len(made)]]


def test_verapdf_sees_a_short_and_a_long_page_of_every_form() -> None:
    seen = {path.stem: _judged(path, ["kk", "ru"]) for path in FIXTURES}
    for annex in {case.form.annex for case in cases()}:
        assert sorted([*seen[annex], *seen[f"{annex}-long"]]) == ["kk", "ru"]


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
@pytest.mark.parametrize("case", others(), ids=str)
def test_every_edition_that_no_fixture_is_on_goes_the_whole_path(
    case: Case, long: bool, whole: Office, tmp_path: Path
) -> None:
    given = case.decision(long=long, languages=case.languages)
    assert given["languages"] == ["kk", "ru"]
    issued = goes_the_whole_path(given, whole)
    keeps_both_claims(issued, [] if long else tags(issued), tmp_path)


def test_every_wording_is_on_a_fixture_or_tried_beside_them() -> None:
    tried = _on_a_fixture() | {(case.form.annex, case.edition.id) for case in others()}
    assert tried == {(case.form.annex, case.edition.id) for case in cases()}


def test_every_fixture_has_a_decision_of_its_own() -> None:
    ids = [sent(path)["id"] for path in FIXTURES]
    assert len(set(ids)) == len(ids)
    assert [path.stem for path in FIXTURES] == [identifier.removeprefix("demo-") for identifier in ids]


@pytest.mark.parametrize(
    ("words", "spoilt", "said"),
    [
        ("<table", '<table style="overflow-wrap: normal"', "leaves its place"),
        ('<p class="body">', '<p class="body" style="white-space: nowrap">', "leaves its place"),
        ('<p class="heading">', '<p class="heading" style="margin-bottom: -6mm">', "lies on"),
    ],
)
def test_a_page_with_clipped_or_covered_words_is_noticed(words: str, spoilt: str, said: str) -> None:
    case = next(case for case in cases() if case.form.annex == "o20-a05" and case.language == "ru")
    given = case.decision()
    given["fields"]["recipients"][0]["full_name"] = "Щ" * 60
    data = document.assemble(decision.parse(given), {"ru": case.wording}, catalogue(), "2026-000123", stand_in=True)
    sheet = pages.page(catalogue(), data, "ru", _mark())
    markup = tostring(rendering.tree(rendering.html(sheet)), encoding="unicode")
    assert strays(engine.lay_out(rendering.tree(markup), sheet)) == []
    assert words in markup
    found = strays(engine.lay_out(rendering.tree(markup.replace(words, spoilt)), sheet))
    assert any(said in fault for fault in found)
