"""House forms of Orders 20 and 234: the day of an objection, a notice that comes late, the foot on grounds."""

from __future__ import annotations

from datetime import date
from typing import Any

import offices
import pytest
from cases import catalogue
from goldens import _mark

from qujat import decision, document, pages, rendering, terms
from qujat.fields import Context, check
from qujat.languages import LANGUAGES

DAY = date(2026, 3, 2)
PRELIMINARY = ("o20-n05", "o20-n05-1")
GROUNDS_TRANSLATED = pages.paper_words()["ru"]["grounds_translation"]


def data_of(annex: str, *without: str, **fields: Any) -> dict[str, Any]:
    """The data of the fixture's document; some fields taken away, some put in."""
    sent = offices.a_decision(annex)
    sent["fields"] = {name: value for name, value in (sent["fields"] | fields).items() if name not in without}
    read = decision.parse(sent)
    wordings = {language: catalogue().in_force(annex, read.day, language) for language in LANGUAGES}
    return document.assemble(read, wordings, catalogue(), "2026-000123", stand_in=True)


def text_of(data: dict[str, Any]) -> str:
    """The words of the Russian page with its foot."""
    sheet = pages.page(catalogue(), data, "ru", _mark())
    return " ".join(" ".join(rendering.tree(rendering.html(sheet)).itertext()).split())


@pytest.mark.parametrize("annex", PRELIMINARY)
def test_the_last_day_of_an_objection_is_printed_where_the_day_of_receipt_is_known(annex: str) -> None:
    # 8 March 2026 is a Sunday, so the 9th is a day off.
    data = data_of(annex, received_on="2026-03-05")
    assert data["fields"]["objection_by"] == "2026-03-10"
    assert "(день получения – 05.03.2026, последний день – 10.03.2026)" in text_of(data)


@pytest.mark.parametrize("annex", PRELIMINARY)
def test_without_a_day_of_receipt_an_objection_has_its_term_and_no_day(annex: str) -> None:
    text = text_of(data_of(annex, "received_on"))
    assert "двух рабочих дней со дня получения предварительного решения." in text
    assert "последний день" not in text


@pytest.mark.parametrize("annex", PRELIMINARY)
def test_a_stated_day_of_objection_that_is_not_the_law_s_is_refused(annex: str) -> None:
    form = catalogue().form(annex)
    grounds = {name: catalogue().count_grounds(name, DAY) for name in ("quota_kandas", "quota_settler")}
    fields = data_of(annex, received_on="2026-03-02", objection_by="2026-03-05")["fields"]
    (error,) = check(form.fields("order_173"), fields, Context(LANGUAGES, DAY, grounds))
    assert (error.path, error.code) == ("/fields/objection_by", "term-disagrees")


@pytest.mark.parametrize(
    ("annex", "event", "in_time", "late"),
    [
        ("o20-n02", "applied_on", "2026-02-27", "2026-02-26"),
        ("o20-n05", "recommendation_received_on", "2026-03-02", "2026-02-27"),
        ("o20-n05-1", "recommendation_received_on", "2026-03-02", "2026-02-27"),
        ("o20-n07", "accepted_on", "2026-02-10", "2026-02-09"),
        ("o20-n07-1", "accepted_on", "2026-02-10", "2026-02-09"),
        ("o20-n10", "extended_on", "2026-02-25", "2026-02-24"),
    ],
)
def test_a_notice_after_its_term_is_told_and_one_on_the_last_day_is_not(
    annex: str, event: str, in_time: str, late: str
) -> None:
    within = catalogue().form(annex).file.within
    assert terms.late(within, annex, {event: in_time}, DAY) is None
    told = terms.late(within, annex, {event: late}, DAY)
    assert told is not None
    assert told.code == "issued-late"


def test_the_foot_speaks_of_translated_grounds_only_where_grounds_are_printed() -> None:
    assert GROUNDS_TRANSLATED in text_of(data_of("o234-n01", grounds=[1]))
    assert GROUNDS_TRANSLATED not in text_of(data_of("o234-n01", "grounds"))
