"""Hostile strings in every field of every form: refused at their place, or printed whole in PDF and Word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from typing import Any
from xml.etree.ElementTree import Element

import hostile
import pytest
from cases import Case, cases, catalogue, without_rules
from fontTools.ttLib import TTFont
from goldens import _mark
from hostile import Path, Place
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from layout import laid_out, strays
from test_word import as_page, copy_mark

from qujat import comparison, decision, document, pages, pagetext, rendering, word
from qujat.document import Sealed
from qujat.errors import FieldError, FieldErrors
from qujat.fields import Context, FieldSpec, check
from qujat.mark import TOKEN_BYTES
from qujat.pagetext import squeezed
from qujat.texts import FACE, faults, letters_of_the_face

Json = dict[str, Any]
AROUND: list[Path] = [
    ("authority", "name", "kk"),
    ("official", "full_name"),
    ("official", "position", "kk"),
    ("number",),
]
TEXT = FieldSpec(type="text", label={"kk": "", "ru": ""})


class Trial:
    """The longest decision of a wording, with one row and one entry of each, and the places in it."""

    def __init__(self, case: Case) -> None:
        self.case, self.specs = case, without_rules(case.wording.fields)
        sent = case.decision(long=True)
        self.sent = sent | {"fields": hostile.shortened(self.specs, sent["fields"])}
        self.places = hostile.places(self.specs, self.sent["fields"], case.language)
        lists = {spec.list_key for spec in self.specs.values() if spec.type == "grounds"}
        counts = {name: catalogue().count_grounds(name, case.day) for name in lists}
        self.context = Context([case.language], case.day, counts)

    def refused(self, texts: Sequence[str]) -> set[str]:
        """Where the check refuses texts, one in each place; fails if it speaks of another place, or repeats a text."""
        fields = hostile.filled(self.sent["fields"], self.places, texts)
        errors = check(self.specs, fields, self.context)
        paths = {error.path for error in errors}
        assert paths <= {place.pointer for place in self.places}
        assert not [text for text in texts if len(text) > 7 and any(text in error.message for error in errors)]
        return paths


TRIALS = [Trial(case) for case in cases() if case.wording.fields]
each_trial = pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: str(trial.case))


@each_trial
def test_a_hostile_string_is_refused_at_its_place_or_is_a_text_that_can_be_printed(trial: Trial) -> None:
    accepted: dict[str, set[str]] = {place.pointer: set() for place in trial.places}
    for text in hostile.STRINGS:
        for pointer in accepted.keys() - trial.refused([text] * len(trial.places)):
            accepted[pointer].add(text)
    for place in trial.places:
        takes = accepted[place.pointer]
        assert not takes & {*hostile.INVISIBLE, *hostile.LETTERS}
        if place.spec.type in ("text", "list"):
            assert takes == {*hostile.MARKUP, *hostile.TEMPLATES, *hostile.SHAPES, *hostile.NAMES}
        elif place.spec.type == "name":
            assert takes >= set(hostile.NAMES)
        else:
            assert takes == set()


@pytest.mark.parametrize("path", AROUND, ids=lambda path: "-".join(path))
def test_a_hostile_string_around_the_fields_is_refused_at_its_place_or_can_be_printed(path: Path) -> None:
    for text in hostile.STRINGS:
        sent = deepcopy(TRIALS[0].sent)
        hostile.at(sent, path[:-1])[path[-1]] = text
        errors = refusals(sent)
        assert bool(errors) == bool(list(faults(text)) or len(text) > 500 or (path[-1] == "number" and len(text) > 64))
        assert {error.path for error in errors} <= {"/" + "/".join(map(str, path)), ""}


def refusals(sent: Json) -> list[FieldError]:
    try:
        decision.parse(sent)
    except FieldErrors as refused:
        return list(refused.errors)
    return []


def signed(text: str, serial: int, limit: int) -> str:
    """The text with a word behind it that no other place has, so that each is found in its own place."""
    return f"{text[: limit - 8]} Ж{''.join('абвгдежзик'[int(digit)] for digit in f'{serial:03}')}"


def filled(trial: Trial, texts: list[str]) -> tuple[Json, list[str]]:
    """The decision with a text in every place that takes it, and what must now be on the page."""
    marked = [signed(text, serial, 500) for serial, text in enumerate(texts)]
    refused = trial.refused(marked[: len(trial.places)])
    taken = [(place, text) for place, text in zip(trial.places, marked, strict=False) if place.pointer not in refused]
    fields = hostile.filled(trial.sent["fields"], [place for place, _ in taken], [text for _, text in taken])
    sent = trial.sent | {"fields": fields}
    around = [(*path[:-1], trial.case.language) if path[-1] == "kk" else path for path in AROUND[:-1]]
    beside = [Place(path, TEXT) for path in around]
    sent = hostile.filled(sent, beside, marked[len(trial.places) :])
    return sent, [text for place, text in taken if place.spec.printed] + marked[len(trial.places) :]


def lost(put: list[str], root: Element) -> list[str]:
    """What was put into the decision and does not stand on the page."""
    shown = squeezed("".join(root.itertext()))
    return [text for text in put if squeezed(text) not in shown]


@pytest.mark.wide
@each_trial
@given(data=st.data())
@settings(max_examples=2, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
def test_hostile_strings_in_all_fields_at_once_are_printed_whole(trial: Trial, data: st.DataObject) -> None:
    case, count = trial.case, len(trial.places) + len(AROUND) - 1
    sent, put = filled(trial, hostile.drawn(data, count))
    parsed = decision.parse(sent)
    wordings = {name: catalogue().in_force(parsed.form, parsed.day, name) for name in parsed.languages}
    made = document.assemble(parsed, wordings, catalogue(), "2026-000123", stand_in=True)
    assert document.from_xml(document.to_xml(Sealed(made, bytes(TOKEN_BYTES), bytes(16)))).data == made

    sheet = pages.page(catalogue(), made, case.language, _mark())
    root = rendering.tree(rendering.html(sheet))
    assert lost(put, root) == []

    with laid_out() as layouts:
        shown = pagetext.read(rendering.pdf(sheet)).pages
    assert [fault for layout in layouts for fault in strays(layout)] == []
    assert comparison.stands_on(root, shown)

    file = word.word(catalogue(), made, case.language)
    assert comparison.stands_on(as_page(file, root.find("body/*[@class='seal']"), copy_mark(case)), shown)


def test_every_letter_that_is_accepted_is_read_back_from_the_page() -> None:
    """The checker reads the words of a PDF: a letter that it gets back otherwise would condemn a sound document."""
    trial = next(trial for trial in TRIALS if trial.case.form.annex == "o20-a03" and trial.case.language == "ru")
    letters = [letter for point in sorted(letters_of_the_face()) if not list(faults(f"1{(letter := chr(point))}1"))]
    assert len(letters) > 2500
    lines = [
        " ".join(f"1{letter}1" for letter in letters[start : start + 150]) for start in range(0, len(letters), 150)
    ]
    sent = deepcopy(trial.sent)
    sent["fields"]["missing_documents"] = [{"ru": line} for line in lines]
    wordings = {"ru": trial.case.wording}
    made = document.assemble(decision.parse(sent), wordings, catalogue(), "2026-000123", stand_in=True)
    sheet = pages.page(catalogue(), made, "ru", _mark())
    root = rendering.tree(rendering.html(sheet))
    assert lost(lines, root) == []
    assert comparison.stands_on(root, pagetext.read(rendering.pdf(sheet)).pages)


def test_no_two_letters_that_are_accepted_are_drawn_alike() -> None:
    with TTFont(FACE, lazy=True) as face:
        glyphs = Counter(glyph for point, glyph in face.getBestCmap().items() if not list(faults(f"1{chr(point)}1")))
        drawn = {glyph: [chr(p) for p, of_face in face.getBestCmap().items() if of_face == glyph] for glyph in glyphs}
    assert [drawn[glyph] for glyph, times in glyphs.items() if times > 1 and "".join(drawn[glyph]).strip()] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [("שלום", "right-to-left"), ("ﬁ", "joined-letters"), ("а\u034fб", "invisible-character"), ("Əli", "look-alike")],
)
def test_letters_that_a_pdf_gives_back_otherwise_are_refused(text: str, code: str) -> None:
    assert code in [found for found, _ in faults(text)]
