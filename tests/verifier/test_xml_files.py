"""XML of strangers: wrapping and its kin have exactly their answer, and honest documents are valid."""

from __future__ import annotations

import pytest
from strangers import xml
from strangers.authority import Authority
from strangers.case import Broken, Builder, Case

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
