"""What is fuzzed: each parser that faces strangers, with seeds of our own files and what must hold whatever comes.

A target takes bytes. It may answer, or raise one of our typed errors; anything else is a defect. What it accepts must
be one of its seeds, or mean exactly the same. `tests/test_fuzzing.py` and `scripts/fuzz.py` run the same targets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from strangers import cms as foreign_cms
from strangers import pages as foreign_pages
from strangers import pdf as foreign_pdf
from strangers import xml as foreign_xml
from strangers.authority import Authority
from strangers.case import Case

from qujat import document, mark, qr
from qujat.errors import DocumentAltered, Indeterminate, MarkInvalid, PageUnsafe, VerificationError
from qujat.signing import cms, der, lint, pades, revision, scan, signeddata, timestamp, tokens, xades
from qujat.signing.der import DerError, Element
from qujat.signing.mark_keys import MarkKey, kid_of
from qujat.signing.tokens import NotPdf
from qujat.verifier.report import Report
from qujat.verifier.verification import verify_here

NOW = datetime.now(UTC).replace(microsecond=0)
ADDRESS = "https://qujat.example"
_CONTENTS = re.compile(rb"/Contents <[0-9A-Fa-f]*>")
GOLDEN = Path(__file__).parent / "signing" / "golden"


# What means something to one parser or another.
WORDS = (
    b"%%EOF", b"startxref", b"endobj", b"stream\n", b"obj", b"<<", b">>", b"[", b"]", b"(", b")", b"/ByteRange [0 ",
    b"/Contents <", b"/Prev 0", b"xref\n0 1\n", b"<!--", b"-->", b"<!DOCTYPE x>", b"&lt;", b'URI=""', b"</",
    b"\x30\x80", b"\x00\x00", b"\x31\x00", b"\xa0\x82", b"\xff\xff\xff\xff", b"\x7f", b"\x00", b"#", b"/d/", b"0",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A parser under test. `run` raises AssertionError if what it accepted is none of the seeds."""

    name: str
    run: Callable[[bytes], None] = field(repr=False)
    seeds: Callable[[], list[bytes]] = field(repr=False)


@cache
def authority() -> Authority:
    return Authority(NOW)


TARGETS: dict[str, Target] = {}


def target(seeds: Callable[[], list[bytes]]) -> Callable[[Callable[[bytes], None]], Callable[[bytes], None]]:
    def add(run: Callable[[bytes], None]) -> Callable[[bytes], None]:
        name = run.__name__.replace("_", "-")
        TARGETS[name] = Target(name, run, seeds)
        return run

    return add


# ---- the mark


@cache
def genuine_mark() -> tuple[str, bytes, dict[bytes, MarkKey]]:
    """The text of a mark, its COSE, the keys that verify it."""
    key = authority().head.key
    claims = mark.Claims(
        bytes(range(12)), int(NOW.timestamp()), "o20-a05", "order_359", "refusal", "2026-000001", NOW.date(),
        bytes(32), "Қ*** Ә.Н.",
    )  # fmt: skip
    kid = kid_of(key.public_key())
    cose = mark.sign(claims, key, kid)
    return mark.mark_text(ADDRESS, claims.token, cose), cose, {kid: MarkKey(kid, key.public_key(), NOW)}


@target(lambda: [genuine_mark()[0].encode()])
def mark_text(data: bytes) -> None:
    text, _, keys = genuine_mark()
    given = data.decode("utf-8", "replace")
    try:
        mark.verify(given, keys)
    except (MarkInvalid, Indeterminate):
        return
    assert given.rpartition("/d/")[2] == text.rpartition("/d/")[2], "another mark is accepted"


@target(lambda: [genuine_mark()[1]])
def mark_cose(data: bytes) -> None:
    _, cose, keys = genuine_mark()
    data = data[:1024]  # Python writes no number of more than 4300 digits
    try:
        mark.verify(mark.mark_text(ADDRESS, bytes(range(12)), data), keys)
    except (MarkInvalid, Indeterminate):
        return
    assert data == cose, "another proof is accepted"


@target(lambda: [mark.short_code(bytes(range(12))).encode()])
def mark_short_code(data: bytes) -> None:
    try:
        read = mark.parse_short_code(data.decode("utf-8", "replace"))
    except MarkInvalid:
        return
    assert mark.parse_short_code(read) == read, "a code that reads in two ways"


@target(lambda: [foreign_pdf.pades_b_b(authority()).content])
def qr_page(data: bytes) -> None:
    try:
        qr.read_page(data, 0, dpi=36)
    except (MarkInvalid, Indeterminate):
        return


# ---- DER, CMS, timestamps


def _walk(element: Element, depth: int) -> None:
    for call in (der.moment, lambda e: der.dotted(e.encoded), lambda e: der.one(e.encoded)):
        try:
            call(element)
        except ValueError:  # DerError, and a date that is none
            continue
    if depth and element.tag & 0x20:
        for child in element.children():
            _walk(child, depth - 1)


@target(lambda: [own_message(), own_token()])
def der_elements(data: bytes) -> None:
    try:
        for element in der.elements(data):
            assert der.first(data[data.index(element.encoded) :]) == element
            _walk(element, 8)
    except DerError:
        return


@cache
def own_message() -> bytes:
    return cms.sign_detached(foreign_cms.DATA, authority().head, at=NOW)


@cache
def own_token() -> bytes:
    made = timestamp.StandInAuthority(authority().tsa.key, authority().tsa.certificate, lambda: NOW)
    return timestamp.stamp(made, b"a value")


@target(lambda: [own_message(), own_token()])
def cms_frame(data: bytes) -> None:
    try:
        assert signeddata.parse(data).encode() == data
    except VerificationError:
        return


@target(lambda: [own_message()])
def cms_detached(data: bytes) -> None:
    try:
        cms.verify_detached(data, foreign_cms.DATA, authority().trust, at=NOW)
    except VerificationError:
        return
    assert data.strip() == own_message() or data.lstrip().startswith(b"-----BEGIN CMS-----"), (
        "another message is accepted"
    )


@target(lambda: [own_token()])
def timestamp_token(data: bytes) -> None:
    try:
        timestamp.verify(data, b"a value", authority().trust)
    except VerificationError:
        return
    assert data == own_token(), "another token is accepted"


# ---- PDF


@cache
def own_page() -> bytes:
    """A page as it was rendered, out of a signed one that is kept."""
    found = revision.locate((GOLDEN / "B-T.pdf").read_bytes())
    assert found
    return found[0]


@cache
def own_pdf() -> bytes:
    return pades.sign(own_page(), authority().head, at=NOW, timestamper=None, reason="o20-a05", name="№ 1")


@target(lambda: [own_pdf()])
def pdf_sealed(data: bytes) -> None:
    try:
        pades.verify(data, authority().trust, at=NOW)
    except VerificationError:
        return
    assert data == own_pdf(), "another file is accepted"


@target(
    lambda: [
        own_page(),
        own_pdf(),
        foreign_pages.page(),
        foreign_pdf.object_stream_that_overrides_an_object(authority()).content,
    ]
)
def pdf_scan(data: bytes) -> None:
    try:
        for found in scan.read(data):
            for _, text in found.texts():
                tokens.names(text)
                tokens.references(text)
    except NotPdf:
        return
    finally:
        revision.locate(data)


@target(lambda: [own_page(), foreign_pages.page()])
def pdf_lint(data: bytes) -> None:
    try:
        lint.check(data)
    except PageUnsafe:
        return


# ---- XML


@cache
def own_xml() -> bytes:
    return xades.sign(foreign_xml.DOCUMENT, authority().head, at=NOW)


@target(lambda: [own_xml()])
def xml_sealed(data: bytes) -> None:
    try:
        xades.verify(data, authority().trust, at=NOW)
    except VerificationError:
        return
    assert data == own_xml(), "another document is accepted"


@cache
def own_data() -> bytes:
    return document.to_xml(document.Sealed({"id": "1", "n": 5, "b": True, "l": [{"a": "Ә"}, "x"]}, bytes(12), b"salt"))


@target(lambda: [own_data()])
def xml_data(data: bytes) -> None:
    try:
        document.from_xml(data)
    except DocumentAltered:
        return


# ---- files of strangers


def facts(report: Report) -> list[tuple[object, ...]]:
    """What a valid report says: whose, when, of what kind."""
    return [(each.who, each.at, each.at_by, each.level, each.algorithm) for each in report.signatures]


@cache
def honest(*builders: Callable[[Authority], Case]) -> list[tuple[Case, Report]]:
    cases = [build(authority()) for build in builders]
    return [(case, verify_here(case.content, data=case.data, trust=authority().trust, at=NOW)) for case in cases]


_CMS = (foreign_cms.detached_with_a_timestamp, foreign_cms.rsa_sha512, foreign_cms.in_pem)
_XML = (foreign_xml.xades_b_t, foreign_xml.two_signatures_in_sequence, foreign_xml.exclusive_canonical_form)
_PDF = (foreign_pdf.pades_b_t, foreign_pdf.two_signatures_one_after_the_other, foreign_pdf.certified_without_changes)


def _judged(data: bytes, beside: bytes | None, cases: list[tuple[Case, Report]]) -> None:
    report = verify_here(data, data=beside, trust=authority().trust, at=NOW)
    if report.value != "valid":
        return
    assert facts(report) in [facts(seed) for _, seed in cases], "another signature is accepted"
    assert any(_same(data, case.content) for case, _ in cases) or report.format != "pdf", "another file is accepted"


def _same(one: bytes, other: bytes) -> bool:
    """The same but for what stands in /Contents, the one place that a signature leaves out: beside the signature itself
    there are other certificates, which nobody signed. Whose it is and when is compared by `facts`."""
    return _CONTENTS.sub(b"", one) == _CONTENTS.sub(b"", other)


@target(lambda: [case.content for case, _ in honest(*_CMS)])
def foreign_cms_file(data: bytes) -> None:
    _judged(data, foreign_cms.DATA, honest(*_CMS))


@target(lambda: [case.content for case, _ in honest(*_XML)])
def foreign_xml_file(data: bytes) -> None:
    _judged(data, None, honest(*_XML))


@target(lambda: [case.content for case, _ in honest(*_PDF)])
def foreign_pdf_file(data: bytes) -> None:
    _judged(data, None, honest(*_PDF))
