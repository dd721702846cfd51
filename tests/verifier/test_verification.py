"""Anything at all may be handed in: what is none of the three formats, or only looks like one, is never valid."""

from __future__ import annotations

import pytest
from strangers import cms, pdf, xml
from strangers.authority import Authority

from qujat.verifier.verification import format_of, verify_here

JUNK = {
    "nothing": (b"", "unrecognised"),
    "zeros": (bytes(1000), "unrecognised"),
    "words": ("Шешім № 1".encode(), "unrecognised"),
    "an M and no Base64": (b"M...", "unrecognised"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "unrecognised"),
    "an archive": (b"PK\x03\x04" + bytes(100), "container"),
    "a header alone": (b"%PDF-1.7\n", "pdf-structure"),
    "a header and an end": (b"%PDF-1.7\nstartxref\n0\n%%EOF\n", "pdf-structure"),
    "a bracket": (b"<", "xml-malformed"),
    "a page of the web": (b"<!DOCTYPE html><html><br></html>", "xml-dtd"),
    "a sequence": (b"\x30\x00", "cms-malformed"),
    "a tag": (b"\x30", "cms-malformed"),
    "pem of nothing": (b"-----BEGIN CMS-----\n-----END CMS-----\n", "cms-malformed"),
    "pem of a certificate": (b"-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n", "cms-malformed"),
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_open_and_says_why(name: str, authority: Authority) -> None:
    content, code = JUNK[name]
    report = verify_here(content, trust=authority.trust, at=authority.now)
    assert (report.value, report.code) == ("indeterminate", code)


def test_the_format_is_told_by_how_a_file_begins(authority: Authority) -> None:
    assert format_of(pdf.pades_b_b(authority).content) == "pdf"
    assert format_of(xml.plain_signature(authority).content) == "xml"
    assert format_of(b"\xef\xbb\xbf  <a/>") == format_of("<a/>".encode("utf-16")) == "xml"
    assert format_of(cms.attached(authority).content) == "cms"
    assert {format_of(build(authority).content) for build in (cms.in_pem, cms.in_base64)} == {"cms"}


def test_a_pdf_that_begins_as_another_file_is_read_as_a_pdf(authority: Authority) -> None:
    """A file with two faces is judged by the one that is shown: never as a harmless unknown."""
    assert format_of(b"GIF89a" + pdf.pades_b_b(authority).content) == "pdf"


def test_the_same_file_is_judged_as_of_the_moment_that_is_asked(authority: Authority) -> None:
    from datetime import timedelta

    case = cms.detached_b_b(authority)
    later = authority.now + timedelta(days=400)
    verdicts = [
        verify_here(case.content, data=case.data, trust=authority.trust, at=at) for at in (authority.now, later)
    ]
    assert [verdict.code for verdict in verdicts] == ["signatures-valid", "certificate-out-of-validity"]
