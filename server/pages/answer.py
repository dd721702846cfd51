"""What the verify page answers of a document: three verdicts, a headline, and what to compare with the paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Literal

from qujat import answers
from qujat import mark as marks
from qujat.errors import Indeterminate, StoreError, UnknownDocument, VerificationError
from qujat.languages import Language
from qujat.office import Office
from qujat.register import Document
from qujat.server.api.negotiation import Tongue
from qujat.server.pages.words import day_text, moment_day

State = Literal["good", "bad", "open"]
_STATES: Mapping[str, State] = {"valid": "good", "invalid": "bad", "indeterminate": "open"}


@dataclass(frozen=True, slots=True)
class Row:
    """One of the three questions. `code` names the words (section `question`), `since` a day in them."""

    question: Literal["authentic", "effect", "edition"]
    state: State
    code: str
    since: str = ""

    @property
    def shape(self) -> str:
        """Not in effect is not forged, and looks otherwise."""
        return "ended" if self.question == "effect" and self.state == "bad" else self.state


@dataclass(frozen=True, slots=True)
class Other:
    """The document that took this one's place; `token` is empty if the number alone does not find it."""

    number: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that the page shows. Nothing personal but the masked name."""

    token: str
    number: str
    code: str
    day: str
    title: Mapping[Language, str]
    authority: Mapping[Language, str]
    subject: str
    rows: tuple[Row, Row, Row]
    superseded_by: Other | None
    at: datetime

    @property
    def state(self) -> State:
        """Bad if any verdict is, good if the first two are; else open."""
        states = [row.state for row in self.rows]
        if "bad" in states:
            return "bad"
        return "good" if states[:2] == ["good", "good"] else "open"

    @property
    def shape(self) -> str:
        """The icon of the headline."""
        authentic, effect, _ = self.rows
        return effect.shape if authentic.state == "good" and effect.state == "bad" else self.state

    @property
    def headline(self) -> str:
        """The name of the sentence that sums the three verdicts up."""
        authentic, effect, edition = self.rows
        if authentic.state == "bad":
            return "forged"
        if effect.state == "bad":
            return effect.code
        if edition.state == "bad":
            return "edition-wrong"
        return "unproven" if authentic.state == "open" else "genuine"


def answer(found: Document, office: Office, at: datetime) -> Answer:
    """The answer for an issued document at a moment. Raises StoreError if the register does not answer."""
    claims, authentic = _authentic(found, office)
    shown = answers.known(found, office)
    return Answer(
        token=marks.token_text(found.token),
        number=found.number,
        code=shown["code"],
        day=day_text(date.fromisoformat(shown["day"])),
        title=shown["title"],
        authority=shown["authority"],
        subject=shown["subject"],
        rows=(authentic, _effect(found, claims, at), _edition(found, office)),
        superseded_by=_other(found, office),
        at=at,
    )


def _authentic(found: Document, office: Office) -> tuple[marks.Claims | None, Row]:
    """The mark as it was drawn: signed with a key of ours, and about these very data?"""
    try:
        (text,) = [office.blobs.get(f.sha256).decode("ascii") for f in found.files if f.role == "mark"]
        claims = marks.verify(text, office.mark_keys)
    except (StoreError, Indeterminate):
        return None, Row("authentic", "open", "open")
    except (VerificationError, ValueError):
        return None, Row("authentic", "bad", "bad")
    state: State = "good" if answers.same_as_data(claims, found.sealed, office) else "bad"
    return claims, Row("authentic", state, state)


def _effect(found: Document, claims: marks.Claims | None, at: datetime) -> Row:
    since = moment_day(found.status_since) if found.status_since else ""
    if found.status != "active":
        return Row("effect", "bad", found.status, since)
    ends = claims.expires_at if claims else None
    if ends is not None and at.timestamp() >= ends:
        return Row("effect", "bad", "expired", moment_day(datetime.fromtimestamp(ends, UTC)))
    return Row("effect", "good", "active", since)


def _edition(found: Document, office: Office) -> Row:
    """The worst answer of the document's languages; `last-held` is good, and said."""
    catalogue = replace(office.forms, not_held="last-held")
    checks = [answers.edition(found.data, language, catalogue) for language in found.data["languages"]]
    states = [_STATES[check.value] for check in checks]
    for state in ("bad", "open"):
        if state in states:
            return Row("edition", state, state)
    held = any(check.code == "last-held" for check in checks)
    return Row("edition", "good", "last-held" if held else "good")


def _other(found: Document, office: Office) -> Other | None:
    if not found.superseded_by:
        return None
    try:
        other = office.register.by_number(found.superseded_by)
    except UnknownDocument:
        return Other(found.superseded_by)
    return Other(other.number, marks.token_text(other.token))


def in_tongue(texts: Mapping[Language, str], tongue: Tongue) -> tuple[str, str]:
    """The text and the language that it is in: the one asked for, else Kazakh, else what there is."""
    held: Mapping[str, str] = {name: text for name, text in texts.items() if text}
    for name in (tongue, "kk", *held):
        if name in held:
            return held[name], name
    return "", tongue
