"""Which edition is in force on a day; what is on file, and whether the files hang together."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qujat.acts import DAYS_AFTER_PUBLICATION, Act, Interval
from qujat.catalogue import ROOT, Catalogue, Edition, Form, Grounds, load, the_edition_on
from qujat.errors import (
    ConfigurationError,
    FormError,
    NoEditionInForce,
    PublicationDayUnknown,
    QujatError,
    UnknownForm,
    WordingNotHeld,
)
from qujat.formfiles import EditionFile
from qujat.languages import LANGUAGES, Language

FORMS, TEMPLATES = ROOT / "forms", ROOT / "templates"
UNSET = load()
STREAMS = [(form.key, language) for form in UNSET.forms.values() for language in LANGUAGES]
OPEN = {key: act for key, act in UNSET.acts.items() if act.hangs_on_publication}
P173, P222 = date(2024, 6, 10), date(2026, 6, 5)
ONE_DAY = timedelta(days=1)

each_stream = pytest.mark.parametrize(("key", "language"), STREAMS)
each_form = pytest.mark.parametrize("form", UNSET.forms.values(), ids=lambda form: form.annex)
hostile = settings(max_examples=60, derandomize=True, deadline=None)


def bounds(act: Act) -> tuple[date, date]:
    """The first and the last publication day that an act may have; a far day where none is stated."""
    low, high = act.published_not_before, act.published_not_after
    return low.day if low else act.day, high.day if high else date(2029, 12, 31)


PUBLISHED = {
    key: max(bounds(act)[0], {"order_173": P173, "order_222": P222}.get(key, act.day)) for key, act in OPEN.items()
}


def whole(catalogue: Catalogue) -> Catalogue:
    """The same, as if every text were on file: then `in_force` tells the edition, held or not."""

    def held(form: Form) -> Form:
        editions = (replace(e, wording=dict.fromkeys(e.wording, "official")) for e in form.editions)
        return replace(form, editions=tuple(editions))

    return replace(catalogue, forms={key: held(form) for key, form in catalogue.forms.items()})


WHOLE_UNSET, WHOLE = whole(UNSET), whole(load(PUBLISHED))


def answer(catalogue: Catalogue, form: str, day: date, language: Language) -> str:
    """The id of the edition in force, or the code of the error."""
    try:
        return catalogue.in_force(form, day, language).edition.id
    except QujatError as error:
        return error.code


def calendar(
    key: str, language: Language, published: Mapping[str, date]
) -> list[tuple[EditionFile, date, date | None]]:
    """The editions of one language with first and last day, straight from the file."""
    editions = [e for e in UNSET.forms[key].file.edition if language in e.wording]
    firsts = [e.first or _first_day(UNSET.acts[e.act], published) for e in editions]
    ends = [*(first - ONE_DAY for first in firsts[1:]), None]
    return [(e, first, e.last or end) for e, first, end in zip(editions, firsts, ends, strict=True)]


def _first_day(act: Act, published: Mapping[str, date]) -> date:
    """Fixed, or the bound of an act that is not known, or P + 11."""
    bound = act.first_not_before.day if act.first_not_before else None
    return act.first_day or bound or published[act.key] + timedelta(days=11)


def by_hand(key: str, language: Language, day: date, published: Mapping[str, date]) -> str:
    """What `in_force` is to answer when every publication day is known."""
    begun = [(e, last) for e, first, last in calendar(key, language, published) if first <= day]
    edition, last = begun[-1] if begun else (None, None)
    return edition.id if edition and (last is None or day <= last) else "no-edition-in-force"


def every_possibility(known: Mapping[str, date]) -> Iterator[dict[str, date]]:
    """Publication days of all acts: those that are known, and the ends of the bounds of the others. An act has begun
    on a day or it has not, the sooner published the sooner begun, so between the ends nothing else can come out."""
    for combination in itertools.product(*([known[key]] if key in known else bounds(act) for key, act in OPEN.items())):
        yield dict(zip(OPEN, combination, strict=True))


@each_stream
def test_an_edition_is_in_force_from_its_first_day_to_its_last_and_not_on_the_days_around(
    key: str, language: Language
) -> None:
    listed = calendar(key, language, PUBLISHED)
    for index, (edition, first, last) in enumerate(listed):
        before = listed[index - 1][0].id if index else "no-edition-in-force"
        assert answer(WHOLE, key, first, language) == edition.id
        assert answer(WHOLE, key, first - ONE_DAY, language) == before
        if last:
            after = listed[index + 1][0].id if index + 1 < len(listed) else "no-edition-in-force"
            assert answer(WHOLE, key, last, language) == edition.id
            assert answer(WHOLE, key, last + ONE_DAY, language) == after


@each_stream
def test_a_wording_tells_its_own_first_and_last_day(key: str, language: Language) -> None:
    for edition, first, last in calendar(key, language, PUBLISHED):
        found = WHOLE.in_force(key, first, language)
        assert (found.edition.id, found.first.earliest) == (edition.id, first)
        assert (found.last.known if found.last else None) == last


@pytest.mark.parametrize(
    ("form", "language", "day", "edition"),
    [
        ("o20-a02", "ru", date(2024, 6, 20), "no-edition-in-force"),
        ("o20-a02", "ru", date(2024, 6, 21), "order_173"),
        ("o20-a02", "ru", date(2025, 12, 31), "order_173"),
        ("o20-a02", "ru", date(2026, 1, 1), "order_359"),
        ("o20-a02", "kk", date(2026, 6, 15), "order_359"),
        ("o20-a02", "kk", date(2026, 6, 16), "order_222_transitional"),
        ("o20-a02", "ru", date(2026, 7, 11), "order_222_transitional"),
        ("o20-a02", "ru", date(2026, 7, 12), "order_222"),
        ("o20-a05", "kk", date(2026, 6, 16), "order_222"),
        ("o20-a05", "ru", date(2026, 6, 16), "order_359"),
        ("o20-a01", "ru", date(2026, 8, 1), "order_173"),
    ],
)
def test_the_days_of_the_orders_are_those_of_the_law(form: str, language: Language, day: date, edition: str) -> None:
    """Order 359 fixes 01.01.2026; Orders 173 and 222 take effect on P + 11; what Order 222 puts in transition ends on
    11.07.2026; Order 222 restates most annexes in Kazakh only."""
    assert DAYS_AFTER_PUBLICATION == 11
    assert answer(WHOLE, form, day, language) == edition


@pytest.mark.parametrize(
    ("form", "day", "edition"),
    [
        ("o20-a02", date(2024, 6, 10), "no-edition-in-force"),
        ("o20-a02", date(2024, 6, 11), "publication-day-unknown"),
        ("o20-a02", date(2025, 12, 31), "publication-day-unknown"),
        ("o20-a02", date(2026, 1, 1), "order_359"),
        ("o20-a02", date(2026, 6, 9), "order_359"),
        ("o20-a02", date(2026, 6, 10), "publication-day-unknown"),
        ("o20-a02", date(2026, 7, 10), "publication-day-unknown"),
        ("o20-a02", date(2026, 7, 11), "order_222_transitional"),
        ("o20-a01", date(2026, 1, 1), "order_173"),
        ("o20-a01", date(2026, 6, 20), "order_173"),
    ],
)
def test_without_a_publication_day_its_bounds_decide(form: str, day: date, edition: str) -> None:
    assert answer(WHOLE_UNSET, form, day, "ru") == edition


@hostile
@given(st.data())
def test_an_unknown_publication_day_never_changes_the_answer_and_is_asked_for_only_where_it_matters(
    data: st.DataObject,
) -> None:
    published = {key: data.draw(st.dates(*bounds(act)), label=key) for key, act in OPEN.items()}
    told = {key: day for key, day in published.items() if data.draw(st.booleans(), label=f"{key} is set")}
    edges = [day + timedelta(days=n) for day in published.values() for n in (10, 11, 12)]
    day = data.draw(st.dates(date(2024, 1, 1), date(2027, 12, 31)) | st.sampled_from(edges))
    known, partly = whole(load(published)), whole(load(told))
    for key, language in STREAMS:
        right = by_hand(key, language, day, published)
        possible = {by_hand(key, language, day, days) for days in every_possibility(told)}
        assert right in possible
        assert answer(known, key, day, language) == right
        assert answer(partly, key, day, language) == (right if len(possible) == 1 else "publication-day-unknown")


def _edition(name: str, act: str, first: Interval, last: date | None = None) -> Edition:
    order = Act(act, "1", date(2026, 1, 1), f"Order {act}", {})
    return Edition("form", name, order, first, last, {"kk": "official", "ru": "official"}, "v1", "")


@hostile
@given(
    low=st.integers(0, 40),
    width=st.integers(0, 40) | st.none(),
    end=st.integers(20, 60),
    is_transitional=st.booleans(),
    day=st.integers(0, 120),
)
def test_one_act_may_begin_an_edition_on_a_day_of_its_own_beside_those_that_hang_on_publication(
    low: int, width: int | None, end: int, is_transitional: bool, day: int
) -> None:
    """As in Orders 222 and 348: part takes effect on P + 11, the rest on a fixed day whatever P is."""
    start = date(2026, 6, 1)
    on = [start + timedelta(days=n) for n in range(201)]

    def editions(first: Interval) -> list[Edition]:
        fixed = Interval(on[end + 1], on[end + 1])
        last = on[end] if is_transitional else None
        before = _edition("before", "older", Interval(date(2026, 1, 1), date(2026, 1, 1)))
        return [before, _edition("published", "x", first, last), _edition("fixed", "x", fixed)]

    possible = {
        the_edition_on(editions(Interval(on[p], on[p])), on[day], what="form").id
        for p in (range(low, low + width + 1) if width is not None else range(low, 200))
    }
    try:
        found = the_edition_on(
            editions(Interval(on[low], None if width is None else on[low + width])), on[day], what="form"
        )
    except PublicationDayUnknown:
        assert len(possible) > 1
    else:
        assert {found.id} == possible


@pytest.mark.parametrize("key", OPEN)
def test_a_publication_day_out_of_its_bounds_is_refused_with_the_reason(key: str) -> None:
    low, high = OPEN[key].published_not_before, OPEN[key].published_not_after
    bound = {b: step for b, step in ((low, -ONE_DAY), (high, ONE_DAY)) if b}
    assert bound, f"{key}: nothing bounds its publication day"
    for edge, out in bound.items():
        assert load({key: edge.day}).publications.days == {key: edge.day}
        with pytest.raises(ConfigurationError) as refused:
            load({key: edge.day + out})
        for said in (f"[published] {key} = {edge.day + out}", str(edge.day), edge.reason):
            assert said in refused.value.message


@pytest.mark.parametrize("key", [*(key for key in UNSET.acts if key not in OPEN), "order_0", ""])
def test_only_acts_that_hang_on_publication_take_a_publication_day(key: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load({key: P222})
    assert f"[published] {key}" in refused.value.message
    assert all(known in refused.value.message for known in OPEN)


def test_an_interval_prints_what_is_known_of_a_day() -> None:
    assert str(Interval(P222, P222)) == "on 2026-06-05"
    assert str(Interval(P173, P222)) == "between 2024-06-10 and 2026-06-05"
    assert str(Interval(P173, None)) == "on 2024-06-10 or later"


@pytest.mark.parametrize(
    ("key", "language", "day"),
    [
        (key, language, day)
        for key, language in STREAMS
        for day in (date(2025, 6, 1), date(2026, 6, 20))
        if len({by_hand(key, language, day, published) for published in every_possibility({})}) > 1
    ],
)
def test_an_unknown_publication_day_is_asked_for_by_order_and_day_and_the_advice_helps(
    key: str, language: Language, day: date
) -> None:
    with pytest.raises(PublicationDayUnknown) as unknown:
        UNSET.in_force(key, day, language)
    candidates = [e for e in UNSET.form(key).editions if e.changes(language) and e.act.hangs_on_publication]
    editions = [e for e in candidates if e.first.straddles(day)]
    for edition in editions:
        act = edition.act
        for said in (UNSET.form(key).annex, str(day), act.name, f"[published] {act.key} =", str(edition.first)):
            assert said in unknown.value.message
    advised = {edition.act.key: PUBLISHED[edition.act.key] for edition in editions}
    assert answer(whole(load(advised)), key, day, language) != PublicationDayUnknown.code


@each_stream
def test_a_day_before_every_edition_is_told_the_oldest_one(key: str, language: Language) -> None:
    oldest = next(e for e in UNSET.form(key).editions if e.changes(language))
    day = oldest.first.earliest - ONE_DAY
    with pytest.raises(NoEditionInForce) as none:
        UNSET.in_force(key, day, language)
    for said in (UNSET.form(key).annex, language, str(day), oldest.act.name, str(oldest.first), "Check the day"):
        assert said in none.value.message


def test_a_language_without_any_edition_is_told_so() -> None:
    form = UNSET.form("o20-a05")
    kazakh = replace(form, editions=tuple(replace(e, wording={"kk": "official"}) for e in form.editions))
    with pytest.raises(NoEditionInForce, match="no edition is on file in this language"):
        replace(UNSET, forms={form.key: kazakh}).in_force(form.key, P222, "ru")


@cache
def both_deployments() -> tuple[Catalogue, Catalogue]:
    """One that refuses what is not held, one that prints the wording before."""
    return load(PUBLISHED), load(PUBLISHED, "last-held")


@each_stream
def test_a_text_that_is_not_held_is_refused_or_replaced_by_the_last_held_where_a_deployment_allows_it(
    key: str, language: Language
) -> None:
    refuses, allows = both_deployments()
    annex, held = UNSET.form(key).annex, None
    assert (ROOT / "docs" / "adding-an-edition.md").is_file()
    for file, first, _ in calendar(key, language, PUBLISHED):
        status = file.wording[language]
        if status != "not-held":
            held = file.id
            assert [c.in_force(key, first, language).status for c in (refuses, allows)] == [status, status]
            assert allows.in_force(key, first, language).text.id == file.id
            assert allows.in_force(key, first, language).fields == allows.form(key).fields(file.id)
            continue
        with pytest.raises(WordingNotHeld) as refused:
            refuses.in_force(key, first, language)
        for said in (annex, language, str(first), refuses.acts[file.act].name, "docs/adding-an-edition.md"):
            assert said in refused.value.message
        assert ('[wording] not_held = "last-held"' in refused.value.message) == (held is not None)
        if held is None:
            assert answer(allows, key, first, language) == WordingNotHeld.code
            continue
        found = allows.in_force(key, first, language)
        assert (found.status, found.edition.id, found.text.id) == ("last-held", file.id, held)
        assert found.template == f"{key}/{held}/{language}.html.j2"
        assert found.fields == found.form.fields(held)


def test_what_is_not_held_is_printed_in_the_words_and_with_the_fields_of_the_last_held_of_several() -> None:
    for name, before in (("o20-a02", "order_222_transitional"), ("o20-a08", "order_173")):
        form = UNSET.form(name)
        editions = tuple(replace(e, wording={"kk": "not-held"}) if e.id == "order_222" else e for e in form.editions)
        allows = replace(UNSET, forms={form.key: replace(form, editions=editions)}, not_held="last-held")
        found = allows.in_force(name, date(2026, 8, 1), "kk")
        assert (found.status, found.edition.id, found.text.id) == ("last-held", "order_222", before)
        assert found.fields == form.fields(before)


@each_form
def test_a_form_answers_to_its_key_and_to_its_annex_id(form: Form) -> None:
    assert UNSET.form(form.key) is UNSET.form(form.annex) is form


@pytest.mark.parametrize("name", ["o20-a99", "", "O20-A05", "../acts", "o20-a05 ", "order_359"])
def test_an_unknown_form_is_refused_with_the_way_to_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownForm) as refused:
        UNSET.in_force(name, P222, "kk")
    assert repr(name) in refused.value.message
    assert "qujat forms list" in refused.value.message


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_forms_of_an_order_that_can_be_issued_are_called_the_same(language: Language) -> None:
    can = [f for f in UNSET.forms.values() if any(set(e.wording.values()) != {"not-held"} for e in f.file.edition)]
    called = Counter((form.file.order, form.called[language]) for form in can)
    assert [name for name, times in called.items() if times > 1] == []
    assert len(can) > 40


def test_an_unknown_edition_of_a_form_is_refused_with_those_it_has() -> None:
    with pytest.raises(FormError, match="order_173, order_359, order_222, not 'order_1'"):
        UNSET.form("o20-a05").edition("order_1")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("quota_kandas_refusal.toml", 'key = "quota_kandas_refusal"', 'key = "another"'),
        ("quota_kandas_refusal.toml", 'annex = "o20-a05"', 'annex = "o20-a05'),
        ("quota_kandas_refusal.toml", 'annex = "o20-a05"', 'annex = "o20-a05"\nannexx = 1'),
        ("quota_kandas_refusal.toml", 'type = "day"', 'type = "moment"'),
        ("quota_kandas_refusal.toml", 'act = "order_359"', 'act = "order_0"'),
        ("shared/grounds/quota_kandas.toml", 'act = "order_359"', 'act = "order_0"'),
        ("shared/acts.toml", "day = 2024-05-31", 'day = "soon"'),
        ("shared/acts.toml", "[order_173]", "[order_173"),
        ("shared/orders.toml", "number = ", "numbers = "),
    ],
)
def test_a_form_file_that_is_wrong_is_named(tmp_path: Path, file: str, old: str, new: str) -> None:
    broken = shutil.copytree(FORMS, tmp_path / "forms") / file
    text = broken.read_text(encoding="utf-8")
    assert old in text
    broken.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FormError, match=broken.stem):
        load(root=tmp_path / "forms")


@pytest.mark.parametrize("grounds", UNSET.grounds.values(), ids=lambda grounds: grounds.file.key)
def test_a_list_of_grounds_is_whole_in_both_languages_in_every_edition(grounds: Grounds) -> None:
    assert set(grounds.file.texts) == {edition.id for edition in grounds.editions}
    for edition in grounds.editions:
        counts = {language: len(grounds.file.texts[edition.id][language]) for language in LANGUAGES}
        assert set(counts.values()) == {grounds.count(edition.id)}
        numbers = range(1, grounds.count(edition.id) + 1)
        texts = [grounds.text(edition.id, number, language) for language in LANGUAGES for number in numbers]
        assert all(text == text.strip() and text for text in texts)
        assert len(set(texts)) == len(texts) > 0


@each_form
def test_wherever_a_form_with_grounds_is_in_force_so_is_its_list(form: Form) -> None:
    catalogue = load(PUBLISHED)
    for language in LANGUAGES:
        for edition, first, last in calendar(form.key, language, PUBLISHED):
            lists = {s.list_key for s in form.fields(edition.id).values() if s.type == "grounds"}
            for name, day in itertools.product(lists, (first, last or first)):
                if edition.wording[language] != "not-held":
                    assert catalogue.count_grounds(name, day) > 0


@each_form
def test_the_editions_of_a_form_are_chronological_whatever_the_publication_days_are(form: Form) -> None:
    assert len({edition.id for edition in form.editions}) == len(form.editions)
    for language, published in itertools.product(LANGUAGES, every_possibility({})):
        listed = calendar(form.key, language, published)
        for (_, first, last), (_, following, _) in itertools.pairwise(listed):
            assert first <= following
            assert last is not None
            assert last < following
