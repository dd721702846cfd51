"""PDFs of strangers: every class of attack has exactly its answer, and honest files are valid."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from strangers import pages, pdf
from strangers.authority import Authority
from strangers.case import Broken, Builder, Case

from qujat.signing import scan
from qujat.verifier import pdf_files
from qujat.verifier.report import Report
from qujat.verifier.verification import verify_here


def judged(case: Case, authority: Authority) -> Report:
    trust = case.trust or authority.trust
    return verify_here(case.content, data=case.data, trust=trust, at=case.at or authority.now)


@pytest.mark.parametrize("broken", pdf.cases.broken, ids=lambda broken: broken.name)
def test_a_broken_pdf_is_never_valid_and_has_its_reason(broken: Broken, authority: Authority) -> None:
    report = judged(broken.build(authority), authority)
    assert (report.value, report.code) == (broken.value, broken.code), report.as_json()


@pytest.mark.parametrize("build", pdf.cases.honest, ids=lambda build: build.__name__)
def test_an_honest_pdf_is_valid(build: Builder, authority: Authority) -> None:
    report = judged(build(authority), authority)
    assert (report.value, report.code) == ("valid", "signatures-valid"), report.as_json()


def test_the_signers_own_time_is_shown_as_his_claim(authority: Authority) -> None:
    case = Case(pdf.signed(authority, more=b"/M (D:20260302140000+05'00')"))
    (signature,) = judged(case, authority).signatures
    assert (signature.at, signature.at_by) == (datetime(2026, 3, 2, 9, tzinfo=UTC), "claim")


@pytest.mark.parametrize("time", [b"(D:99999999999999Z)", b"(D:20260302140000)", b"(yesterday)", b"/Name"])
def test_a_time_that_is_none_is_no_claim(time: bytes, authority: Authority) -> None:
    report = judged(Case(pdf.signed(authority, more=b"/M " + time)), authority)
    assert (report.value, report.signatures[0].at) == ("valid", None)


def test_a_signature_after_revocation_by_the_signers_own_word_is_refuted(authority: Authority) -> None:
    revoked = pages.pades(authority.revoked)
    claim = authority.now.strftime("/M (D:%Y%m%d%H%M%SZ)").encode()
    assert judged(Case(pdf.signed(authority, make=revoked, more=claim)), authority).code == "revoked"
    assert judged(Case(pdf.signed(authority, make=revoked, more=b"")), authority).code == "revoked-no-poe"


def test_a_file_that_another_reader_takes_apart_otherwise_is_open(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last defence: pyHanko must have read the same objects at the same places as we did."""
    case = pdf.pades_b_b(authority)
    for accounted in (pdf.two_signatures_one_after_the_other(authority).content, pages.page()):
        with monkeypatch.context() as patch:
            read = scan.read(accounted)
            patch.setattr(pdf_files.scan, "read", lambda content, read=read: read)
            assert judged(case, authority).code == "pdf-structure"
