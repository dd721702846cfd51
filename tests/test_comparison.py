"""What counts as the same words on a page: tables that go on, rows that break, heads that come a page late."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from offices import office_in_memory, parsed

from qujat import comparison, issuing, pipeline, rendering
from qujat.errors import RenderingError
from qujat.rendering import Sheet

ROOT = ElementTree.fromstring(
    "<html><body><p>Before.</p><table><thead><tr><th>Name</th><th>Day</th></tr></thead>"
    "<tbody><tr><td>long one</td><td>1.1.</td></tr><tr><td>two</td><td>2.2.</td></tr></tbody></table>"
    '<div class="foot">No 7</div></body></html>'
)


def shows(*pages: str) -> bool:
    return comparison.stands_on(ROOT, [f"{page} No 7 {n}/{len(pages)}" for n, page in enumerate(pages, 1)])


@pytest.mark.parametrize(
    "pages",
    [
        ("Before. Name Day long one 1.1. two 2.2.",),
        ("Before. Name Day long one 1.1.", "Name Day two 2.2."),
        ("Before. Name Day long 1.", "Name Day one 1. two 2.2."),
        ("Before.", "long 1.1.", "Name Day one two 2.2."),
    ],
    ids=["one page", "the head again", "a row over two pages", "the head a page late"],
)
def test_every_way_in_which_the_engine_breaks_a_table_shows_its_words(pages: tuple[str, ...]) -> None:
    assert shows(*pages)


@pytest.mark.parametrize(
    "pages",
    [
        ("Before. long one 1.1. two 2.2.",),
        ("Before.", "long one 1.1. two 2.2."),
        ("Before.", "long one 1.1.", "two 2.2."),
        ("Before. Name Day long one 1.1.", "two 2.2. Name Day"),
        ("Before. Name Day long one 1.1.", "Name Day Name Day two 2.2."),
        ("Before. Name Day long one 1.1.",),
        ("Before. Name Day long one 1.1. two 2.3.",),
    ],
    ids=["no head", "no head on the next", "no head at all", "behind", "twice", "a row less", "another day"],
)
def test_pages_without_a_word_or_with_another_are_different(pages: tuple[str, ...]) -> None:
    assert not shows(*pages)


def test_a_page_that_does_not_show_every_word_is_not_issued(pki: object, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = rendering.pdf

    def without_the_number(sheet: Sheet) -> bytes:
        return draw(Sheet(sheet.template, {**sheet.words, "number": ""}, sheet.created, sheet.mark, sheet.attachments))

    monkeypatch.setattr(issuing.rendering, "pdf", without_the_number)
    office = office_in_memory(pki)
    with pytest.raises(RenderingError, match="every word on the page"):
        pipeline.issue(parsed(), office)
    assert not list(office.register.issued())
