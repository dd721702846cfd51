"""The page of every wording as text, with all that chance decides held fast."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import offices
from cases import Case, catalogue

from qujat import decision, document, pages, qr, rendering

GOLDENS = Path(offices.FIXTURES).parent / "goldens"


def golden_path(case: Case) -> Path:
    return GOLDENS / f"{case.form.annex}.{case.edition.id}.{case.language}.txt"


@cache
def _mark() -> pages.DrawnMark:
    return pages.DrawnMark(qr.draw("https://qujat.example/d/x#1").png, "7KQ4-M2XD-9RTP", "https://qujat.example/d")


def page_text(case: Case) -> str:
    """The text of the longest fixture's pages, laid out by pdftotext."""
    sent = decision.parse(case.decision(long=True))
    wordings = {language: catalogue().in_force(sent.form, sent.day, language) for language in sent.languages}
    data = document.assemble(sent, wordings, catalogue(), "2026-000123", stand_in=True)
    pdf = rendering.pdf(pages.page(catalogue(), data, case.language, _mark()))
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode("utf-8")
