"""Other programs' honest signatures are valid here, and our honest files are valid to other programs."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import dss_opinions
import offices
import pytest
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from strangers import cms, pages, pdf, trees, xml
from strangers.authority import Authority, Holder
from strangers.case import Builder

from qujat.pipeline import Issued, issue
from qujat.verifier.report import Report
from qujat.verifier.verification import verify, verify_here


def run(*command: str | Path, stdin: bytes = b"") -> str:
    """What a program says; fails the test if it is missing or refuses."""
    assert shutil.which(str(command[0])), f"{command[0]} is not installed: a second opinion is required"
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, check=False, timeout=60)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == 0, f"{command[0]}: {said}"
    return said


@pytest.fixture(scope="module")
def desk(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the authority's certificates and the head's key, as other programs want them."""
    folder = tmp_path_factory.mktemp("pem")
    for name in ("root", "issuing", "head", "rsa"):
        holder: Holder = getattr(authority, name)
        (folder / f"{name}.pem").write_bytes(holder.certificate.public_bytes(Encoding.PEM))
        key = holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.key").write_bytes(key)
    return folder


def valid(report: Report) -> bool:
    assert (report.value, report.code) == ("valid", "signatures-valid"), report.as_json()
    return True


# ---- ours


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory, pki: offices.Pki) -> tuple[Issued, Any]:
    office = offices.office_in(tmp_path_factory.mktemp("ours"), pki)
    return issue(offices.parsed(), office), office


def test_every_file_of_ours_is_valid_for_strangers_rules_too(issued: tuple[Issued, Any]) -> None:
    document, office = issued
    xml_name = f"{document.number}.xml"
    levels = []
    for name, content in document.files.items():
        if name.endswith((".pdf", ".xml", ".p7s")):
            data = document.files[xml_name] if name.endswith(".p7s") else None
            report = verify(content, data=data, trust=office.trust)
            assert valid(report)
            levels.append(report.signatures[0].level)
    # What it proved: archive timestamps of CMS and XML are not credited by these rules, and not claimed.
    assert sorted(levels) == ["CAdES-B-T", "PAdES-B-LTA", "PAdES-B-LTA", "XAdES-B-T"]


# ---- pyHanko


class ByPyHanko:
    """Signs with pyHanko as its users do."""

    def __init__(self, authority: Authority) -> None:
        from pyhanko.sign.signers import SimpleSigner
        from pyhanko_certvalidator.registry import SimpleCertificateStore

        self.authority, store = authority, SimpleCertificateStore()
        store.register(self._asn1(authority.issuing))
        key = authority.head.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        from asn1crypto.keys import PrivateKeyInfo

        self.signer = SimpleSigner(self._asn1(authority.head), PrivateKeyInfo.load(key), store)

    def _asn1(self, holder: Holder) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(holder.der)

    def sign(self, content: bytes, **metadata: Any) -> bytes:
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import PdfSignatureMetadata, signers
        from pyhanko.sign.fields import SigSeedSubFilter

        made = PdfSignatureMetadata(**{"field_name": "S", "subfilter": SigSeedSubFilter.PADES, **metadata})
        writer = IncrementalPdfFileWriter(BytesIO(content))
        written: BytesIO = signers.sign_pdf(writer, made, self.signer, timestamper=self.stamps(metadata))
        return written.getvalue()

    def stamps(self, metadata: dict[str, Any]) -> Any:
        return _Timestamper(self.authority) if metadata.get("use_pades_lta") else None

    def context(self) -> Any:
        from asn1crypto.crl import CertificateList
        from pyhanko_certvalidator import ValidationContext

        return ValidationContext(
            trust_roots=[self._asn1(self.authority.root)],
            other_certs=[self._asn1(self.authority.issuing)],
            crls=[CertificateList.load(crl.public_bytes(Encoding.DER)) for crl in self.authority.crls],
            allow_fetching=False,
            revocation_mode="require",
        )


def _Timestamper(authority: Authority) -> Any:  # noqa: N802  a class in disguise: its base takes long to import
    from asn1crypto.cms import ContentInfo
    from pyhanko.sign.timestamps import TimeStamper
    from strangers import messages

    class Ours(TimeStamper):
        async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> Any:
            assert md_algorithm == "sha256"
            made = messages.token_over(message_digest, authority.tsa, authority.now)
            return ContentInfo.load(made)

    return Ours()


@pytest.fixture(scope="module")
def by_pyhanko(authority: Authority) -> ByPyHanko:
    return ByPyHanko(authority)


def test_a_file_that_pyhanko_signed_is_valid(by_pyhanko: ByPyHanko, authority: Authority) -> None:
    report = verify_here(by_pyhanko.sign(pages.page()), trust=authority.trust, at=authority.now)
    assert valid(report)
    assert report.signatures[0].level == "PAdES-B-B"


def test_two_signatures_by_pyhanko_are_valid(by_pyhanko: ByPyHanko, authority: Authority) -> None:
    twice = by_pyhanko.sign(by_pyhanko.sign(pages.page()), field_name="S2")
    report = verify_here(twice, trust=authority.trust, at=authority.now)
    assert valid(report)
    assert [each.coverage for each in report.signatures] == ["earlier-revision", "whole-file"]


@pytest.mark.parametrize("covered", [True, False], ids=["covered", "uncovered"])
def test_long_term_files_of_pyhanko_are_valid_if_their_end_is_covered(
    covered: bool, by_pyhanko: ByPyHanko, authority: Authority
) -> None:
    """Its default leaves the last revision uncovered; the two settings of signing.md cure it."""
    from pyhanko.sign.signers.pdf_signer import DSSContentSettings

    settings = {"dss_settings": DSSContentSettings(include_vri=False, skip_if_unneeded=True)} if covered else {}
    options = {"use_pades_lta": True, "embed_validation_info": True, "validation_context": by_pyhanko.context()}
    report = verify_here(by_pyhanko.sign(pages.page(), **options, **settings), trust=authority.trust, at=authority.now)
    if covered:
        assert valid(report)
        assert {each.level for each in report.signatures} == {"PAdES-B-LTA", "PAdES document timestamp"}
    else:
        assert (report.value, report.code) == ("indeterminate", "evidence-not-covered")


# ---- OpenSSL, xmlsec1


@pytest.mark.parametrize("signer", ["head", "rsa"])
@pytest.mark.parametrize("cades", [[], ["-cades"]], ids=["plain", "cades"])
def test_a_message_that_openssl_signed_is_valid(
    signer: str, cades: list[str], desk: Path, authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(cms.DATA)
    run("openssl", "cms", "-sign", "-binary", "-md", "sha256", *cades, "-in", tmp_path / "data", "-outform", "DER",
        "-signer", desk / f"{signer}.pem", "-inkey", desk / f"{signer}.key", "-certfile", desk / "issuing.pem",
        "-out", tmp_path / "cms")  # fmt: skip
    report = verify_here((tmp_path / "cms").read_bytes(), data=cms.DATA, trust=authority.trust, at=authority.now)
    assert valid(report)
    assert report.signatures[0].level == ("CAdES-B-B" if cades else "CMS")


@pytest.mark.parametrize("signer", ["head", "rsa"])
def test_a_document_that_xmlsec1_signed_is_valid(signer: str, desk: Path, authority: Authority, tmp_path: Path) -> None:
    holder: Holder = getattr(authority, signer)
    template = etree.fromstring(trees.sign(xml.DOCUMENT, trees.plain(holder)))
    for name in ("DigestValue", "SignatureValue"):
        next(template.iter(f"{{{trees.DS}}}{name}")).text = ""
    data = next(template.iter(f"{{{trees.DS}}}X509Data"))
    for child in list(data):
        data.remove(child)
    (tmp_path / "template.xml").write_bytes(etree.tostring(template, encoding="UTF-8"))
    run("xmlsec1", "--sign", "--privkey-pem", f"{desk / signer}.key,{desk / signer}.pem,{desk / 'issuing.pem'}",
        "--output", tmp_path / "signed.xml", tmp_path / "template.xml")  # fmt: skip
    assert valid(verify_here((tmp_path / "signed.xml").read_bytes(), trust=authority.trust, at=authority.now))


# ---- our makers are right: others accept what we call honest


@pytest.mark.parametrize("build", [cms.detached_b_b, cms.detached_with_a_timestamp, cms.rsa_sha512])
def test_openssl_accepts_our_honest_messages(build: Builder, desk: Path, authority: Authority, tmp_path: Path) -> None:
    case = build(authority)
    (tmp_path / "cms").write_bytes(case.content)
    (tmp_path / "data").write_bytes(case.data or b"")
    run("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", tmp_path / "cms", "-content",
        tmp_path / "data", "-CAfile", desk / "root.pem", "-purpose", "any", "-out", tmp_path / "out")  # fmt: skip


@pytest.mark.parametrize("build", [xml.plain_signature, xml.plain_rsa_signature, xml.exclusive_canonical_form])
def test_xmlsec1_accepts_our_honest_documents(build: Builder, desk: Path, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "signed.xml").write_bytes(build(authority).content)
    run("xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-pem", desk / "root.pem",
        tmp_path / "signed.xml")  # fmt: skip


@pytest.mark.parametrize("build", [pdf.pades_b_b, pdf.pades_b_t, pdf.two_signatures_one_after_the_other])
def test_pdfsig_and_qpdf_accept_our_honest_pages(build: Builder, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "signed.pdf").write_bytes(build(authority).content)
    assert "Signature is Valid" in run("pdfsig", "-nocert", tmp_path / "signed.pdf")
    assert "No syntax or stream encoding errors" in run("qpdf", "--check", tmp_path / "signed.pdf")


_FOR_DSS = [
    *(cms.detached_b_b, cms.detached_with_a_timestamp, cms.attached, cms.rsa_sha512),
    *(xml.xades_b_b, xml.xades_b_t, pdf.pades_b_b, pdf.pades_b_t, pdf.certified_without_changes),
    *(pdf.two_signatures_one_after_the_other, pdf.evidence_covered_by_a_document_timestamp),
]


def test_dss_accepts_our_honest_files(authority: Authority, desk: Path, tmp_path: Path) -> None:
    """Those that keep to ETSI's profiles; one JVM for all of them."""
    trust = tmp_path / "trust"
    trust.mkdir()
    for name, crl in zip(("root", "issuing"), authority.crls, strict=True):
        shutil.copy(desk / f"{name}.pem", trust)
        (trust / f"{name}.crl.pem").write_bytes(crl.public_bytes(Encoding.PEM))
    files: list[Path | tuple[Path, Path]] = []
    for build in _FOR_DSS:
        case, path = build(authority), tmp_path / build.__name__
        path.write_bytes(case.content)
        if case.data is not None:
            path.with_suffix(".data").write_bytes(case.data)
        files.append((path, path.with_suffix(".data")) if case.data is not None else path)
    said = {(each.file, each.indication) for each in dss_opinions.opinions(trust, files)}
    assert said == {(build.__name__, "TOTAL_PASSED") for build in _FOR_DSS}


def test_the_published_attack_passes_a_checker_that_does_not_look_at_the_end(authority: Authority) -> None:
    """Why pyHanko's word alone is no verdict: if this fails, the library has learnt it, and our rule still stands."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature

    case = pdf.incremental_saving_with_the_old_index(authority)
    (embedded,) = PdfFileReader(BytesIO(case.content)).embedded_signatures
    assert validate_pdf_signature(embedded, ByPyHanko(authority).context()).bottom_line
    assert verify_here(case.content, trust=authority.trust, at=authority.now).value == "invalid"
