"""Identification numbers, days in words, and the words of the wordings themselves."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import cases
import pytest
from cases import Case
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jinja2 import nodes

from qujat import pages, rendering
from qujat.acts import Act
from qujat.catalogue import ROOT, Edition, Form, load
from qujat.identifiers import bin_fault, birth_date_agrees, check_digit, iin_fault, sex_agrees
from qujat.languages import LANGUAGES, Language
from qujat.texts import letters_of_the_face
from qujat.words import DATED_KK, MONTHS, NBSP, dated, day_in_figures, day_in_words, month

CATALOGUE = load()
TEMPLATES = ROOT / "templates"
FILES = [*TEMPLATES.rglob("*.j2"), *TEMPLATES.rglob("*.toml"), *(ROOT / "forms").rglob("*.toml")]
HELD = [
    (form, edition, sorted(language for language, status in edition.wording.items() if status != "not-held"))
    for form in CATALOGUE.forms.values()
    for edition in form.editions
]
WORDINGS = [(form, edition, language) for form, edition, held in HELD for language in held]
IN_BOTH = [(form, edition) for form, edition, held in HELD if held == ["kk", "ru"]]

hostile = settings(max_examples=60, derandomize=True, deadline=None)
digits = st.text("0123456789", min_size=11, max_size=11)
days_of_birth = st.dates(date(1800, 1, 1), date(2099, 12, 31))


def named(value: object) -> str:
    return value.annex if isinstance(value, Form) else value.id if isinstance(value, Edition) else str(value)


each_wording = pytest.mark.parametrize(("form", "edition", "language"), WORDINGS, ids=named)


def completed(first_eleven: str) -> str:
    """The number with its check digit; hypothesis passes over those that have none."""
    twelfth = check_digit(first_eleven)
    assume(twelfth is not None)
    return f"{first_eleven}{twelfth}"


def an_iin(born: date, digit: int, serial: int) -> str:
    return completed(f"{born:%y%m%d}{digit}{serial:04d}")


def digit_of(born: date, *, is_male: bool) -> int:
    """The seventh digit as the law has it: two for every century since the nineteenth, odd for men."""
    return (born.year // 100 - 18) * 2 + (1 if is_male else 2)


@pytest.mark.parametrize(
    ("first_eleven", "twelfth"),
    [
        ("91041230010", 9),
        ("78051540001", 7),
        ("91041230001", 8),
        ("91041230003", 1),
        ("91041230002", None),
        ("00000000000", 0),
    ],
)
def test_a_check_digit_is_the_remainder_by_11_or_that_of_the_second_weights_or_none(
    first_eleven: str, twelfth: int | None
) -> None:
    assert check_digit(first_eleven) == twelfth


@hostile
@given(digits, st.integers(1, 9))
def test_a_number_with_another_check_digit_is_refused(first_eleven: str, step: int) -> None:
    sound = completed(first_eleven)
    other = f"{first_eleven}{(int(sound[11]) + step) % 10}"
    for fault in (iin_fault(other), bin_fault(other)):
        assert fault
        assert "check digit" in fault


@hostile
@given(digits)
def test_a_number_that_has_no_check_digit_is_refused_with_every_twelfth_digit(first_eleven: str) -> None:
    accepted = [d for d in range(10) if "check digit" not in (iin_fault(f"{first_eleven}{d}") or "")]
    assert accepted == [d for d in [check_digit(first_eleven)] if d is not None]


@pytest.mark.parametrize(
    "number",
    ["", "91041230566", "9104123056655", "91041230566x", " 910412305665", "910412305665\n", "91041230566²"]
    + ["".join(chr(zero + int(digit)) for digit in "910412305665") for zero in (0xFF10, 0x0660)],
)
def test_anything_but_twelve_plain_digits_is_no_number(number: str) -> None:
    assert iin_fault(number) == bin_fault(number) == "expected exactly 12 digits"


@hostile
@given(days_of_birth, st.booleans(), st.integers(0, 9999))
def test_an_iin_agrees_with_its_birth_date_and_sex_and_no_other(born: date, is_male: bool, serial: int) -> None:
    iin = an_iin(born, digit_of(born, is_male=is_male), serial)
    assert iin_fault(iin) is None
    assert birth_date_agrees(iin, born)
    assert not birth_date_agrees(iin, born + timedelta(days=1))
    assert not birth_date_agrees(iin, date(born.year - 100, born.month, min(born.day, 28)))
    assert (sex_agrees(iin, "male"), sex_agrees(iin, "female")) == (is_male, not is_male)


@hostile
@given(days_of_birth, st.integers(0, 9999))
def test_the_iin_of_a_foreigner_tells_neither_century_nor_sex(born: date, serial: int) -> None:
    iin = an_iin(born, 0, serial)
    assume(born.strftime("%m%d") != "0229")
    assert iin_fault(iin) is None
    assert sex_agrees(iin, "male")
    assert sex_agrees(iin, "female")
    assert birth_date_agrees(iin, born)
    assert birth_date_agrees(iin, born.replace(year=born.year % 100 + 1900))
    assert not birth_date_agrees(iin, born + timedelta(days=1))


@pytest.mark.parametrize(
    ("first_seven", "said"),
    [
        ("9104127", "seventh digit"),
        ("9104129", "seventh digit"),
        ("9113123", "birth date"),
        ("9100123", "birth date"),
        ("9104313", "birth date"),
        ("9104003", "birth date"),
        ("0002293", "birth date"),
        ("0102296", "birth date"),
        ("0002295", None),
        ("0402291", None),
        ("0002290", None),
    ],
)
def test_an_iin_begins_with_a_day_of_the_calendar_of_its_century(first_seven: str, said: str | None) -> None:
    """1900 was no leap year, 2000 and 1804 were."""
    numbers = [f"{first_seven}{n:04d}{check_digit(f'{first_seven}{n:04d}')}" for n in range(20)]
    faults = {iin_fault(number) for number in numbers if len(number) == 12}
    assert len(faults) == 1
    (fault,) = faults
    assert fault is None if said is None else fault and said in fault


@pytest.mark.parametrize(
    ("first_five", "said"),
    [("99044", None), ("99125", None), ("99016", None), ("99004", "month"), ("99134", "month")]
    + [(f"9904{digit}", "fifth digit") for digit in "0123789"],
)
def test_a_bin_begins_with_a_month_and_the_kind_of_organisation(first_five: str, said: str | None) -> None:
    numbers = [f"{first_five}{n:06d}{check_digit(f'{first_five}{n:06d}')}" for n in range(20)]
    faults = {bin_fault(number) for number in numbers if len(number) == 12}
    assert len(faults) == 1
    (fault,) = faults
    assert fault is None if said is None else fault and said in fault


@hostile
@given(st.text(max_size=14) | digits.map(lambda d: f"{d}0"))
def test_the_fault_of_a_number_never_repeats_it(number: str) -> None:
    assume(len(number) > 2)
    for fault in (iin_fault(number), bin_fault(number)):
        assert fault is None or number.strip() == "" or number not in fault


@pytest.mark.parametrize(
    ("number", "kk", "ru"),
    [
        (1, "2026 жылғы 5 қаңтар", "5 января 2026 года"),
        (2, "2026 жылғы 5 ақпан", "5 февраля 2026 года"),
        (3, "2026 жылғы 5 наурыз", "5 марта 2026 года"),
        (4, "2026 жылғы 5 сәуір", "5 апреля 2026 года"),
        (5, "2026 жылғы 5 мамыр", "5 мая 2026 года"),
        (6, "2026 жылғы 5 маусым", "5 июня 2026 года"),
        (7, "2026 жылғы 5 шілде", "5 июля 2026 года"),
        (8, "2026 жылғы 5 тамыз", "5 августа 2026 года"),
        (9, "2026 жылғы 5 қыркүйек", "5 сентября 2026 года"),
        (10, "2026 жылғы 5 қазан", "5 октября 2026 года"),
        (11, "2026 жылғы 5 қараша", "5 ноября 2026 года"),
        (12, "2026 жылғы 5 желтоқсан", "5 декабря 2026 года"),
    ],
)
def test_a_day_is_written_in_words_with_spaces_that_do_not_break(number: int, kk: str, ru: str) -> None:
    day = date(2026, number, 5)
    assert NBSP == "\u00a0"
    assert day_in_words(day, "kk") == kk.replace(" ", NBSP)
    assert day_in_words(day, "ru") == ru.replace(" ", NBSP)
    assert month(day, "kk") == kk.split(" ")[-1]
    assert month(day, "ru") == ru.split(" ")[1]
    assert day_in_figures(day) == f"05.{number:02d}.2026"
    assert dated(day, "ru") == f"от {ru}".replace(" ", NBSP)


@pytest.mark.parametrize(("nominative", "attributive"), list(zip(MONTHS["kk"], DATED_KK, strict=True)))
def test_a_kazakh_month_takes_the_ending_that_its_sounds_ask_for(nominative: str, attributive: str) -> None:
    """The locative: т after a voiceless consonant, else д; then the vowels of the last syllable."""
    vowel = re.findall("[аәеиоөұүыі]", nominative)[-1]
    stem = "т" if nominative[-1] in "кқпстшх" else "д"
    assert attributive == nominative + stem + ("ағы" if vowel in "аоұы" else "егі")


@pytest.mark.parametrize("act", [a for a in CATALOGUE.acts.values() if a.number], ids=lambda act: act.key)
def test_the_day_of_an_act_is_written_as_in_its_own_title(act: Act) -> None:
    for language in LANGUAGES:
        assert dated(act.day, language).replace(NBSP, " ") in act.title[language]


def asked(form: Form, edition: Edition, language: Language) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """What a wording asks for: fields ("family", and "family.iin" in its rows), widgets, codes of choices."""
    source = (TEMPLATES / form.template(edition.id, language)).read_text(encoding="utf-8")
    page = rendering.environment().parse(source)
    columns = {
        f"{loop.iter.attr}.{column}"
        for loop in page.find_all(nodes.For)
        if isinstance(loop.iter, nodes.Getattr) and isinstance(loop.target, nodes.Name)
        for column in _attributes(loop, loop.target.name)
        if form.file.fields[loop.iter.attr].type == "rows"
    }
    codes = Counter(
        f"{call.node.node.attr}.{call.args[0].as_const()}"
        for call in page.find_all(nodes.Call)
        if isinstance(call.node, nodes.Getattr)
        and call.node.attr == "is_"
        and isinstance(call.node.node, nodes.Getattr)
    )
    return _attributes(page, "f") + Counter(columns), _alike(_attributes(page, "w")), codes


# A value on a line with words before, after or beneath it: word order decides which, and differs by language.
LINES = {"under", "led", "tail", "signed"}


def _alike(widgets: Counter[str]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for name, times in widgets.items():
        counted["line" if name in LINES else name] += times
    return counted


def _attributes(node: nodes.Node, name: str) -> Counter[str]:
    found = node.find_all(nodes.Getattr)
    return Counter(get.attr for get in found if isinstance(get.node, nodes.Name) and get.node.name == name)


@each_wording
def test_a_wording_asks_for_every_declared_field_and_column_and_for_nothing_else(
    form: Form, edition: Edition, language: Language
) -> None:
    declared = {name: spec for name, spec in form.fields(edition.id).items() if spec.printed}
    columns = {f"{n}.{column}" for n, spec in declared.items() for column, c in spec.columns.items() if c.printed}
    fields, _, _ = asked(form, edition, language)
    assert set(fields) == set(declared) | columns


@each_wording
def test_a_wording_that_lists_the_choices_lists_them_all(form: Form, edition: Edition, language: Language) -> None:
    _, _, codes = asked(form, edition, language)
    listed = {code.partition(".")[0] for code in codes}
    assert set(codes) == {f"{name}.{code}" for name in listed for code in form.file.fields[name].choices}


@pytest.mark.parametrize(("form", "edition"), IN_BOTH, ids=named)
def test_both_languages_of_an_edition_ask_for_the_same_fields_widgets_and_choices(form: Form, edition: Edition) -> None:
    assert asked(form, edition, "kk") == asked(form, edition, "ru")


def test_every_wording_on_file_belongs_to_a_held_edition_and_the_other_way_round() -> None:
    found = {path.relative_to(TEMPLATES) for path in TEMPLATES.glob("*/*/*.html.j2")}
    on_file = {path for path in found if path.parts[0] not in ("paper", "card", "web")}
    assert on_file == {Path(form.template(edition.id, language)) for form, edition, language in WORDINGS}


@pytest.mark.parametrize("case", cases.cases(), ids=str)
def test_an_empty_form_is_well_formed_in_its_language_and_its_letters_are_in_the_face(case: Case) -> None:
    page = rendering.tree(rendering.html(pages.blank(cases.catalogue(), case.wording)))
    assert (page.tag, page.get("lang")) == ("html", case.language)
    letters = {c for text in page.itertext() for c in text if c != "\n"}
    assert {c for c in letters if ord(c) not in letters_of_the_face()} == set()
    assert len(letters) > 40


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_word_of_a_form_or_wording_mixes_latin_and_cyrillic_letters(path: Path) -> None:
    text = re.sub(r"\\.", " ", path.read_text(encoding="utf-8"))
    scripts = {word: {unicodedata.name(c).split()[0] for c in word} for word in re.findall(r"[^\W\d_]+", text)}
    assert scripts
    assert [word for word, of_word in scripts.items() if {"LATIN", "CYRILLIC"} <= of_word] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_form_or_wording_hides_a_character(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert unicodedata.normalize("NFC", text) == text
    assert {
        f"U+{ord(c):04X}" for c in text if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cn") and c != "\n"
    } == set()
