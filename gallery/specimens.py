"""The sheets of the gallery: the empty form, and the form filled from its fixture decision as a specimen.

A specimen is no document, and says so: across every page and at its foot, in place of the number, of the signature and
of the stand-in's words. Its QR code holds no mark but a plain sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from qujat import decision, document, pages, qr, rendering
from qujat.acts import Interval
from qujat.catalogue import ROOT, Catalogue, Form, Wording
from qujat.errors import ConfigurationError
from qujat.gallery import words
from qujat.languages import LANGUAGES
from qujat.pages import DrawnMark
from qujat.rendering import Sheet

FIXTURES = ROOT / "fixtures" / "decisions"

# Plain text, not a link: a phone shows the sentence, and nothing takes it for a mark (mark.read_text refuses it).
QR_TEXT = (
    "ULGI / OBRAZETS / SPECIMEN. This page is not a document: it is not signed, it is in no register, "
    "the people on it are invented, and this code proves nothing."
)
NO_CODE = "XXXX-XXXX-XXXX"  # its check symbol is wrong: nobody can look it up


def check_fixtures(forms: Iterable[Form], folder: Path = FIXTURES) -> None:
    """Raises ConfigurationError, naming every file, if a form with held words has no decision to fill it with."""
    held = (form for form in forms if any(set(e.wording.values()) != {"not-held"} for e in form.editions))
    missing = [f"{form.annex}.json" for form in held if not (folder / f"{form.annex}.json").is_file()]
    if missing:
        raise ConfigurationError(
            f"the gallery fills its pages from the decisions in {folder}, and these are missing: "
            f"{', '.join(missing)}; install the package with its fixtures, or run it from a checkout"
        )


def filled(catalogue: Catalogue, wording: Wording, folder: Path = FIXTURES) -> Sheet:
    """The form filled with invented people. Raises FieldErrors if the fixture is not a decision."""
    sent = decision.parse(fitted(wording, folder))
    said = words.specimen(wording.language)
    wordings = {language: replace(wording, language=language) for language in sent.languages}
    data = document.assemble(sent, wordings, catalogue, said["number"], stand_in=True)
    sheet = pages.page(catalogue, data, wording.language, _mark())
    seal = {**sheet.words["seal"], **{name: said[name] for name in ("signed", "stand_in", "how", "alt")}}
    # The first line of the foot gives number and day of the document; a specimen has neither.
    foot = [_first_line(said, wording.form), *sheet.words["foot"][1:]]
    return replace(sheet, words={**sheet.words, "seal": seal, "foot": foot})


def _first_line(said: Mapping[str, str], form: Form) -> Markup:
    line = rendering.fill(
        "gallery/specimen.html.j2", {"across": said["across"], "foot": said["foot"].format(form=form.annex)}
    )
    return Markup(line)  # noqa: S704  the template has escaped its values


@cache
def _mark() -> DrawnMark:
    return DrawnMark(qr.draw(QR_TEXT).png, NO_CODE, "")


def fitted(wording: Wording, folder: Path = FIXTURES) -> dict[str, Any]:
    """The fixture decision of the form in this language (a bilingual form in both), fitted to this edition."""
    sent: dict[str, Any] = json.loads((folder / f"{wording.form.annex}.json").read_text(encoding="utf-8"))
    fields = {name: value for name, value in sent["fields"].items() if name in wording.fields}
    day = day_within(wording.first, wording.last, date.fromisoformat(sent["day"]))
    languages = LANGUAGES if wording.form.file.bilingual else (wording.language,)
    return sent | {"day": day.isoformat(), "languages": list(languages), "fields": fields}


def day_within(first: Interval, last: Interval | None, wanted: date) -> date:
    """The day nearest to `wanted` that lies in the edition whatever its open publication days turn out to be.

    Where every such day hangs on them, the nearest that can lie in it.
    """
    sure = first.latest or first.earliest
    if last is None:
        return max(sure, wanted)
    if sure > last.earliest:
        sure = first.earliest
    return max(sure, min(wanted, last.earliest))
