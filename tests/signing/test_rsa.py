"""RSA keys, which the NCA gives out too: every container, at each level, with the same second opinions as P-256."""

from dataclasses import replace
from hashlib import sha256

import leaves
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from qujat.errors import DocumentAltered, KeyUnavailable, SignatureInvalid, VerificationError
from qujat.signing import cades, cms, der, pades, revision, signeddata, xades
from qujat.signing.signer import KeySigner

LEVELS = ["B-B", "B-T"]
DATA = "Шешім № 1".encode()
XML = "<шешім><нөмір>1</нөмір></шешім>".encode()


@pytest.fixture(scope="module")
def signer(folder, passphrase, person, tmp_path_factory):
    return leaves.leaf(tmp_path_factory.mktemp("rsa"), folder, passphrase, person, kind="rsa").signer


@pytest.fixture(scope="module")
def pages(ring, signer, page, now):
    """A signed page of each level."""
    stamps = {"B-B": None, "B-T": ring.timestamper}
    return {
        level: pades.sign(page, signer, at=now, timestamper=stamp, reason="x", name="x")
        for level, stamp in stamps.items()
    }


@pytest.mark.parametrize("level", LEVELS)
def test_a_page_is_signed_and_verified(ring, signer, pages, page, level):
    found = pades.verify(pages[level], ring.trust)
    assert (found.page, found.certificate, found.level) == (page, signer.certificate, level)


@pytest.mark.parametrize("level", LEVELS)
def test_pdfsig_accepts_the_page(pages, run, tmp_path, nss, level):
    (tmp_path / "signed.pdf").write_bytes(pages[level])
    output = run("pdfsig", "-nssdir", f"sql:{nss}", tmp_path / "signed.pdf")
    for expected in ("Signature is Valid", "Total document signed", "Certificate is Trusted"):
        assert expected in output


def test_no_changed_byte_of_the_revision_is_accepted(ring, pages, page):
    whole = pages["B-B"]
    for at in range(len(page), len(whole), 5):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 7
        with pytest.raises(VerificationError):
            pades.verify(bytes(changed), ring.trust)


def test_the_room_of_a_p256_signature_is_not_accepted(ring, signer, page, now):
    prepared = revision.compose(page, revision.Claim(now, "x", "x"), pades.ROOM["B-B"])
    made = signeddata.make(prepared.digest(), signer)
    with pytest.raises(DocumentAltered):
        pades.verify(prepared.filled(made.hex().encode()), ring.trust)


@pytest.mark.parametrize("level", LEVELS)
def test_a_detached_signature_is_made_and_openssl_accepts_it(ring, signer, now, run, tmp_path, ca_file, level):
    stamp = ring.timestamper if level == "B-T" else None
    signed = cms.sign_detached(DATA, signer, at=now, timestamper=stamp)
    assert cms.verify_detached(signed, DATA, ring.trust).level == level
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "data.p7s").write_bytes(signed)
    run("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", tmp_path / "data.p7s", "-content",
        tmp_path / "data", "-CAfile", ca_file, "-crl_check_all", "-out", tmp_path / "out")  # fmt: skip


def test_pyhanko_writes_the_same_bytes(signer):
    digest = sha256(DATA).digest()
    assert cms.sign_digest(digest, signer, signing_time=None, timestamper=None) == cades.sign(digest, signer)


def test_another_name_of_the_algorithm_is_not_accepted(ring, signer, now):
    """rsaEncryption verifies as well as sha256WithRSAEncryption, and is not signed: one spelling is enough."""
    message = signeddata.parse(cms.sign_detached(DATA, signer, at=now))
    rsa_encryption = der.tlv(der.SEQUENCE, der.oid("1.2.840.113549.1.1.1"), der.tlv(der.NULL))
    no_parameters = der.tlv(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"))
    for changes in ({"signature_algorithm": rsa_encryption}, {"digest_algorithm": no_parameters}):
        changed = replace(message, **changes)
        signeddata.verify(changed, sha256(DATA).digest())
        with pytest.raises(DocumentAltered, match="one way"):
            cms.verify_detached(changed.encode(), DATA, ring.trust)


def test_xml_is_signed_and_xmlsec_accepts_it(ring, signer, now, run, tmp_path, folder):
    signed = xades.sign(XML, signer, at=now)
    assert xades.verify(signed, ring.trust).data == XML
    assert b"xmldsig-more#rsa-sha256" in signed
    (tmp_path / "signed.xml").write_bytes(signed)
    run("xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-pem", folder / "root.pem",
        "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
        "--id-attr:Id", "http://www.w3.org/2000/09/xmldsig#:KeyInfo", tmp_path / "signed.xml")  # fmt: skip


def test_changed_xml_is_not_accepted(ring, signer, now):
    signed = xades.sign(XML, signer, at=now)
    for at in range(0, len(signed), 7):
        changed = bytearray(signed)
        changed[at] ^= 1 << at % 7
        with pytest.raises(VerificationError):
            xades.verify(bytes(changed), ring.trust)


def test_a_signature_of_another_message_is_invalid(ring, signer, now):
    message = signeddata.parse(cms.sign_detached(DATA, signer, at=now))
    with pytest.raises(SignatureInvalid):
        cms.verify_detached(replace(message, signature=signer.sign(b"other")).encode(), DATA, ring.trust)


def test_keys_that_are_too_weak_or_of_another_curve_do_not_sign(folder, passphrase, person):
    for key, said in ((leaves.rsa_key(1024), "RSA of 1024"), (ec.generate_private_key(ec.SECP384R1()), "secp384r1")):
        certificate = leaves.certified(key, folder, passphrase, person)
        with pytest.raises(KeyUnavailable, match=said):
            KeySigner(key, certificate)
