"""What the law prescribes: forms, their editions with dates of effect, and the state of each wording.

`Catalogue.in_force(form, day, language)` gives exactly one wording or a typed error. The day is the legal day of
the decision, never the clock. Everything is read from `forms/` and, for the words, `templates/`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

from qujat import bilingual
from qujat.acts import Act, Interval, Publications
from qujat.datafiles import read
from qujat.errors import FormError, NoEditionInForce, PublicationDayUnknown, UnknownForm, WordingNotHeld
from qujat.fields import FieldSpec
from qujat.formfiles import EditionFile, FormFile, GroundsFile, Order, SignerRole, WordingStatus, read_acts, read_orders
from qujat.languages import Language

ROOT = Path(__file__).parent
Held = Literal["official", "translation", "house", "last-held"]


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of a form: what one act made of it. `first` is bounded when a publication day is not known."""

    form: str
    id: str
    act: Act
    first: Interval
    last: date | None
    wording: Mapping[Language, WordingStatus]
    paper: str
    source: str
    notes: tuple[str, ...] = ()

    def changes(self, language: Language) -> bool:
        """True if the act restated this language; the other language then goes on as it was."""
        return language in self.wording


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a form in one language on one day.

    `edition` is the edition in force; `text` is the edition whose words are printed: the same one, except where a
    deployment allows the last held wording (`status == "last-held"`). `first` and `last` bound the days on which
    this language stands like this: both inclusive, `last` None while no end is known.
    """

    form: Form
    language: Language
    edition: Edition
    text: Edition
    status: Held
    first: Interval
    last: Interval | None

    @property
    def template(self) -> str:
        """Path of the wording below templates/."""
        return self.form.template(self.text.id, self.language)

    @property
    def fields(self) -> Mapping[str, FieldSpec]:
        return self.form.fields(self.text.id)


@dataclass(frozen=True)
class Form:
    """One form through all its editions, oldest first."""

    file: FormFile
    editions: tuple[Edition, ...]

    @property
    def key(self) -> str:
        return self.file.key

    @property
    def annex(self) -> str:
        return self.file.annex

    @property
    def kind(self) -> str:
        return self.file.kind

    @property
    def signers(self) -> Sequence[SignerRole]:
        """Who signs, in their order; the head is the last."""
        return self.file.signers

    @property
    def title(self) -> Mapping[Language, str]:
        return self.file.title

    @property
    def called(self) -> Mapping[Language, str]:
        """The title as people choose by it: with whom it is about, where the title alone does not tell."""
        about = self.file.about
        return {tongue: f"{title} ({about[tongue]})" if about else title for tongue, title in self.title.items()}

    def fields(self, edition: str) -> Mapping[str, FieldSpec]:
        """The fields that the wording of `edition` asks for, in the order of the form."""
        return {name: spec for name, spec in self.file.fields.items() if spec.stands_in(edition)}

    def template(self, edition: str, language: Language) -> str:
        """Path below templates/ of the words of `edition` in a language; a bilingual form has one for both."""
        return f"{self.key}/{edition}/{bilingual.TAG if self.file.bilingual else language}.html.j2"

    def edition(self, edition: str) -> Edition:
        """The edition with this id; raises FormError if the form has none."""
        for candidate in self.editions:
            if candidate.id == edition:
                return candidate
        known = ", ".join(e.id for e in self.editions)
        raise FormError(
            f"{self.key}: expected one of the editions {known}, not {edition!r}; look in forms/{self.key}.toml"
        )


@dataclass(frozen=True)
class Grounds:
    """A list of refusal grounds through its editions (kept apart from forms: many forms name the same list)."""

    file: GroundsFile
    editions: tuple[Edition, ...]

    def text(self, edition: str, number: int, language: Language) -> str:
        """The wording of one ground; the number is the law's own (1, 2, …)."""
        return self.file.texts[edition][language][number - 1]

    def count(self, edition: str) -> int:
        return len(next(iter(self.file.texts[edition].values())))


@dataclass(frozen=True)
class Catalogue:
    """All forms. `not_held` says what to do where the law's text is not on file: refuse, or print the last held."""

    forms: Mapping[str, Form]
    grounds: Mapping[str, Grounds]
    acts: Mapping[str, Act]
    orders: Mapping[str, Order]
    publications: Publications = field(default_factory=Publications)
    not_held: Literal["refuse", "last-held"] = "refuse"

    @cached_property
    def _by_annex(self) -> Mapping[str, Form]:
        return {form.annex: form for form in self.forms.values()}

    def form(self, name: str) -> Form:
        """A form by its key ("quota_kandas_refusal") or annex id ("o20-a05"); raises UnknownForm."""
        found = self.forms.get(name) or self._by_annex.get(name)
        if found is None:
            raise UnknownForm(
                f"expected a form key or an annex id such as o20-a05, not {name!r}; `qujat forms list` shows them all"
            )
        return found

    def in_force(self, name: str, day: date, language: Language) -> Wording:
        """The one wording in force on `day`.

        Raises UnknownForm; NoEditionInForce; PublicationDayUnknown where the answer hangs on a publication day that
        is not set and every bound leaves it open; WordingNotHeld where the law's text is not on file.
        """
        form = self.form(name)
        editions = [e for e in form.editions if e.changes(language)]
        edition = the_edition_on(editions, day, what=f"{form.annex} ({form.key}, {language})")
        first, last = days_of(editions, edition)
        text, status = self._text(form, editions, edition, language, day)
        return Wording(form, language, edition, text, status, first, last)

    def _text(
        self, form: Form, editions: list[Edition], edition: Edition, language: Language, day: date
    ) -> tuple[Edition, Held]:
        status = edition.wording[language]
        if status != "not-held":
            return edition, status
        earlier = [e for e in editions[: editions.index(edition)] if e.wording[language] != "not-held"]
        if self.not_held == "last-held" and earlier:
            return earlier[-1], "last-held"
        raise WordingNotHeld(
            f"{form.annex} in {language} on {day}: {edition.act.name} is in force, and its text is not held here. "
            f"Put the text on file (docs/adding-an-edition.md)"
            + "".join(f", or issue the house form {stand_in}" for stand_in in self._in_place_of(form))
            + (
                ', or set [wording] not_held = "last-held" to print the wording before it, marked so.'
                if earlier
                else "; no earlier wording is held either."
            )
        )

    def _in_place_of(self, form: Form) -> list[str]:
        """The house forms that stand in for an annex whose text is not held."""
        houses = {found.annex: found.file.house for found in self.forms.values()}
        return [annex for annex, house in houses.items() if house and form.annex in house.in_place_of]

    def grounds_on(self, name: str, day: date) -> tuple[Grounds, Edition]:
        """The list of refusal grounds and its edition in force on `day`. Raises as `in_force` does."""
        grounds = self.grounds[name]
        return grounds, the_edition_on(list(grounds.editions), day, what=f"refusal grounds {name}")

    def ground_texts(self, name: str, day: date, language: Language) -> Sequence[str]:
        """The grounds of the list on `day`, in their order. Raises as `in_force` does."""
        grounds, edition = self.grounds_on(name, day)
        return grounds.file.texts[edition.id][language]

    def count_grounds(self, name: str, day: date) -> int:
        """How many grounds the list has on `day`. Raises as `in_force` does."""
        grounds, edition = self.grounds_on(name, day)
        return grounds.count(edition.id)


def the_edition_on(editions: list[Edition], day: date, *, what: str) -> Edition:
    """The edition in force on `day` under every publication day still possible, or a typed error.

    Each act with an unknown publication day either has or has not taken effect by `day`; every combination is tried.
    """
    open_acts = sorted({e.act.key for e in editions if e.act.first_not_before is None and e.first.straddles(day)})
    answers = set()
    for combination in itertools.product((True, False), repeat=len(open_acts)):
        begun = dict(zip(open_acts, combination, strict=True))
        in_force = [e for e in editions if _has_begun(e, day, begun) and not _over(e, day)]
        answers.add(in_force[-1].id if in_force else None)
    if answers == {None}:
        raise NoEditionInForce(_none_message(editions, day, what))
    if len(answers) > 1:
        raise PublicationDayUnknown(_unknown_message(editions, open_acts, day, what))
    return next(e for e in editions if e.id in answers)


def _has_begun(edition: Edition, day: date, begun: Mapping[str, bool]) -> bool:
    """True if the edition has surely begun; one of an act not known counts as begun from its bound on."""
    if edition.act.first_not_before and edition.first.known is None:
        return edition.first.earliest <= day
    return begun[edition.act.key] if edition.first.straddles(day) else edition.first.latest_is_on_or_before(day)


def _over(edition: Edition, day: date) -> bool:
    return edition.last is not None and day > edition.last


def _none_message(editions: list[Edition], day: date, what: str) -> str:
    if not editions:
        return f"{what}: no edition is on file in this language; add one (docs/adding-an-edition.md)"
    first = editions[0]
    return (
        f"{what}: no edition on file was in force on {day}; the oldest is that of {first.act.name}, "
        f"which took effect {first.first}. Check the day of the decision, or put the older edition on file."
    )


def _unknown_message(editions: list[Edition], open_acts: list[str], day: date, what: str) -> str:
    acts = [next(e for e in editions if e.act.key == key) for key in open_acts]
    return f"{what}: which edition was in force on {day} hangs on the publication day of " + "; ".join(
        f"{e.act.name} (takes effect {e.first}): set [published] {e.act.key} = YYYY-MM-DD" for e in acts
    )


def days_of(editions: list[Edition], edition: Edition) -> tuple[Interval, Interval | None]:
    """First and last day of an edition: its own end, or the day before the next edition begins."""
    ends = [] if edition.last is None else [Interval(edition.last, edition.last)]
    following = editions[editions.index(edition) + 1 :]
    ends += [following[0].first.shifted(-1)] if following and edition.last is None else []
    return edition.first, ends[0] if ends else None


def _editions(
    files: Sequence[EditionFile], key: str, acts: Mapping[str, Act], days: Publications
) -> tuple[Edition, ...]:
    for unknown in (e for e in files if e.act not in acts):
        raise FormError(
            f"{key}.toml: edition {unknown.id}: expected an act of forms/shared/acts.toml, not {unknown.act!r}"
        )
    for e in files:
        if acts[e.act].first_not_before and set(e.wording.values()) != {"not-held"}:
            raise FormError(f"{key}, edition {e.id}: its act is not known, so its wording can only be not-held")
    return tuple(
        Edition(
            form=key,
            id=e.id,
            act=acts[e.act],
            first=Interval(e.first, e.first) if e.first else days.first_day(acts[e.act]),
            last=e.last,
            wording=e.wording,
            paper=e.paper,
            source=e.source,
            notes=tuple(e.notes),
        )
        for e in files
    )


def load(
    publications: Mapping[str, date] | None = None,
    not_held: Literal["refuse", "last-held"] = "refuse",
    root: Path = ROOT / "forms",
) -> Catalogue:
    """Read `forms/`. Raises FormError if a file is wrong, ConfigurationError if a publication day is impossible."""
    acts = read_acts(root / "shared" / "acts.toml")
    days = Publications.checked(publications or {}, acts)
    forms, grounds = {}, {}
    for path in sorted(root.glob("*.toml")):
        form_file = _parse(path, FormFile)
        forms[form_file.key] = Form(form_file, _editions(form_file.edition, form_file.key, acts, days))
    for path in sorted((root / "shared" / "grounds").glob("*.toml")):
        list_file = _parse(path, GroundsFile)
        grounds[list_file.key] = Grounds(list_file, _editions(list_file.edition, list_file.key, acts, days))
    return Catalogue(forms, grounds, acts, read_orders(root / "shared" / "orders.toml"), days, not_held)


F = TypeVar("F", FormFile, GroundsFile)


def _parse(path: Path, kind: type[F]) -> F:
    parsed = read(path, kind)
    if parsed.key != path.stem:
        raise FormError(f"{path.name}: expected key = {path.stem!r}, not {parsed.key!r}")
    return parsed
