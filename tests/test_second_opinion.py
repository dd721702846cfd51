"""EU DSS, given our anchors, agrees with us: on the level that we claim, on forgeries, on strangers. OpenSSL agrees on
every timestamp."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dss_opinions
import leaves
import offices
import pytest
import tokens_by_openssl
from cases import catalogue

from qujat.office import Office
from qujat.pipeline import Issued, check, complete, issue, prepare
from qujat.renewing import renew


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
        "kk.pdf": ("TOTAL_PASSED", "PAdES-BASELINE-LTA", 1),
        "ru.pdf": ("TOTAL_PASSED", "PAdES-BASELINE-LTA", 1),
        "xml": ("TOTAL_PASSED", "XAdES-BASELINE-LTA", 1),
        "xml.p7s": ("TOTAL_PASSED", "CAdES-BASELINE-LTA", 1),
    }
    bilingual = levels(issue(offices.parsed("o329-a05"), whole), pki.folder, tmp_path / "one")
    assert bilingual["kk-ru.pdf"] == ("TOTAL_PASSED", "PAdES-BASELINE-LTA", 1)


@pytest.mark.parametrize(
    ("changes", "level"), [({"revocation": None}, "T"), ({"timestamper": None}, "B")], ids=["B-T", "B-B"]
)
def test_dss_finds_the_lower_level_where_that_is_configured(
    whole: Office, pki: offices.Pki, tmp_path: Path, changes: dict[str, None], level: str
) -> None:
    said = levels(issue(offices.parsed(), replace(whole, **changes)), pki.folder, tmp_path / "lower")
    assert {(indication, found) for indication, found, _ in said.values()} == {
        ("TOTAL_PASSED", f"{kind}AdES-BASELINE-{level}") for kind in "PXC"
    }


def test_dss_finds_the_same_level_with_an_rsa_key(whole: Office, pki: offices.Pki, tmp_path: Path) -> None:
    signer = _head(pki, tmp_path).signer
    said = levels(issue(offices.parsed(), replace(whole, keys=replace(whole.key_ring(), signer=signer))), pki.folder,
                  tmp_path / "rsa")  # fmt: skip
    assert {(indication, found) for indication, found, _ in said.values()} == {
        ("TOTAL_PASSED", f"{kind}AdES-BASELINE-LTA") for kind in "PXC"
    }


@pytest.mark.parametrize(
    ("options", "level"), [((), "CMS-NOT-ETSI"), (("-cades",), "CAdES-BASELINE-LTA")], ids=["plain", "cades"]
)
def test_dss_finds_what_was_signed_elsewhere_valid_with_its_evidence(
    whole: Office, pki: offices.Pki, tmp_path: Path, options: tuple[str, ...], level: str
) -> None:
    """As good as B-LTA, but for the certificate, which a plain signature does not name: docs/evidence.md."""
    prepared, head = prepare(offices.parsed(languages=["kk"]), whole), _head(pki, tmp_path)
    issued = complete(prepared.ticket, {f.name: head.cms(f.content, *options) for f in prepared.files}, whole)
    assert isinstance(issued, Issued)
    said = levels(issued, pki.folder, tmp_path / "elsewhere")
    assert said["kk.pdf"] == ("TOTAL_PASSED", "PKCS7-LTA", 1)
    assert said["xml.p7s"] == ("TOTAL_PASSED", level, 1)
    kinds = {c.detail.partition(":")[0] for c in check(issued.number, whole).checks if c.name == "evidence"}
    assert kinds == {"B-LTA, plain"} | ({"B-LTA"} if options else set())


def test_dss_warns_of_nothing_but_what_the_stand_in_lacks(whole: Office, pki: offices.Pki, tmp_path: Path) -> None:
    """Its certificates do not say where those of their issuers are to be had."""
    said = dss_opinions.opinions(pki.folder, written(issue(offices.parsed(), whole), tmp_path / "files"))
    assert {o.said for o in said} == {"W: The authority info access is not present!; "}


def _head(pki: offices.Pki, folder: Path) -> leaves.Leaf:
    """The head of the decision with an RSA key of his own."""
    return leaves.leaf(folder / "head", pki.folder, pki.passphrase, offices.head(), kind="rsa")


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


# OpenSSL: every timestamp of every kind of file


def stamps(issued: Issued, office: Office) -> dict[str, list[tokens_by_openssl.Stamped]]:
    """By kind of file, as the register has it now."""
    found: dict[str, list[tokens_by_openssl.Stamped]] = {}
    readers = {"page": tokens_by_openssl.of_pdf, "data": tokens_by_openssl.of_xml, "cms": tokens_by_openssl.of_cms}
    for file in office.register.by_number(issued.number).files:
        if file.role in readers:
            found.setdefault(file.role, []).extend(readers[file.role](office.blobs.get(file.sha256)))
    return found


def test_openssl_verifies_the_timestamps_of_every_kind_of_file(whole: Office, pki: offices.Pki, tmp_path: Path) -> None:
    issued = issue(offices.parsed(languages=["kk"]), whole)
    renew(issued.number, whole)
    found = stamps(issued, whole)
    assert {role: [one.what for one in each] for role, each in found.items()} == {
        "page": ["signature", "DocTimeStamp", "DocTimeStamp"],
        "data": ["signature"],
        "cms": ["signature"],
    }
    root = pki.folder / "root.pem"
    for one in (one for each in found.values() for one in each):
        assert tokens_by_openssl.verified(one, root, tmp_path) == "Verification: OK"


def test_openssl_verifies_the_timestamps_of_what_was_signed_elsewhere(
    whole: Office, pki: offices.Pki, tmp_path: Path
) -> None:
    prepared, head = prepare(offices.parsed(languages=["kk"]), whole), _head(pki, tmp_path)
    issued = complete(prepared.ticket, {f.name: head.cms(f.content) for f in prepared.files}, whole)
    assert isinstance(issued, Issued)
    files = {name: content for name, content in issued.files.items() if name.endswith((".pdf", ".p7s"))}
    found = [one for name, content in files.items() for one in _of_file(name, content)]
    assert [one.what for one in found] == ["signature", "DocTimeStamp", "signature"]
    for one in found:
        assert tokens_by_openssl.verified(one, pki.folder / "root.pem", tmp_path) == "Verification: OK"


def _of_file(name: str, content: bytes) -> Iterator[tokens_by_openssl.Stamped]:
    return tokens_by_openssl.of_pdf(content) if name.endswith(".pdf") else tokens_by_openssl.of_cms(content)


def test_openssl_notices_a_timestamp_of_other_bytes_and_of_a_stranger(
    whole: Office, pki: offices.Pki, tmp_path: Path
) -> None:
    issued = issue(offices.parsed(languages=["kk"]), whole)
    one, *_ = tokens_by_openssl.of_pdf(issued.pdf("kk"))
    other = replace(one, content=one.content + b"x")
    assert "message imprint mismatch" in tokens_by_openssl.verified(other, pki.folder / "root.pem", tmp_path)
    stranger = offices.make_pki(tmp_path / "stranger").folder / "root.pem"
    assert "certificate verify error" in tokens_by_openssl.verified(one, stranger, tmp_path)
