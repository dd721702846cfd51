"""Every page is what it claims to be, PDF/A-3a and PDF/UA-1 at once; veraPDF is the judge.

The signed page of every wording is judged where it is made (test_fixtures), so that no page is drawn for this alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import offices
import pytest
import verapdf
from cases import Case, cases, catalogue

from qujat import engine, pages, rendering
from qujat.languages import LANGUAGES
from qujat.office import Office
from qujat.pipeline import issue, rerender
from qujat.renewing import renew


def by_turns() -> list[Case]:
    """Every edition of each form, in one language and the other by turns."""
    editions = [list(found) for _, found in groupby(cases(), lambda case: (case.form.key, case.edition.id))]
    return [found[turn % len(found)] for turn, found in enumerate(editions)]


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / f"{name}.pdf"
    path.write_bytes(content)
    return path


def blank(case: Case) -> bytes:
    return rendering.pdf(pages.blank(catalogue(), case.wording))


def table() -> bytes:
    """A page with nothing but a table without a tbody."""
    head = '<head><title>t</title><meta name="dcterms.created" content="2026-01-01T00:00:00Z"/></head>'
    root = rendering.tree(
        f'<html lang="kk">{head}<body data-pages="1"><table><tr><td>t</td></tr></table></body></html>'
    )
    sheet = rendering.Sheet("", {}, datetime(2026, 1, 1, tzinfo=UTC))
    return engine.write(engine.lay_out(root, sheet), sheet)


def test_every_blank_form_keeps_both_claims(tmp_path: Path) -> None:
    """Every edition, in one language and the other by turns; signed, every wording is tried (test_fixtures)."""
    assert verapdf.failures([written(tmp_path, str(case), blank(case)) for case in by_turns()]) == []


def test_other_levels_renewals_and_copies_keep_both_claims(tmp_path: Path, office: Office) -> None:
    """PAdES B-B and B-T, both with renewed evidence too, and the unsigned page that says that it is a copy."""
    files = []
    for level, without in (("b-b", ("revocation", "timestamper")), ("b-t", ("revocation",))):
        less = replace(office, **dict.fromkeys(without))  # type: ignore[arg-type]
        issued = issue(offices.parsed(id=level, languages=list(LANGUAGES)), less)
        files += [written(tmp_path, f"{language}.{level}", issued.pdf(language)) for language in LANGUAGES]
        for times in (1, 2):
            renew(issued.number, office)
            (now,) = (f for f in office.register.by_number(issued.number).files if f.name.endswith("kk.pdf"))
            files.append(written(tmp_path, f"{level}.renewed{times}", office.blobs.get(now.sha256)))
    copies = rerender(issued.number, office, mark_copy=True).pages
    files += [written(tmp_path, f"{page.language}.copy", page.content) for page in copies]
    assert verapdf.failures(files) == []


def test_the_judge_notices_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checker that never fails checks nothing: each of our own measures, left out, is missed in one flavour."""
    claim = engine._PDFUA_RDF
    rows, schema, unclaimed = (written(tmp_path, name, b"") for name in ("rows", "schema", "unclaimed"))
    with monkeypatch.context() as without:
        without.setattr(engine, "_group_rows", lambda root: None)
        rows.write_bytes(table())
    with monkeypatch.context() as without:
        without.setattr(engine, "_PDFUA_RDF", claim[: claim.index(b"/>") + 2] + b"</rdf:RDF>")
        schema.write_bytes(table())
    with monkeypatch.context() as without:
        without.setattr(engine, "_PDFUA_RDF", b"</rdf:RDF>")
        unclaimed.write_bytes(table())
    found = verapdf.failures([rows, schema, unclaimed, written(tmp_path, "good", table())])
    said = {" ".join(line.split(" ")[:3]).rpartition("-")[0] for line in found}
    assert said == {"rows.pdf ua1 7.2", "schema.pdf 3a 6.6.2.3.1", "unclaimed.pdf ua1 5"}


def test_a_file_that_is_no_pdf_is_an_error_not_a_pass(tmp_path: Path) -> None:
    with pytest.raises(verapdf.CheckerError, match="exit 3"):
        verapdf.failures([written(tmp_path, "no", b"not a PDF")])


def test_a_missing_checker_is_an_error_not_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    verapdf.dismiss()
    with pytest.raises(verapdf.CheckerError, match="java"):
        verapdf.failures([tmp_path / "any.pdf"])
