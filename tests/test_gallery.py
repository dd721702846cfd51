"""The gallery shows every wording that is held, says what is not held, and never makes anything like a document."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from qujat import gallery, mark, pagetext, qr
from qujat.__main__ import main
from qujat.acts import Interval
from qujat.catalogue import Catalogue, Form, load
from qujat.errors import ConfigurationError, FormError, MarkInvalid
from qujat.formfiles import WordingStatus
from qujat.gallery import Choice, contents, differences, rooms, specimens, timeline, words
from qujat.gallery.drawing import Drawn, Leaf
from qujat.languages import LANGUAGES, Language

CATALOGUE: Catalogue = load()  # no publication day is set
PUBLISHED = {"order_173": date(2024, 6, 10), "order_222": date(2026, 6, 5)}


def _build(folder: Path, catalogue: Catalogue = CATALOGUE, workers: int = 1, **choice: Any) -> Path:
    gallery.build(catalogue, folder, Choice(**choice), workers=workers, progress=lambda done, of, stem: None)
    return folder


def _placeholders(
    leaves: Sequence[Leaf], folder: Path, *, pictures: bool, workers: int, done: Callable[[str], None]
) -> dict[str, Drawn]:
    """Stands in for drawing: files of the right names, and nothing in them."""
    drawn = {leaf.stem: Drawn(leaf.stem, 1, pictures) for leaf in leaves}
    for path in (folder / name for one in drawn.values() for name in one.files):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return drawn


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gallery of everything, its pages not drawn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery, "draw_all", _placeholders)
        return _build(tmp_path_factory.mktemp("whole") / "gallery")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gallery of one form, its pages drawn."""
    return _build(tmp_path_factory.mktemp("small") / "gallery", forms=("o20-a05",))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _part(annex: str, edition: str, language: Language, catalogue: Catalogue = CATALOGUE) -> contents.Part:
    form = catalogue.form(annex)
    found = contents.part(form, form.edition(edition), language)
    assert found
    return found


def test_every_held_wording_is_in_the_index_blank_and_filled(whole: Path) -> None:
    pictures = re.findall(r'src="([^"]+)"', _read(whole / "index.html"))
    held = [
        f"pages/{form.annex}/{edition.id}.{language}.{state}.small.png"
        for form in CATALOGUE.forms.values()
        for edition in form.editions
        for language, status in edition.wording.items()
        if status != "not-held"
        for state in ("blank", "filled")
    ]
    assert sorted(pictures) == sorted(held)


def test_every_link_leads_to_a_file_of_the_gallery(whole: Path) -> None:
    for page in whole.rglob("*.html"):
        for target in re.findall(r'(?:src|href)="([^"#]+)', _read(page)):
            assert (page.parent / target).is_file(), f"{page.name}: {target}"


def test_every_link_into_a_page_finds_its_place(whole: Path) -> None:
    for page in whole.rglob("*.html"):
        for target, place in re.findall(r'href="([^"#]*)#([^"]+)"', _read(page)):
            assert f'id="{place}"' in _read(page.parent / target if target else page), f"{page.name}: {target}#{place}"


def test_every_page_is_well_formed_and_loads_nothing_from_elsewhere(whole: Path) -> None:
    for page in whole.rglob("*.html"):
        root = ET.fromstring(_read(page))
        assert not list(root.iter("script"))
        links = [value for element in root.iter() for name in ("src", "href") if (value := element.get(name))]
        assert not [link for link in links if ":" in link or link.startswith("/")]


def test_a_form_that_is_not_held_is_listed_with_the_reason_and_no_pictures(whole: Path) -> None:
    page = _read(whole / "forms" / "o234-a01.html")
    assert 'href="forms/o234-a01.html"' in _read(whole / "index.html")
    assert "Акт, утвердивший форму, не установлен, его текста нет в полученных документах." in page
    assert "<img" not in page


def test_an_edition_that_is_not_held_says_so_beside_those_that_are(whole: Path) -> None:
    page = _read(whole / "forms" / "o20-a05.html")
    assert "Текста этой формы в редакции приказа № 173 нет в полученных документах." in page
    assert page.count("<img") == 4


def test_an_edition_whose_first_day_hangs_on_a_publication_day_says_so(whole: Path) -> None:
    page = _read(whole / "forms" / "o20-a03.html")
    assert "Первый день зависит от дня официального опубликования приказа № 222" in page
    assert "(10.06.2026\u00a0…\u00a011.07.2026) бастап" in page


def test_with_the_publication_days_set_nothing_is_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "draw_all", _placeholders)
    page = _read(_build(tmp_path / "g", load(PUBLISHED), forms=("o20-a03",)) / "forms" / "o20-a03.html")
    assert "Первый день зависит" not in page
    assert "16.06.2026 бастап" in page


def test_each_page_is_drawn_as_a_pdf_and_as_a_picture(small: Path) -> None:
    files = small / "pages" / "o20-a05"
    for language in LANGUAGES:
        for state in ("blank", "filled"):
            stem = f"order_359.{language}.{state}"
            assert len(pagetext.read((files / f"{stem}.pdf").read_bytes()).pages) == 1
            for suffix, width in (("1", 1191), ("small", 298)):
                head = (files / f"{stem}.{suffix}.png").read_bytes()[:24]
                assert head[:8] == b"\x89PNG\r\n\x1a\n"
                assert int.from_bytes(head[16:20]) == width


@pytest.mark.parametrize(("language", "said"), [("kk", "ҮЛГІ – ҚҰЖАТ ЕМЕС"), ("ru", "ОБРАЗЕЦ – НЕ ДОКУМЕНТ")])
def test_a_filled_page_says_that_it_is_a_specimen_and_not_signed(small: Path, language: str, said: str) -> None:
    text = pagetext.read((small / "pages" / "o20-a05" / f"order_359.{language}.filled.pdf").read_bytes()).pages[0]
    for line in ("ҮЛГІ / ОБРАЗЕЦ", said, words.specimen("kk" if language == "kk" else "ru")["signed"]):
        assert pagetext.squeezed(line) in pagetext.squeezed(text)
    for line in ("Подписано", "қолтаңба қойылған", "2026-000", "КОПИЯ"):
        assert line not in text


def test_every_page_of_a_specimen_says_so_at_its_foot() -> None:
    wording = _part("o20-a02", "order_222", "ru").wording
    assert wording
    sheet = specimens.filled(CATALOGUE, wording)
    first = sheet.words["foot"][0]
    assert "ҮЛГІ / ОБРАЗЕЦ" in first
    assert "ОБРАЗЕЦ: не документ, не подписан" in first
    assert not sheet.attachments


def test_the_qr_of_a_specimen_is_no_mark_and_its_code_no_code(small: Path) -> None:
    (scanned,) = qr.read_page((small / "pages" / "o20-a05" / "order_359.kk.filled.pdf").read_bytes())
    assert "not a document" in scanned
    with pytest.raises(MarkInvalid):
        mark.read_text(scanned)
    with pytest.raises(MarkInvalid):
        mark.parse_short_code(specimens.NO_CODE)


def test_worker_processes_make_the_same_files(small: Path, tmp_path: Path) -> None:
    again = _build(tmp_path / "again", workers=2, forms=("o20-a05",), languages=("ru",))
    names = [path.relative_to(again) for path in sorted((again / "pages").rglob("*")) if path.is_file()]
    assert len(names) == 6
    assert [name for name in names if (small / name).read_bytes() != (again / name).read_bytes()] == []


def test_words_that_differ_between_two_editions_are_marked(whole: Path) -> None:
    page = _read(whole / "differences" / "o20-a02.order_359.order_222_transitional.kk.html")
    assert "өңірлердің <del>халқын</del> әлеуметтік" in page
    assert "өңірлердің <ins>халықты</ins> әлеуметтік" in page
    assert "<td>14 жұмыс күні ішінде.</td>" in page
    assert "Официальны не оба текста" in page


def test_a_form_leads_to_the_differences_of_its_neighbouring_editions(whole: Path) -> None:
    page = _read(whole / "forms" / "o20-a02.html")
    pairs = ["order_359.order_222_transitional", "order_222_transitional.order_222"]
    for name in (f"o20-a02.{pair}.{language}.html" for pair in pairs for language in LANGUAGES):
        assert f'href="../differences/{name}"' in page
    assert "differences/o20-a02.order_173" not in page


def test_equal_editions_say_so() -> None:
    part, text = _part("o20-a05", "order_359", "ru"), ["Решение", "от ____ года"]
    shelf = contents.shelves(CATALOGUE, Choice(forms=("o20-a05",)))[0]
    room = rooms.room(CATALOGUE, shelf, part.form, Choice(), {})
    name = contents.edition_name(part.form, part.edition)
    pair = rooms.Neighbours(part, part, (name, name), skipped=False, comparison=differences.compare(text, text))
    page = rooms.differences_page(room, pair, Choice())
    assert "Тексты пустых бланков совпадают." in page
    assert "<ins>" not in page


def test_a_paragraph_that_is_gone_or_new_stands_alone() -> None:
    found = differences.compare(["один два три", "уходит целиком"], ["один два четыре", "совсем другое здесь"])
    assert [pair.sign for pair in found.pairs] == ["≠", "−", "+"]
    assert (found.gone, found.new) == (3, 4)


def test_only_spaces_make_no_difference() -> None:
    assert differences.compare(["а , б"], ["а, б"]).equal


def test_cells_of_one_paragraph_are_one_block_and_paragraphs_of_a_cell_blocks_of_their_own() -> None:
    body = ET.fromstring(
        "<body><table><tr><td>1</td><th>Статус</th><td><span class='blank m'> </span></td></tr>"
        "<tr><td>2</td><th>Срок</th><td><p>пять<br/>дней</p><p>и час</p></td></tr></table>"
        "<div class='foot'>x</div></body>"
    )
    assert differences.blocks(body) == ["1 Статус ____", "2 Срок", "пять дней", "и час"]


def _hostile(name: str = "<script>alert('x')</script>", annex: str = "o20-a05") -> Catalogue:
    form = CATALOGUE.form("o20-a05")
    edition = replace(form.editions[1], notes=(name,))
    file = form.file.model_copy(update={"title": {"kk": name, "ru": f'" onload="{name}'}, "annex": annex})
    forms = {form.key: Form(file, (form.editions[0], edition))}
    return replace(CATALOGUE, forms=forms)


def test_names_are_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "draw_all", _placeholders)
    folder = _build(tmp_path / "g", _hostile())
    for page in (folder / "index.html", folder / "forms" / "o20-a05.html"):
        assert "<script" not in _read(page)
        assert ' onload="' not in _read(page)
        assert "&lt;script&gt;" in _read(page)


def test_an_annex_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormError, match=r"not '\.\./o20'"):
        _build(tmp_path / "g", _hostile(annex="../o20"))
    assert not (tmp_path / "g").exists()


def test_every_status_and_every_kind_has_words_in_both_languages() -> None:
    assert set(get_args(WordingStatus)) <= set(words.statuses())
    for form in CATALOGUE.forms.values():
        assert all(words.both("kind", form.kind).values())


def test_a_status_without_words_is_an_error_that_names_the_table() -> None:
    with pytest.raises(FormError, match=r"expected \[status\.rumour\] with kk and ru"):
        words.both("status", "rumour")


def test_a_publication_day_that_is_not_set_is_a_bounded_stretch_in_doubt() -> None:
    assert timeline.stretches(_part("o20-a02", "order_359", "kk")) == [
        (date(2026, 1, 1), date(2026, 6, 9), True),
        (date(2026, 6, 10), date(2026, 7, 10), False),
    ]
    assert timeline.stretches(_part("o20-a02", "order_222_transitional", "kk")) == [
        (date(2026, 6, 10), date(2026, 7, 10), False),
        (date(2026, 7, 11), date(2026, 7, 11), True),
    ]


def test_a_publication_day_that_is_set_leaves_no_doubt() -> None:
    part = _part("o20-a02", "order_222_transitional", "kk", load(PUBLISHED))
    assert timeline.stretches(part) == [(date(2026, 6, 16), date(2026, 7, 11), True)]


def test_an_edition_without_an_end_runs_to_the_edge_of_the_axis_and_is_torn_there() -> None:
    part = _part("o20-a02", "order_222", "ru")
    chart = timeline.chart([timeline.Row({}, "", [[part]])], timeline.scale([part], left=100))
    (bar,) = chart.groups[0].lanes[0].bars
    assert bar.x + bar.width == timeline.RIGHT
    assert bar.torn == "right"


def test_a_change_in_doubt_is_drawn_once_where_editions_share_a_lane() -> None:
    parts = list(contents.parts(CATALOGUE.form("o20-a02"), ["ru"]))
    chart = timeline.chart([timeline.Row({}, "", [parts])], timeline.scale(parts, left=100))
    bars = chart.groups[0].lanes[0].bars
    assert [(bar.status, bar.sure) for bar in bars] == [
        ("not-held", False),
        ("translation", True),
        ("official", False),
        ("official", True),
        ("official", True),
    ]


@pytest.mark.parametrize(
    ("first", "last", "wanted", "day"),
    [
        (("2026-01-01", "2026-01-01"), None, "2026-03-02", "2026-03-02"),
        (("2026-06-10", "2026-07-11"), None, "2026-03-02", "2026-07-11"),
        (("2026-06-10", "2026-07-11"), ("2026-07-11", "2026-07-11"), "2026-03-02", "2026-07-11"),
        (("2026-01-01", "2026-01-01"), ("2026-06-09", "2026-07-10"), "2026-09-01", "2026-06-09"),
        (("2024-06-11", "2026-01-01"), ("2025-12-31", "2025-12-31"), "2026-03-02", "2025-12-31"),
    ],
)
def test_a_specimen_is_dated_within_its_edition(
    first: tuple[str, str], last: tuple[str, str] | None, wanted: str, day: str
) -> None:
    one, other = Interval(*map(date.fromisoformat, first)), Interval(*map(date.fromisoformat, last)) if last else None
    assert specimens.day_within(one, other, date.fromisoformat(wanted)) == date.fromisoformat(day)


def test_fixtures_that_are_missing_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "o20-a05.json").write_text("{}", encoding="utf-8")
    forms = [CATALOGUE.form(annex) for annex in ("o20-a04", "o20-a05", "o20-a06", "o234-a01")]
    with pytest.raises(ConfigurationError, match=r"these are missing: o20-a04\.json, o20-a06\.json; install"):
        specimens.check_fixtures(forms, tmp_path)


def _refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["gallery", *map(str, arguments)]) == 2
    return capsys.readouterr().err


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert "expected a new or an empty folder, came a folder with files in it" in _refused(capsys, "-o", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert "expected a new or an empty folder, came a file" in _refused(capsys, "-o", tmp_path / "mine.txt")


def test_an_unknown_form_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "unknown-form" in _refused(capsys, "-o", tmp_path / "g", "--form", "o99-a01")
    assert not (tmp_path / "g").exists()


def test_the_command_tells_progress_and_where_to_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    folder = tmp_path / "g"
    options = ["--form", "o20-a05", "--form", "o234-a01", "--language", "ru", "--no-pictures", "--json"]
    assert main(["gallery", "-o", str(folder), *options]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"file": str(folder / "index.html"), "forms": 2, "wordings": 1, "pages": 2}
    assert said.err.splitlines() == [
        "1/2 pages/o20-a05/order_359.ru.blank",
        "2/2 pages/o20-a05/order_359.ru.filled",
    ]
    files = {path.name for path in (folder / "pages").rglob("*") if path.is_file()}
    assert files == {"order_359.ru.blank.pdf", "order_359.ru.filled.pdf"}
    assert 'href="pages/o20-a05/order_359.ru.filled.pdf"' in _read(folder / "index.html")
