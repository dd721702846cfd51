"""What a document says of being electronic: the phrase of its day, kept in its data, and none on a stand-in."""

from __future__ import annotations

from datetime import date
from typing import Any

import offices
import pytest
from cases import catalogue

from qujat import document, foot, phrases, settings, word
from qujat.languages import LANGUAGES

OWN = phrases.Phrase(first=date(2026, 7, 12), kk="Жаңа сөйлем.", ru="Новая фраза.")


def data(day: str, *, stand_in: bool = False, configured: tuple[phrases.Phrase, ...] = ()) -> dict[str, Any]:
    sent = offices.parsed("o20-a07" if day < "2026-06" else "o329-a02", day=day)
    wordings = {language: catalogue().in_force(sent.form, sent.day, language) for language in LANGUAGES}
    return document.assemble(sent, wordings, catalogue(), "1", stand_in=stand_in, phrases=configured)


def feet(of: dict[str, Any]) -> str:
    form = catalogue().form(of["form"])
    return " ".join(line for language in LANGUAGES for line in foot.of_document(catalogue(), form, of, [language]))


def test_until_11_07_2026_the_foot_prints_the_phrase_of_the_law_of_2003() -> None:
    made = data("2026-03-02")
    assert made["phrase"]["ru"] in feet(made)
    assert "N 370-II" in made["phrase"]["kk"]


@pytest.mark.parametrize(("day", "own"), [("2026-08-03", ""), ("2026-08-03", "Новая фраза.")])
def test_after_it_there_is_none_until_one_is_configured(day: str, own: str) -> None:
    made = data(day, configured=(OWN,) if own else ())
    assert made.get("phrase", {}).get("ru", "") == own
    assert (OWN.kk in feet(made)) == bool(own)


def test_a_stand_in_never_says_that_it_equals_paper() -> None:
    assert "phrase" not in data("2026-03-02", stand_in=True)
    assert "phrase" not in data("2026-08-03", stand_in=True, configured=(OWN,))


def test_a_word_copy_never_says_that_it_equals_paper() -> None:
    made = data("2026-03-02")
    quiet = {name: value for name, value in made.items() if name != "phrase"}
    assert word.word(catalogue(), made, "ru") == word.word(catalogue(), quiet, "ru")


def test_a_phrase_is_configured_with_its_first_day_and_both_languages(tmp_path: Any) -> None:
    (tmp_path / "qujat.toml").write_text('[[phrase]]\nfirst = 2026-07-12\nkk = "Жаңа."\nru = "Новая."\n', "utf-8")
    (read,) = settings.read(tmp_path / "qujat.toml").phrase
    assert phrases.phrase_on(date(2026, 7, 12), "kk", configured=(read,)) == "Жаңа."
    assert phrases.phrase_on(date(2026, 7, 11), "kk", configured=(read,)) != "Жаңа."
