"""The HTML of the gallery: the index, a page a form, a page for two neighbouring editions in a language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from qujat import pages, rendering
from qujat.catalogue import Catalogue, Edition, Form
from qujat.errors import FormError
from qujat.gallery import timeline, words
from qujat.gallery.contents import Choice, Part, Shelf, edition_name, part, parts, short_name
from qujat.gallery.differences import Comparison, blocks, compare
from qujat.gallery.drawing import Drawn
from qujat.gallery.timeline import Chart, Row
from qujat.gallery.words import Both
from qujat.languages import LANGUAGES, Language
from qujat.words import day_in_figures

_INDEX_LABELS, _FORM_LABELS = 150.0, 300.0  # room left of an axis, in units of its SVG


@dataclass(frozen=True, slots=True)
class Side:
    """One edition in one language as it is shown; without pages if its words are not held."""

    part: Part
    status: Both
    blank: Drawn | None
    filled: Drawn | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One edition of a form: what made it, and its sides; None for a language that its act left as it was."""

    edition: Edition
    name: Both
    hangs: Both | None
    sides: Mapping[Language, Side | None]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Two held editions in one language, one after the other among those that are held."""

    earlier: Part
    later: Part
    names: tuple[Both, Both]
    skipped: bool
    comparison: Comparison

    @property
    def address(self) -> str:
        one, other = self.earlier, self.later
        return f"differences/{one.form.annex}.{one.edition.id}.{other.edition.id}.{one.language}.html"


@dataclass(frozen=True, slots=True)
class Room:
    """One form with all that its page shows."""

    form: Form
    shelf: Shelf
    annex: Both
    kind: Both
    editions: tuple[Shown, ...]
    neighbours: tuple[Neighbours, ...]

    @property
    def address(self) -> str:
        return f"forms/{self.form.annex}.html"

    @property
    def held(self) -> bool:
        return any(side and side.blank for shown in self.editions for side in shown.sides.values())


def room(catalogue: Catalogue, shelf: Shelf, form: Form, choice: Choice, drawn: Mapping[str, Drawn]) -> Room:
    """All of one form. Raises FormError for a kind or a status that has no words."""
    return Room(
        form=form,
        shelf=shelf,
        annex=_annex(form),
        kind=words.both("kind", form.kind),
        editions=tuple(_shown(form, edition, choice, drawn) for edition in form.editions),
        neighbours=tuple(n for language in choice.languages for n in _neighbours(catalogue, form, language)),
    )


def _annex(form: Form) -> Both:
    """The number of the annex; a document that has none is told apart by its id."""
    if form.file.number:
        return words.text("annex", number=form.file.number)
    return words.text("no_annex", id=form.annex.partition("-")[2])


def _shown(form: Form, edition: Edition, choice: Choice, drawn: Mapping[str, Drawn]) -> Shown:
    found = {language: part(form, edition, language) for language in choice.languages}
    sides = {language: _side(one, drawn) if one else None for language, one in found.items()}
    act = edition.act
    hangs = edition.first.known is None and not act.first_not_before
    return Shown(edition, edition_name(form, edition), words.text("hangs", number=act.number) if hangs else None, sides)


def _side(one: Part, drawn: Mapping[str, Drawn]) -> Side:
    status = words.both("status", one.status)
    return Side(one, status, drawn.get(f"{one.stem}.blank"), drawn.get(f"{one.stem}.filled"))


def _neighbours(catalogue: Catalogue, form: Form, language: Language) -> Iterator[Neighbours]:
    all_parts = list(parts(form, [language]))
    held = [one for one in all_parts if one.held]
    for earlier, later in pairwise(held):
        names = short_name(form, earlier.edition), short_name(form, later.edition)
        skipped = all_parts.index(later) - all_parts.index(earlier) > 1
        compared = compare(words_of(catalogue, earlier), words_of(catalogue, later))
        yield Neighbours(earlier, later, names, skipped, compared)


def words_of(catalogue: Catalogue, one: Part) -> list[str]:
    """The blocks of words of the empty form. Raises FormError if they are not held or the wording is wrong."""
    if one.wording is None:
        raise FormError(f"{one.form.key}, edition {one.edition.id}: expected a held wording in {one.language}")
    body = rendering.tree(rendering.html(pages.blank(catalogue, one.wording))).find("body")
    if body is None:
        raise FormError(f"{one.wording.template}: expected a page with a body")
    return blocks(body)


def index(rooms: Sequence[Room], choice: Choice) -> str:
    """The page of all orders."""
    shelves = list(dict.fromkeys(room.shelf.key for room in rooms))
    by_shelf = [[room for room in rooms if room.shelf.key == key] for key in shelves]
    everything = [one for room in rooms for one in parts(room.form, choice.languages)]
    axis = timeline.scale(everything, _INDEX_LABELS)
    charts = [timeline.chart([_form_row(room, choice) for room in group], axis) for group in by_shelf]
    held = sum(1 for one in everything if one.held)
    return _page(
        "index",
        "",
        choice,
        title=words.text("title"),
        shelves=list(zip(by_shelf, charts, strict=True)),
        counted=words.text("counted", orders=len(shelves), forms=len(rooms), held=held),
        statuses=[(name, words.both("status", name)) for name in _used(everything)],
    )


def _used(everything: Sequence[Part]) -> list[str]:
    """The statuses that occur, in the order of their table."""
    used = {one.status for one in everything}
    return [name for name in words.statuses() if name in used]


def _form_row(room: Room, choice: Choice) -> Row:
    lanes = [list(parts(room.form, [language])) for language in choice.languages]
    return Row(room.annex, room.address, [lane for lane in lanes if lane])


def form_page(room: Room, choice: Choice) -> str:
    """The page of one form."""
    everything = list(parts(room.form, choice.languages))
    return _page(
        "form",
        "../",
        choice,
        title=room.form.title,
        room=room,
        chart=_form_chart(room, everything),
        statuses=[(name, words.both("status", name)) for name in _used(everything)],
    )


def _form_chart(room: Room, everything: Sequence[Part]) -> Chart | None:
    if not everything:
        return None
    rows = [
        Row(
            short_name(room.form, shown.edition),
            f"#{shown.edition.id}",
            [[side.part] for side in shown.sides.values() if side],
        )
        for shown in room.editions
        if any(shown.sides.values())
    ]
    return timeline.chart(rows, timeline.scale(everything, _FORM_LABELS))


def differences_page(room: Room, neighbours: Neighbours, choice: Choice) -> str:
    """The page of two neighbouring editions."""
    return _page("differences", "../", choice, title=room.form.title, room=room, n=neighbours)


def _page(template: str, up: str, choice: Choice, **context: Any) -> str:
    return rendering.fill(
        f"gallery/{template}.html.j2",
        {
            "up": up,
            "languages": choice.languages,
            "both_languages": LANGUAGES,
            "text": words.text,
            "both": words.both,
            "figures": day_in_figures,
            **context,
        },
    )
