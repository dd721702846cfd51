"""XML of strangers: wrapping and its kin have exactly their answer, and honest documents are valid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from strangers import xml
from strangers.authority import Authority
from strangers.case import Broken, Builder, Case

from qujat.verifier import xml_files
from qujat.verifier.report import Report
from qujat.verifier.verification import verify_here


def judged(case: Case, authority: Authority) -> Report:
    trust = case.trust or authority.trust
    return verify_here(case.content, data=case.data, trust=trust, at=case.at or authority.now)


@pytest.mark.parametrize("broken", xml.cases.broken, ids=lambda broken: broken.name)
def test_a_broken_xml_is_never_valid_and_has_its_reason(broken: Broken, authority: Authority) -> None:
    report = judged(broken.build(authority), authority)
    assert (report.value, report.code) == (broken.value, broken.code), report.as_json()


@pytest.mark.parametrize("build", xml.cases.honest, ids=lambda build: build.__name__)
def test_an_honest_xml_is_valid(build: Builder, authority: Authority) -> None:
    report = judged(build(authority), authority)
    assert (report.value, report.code) == ("valid", "signatures-valid"), report.as_json()


def test_what_was_signed_must_be_the_document(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last defence: what signxml says was signed is compared with the document, not believed."""
    run = xml_files._run

    def other(*given: Any, **named: Any) -> Any:
        results = run(*given, **named)
        return [replace(each, signed_data=b"<other></other>") if each else each for each in results]

    monkeypatch.setattr(xml_files, "_run", other)
    assert judged(xml.plain_signature(authority), authority).code == "xml-not-whole"
