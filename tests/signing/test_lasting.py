"""Evidence inside signed files: the sealed shape, second opinions, and nothing stray or changed ever accepted."""

import asyncio
import base64
import re
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from itertools import pairwise

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import tsp as asn1_tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from qujat.errors import DocumentAltered, RevocationUnknown, SigningError, VerificationError
from qujat.signing import archive, cms, der, lasting, pades, proof, revision, signeddata, timestamp, xades
from qujat.signing.evidence import NONE, Evidence, evidence
from qujat.signing.standin import _head_extensions

XML = "<decision xmlns='urn:q' xmlns:b='urn:b' b:no='1'><name>Ұлы &amp; «Ғ»&#13;</name> <b:empty/></decision>".encode()
DS, XADES, XADES_141 = (
    "{http://www.w3.org/2000/09/xmldsig#}",
    "{http://uri.etsi.org/01903/v1.3.2#}",
    "{http://uri.etsi.org/01903/v1.4.1#}",
)
SHAPES = ["page", "classic_page"]


@pytest.fixture(scope="module")
def found(ring, now):
    """Evidence on a signature of now."""
    signed = cms.read(cms.sign_detached(b"x", ring.signer, at=now, timestamper=ring.timestamper), b"x")
    return lasting.at_signing(signed, ring.trust, ring.revocation, at=now)


@pytest.fixture(scope="module")
def stamped(ring, now, request):
    """A B-T document of each shape."""
    claim = {"at": now, "reason": "Шешім", "name": "Әбдіғали"}
    return {
        shape: pades.sign(request.getfixturevalue(shape), ring.signer, timestamper=ring.timestamper, **claim)
        for shape in SHAPES
    }


@pytest.fixture(scope="module")
def pdfs(ring, stamped, found):
    """The same with evidence, and renewed with more: an OCSP answer of its own each time."""
    first = {shape: pades.extend(pdf, found, ring.timestamper) for shape, pdf in stamped.items()}
    again = {shape: pades.extend(pdf, more(ring), ring.timestamper) for shape, pdf in first.items()}
    return {"B-LTA": first, "renewed": again}


def more(ring):
    """What is new at a renewal."""
    return evidence(ocsps=[ring.revocation.responder.answer(ring.signer.certificate)])


@pytest.fixture(scope="module")
def xml(ring, now, found):
    stamped = xades.sign(XML, ring.signer, at=now, timestamper=ring.timestamper)
    return xades.extend(stamped, found, ring.timestamper)


@pytest.fixture(scope="module")
def detached(ring, now, xml, found):
    """The detached signature of `xml`, with evidence, and renewed."""
    stamped = cms.sign_detached(xml, ring.signer, at=now, timestamper=ring.timestamper)
    first = cms.extend(stamped, xml, found, ring.timestamper)
    return {"B-LTA": first, "renewed": cms.extend(first, xml, more(ring), ring.timestamper)}


def refused(read, error=VerificationError):
    with pytest.raises(error) as raised:
        read()
    return raised.value


# PDF


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["B-LTA", "renewed"])
class TestPdf:
    """Each shape of cross-reference section, with one store and timestamp, and with two."""

    def test_it_begins_with_what_was_there_before(self, stamped, pdfs, kind, shape):
        assert pdfs[kind][shape].startswith(stamped[shape])
        assert pdfs["renewed"][shape].startswith(pdfs["B-LTA"][shape])

    def test_it_is_proven_by_itself(self, ring, pdfs, now, kind, shape, request):
        proven = pades.verify(pdfs[kind][shape], ring.trust.bare, at=now + timedelta(days=1))
        assert (proven.level, proven.signed_at) == ("B-LTA", now)
        assert proven.page == request.getfixturevalue(shape)
        assert len(proven.proof.steps) == (3 if kind == "B-LTA" else 4)

    def test_the_revisions_are_those_of_the_plan(self, pdfs, kind, shape):
        pdf = pdfs[kind][shape]
        ends = revision.ends(pdf)
        assert len(ends) == (4 if kind == "B-LTA" else 6)
        parts = [pdf[begin:end] for begin, end in pairwise(ends)]
        plan = [b"/Type /Sig/Filter", b"/Type /DSS", b"/Type /DocTimeStamp", b"/Type /DSS", b"/Type /DocTimeStamp"]
        for part, expected in zip(parts, plan, strict=False):
            assert {kind for kind in plan if kind in part} == {expected}
        assert b"/VRI" not in pdf

    def test_the_last_timestamp_covers_the_file_to_its_end(self, pdfs, kind, shape):
        pdf = pdfs[kind][shape]
        start, first, second, last = map(int, re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", pdf)[-1])
        assert start == 0
        assert pdf[first : first + 1] + pdf[second - 1 : second] == b"<>"
        assert second - first == pades.STAMP_ROOM + 2
        assert second + last == len(pdf)

    def test_qpdf_finds_nothing_wrong(self, pdfs, run, tmp_path, kind, shape):
        (tmp_path / "signed.pdf").write_bytes(pdfs[kind][shape])
        assert "No syntax or stream encoding errors" in run("qpdf", "--check", tmp_path / "signed.pdf")

    def test_pdfsig_calls_the_signature_valid_and_the_document_signed_in_total(self, pdfs, run, tmp_path, kind, shape):
        (tmp_path / "signed.pdf").write_bytes(pdfs[kind][shape])
        output = run("pdfsig", "-nocert", tmp_path / "signed.pdf")
        assert output.count("Signature #") == (2 if kind == "B-LTA" else 3)
        first, *_, last = output.split("Signature #")[1:]
        assert "Signature is Valid" in first
        assert "- Total document signed" in last

    def test_pyhanko_passes_it_as_lasting(self, pdfs, ring, now, kind, shape):
        status = by_pyhanko(pdfs[kind][shape], ring, now + timedelta(days=1))
        assert status.ades_subindic.name == "OK"
        assert status.best_signature_time == now
        assert status.oldest_evidence_record_timestamp == now
        assert status.api_status.docmdp_ok
        assert status.api_status.modification_level.name == "LTA_UPDATES"

    def test_openssl_accepts_its_timestamps(self, pdfs, run, tmp_path, folder, kind, shape):
        pdf = pdfs[kind][shape]
        ends = revision.ends(pdf)
        for begin, end in zip(ends[2::2], ends[3::2], strict=True):
            stamp = revision.timestamp_of(pdf, begin, end)
            whole = stamp.file[: stamp.contents - 1] + stamp.file[stamp.contents + stamp.room + 1 :]
            (tmp_path / "data").write_bytes(whole)
            (tmp_path / "token").write_bytes(pades._contents(stamp))
            output = run("openssl", "ts", "-verify", "-token_in", "-in", tmp_path / "token", "-data",
                         tmp_path / "data", "-CAfile", folder / "root.pem")  # fmt: skip
            assert "Verification: OK" in output


def by_pyhanko(pdf, ring, at):
    """pyHanko's own opinion, offline, with nothing but the root and what is in the file."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY
    from pyhanko.sign.validation.ades import ades_lta_validation
    from pyhanko.sign.validation.policy_decl import (
        PdfSignatureValidationSpec,
        RevinfoOnlineFetchingRule,
        RevocationInfoGatheringSpec,
        SignatureValidationSpec,
    )
    from pyhanko_certvalidator.context import CertValidationPolicySpec
    from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
    from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
    from pyhanko_certvalidator.registry import SimpleTrustManager

    roots = [asn1_x509.Certificate.load(c.public_bytes(Encoding.DER)) for c in ring.trust.anchors]
    how = SignatureValidationSpec(
        cert_validation_policy=CertValidationPolicySpec(
            trust_manager=SimpleTrustManager.build(roots), revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO)
        ),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY),
    )
    (signature,) = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures
    when = ValidationTimingInfo(validation_time=at, best_signature_time=at, point_in_time_validation=True)
    spec = PdfSignatureValidationSpec(how, diff_policy=DEFAULT_DIFF_POLICY)
    return asyncio.run(ades_lta_validation(signature, spec, timing_info=when))


def test_no_changed_byte_after_the_page_is_accepted(pdfs, page):
    """Of what signature, stores and timestamps add, every thirteenth byte, in another bit each."""
    whole = pdfs["renewed"]["page"]
    for at in range(len(page), len(whole), 13):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 7
        refused(lambda changed=changed: pades.read(bytes(changed)))


@settings(max_examples=120, derandomize=True, deadline=None)
@given(how=st.data())
def test_no_damaged_lasting_document_is_accepted(pdfs, how):
    whole = pdfs[how.draw(st.sampled_from(["B-LTA", "renewed"]))]["page"]
    at = how.draw(st.integers(0, len(whole) - 1))
    junk = how.draw(st.binary(min_size=1, max_size=8))
    kind = how.draw(st.sampled_from(["cut", "append", "insert", "remove", "prepend"]))
    changed = {
        "cut": whole[:at],
        "append": whole + junk,
        "insert": whole[:at] + junk + whole[at:],
        "remove": whole[:at] + whole[at + len(junk) :],
        "prepend": junk + whole,
    }[kind]
    if changed not in pdfs["B-LTA"].values():
        refused(lambda: pades.read(changed))


def test_a_store_without_its_timestamp_is_not_accepted(pdfs):
    """A file cut after a store: evidence that nothing covers. Cut after a timestamp, it is what it was then."""
    whole = pdfs["renewed"]["page"]
    ends = revision.ends(whole)
    for number in (2, 4):
        assert "no timestamp covers" in refused(lambda n=number: pades.read(whole[: ends[n]]), DocumentAltered).message
    assert [pades.read(whole[: ends[n]]).signed.level for n in (1, 3, 5)] == ["B-T", "B-LTA", "B-LTA"]


def test_a_revision_by_another_program_between_ours_is_not_accepted(ring, stamped, found):
    """A published attack adds a revision that viewers show and validators forgive; then all is stamped properly."""
    from pyhanko.pdf_utils.generic import NameObject, pdf_string
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(BytesIO(stamped["page"]))
    writer.root[NameObject("/Lang")] = pdf_string("ru")
    writer.update_root()
    out = BytesIO()
    writer.write(out)
    refused(lambda: pades.extend(out.getvalue(), found, ring.timestamper), DocumentAltered)


def forged(ring, pdf, rewrite):
    """A store and a timestamp by somebody who holds a genuine timestamp authority, written as he likes."""
    parts = pades._take_apart(pdf)
    draft = revision.stored(parts.draft, pdf, NONE)
    changed = rewrite(draft)
    _, prepared = revision.timestamped(changed, pades.STAMP_ROOM)
    token = timestamp.stamp_digest(ring.timestamper, prepared.digest())
    return prepared.filled(token.hex().encode())


def test_a_stray_object_under_a_genuine_timestamp_is_not_accepted(ring, pdfs):
    """The authority stamps whatever it is given: so the store may hold what belongs to it and nothing more."""
    pdf = pdfs["B-LTA"]["page"]
    assert pades.read(forged(ring, pdf, lambda draft: draft)).signed.level == "B-LTA"

    def with_object(draft):
        return revision._appended(draft, {draft.size: b"<</JS (app.alert(1))/S /JavaScript>>"})[0]

    def with_script(draft):
        text = draft.page.dictionary(draft.root).text[:-2] + b"/OpenAction <</S /JavaScript/JS (x)>>>>"
        return revision._appended(draft, {draft.root: text})[0]

    for rewrite in (with_object, with_script):
        refused(lambda rewrite=rewrite: pades.read(forged(ring, pdf, rewrite)), DocumentAltered)


@pytest.mark.parametrize("where", ["stored", "timestamped"])
def test_a_script_in_a_revision_of_the_plan_is_not_accepted(ring, now, stamped, found, monkeypatch, where):
    """The catalog that a store or a timestamp writes, with an action in it; properly stamped."""
    with monkeypatch.context() as forging:
        honest, catalog = getattr(revision, where), revision._catalog

        def rewriting(*options):
            forging.setattr(
                revision, "_catalog", lambda draft: catalog(draft)[:-2] + b"/OpenAction <</S /JavaScript>>>>"
            )
            try:
                return honest(*options)
            finally:
                forging.setattr(revision, "_catalog", catalog)

        forging.setattr(revision, where, rewriting)
        made = pades.extend(stamped["page"], found, ring.timestamper)
    assert b"JavaScript" in made
    refused(lambda: pades.read(made), DocumentAltered)


def test_evidence_on_strangers_is_not_accepted(ring, now, stamped, new_pki, issue, found):
    """Certificates, lists and answers that have nothing to do with the document, properly stored and stamped."""
    _, foreign = new_pki()
    other = issue(_head_extensions())
    strangers = (
        evidence(certificates=[foreign.trust.anchors[0].public_bytes(Encoding.DER)]),
        evidence(certificates=[other.certificate.public_bytes(Encoding.DER)]),
        evidence(crls=[foreign.trust.crls[0].public_bytes(Encoding.DER)]),
        evidence(ocsps=[foreign.revocation.responder.answer(foreign.signer.certificate)]),
        evidence(ocsps=[ring.revocation.responder.answer(other.certificate)]),
    )
    for stranger in strangers:
        pdf = pades.extend(stamped["page"], found | stranger, ring.timestamper)
        error = refused(lambda pdf=pdf: pades.verify(pdf, ring.trust, at=now), DocumentAltered)
        assert "evidence on the certificates of this document alone" in error.message


def test_values_that_are_none_are_not_accepted(ring, now, stamped, found):
    for junk in (evidence(crls=[b"junk"]), evidence(ocsps=[b"junk"]), evidence(certificates=[b"0\x00"])):
        pdf = pades.extend(stamped["page"], found | junk, ring.timestamper)
        refused(lambda pdf=pdf: pades.verify(pdf, ring.trust, at=now), DocumentAltered)


def test_values_stand_once_and_in_order(ring, stamped, found):
    backwards = Evidence(found.certificates, found.ocsps, found.crls + found.crls)
    draft = pades._take_apart(stamped["page"]).draft
    stored = revision.stored(draft, stamped["page"], backwards)
    _, prepared = revision.timestamped(stored, pades.STAMP_ROOM)
    token = timestamp.stamp_digest(ring.timestamper, prepared.digest())
    refused(lambda: pades.read(prepared.filled(token.hex().encode())), DocumentAltered)


def test_a_timestamp_of_another_file_is_not_accepted(ring, pdfs):
    whole = pdfs["B-LTA"]["page"]
    stamp = revision.timestamp_of(whole, *revision.ends(whole)[2:4])
    token = ring.timestamper.token(sha256(b"other").digest())
    refused(lambda: pades.read(stamp.filled(token.hex().encode())))


def test_a_bare_signature_may_get_evidence_too(ring, now, page, found):
    """Where there was no timestamp authority at first: the archive timestamp is then the only one."""
    bare = pades.sign(page, ring.signer, at=now, timestamper=None, reason="r", name="n")
    signed = pades.read(pades.extend(bare, found, ring.timestamper)).signed
    assert signed.level == "B-LTA"
    assert proof.judge(signed, ring.trust.bare, at=now + timedelta(days=1)).signed_at == now


# CMS


@pytest.mark.parametrize("kind", ["B-LTA", "renewed"])
class TestCms:
    """A detached signature with one archive timestamp, and with two."""

    def test_it_is_proven_by_itself(self, ring, now, xml, detached, kind):
        proven = cms.verify_detached(detached[kind], xml, ring.trust.bare, at=now + timedelta(days=1))
        assert (proven.level, proven.signed_at) == ("B-LTA", now)

    def test_openssl_accepts_it(self, run, tmp_path, xml, detached, folder, kind):
        (tmp_path / "data").write_bytes(xml)
        (tmp_path / "data.p7s").write_bytes(detached[kind])
        run("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", tmp_path / "data.p7s",
            "-content", tmp_path / "data", "-CAfile", folder / "root.pem", "-out", tmp_path / "out")  # fmt: skip
        assert (tmp_path / "out").read_bytes() == xml

    def test_another_reader_finds_the_values_where_they_belong(self, detached, found, kind):
        message = asn1_cms.ContentInfo.load(detached[kind], strict=True)["content"]
        assert message["version"].native == "v5"
        crls = [choice.chosen for choice in message["crls"] if choice.name == "crl"]
        others = [choice.chosen for choice in message["crls"] if choice.name == "other"]
        assert [asn1_crl.CertificateList.load(crl.dump(), strict=True).dump() for crl in crls] == list(found.crls)
        assert {other["other_rev_info_format"].dotted for other in others} == {"1.3.6.1.5.5.7.16.2"}
        answers = {other["other_rev_info"].dump() for other in others}
        assert set(found.ocsps) <= answers
        assert all(asn1_ocsp.OCSPResponse.load(a, strict=True)["response_status"].native for a in answers)

    def test_each_archive_timestamp_is_made_of_what_the_standard_says(self, xml, detached, kind):
        """ETSI EN 319 122-1 5.5.2 and 5.5.3, worked out again from another parser's view of the message."""
        message = asn1_cms.ContentInfo.load(detached[kind])["content"]
        (signer,) = message["signer_infos"]
        stamps = [a for a in signer["unsigned_attrs"] if a["type"].dotted == "0.4.0.1733.2.4"]
        assert len(stamps) == (1 if kind == "B-LTA" else 2)
        for stamp in stamps:
            token = asn1_cms.ContentInfo.load(stamp["values"][0].dump())["content"]
            (stamper,) = token["signer_infos"]
            (index,) = [a for a in stamper["unsigned_attrs"] if a["type"].dotted == "0.4.0.19122.1.5"]
            fields = ("version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm", "signature")
            covered = b"".join(
                [
                    message["encap_content_info"]["content_type"].dump(),
                    sha256(xml).digest(),
                    *(signer[field].dump() for field in fields),
                    index["values"][0].dump(),
                ]
            )
            info = token["encap_content_info"]["content"].parsed
            assert isinstance(info, asn1_tsp.TSTInfo)
            assert info["message_imprint"]["hashed_message"].native == sha256(covered).digest()
            self.check_index(index["values"][0].dump(), message, signer)

    def check_index(self, encoded, message, signer):
        """Every digest of the index is of something in the message."""
        parts = [[h.content for h in part.children()] for part in der.one(encoded).children()[1:]]
        there = [
            {sha256(c.dump()).digest() for c in message["certificates"]},
            {sha256(c.dump()).digest() for c in message["crls"]},
            {
                sha256(a["type"].dump() + value.dump()).digest()
                for a in signer["unsigned_attrs"]
                for value in a["values"]
            },
        ]
        assert all(set(part) <= held for part, held in zip(parts, there, strict=True))
        assert [len(set(part)) for part in parts] == [len(part) for part in parts]

    def test_no_changed_byte_is_accepted(self, xml, detached, kind):
        whole = detached[kind]
        for at in range(0, len(whole), 11):
            changed = bytearray(whole)
            changed[at] ^= 1 << at % 8
            refused(lambda changed=changed: cms.read(bytes(changed), xml))


def rebuilt(message, **changes):
    return replace(signeddata.parse(message), **changes).encode()


def test_values_beyond_the_last_timestamp_are_not_accepted(ring, xml, detached, new_pki):
    message = signeddata.parse(detached["renewed"])
    _, foreign = new_pki()
    root = foreign.trust.anchors[0].public_bytes(Encoding.DER)
    answer = archive.ocsp_choice(ring.revocation.responder.answer(ring.signer.certificate))
    for changes in (
        {"certificates": (*message.certificates, root)},
        {"revocations": (*message.revocations, answer)},
        {"revocations": message.revocations[1:]},
        {"archive": ()},
        {"archive": message.archive[:1]},
        {"archive": message.archive[1:]},
        {"token": None},
        {"hash_index": b"\x30\x00"},
    ):
        refused(lambda changes=changes: cms.read(rebuilt(detached["renewed"], **changes), xml))


def test_an_index_without_its_archive_timestamp_is_not_accepted(ring, now):
    stamped = cms.sign_detached(b"x", ring.signer, at=now, timestamper=ring.timestamper)
    refused(lambda: cms.read(rebuilt(stamped, hash_index=b"\x30\x00"), b"x"), DocumentAltered)


def test_an_archive_timestamp_that_covers_less_than_was_there_is_not_accepted(ring, xml, detached):
    """A genuine timestamp over a message from which something was left out of the index."""
    message = signeddata.parse(detached["B-LTA"])
    partial = replace(message, revocations=message.revocations[1:], archive=())
    digest = sha256(xml).digest()
    made = archive.extend(partial, digest, NONE, ring.timestamper)
    refused(lambda: cms.read(replace(made, revocations=message.revocations).encode(), xml), DocumentAltered)


def test_a_pdf_keeps_no_evidence_in_its_signature(ring, now, page, found):
    """There it would stand outside of what the document timestamp's store is checked for."""
    prepared = revision.compose(page, revision.Claim(now, "n", "r"), pades.ROOM["B-T"])
    made = cms.stamped(pades.cades.sign(prepared.digest(), ring.signer), ring.timestamper)
    more_in_it = archive.extend(signeddata.parse(made), prepared.digest(), found, ring.timestamper).encode()
    refused(lambda: pades.read(prepared.filled(more_in_it.hex().encode())), DocumentAltered)


def test_evidence_for_other_data_is_not_accepted(ring, detached):
    refused(lambda: cms.read(detached["B-LTA"], b"other"), DocumentAltered)


# XML


def test_lasting_xml_is_proven_by_itself(ring, now, xml):
    proven = xades.verify(xml, ring.trust.bare, at=now + timedelta(days=1))
    assert (proven.level, proven.signed_at) == ("B-LTA", now)
    assert proven.data == etree.tostring(etree.fromstring(XML), method="c14n")


def test_xmlsec_and_signxml_accept_lasting_xml(xml, ring, run, tmp_path, folder):
    from signxml.xades import XAdESVerifier

    (tmp_path / "signed.xml").write_bytes(xml)
    output = run("xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-pem", folder / "root.pem",
                 "--id-attr:Id", f"{XADES[1:-1]}:SignedProperties", "--id-attr:Id", f"{DS[1:-1]}:KeyInfo",
                 tmp_path / "signed.xml")  # fmt: skip
    assert "SignedInfo References (ok/all): 3/3" in output
    whole, *_ = XAdESVerifier().verify(xml, x509_cert=ring.signer.certificate)
    assert whole.signed_data == etree.tostring(etree.fromstring(XML), method="c14n")


def test_each_timestamp_of_the_xml_is_made_of_what_the_standard_says(xml, run, tmp_path, folder):
    """ETSI EN 319 132-1 5.3 and 5.5.2.2, put together with another canonicalizer and judged by OpenSSL."""
    for name, covered in (("SignatureTimeStamp", over_the_signature(xml)), ("ArchiveTimeStamp", over_everything(xml))):
        root = etree.fromstring(xml)
        (value,) = (
            e for e in root.iter(f"{XADES}EncapsulatedTimeStamp") if etree.QName(e.getparent()).localname == name
        )
        (tmp_path / "token").write_bytes(base64.b64decode(value.text))
        (tmp_path / "data").write_bytes(covered)
        output = run("openssl", "ts", "-verify", "-token_in", "-in", tmp_path / "token", "-data", tmp_path / "data",
                     "-CAfile", folder / "root.pem")  # fmt: skip
        assert "Verification: OK" in output


def exclusive(element):
    """Exclusive canonical form by lxml's second implementation, which takes text."""
    from xml.etree import ElementTree

    return etree.tostring(
        etree.fromstring(ElementTree.canonicalize(etree.tostring(element, with_tail=False))), method="c14n"
    )


def over_the_signature(xml):
    return exclusive(etree.fromstring(xml).find(f".//{DS}SignatureValue"))


def over_everything(xml):
    root = etree.fromstring(xml)
    signature = root[-1]
    named = {e.get("Id"): e for e in signature.iter() if e.get("Id")}
    inner = [named[r.get("URI")[1:]] for r in signature.findall(f"{DS}SignedInfo/{DS}Reference")[1:]]
    parts = [signature.find(f"{DS}{name}") for name in ("SignedInfo", "SignatureValue", "KeyInfo")]
    properties = signature.find(f".//{XADES}UnsignedSignatureProperties")
    before = [child for child in properties if child.tag != f"{XADES_141}ArchiveTimeStamp"]
    assert [etree.QName(child).localname for child in before] == [
        "SignatureTimeStamp",
        "CertificateValues",
        "RevocationValues",
    ]
    return etree.tostring(etree.fromstring(XML), method="c14n") + b"".join(map(exclusive, inner + parts + before))


def test_no_changed_byte_of_lasting_xml_is_accepted(xml):
    for at in range(0, len(xml), 17):
        changed = bytearray(xml)
        changed[at] ^= 1 << at % 7
        refused(lambda changed=changed: xades.read(bytes(changed)))


@pytest.mark.parametrize(
    "name", ["SignatureTimeStamp", "CertificateValues", "RevocationValues", "ArchiveTimeStamp", "UnsignedProperties"]
)
def test_no_property_can_be_left_out_or_doubled(xml, name):
    for twice in (False, True):
        root = etree.fromstring(xml)
        (found,) = (e for e in root.iter() if etree.QName(e).localname == name)
        if twice:
            found.addnext(etree.fromstring(etree.tostring(found)))
        else:
            found.getparent().remove(found)
        changed = etree.tostring(root, method="c14n")
        if name == "UnsignedProperties" and not twice:
            assert xades.read(changed).signed.level == "B-B"
        else:
            refused(lambda changed=changed: xades.read(changed))


def test_xml_gets_its_evidence_once(ring, now, xml, found):
    """Its bytes are signed by the detached signature beside it, so they never change again."""
    with pytest.raises(SigningError, match="leave it"):
        xades.extend(xml, found, ring.timestamper)
    with pytest.raises(SigningError):
        xades.extend(xades.sign(XML, ring.signer, at=now), found, ring.timestamper)


def test_evidence_without_a_list_of_the_day_is_not_enough_later(ring, now, pdfs):
    refused(
        lambda: pades.verify(pdfs["B-LTA"]["page"], ring.trust.bare, at=now + timedelta(days=400)), RevocationUnknown
    )
