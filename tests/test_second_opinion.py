"""EU DSS, given our anchors, agrees with us: on the level that we claim, on forgeries, on strangers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dss_opinions
import offices
import pytest
from cases import catalogue

from qujat.office import Office
from qujat.pipeline import Issued, issue


@pytest.fixture
def whole(office: Office) -> Office:
    return replace(office, forms=catalogue())


def written(issued: Issued, folder: Path) -> list[Path | tuple[Path, Path]]:
    """Every signed file; the CMS with the XML that it signs."""
    folder.mkdir()
    for name, content in issued.files.items():
        (folder / name).write_bytes(content)
    signed = [folder / file.name for file in issued.document.files if file.role in ("page", "data")]
    (data,) = (file.name for file in issued.document.files if file.role == "data")
    (cms,) = (file.name for file in issued.document.files if file.role == "cms")
    return [*signed, (folder / cms, folder / data)]


def levels(issued: Issued, pki: Path, folder: Path) -> dict[str, tuple[str, str, int]]:
    """Ending of the file → what DSS says of it."""
    said = dss_opinions.opinions(pki, written(issued, folder))
    return {o.file.partition(".")[2]: (o.indication, o.level, o.signatures) for o in said}


def test_dss_finds_every_kind_of_file_valid_and_of_the_level_that_it_claims(
    whole: Office, pki: offices.Pki, tmp_path: Path
) -> None:
    two_pages = levels(issue(offices.parsed(), whole), pki.folder, tmp_path / "two")
    assert two_pages == {
        "kk.pdf": ("TOTAL_PASSED", "PAdES-BASELINE-T", 1),
        "ru.pdf": ("TOTAL_PASSED", "PAdES-BASELINE-T", 1),
        "xml": ("TOTAL_PASSED", "XAdES-BASELINE-B", 1),
        "xml.p7s": ("TOTAL_PASSED", "CAdES-BASELINE-T", 1),
    }
    bilingual = levels(issue(offices.parsed("o329-a05"), whole), pki.folder, tmp_path / "one")
    assert bilingual["kk-ru.pdf"] == ("TOTAL_PASSED", "PAdES-BASELINE-T", 1)


def test_dss_finds_b_b_where_no_timestamp_is_taken(whole: Office, pki: offices.Pki, tmp_path: Path) -> None:
    said = levels(issue(offices.parsed(), replace(whole, timestamper=None)), pki.folder, tmp_path / "bb")
    assert {level for _, level, _ in said.values()} == {
        "PAdES-BASELINE-B",
        "XAdES-BASELINE-B",
        "CAdES-BASELINE-B",
    }


def test_dss_refuses_what_was_changed_and_knows_no_stranger(whole: Office, pki: offices.Pki, tmp_path: Path) -> None:
    issued = issue(offices.parsed(), whole)
    (pdf, *_) = written(issued, tmp_path / "files")
    assert isinstance(pdf, Path)
    changed = tmp_path / "changed.pdf"
    changed.write_bytes(pdf.read_bytes().replace(b"/Type /Page", b"/Type /Pagf", 1))
    xml = tmp_path / "changed.xml"
    xml.write_bytes(issued.files[f"{issued.number}.xml"].replace(b"<form>o20-a05</form>", b"<form>o20-a04</form>"))
    assert [o.indication for o in dss_opinions.opinions(pki.folder, [changed, xml])] == ["TOTAL_FAILED"] * 2
    stranger = offices.make_pki(tmp_path / "stranger")
    (said,) = dss_opinions.opinions(stranger.folder, [pdf])
    assert (said.indication, said.sub_indication) == ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND")
