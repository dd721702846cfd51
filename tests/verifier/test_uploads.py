"""Ours and strangers': which file goes where, what poses as ours, and what the command says."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import offices
import pytest
from strangers import cms, pages, pdf, trees, xml
from strangers.authority import Authority

from qujat import qr
from qujat.__main__ import main
from qujat.document import NAMESPACE
from qujat.office import Office
from qujat.pipeline import Issued, issue
from qujat.signing import pades
from qujat.verdicts import Verdict
from qujat.verifier import uploads
from qujat.verifier.report import Report


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, pki: offices.Pki) -> Office:
    return offices.office_in(tmp_path_factory.mktemp("uploads"), pki)


@pytest.fixture(scope="module")
def genuine(desk: Office) -> Issued:
    return issue(offices.parsed(), desk)


def by_another_program(content: bytes, office: Office) -> bytes:
    """The page signed by pyHanko with the key of our head: a genuine signature, not in our shape."""
    from asn1crypto import x509 as asn1_x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import PdfSignatureMetadata, signers
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.sign.signers.pdf_cms import Signer as PyHankoSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    signer = office.key_ring().signer

    class Head(PyHankoSigner):
        async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
            return signer.sign(data)

    store = SimpleCertificateStore()
    store.register_multiple([asn1_x509.Certificate.load(c.public_bytes(Encoding.DER)) for c in signer.chain])
    head = Head(
        signing_cert=asn1_x509.Certificate.load(signer.certificate.public_bytes(Encoding.DER)), cert_registry=store
    )
    metadata = PdfSignatureMetadata(field_name="S", subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256")
    written: BytesIO = signers.sign_pdf(IncrementalPdfFileWriter(BytesIO(content)), metadata, head)
    return written.getvalue()


def test_files_of_ours_are_checked_as_ours(desk: Office, genuine: Issued) -> None:
    for content in (genuine.pdf("kk"), genuine.files[f"{genuine.number}.xml"]):
        verdict = uploads.check(content, desk)
        assert isinstance(verdict, Verdict)
        assert verdict.code == "genuine"


def test_a_spoilt_file_of_ours_is_invalid_either_way(desk: Office, genuine: Issued) -> None:
    whole = genuine.pdf("kk")
    for place in range(0, len(whole), len(whole) // 60):
        spoilt = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        assert uploads.check(spoilt, desk).value != "valid"


def test_a_file_of_a_stranger_is_reported_as_none_of_ours(desk: Office) -> None:
    report = uploads.check(by_another_program(pages.page(), desk), desk)
    assert isinstance(report, Report)
    assert (report.value, report.as_json()["ours"]) == ("valid", False)
    assert report.note["ru"].startswith("Это не наш документ")


def test_a_page_of_ours_that_another_program_signed_poses_as_ours(desk: Office, genuine: Issued) -> None:
    page = pades.verify(genuine.pdf("kk"), desk.trust).page
    report = uploads.check(by_another_program(page, desk), desk)
    assert (report.value, report.code) == ("invalid", "poses-as-ours")


def test_a_copied_attachment_makes_a_page_pose_as_ours(desk: Office) -> None:
    file = b"<</Type /Filespec/F (decision.xml)/UF (decision.xml)/EF <</F 8 0 R>>>>"
    names = b"/Names <</EmbeddedFiles <</Names [(decision.xml) 7 0 R]>>>>"
    catalog = b"<</Type /Catalog/Pages 2 0 R" + names + b">>"
    page = pages.page({7: file, 8: pages.stream(b"<a/>", b"/Type /EmbeddedFile")}, catalog=catalog)
    assert uploads.check(by_another_program(page, desk), desk).code == "poses-as-ours"


def test_a_copied_mark_makes_a_page_pose_as_ours(desk: Office, genuine: Issued) -> None:
    """A decision of one's own with the QR code of a genuine one, honestly signed by its forger."""
    content = by_another_program(_with_qr(genuine.mark), desk)
    report = uploads.check(content, desk)
    assert isinstance(report, Report)
    assert (report.value, report.code, report.marks) == ("invalid", "poses-as-ours", (genuine.mark,))


def test_a_code_that_is_no_mark_is_nobodys_business(desk: Office) -> None:
    assert uploads.check(by_another_program(_with_qr("https://example.com/menu"), desk), desk).value == "valid"


def _with_qr(text: str) -> bytes:
    """A page with a QR code drawn as squares."""
    rows, side = qr.draw(text).rows, 4
    squares = "".join(
        f"{72 + x * side} {700 - y * side} {side} {side} re "
        for y, row in enumerate(rows)
        for x, dark in enumerate(row)
        if dark == "1"
    )
    return pages.page(words=pages.stream(f"{squares}f".encode()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_data_of_ours_that_somebody_else_signed_are_never_valid(encoding: str, desk: Office) -> None:
    """In UTF-16 the words of our namespace do not stand in the bytes; the root still has it."""
    signer = desk.key_ring().signer
    holder = trees_holder(signer)
    signed = trees.sign(f'<document xmlns="{NAMESPACE}"/>'.encode(), trees.plain(holder))
    content = signed.decode("utf-8").encode(encoding)
    verdict = uploads.check(content, desk)
    assert verdict.value == "invalid"
    assert encoding == "utf-8" or verdict.code == "poses-as-ours"


def trees_holder(signer: Any) -> Any:
    from strangers.authority import Holder

    return Holder(signer.key, signer.certificate, signer.chain)


# ---- the command


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority) -> Path:
    """An installation that trusts the authority of the corpus instead of its own stand-in."""
    from qujat.signing import keys

    (tmp_path / "qujat.toml").write_text('home = "home"\n', encoding="utf-8")
    monkeypatch.setenv("QUJAT_CONFIG", str(tmp_path / "qujat.toml"))
    assert main(["keys", "init", "--json"]) == 0
    monkeypatch.setattr(keys, "open_trust", lambda folder: authority.trust)
    return tmp_path


def asked(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, Any]:
    capsys.readouterr()
    code = main(["check", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_command_answers_0_5_and_7(home: Path, authority: Authority, capsys: pytest.CaptureFixture[str]) -> None:
    for build, expected in ((pdf.pades_b_b, 0), (pdf.shadow_hide, 5), (xml.gost, 7)):
        (home / "file").write_bytes(build(authority).content)
        code, said = asked(capsys, home / "file")
        assert (code, said["ours"]) == (expected, False)


def test_the_command_takes_the_data_of_a_detached_signature(
    home: Path, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    case = cms.detached_b_b(authority)
    (home / "cms").write_bytes(case.content)
    (home / "data").write_bytes(case.data or b"")
    (home / "other").write_bytes(cms.OTHER)
    assert asked(capsys, home / "cms")[1]["code"] == "signed-data-missing"
    assert asked(capsys, home / "cms", "--data", home / "data")[0] == 0
    assert asked(capsys, home / "cms", "--data", home / "other")[1]["code"] == "hash-failure"
    assert asked(capsys, home / "cms", "--data", home / "nowhere")[0] == 2
    assert asked(capsys, "2026-000001", "--data", home / "data")[0] == 2


def test_data_beside_a_file_that_is_no_detached_signature_are_not_passed_over(
    home: Path, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "pdf").write_bytes(pdf.pades_b_b(authority).content)
    (home / "data").write_bytes(cms.DATA)
    code, said = asked(capsys, home / "pdf", "--data", home / "data")
    assert (code, said["code"]) == (7, "data-not-expected")


def test_the_words_say_first_that_it_is_none_of_ours(
    home: Path, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "file.pdf").write_bytes(pdf.second_signature_of_a_stranger(authority).content)
    capsys.readouterr()
    assert main(["check", str(home / "file.pdf")]) == 7
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Бұл біз шығарған құжат емес")
    assert lines[1].startswith("Это не наш документ")
    assert "ДЕМО – не ЭЦП" in "\n".join(lines)
