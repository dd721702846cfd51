"""Word files say what the PDF says, lose nothing, and never look like the signed thing."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import docx
import offices
import pytest
import wordtext
from cases import Case, cases, catalogue
from docx.oxml.ns import qn
from goldens import _mark
from homes import typed
from hypothesis import given, settings
from hypothesis import strategies as st
from test_goldens import script

from qujat import comparison, decision, document, foot, libreoffice, overrides, pages, pagetext, rendering, word
from qujat.errors import ConfigurationError, FormError
from qujat.settings import Settings
from qujat.wordfilling import filled, packed

AMPERSAND = "Ағайынды & <Ко>"
EDITIONS = [pytest.param(case, id=str(case)) for case in cases()]


def data_of(case: Case, *, long: bool = False, number: str = "2026-000123", **fields: Any) -> dict[str, Any]:
    """The data of a document of this case; `fields` take the place of what the fixture has."""
    sent = decision.parse(case.decision(long=long))
    wordings = {language: catalogue().in_force(sent.form, sent.day, language) for language in sent.languages}
    data = document.assemble(sent, wordings, catalogue(), number, stand_in=True)
    return data | {"fields": data["fields"] | fields}


@cache
def case_of(annex: str, language: str) -> Case:
    return next(case for case in cases() if case.form.annex == annex and case.language == language)


def copy_mark(case: Case) -> str:
    return foot.paper_words()[case.language]["copy"]


def as_page(content: bytes, seal: Element | None, without: str) -> Element:
    """The words of a Word file as a page: its body without the copy mark, its foot, and the seal of the page."""
    root = Element("html")
    body = wordtext.body(content)
    for paragraph in [p for p in body if p.text == without]:
        body.remove(paragraph)
    foot = Element("div", {"class": "foot"})
    foot.text = wordtext.foot(content)
    body.insert(0, foot)
    if seal is not None:
        body.append(seal)
    root.append(body)
    return root


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
@pytest.mark.parametrize("case", EDITIONS)
def test_the_word_file_has_the_words_of_the_page(case: Case, long: bool) -> None:
    """Of its HTML: that the PDF has the same words is seen whenever a document is issued (`issuing.unsigned_page`)."""
    data = data_of(case, long=long)
    root = rendering.tree(rendering.html(pages.page(catalogue(), data, case.language, _mark())))
    made = word.word(catalogue(), data, case.language)
    assert comparison.stands_on(as_page(made, root.find("body/*[@class='seal']"), copy_mark(case)), [on_one_page(root)])


def on_one_page(root: Element) -> str:
    """The words of a page as they would be read from one sheet of paper: the foot, with its count, is last."""
    body = root.find("body")
    assert body is not None
    last = [child for child in body if child.get("class") == "foot"]
    words = ["".join(child.itertext()) for child in [*(child for child in body if child not in last), *last]]
    return "".join(words) + "1/1"


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
@pytest.mark.parametrize("case", EDITIONS)
def test_no_two_tables_touch_and_none_ends_a_place(case: Case, long: bool) -> None:
    """Word makes one table of two that touch, and wants a paragraph at the end of a page and of a cell."""
    root = wordtext.opened(word.word(catalogue(), data_of(case, long=long), case.language)).element
    for table in root.iter(qn("w:tbl")):
        assert table.getnext().tag == qn("w:p")


@pytest.mark.parametrize("case", EDITIONS)
def test_a_hyphen_that_holds_a_line_together_on_the_page_holds_it_in_word(case: Case) -> None:
    """`4-қосымшаға` in a span that may not wrap: Word breaks a line after any hyphen but its own unbroken one."""
    sheet = pages.page(catalogue(), data_of(case), case.language, _mark())
    spans = [e for e in rendering.tree(rendering.html(sheet)).iter("span") if "nowrap" in e.get("style", "")]
    with zipfile.ZipFile(io.BytesIO(word.word(catalogue(), data_of(case), case.language))) as opened:
        body = opened.read("word/document.xml").decode("utf-8")
    assert body.count("<w:noBreakHyphen/>") == sum((span.text or "").count("-") for span in spans)


@pytest.mark.parametrize("case", EDITIONS)
def test_the_empty_word_form_has_the_words_of_the_empty_pdf(case: Case) -> None:
    shown = pagetext.read(rendering.pdf(pages.blank(catalogue(), case.wording))).pages
    made = word.empty(catalogue(), case.wording)
    assert comparison.stands_on(as_page(made, None, ""), shown)


@pytest.mark.parametrize("case", EDITIONS)
def test_a_word_file_is_marked_a_copy_once_and_an_empty_form_is_not(case: Case) -> None:
    assert wordtext.words(word.word(catalogue(), data_of(case), case.language)).count(copy_mark(case)) == 1
    assert copy_mark(case) not in wordtext.words(word.empty(catalogue(), case.wording))


@pytest.mark.parametrize("case", EDITIONS)
def test_no_tag_and_no_sign_of_ours_is_left_in_a_word_file(case: Case) -> None:
    for made in (word.word(catalogue(), data_of(case), case.language), word.empty(catalogue(), case.wording)):
        with zipfile.ZipFile(io.BytesIO(made)) as parts:
            everything = "".join(parts.read(n).decode() for n in parts.namelist() if n.endswith(".xml"))
        assert not [sign for sign in ("{{", "{%", "\ue000", "\ue001") if sign in everything]


def test_what_was_chosen_is_underlined_and_the_other_is_not() -> None:
    case = case_of("o20-a01", "ru")
    made = wordtext.opened(word.word(catalogue(), data_of(case, request="family"), "ru"))
    underlined = {run.text for paragraph in made.paragraphs for run in paragraph.runs if run.underline}
    assert "меня и\u00a0членов моей семьи" in underlined
    assert "меня" not in underlined


def test_a_family_of_nobody_is_one_row_of_dashes_as_in_the_pdf() -> None:
    case = case_of("o20-a01", "ru")
    made = wordtext.opened(word.word(catalogue(), data_of(case, family=[]), "ru"))
    assert [[cell.text for cell in row.cells] for row in made.tables[1].rows][2:] == [["–"] * 6]


def test_a_decision_without_a_number_leaves_its_place_blank() -> None:
    case = case_of("o20-a05", "kk")
    made = word.word(catalogue(), data_of(case, number=""), "kk")
    (line,) = [p for p in wordtext.opened(made).paragraphs if "№" in p.text]
    assert line.runs[-1].underline
    assert not line.runs[-1].text.strip()
    assert "2026-" not in wordtext.foot(made)


@pytest.mark.parametrize("case", [param for param in EDITIONS if param.values[0].edition.wording["kk"] == "house"])
def test_a_draft_of_a_house_form_says_all_that_the_document_will_say_but_its_number(case: Case) -> None:
    files = [word.word(catalogue(), data_of(case, number=number), case.language) for number in ("2026-000123", "")]
    numbered, draft = (pagetext.squeezed(wordtext.words(made)) for made in files)
    assert numbered.count("2026-000123") == 1
    assert numbered.replace("2026-000123", "") == draft


def with_name(case: Case, text: str) -> bytes:
    """The Word file of a case, its first name being this text."""
    data = data_of(case)
    (name, rows) = next((n, v) for n, v in data["fields"].items() if n == "recipients")
    return word.word(catalogue(), data_of(case, **{name: [rows[0] | {"full_name": text}]}), case.language)


@pytest.mark.parametrize(
    "text",
    [
        AMPERSAND,
        "&amp; &lt;",
        "{{ 7 * 7 }}",
        "{% for x in (1, 2) %}x{% endfor %}",
        "{_{ official }_}",
        "{_% if x %_}",
        "{# gone? #}",
        "</w:t></w:r></w:p>",
        "<w:br/>",
        "]]>",
        "“quoted” ‘so’ \"and\" 'so'",
        "{%p endfor %}",
        "{{r f.iin }}",
    ],
)
def test_a_hostile_name_prints_whole_and_is_nothing_but_a_name(text: str) -> None:
    case = case_of("o20-a05", "kk")
    assert text in wordtext.paragraphs(with_name(case, text))


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Co", "Zl", "Zp")), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_prints_whole(text: str) -> None:
    made = with_name(case_of("o20-a05", "kk"), text)
    assert pagetext.squeezed(text) in pagetext.squeezed(wordtext.words(made))


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x0c", "\x1b", "\ue000", "\ue001", "\ufffe", "\ud800"])
def test_a_sign_that_word_cannot_hold_is_seen_to_be_missing(sign: str) -> None:
    assert "Ерлан\ufffdСерік" in wordtext.words(with_name(case_of("o20-a05", "kk"), f"Ерлан{sign}Серік"))


@pytest.mark.parametrize("case", EDITIONS)
def test_the_committed_template_is_what_the_wording_gives(case: Case) -> None:
    build = script("build-word")
    name = case.wording.template.removesuffix(".html.j2")
    fresh = build.built(name, case.form.title[case.language], case.language)
    assert not build.is_stale(name, fresh), "the wording has changed: python scripts/build-word.py"
    assert build.built(name, case.form.title[case.language], case.language) == fresh


@pytest.mark.parametrize("case", EDITIONS)
def test_a_template_tells_nothing_of_the_machine(case: Case) -> None:
    with zipfile.ZipFile(io.BytesIO(word.template(case.wording))) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert parts.namelist() == sorted(parts.namelist())
        assert not [name for name in parts.namelist() if "thumbnail" in name or "app.xml" in name]
        core = parts.read("docProps/core.xml").decode()
    assert "creator" not in core
    assert "lastModifiedBy" not in core


def test_the_same_document_gives_the_same_word_file() -> None:
    case = case_of("o20-a06", "ru")
    assert word.word(catalogue(), data_of(case), "ru") == word.word(catalogue(), data_of(case), "ru")


@pytest.mark.parametrize("case", EDITIONS)
def test_our_own_templates_have_nothing_for_lint_to_find(case: Case) -> None:
    assert overrides.lint(word.template(case.wording), case.form, case.edition.id) == []


def letterhead(*lines: str) -> bytes:
    """A Word file as an authority may write it."""
    made = docx.Document()
    for line in lines:
        made.add_paragraph(line)
    written = io.BytesIO()
    made.save(written)
    return packed(written.getvalue())


MINIMAL = ("БАСҚАРМА", "№ {{ number }}", "{% for row in f.recipients %}{{ row.full_name }}; {% endfor %}")


def test_lint_names_every_missing_and_every_unknown_field() -> None:
    form = catalogue().form("o20-a05")
    asked = '{% for row in f.recipients %}{% if row.sex.is_("f") %}x{% endif %}{% endfor %}'
    found = overrides.lint(letterhead(*MINIMAL, "{{ f.statu }} {{ nummer }} {{ day.hour }} {{ row.iin }}", asked), form)
    by_kind = {kind: {entry.name for entry in found if entry.kind == kind} for kind in ("missing", "unknown")}
    assert by_kind["unknown"] == {"f.statu", "nummer", "day.hour", "row", 'f.recipients.sex.is_("f")'}
    assert {"f.status", "f.recipients.iin", "f.grounds"} <= by_kind["missing"]
    assert not {"f.recipients", "f.recipients.full_name"} & by_kind["missing"]


@pytest.mark.parametrize("tag", ["{{ f.status", "{% if f.status %}", "{{ f..status }}"])
def test_lint_says_when_a_tag_cannot_be_read(tag: str) -> None:
    with pytest.raises(FormError):
        overrides.lint(letterhead(tag), catalogue().form("o20-a05"))


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_word_file_is_refused(content: bytes) -> None:
    with pytest.raises(FormError, match="expected a Word file"):
        overrides.lint(content, catalogue().form("o20-a05"))


def test_a_template_that_asks_for_what_is_not_there_is_refused() -> None:
    words = pages.blank(catalogue(), case_of("o20-a05", "kk").wording).words
    for tag in (
        "{{ f.nothing }}",
        "{{ ''.__class__ }}",
        "{{ f.status.__class__.__mro__ }}",
        "{% include '/etc/passwd' %}",
        "{{ 1 / 0 }}",
        "{{ f.status + 1 }}",
        "{{ f.recipients[7].iin }}",
        '{{ f.recipients[0].sex.is_("neither") }}',
    ):
        with pytest.raises(FormError):
            filled(letterhead(tag), words)


def test_an_authoritys_own_template_takes_the_place_of_ours_and_is_marked_a_copy(tmp_path: Path) -> None:
    case = case_of("o20-a05", "kk")
    (tmp_path / "o20-a05.kk.docx").write_bytes(letterhead(*MINIMAL))
    made = wordtext.paragraphs(word.word(catalogue(), data_of(case), "kk", tmp_path))
    assert made[:3] == [copy_mark(case), "БАСҚАРМА", "№ 2026-000123"]
    (tmp_path / "o20-a05.order_359.kk.docx").write_bytes(letterhead("бір редакция"))
    assert "бір редакция" in wordtext.paragraphs(word.word(catalogue(), data_of(case), "kk", tmp_path))
    other = case_of("o20-a06", "kk")
    assert word.word(catalogue(), data_of(other), "kk", tmp_path) == word.word(catalogue(), data_of(other), "kk")


def test_a_folder_of_overrides_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="overrides"):
        word.word(catalogue(), data_of(case_of("o20-a05", "kk")), "kk", tmp_path / "none")
    assert Settings(base=tmp_path, word={"overrides": "own"}).word_overrides == tmp_path / "own"  # type: ignore[arg-type]
    assert Settings().word_overrides is None


def test_libreoffice_gives_a_pdf_or_says_that_it_is_not_installed(tmp_path: Path) -> None:
    case = case_of("o20-a05", "kk")
    (tmp_path / "o20-a05.kk.docx").write_bytes(letterhead(*MINIMAL))
    made = word.word(catalogue(), data_of(case), "kk", tmp_path)
    if shutil.which("soffice") is None:
        with pytest.raises(ConfigurationError, match="LibreOffice"):
            libreoffice.pdf(made)
        return
    text = "".join(pagetext.read(libreoffice.pdf(made)).pages)
    assert pagetext.squeezed("".join(wordtext.paragraphs(made))) == pagetext.squeezed(text)


def test_without_libreoffice_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigurationError, match="libreoffice-writer-nogui"):
        libreoffice.pdf(b"")


def test_a_libreoffice_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "soffice"
    hanging.write_text("#!/bin/sh\nsleep 60\n", encoding="utf-8")
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(FormError, match=r"0\.2 seconds"):
        libreoffice.pdf(b"", timeout=0.2)


def test_a_libreoffice_that_writes_nothing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tmp_path / "soffice"
    silent.write_text("#!/bin/sh\necho 'no filter' >&2\n", encoding="utf-8")
    silent.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(FormError, match="no filter"):
        libreoffice.pdf(b"")


CONFIGURATION = """
[published]
order_173 = 2024-06-10
order_222 = 2026-06-05
[word]
overrides = "own"
"""


class Desk:
    """A user with a folder of his own, and a decision in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "own").mkdir()
        (folder / "qujat.toml").write_text(CONFIGURATION, encoding="utf-8")
        (folder / "decision.json").write_text(json.dumps(offices.a_decision(), ensure_ascii=False), encoding="utf-8")

    def __call__(self, *words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        return typed(self.folder, *words, "--config", "qujat.toml", code=code)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_clerk_gets_a_draft_an_empty_form_and_its_template(desk: Desk) -> None:
    desk("word", "decision.json", "--language", "kk", "-o", "draft.docx")
    sent = offices.a_decision()
    assert sent["fields"]["recipients"][0]["full_name"] in wordtext.words(desk.read("draft.docx"))
    form = ("word", "o20-a05", "--on", "2026-03-02", "--language", "ru")
    desk(*form, "-o", "empty.docx")
    assert "Номер заявления" in wordtext.words(desk.read("empty.docx"))
    desk(*form, "--template", "-o", "template.docx")
    assert "{{ f.status }}" in wordtext.words(desk.read("template.docx"))


def test_a_clerk_gets_a_copy_of_an_issued_document_by_its_number(desk: Desk) -> None:
    desk("keys", "init")
    desk("issue", "decision.json", "-o", "out")
    (number,) = {path.name.split(".")[0] for path in (desk.folder / "out").glob("*.kk.pdf")}
    desk("word", number, "--language", "ru", "-o", "copy.docx")
    assert number in wordtext.words(desk.read("copy.docx"))
    assert "expected --language kk or ru" in desk("word", number, "-o", "copy.docx", code=2).stderr
    assert "unknown-document" in desk("word", "2026-999999", "-o", "copy.docx", code=2).stderr


def test_a_decision_that_is_wrong_gives_no_draft(desk: Desk) -> None:
    sent = offices.a_decision()
    sent["fields"]["recipients"] = []
    (desk.folder / "decision.json").write_text(json.dumps(sent), encoding="utf-8")
    assert "/fields/recipients" in desk("word", "decision.json", "--language", "kk", "-o", "x.docx", code=2).stderr
    assert not (desk.folder / "x.docx").exists()


def test_lint_on_the_command_line(desk: Desk) -> None:
    (desk.folder / "own.docx").write_bytes(letterhead(*MINIMAL, "{{ f.statu }}"))
    said = desk("forms", "lint", "own.docx", "--form", "o20-a05", code=3).stdout
    assert "unknown  f.statu\n" in said
    assert "missing  f.status\n" in said
    found = json.loads(desk("forms", "lint", "own.docx", "--form", "o20-a05", "--json", code=3).stdout)
    assert {"kind": "unknown", "name": "f.statu"} in found
    desk("word", "o20-a05", "--on", "2026-03-02", "--language", "kk", "--template", "-o", "ours.docx")
    assert "every field" in desk("forms", "lint", "ours.docx", "--form", "o20-a05").stdout
    assert "cannot be read" in desk("forms", "lint", "none.docx", "--form", "o20-a05", code=2).stderr


def test_the_authoritys_own_template_is_taken_on_the_command_line(desk: Desk) -> None:
    (desk.folder / "own" / "o20-a05.kk.docx").write_bytes(letterhead("ФИРМАЛЫҚ БЛАНК", "{{ f.status }}"))
    desk("word", "decision.json", "--language", "kk", "-o", "draft.docx")
    assert "ФИРМАЛЫҚ БЛАНК" in wordtext.words(desk.read("draft.docx"))
    installed = shutil.which("soffice") is not None
    done = desk("word", "decision.json", "--language", "kk", "-o", "draft.pdf", code=0 if installed else 2)
    assert ("LibreOffice" in done.stderr) is not installed
    assert (desk.folder / "draft.pdf").exists() is installed
