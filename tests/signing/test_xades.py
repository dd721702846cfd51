"""Signed XML: second opinions from xmlsec1 and signxml, wrapping, and nothing changed ever accepted."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from qujat.errors import (
    CertificateRevoked,
    CertificateUntrusted,
    DocumentAltered,
    EvidenceLapsed,
    NotSigned,
    SigningError,
    VerificationError,
)
from qujat.signing import keys, xades
from qujat.signing.signer import _ORDER

XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<decision xmlns="urn:qujat:decision" xmlns:b="urn:b" b:no="1">'
    "<name>Ұлы &amp; «Ғ»&#13;</name>\n  <b:empty/></decision>\n"
).encode()
DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"


@pytest.fixture(scope="module")
def signed(ring, now):
    return xades.sign(XML, ring.signer, at=now)


def refused(xml, trust, error=VerificationError, **options):
    with pytest.raises(error) as raised:
        xades.verify(xml, trust, **options)
    return raised.value


def test_what_was_signed_comes_back_in_canonical_form(ring, signed, now):
    found = xades.verify(signed, ring.trust)
    assert found.data == etree.tostring(etree.fromstring(XML), method="c14n")
    assert (found.certificate, found.chain, found.signed_at) == (ring.signer.certificate, ring.signer.chain, now)


def test_signing_twice_gives_the_same_bytes(ring, signed, now):
    assert xades.sign(XML, ring.signer, at=now) == signed


def test_element_names_may_be_kazakh(ring, now, run, tmp_path, folder):
    signed = xades.sign("<шешім><өңір>Түркістан</өңір></шешім>".encode(), ring.signer, at=now)
    assert xades.verify(signed, ring.trust).data == "<шешім><өңір>Түркістан</өңір></шешім>".encode()
    assert by_xmlsec(run, signed, tmp_path, folder)


def by_xmlsec(run, xml, tmp_path, folder):
    (tmp_path / "signed.xml").write_bytes(xml)
    output = run("xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-pem", folder / "root.pem",
                 "--id-attr:Id", f"{XADES}:SignedProperties", "--id-attr:Id", f"{DS}:KeyInfo",
                 tmp_path / "signed.xml")  # fmt: skip
    return "SignedInfo References (ok/all): 3/3" in output


def test_xmlsec_accepts_it(signed, run, tmp_path, folder):
    assert by_xmlsec(run, signed, tmp_path, folder)


def test_signxml_accepts_it_and_the_whole_document_is_covered(ring, signed):
    from signxml.xades import XAdESVerifier

    whole, properties, _key_info = XAdESVerifier().verify(signed, x509_cert=ring.signer.certificate)
    assert whole.signed_data == xades.verify(signed, ring.trust).data
    assert etree.QName(properties.signed_xml).localname == "SignedProperties"


def test_only_what_is_needed_is_referred_to(signed):
    root = etree.fromstring(signed)
    assert root[-1].tag == f"{{{DS}}}Signature"
    references = root.findall(f".//{{{DS}}}Reference")
    assert [r.get("URI")[:1] for r in references] == ["", "#", "#"]
    assert {etree.QName(root.find(f".//*[@Id='{r.get('URI')[1:]}']")).localname for r in references[1:]} == {
        "SignedProperties",
        "KeyInfo",
    }
    assert [t.get("Algorithm").rpartition("/")[2] for t in root.iter(f"{{{DS}}}Transform")] == [
        "xmldsig#enveloped-signature",
        "REC-xml-c14n-20010315",
    ]


def test_no_changed_byte_is_accepted(ring, signed):
    for at in range(0, len(signed), 2):
        changed = bytearray(signed)
        changed[at] ^= 1 << at // 2 % 7
        refused(bytes(changed), ring.trust)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(how=st.data())
def test_no_damaged_document_is_accepted(ring, signed, how):
    at = how.draw(st.integers(0, len(signed) - 1))
    junk = how.draw(st.one_of(st.binary(min_size=1, max_size=6), st.sampled_from([b" ", b"\n", b"<!---->", b"<?x?>"])))
    kind = how.draw(st.sampled_from(["replace", "cut", "append", "insert", "remove", "prepend"]))
    changed = {
        "replace": signed[:at] + junk + signed[at + len(junk) :],
        "cut": signed[:at],
        "append": signed + junk,
        "insert": signed[:at] + junk + signed[at:],
        "remove": signed[:at] + signed[at + len(junk) :],
        "prepend": junk + signed,
    }[kind]
    if changed != signed:
        refused(changed, ring.trust)


def wrapped(signed, kind):
    """A genuine signature in a document that says something else (signature wrapping)."""
    root = etree.fromstring(signed)
    signature = root[-1]
    evil = etree.fromstring(b'<decision xmlns="urn:qujat:decision"><name>evil</name></decision>')
    if kind == "whole document below another root":
        evil.append(root)
    elif kind == "signature moved to another document":
        evil.append(signature)
    elif kind == "original kept inside the signature":
        copy = etree.fromstring(signed)
        copy.remove(copy[-1])
        evil.append(signature)
        etree.SubElement(signature, f"{{{DS}}}Object").append(copy)
    elif kind == "signature moved up":
        root.insert(0, signature)
        evil = root
    elif kind == "signature twice":
        root.append(etree.fromstring(etree.tostring(signature)))
        evil = root
    elif kind == "something after the signature":
        etree.SubElement(root, "more")
        evil = root
    return etree.tostring(evil, method="c14n")


@pytest.mark.parametrize(
    "kind",
    [
        "whole document below another root",
        "signature moved to another document",
        "original kept inside the signature",
        "signature moved up",
        "signature twice",
        "something after the signature",
    ],
)
def test_a_wrapped_signature_is_refused(ring, signed, kind):
    refused(wrapped(signed, kind), ring.trust, DocumentAltered)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'URI=""', b'URI="#xpointer(/)"'),
        (b"xmlenc#sha256", b"xmldsig#sha1"),
        (b"2001/REC-xml-c14n-20010315", b"2001/REC-xml-c14n-20010315#WithComments"),
        (b"<ds:Transforms>", b'<ds:Transforms><ds:Transform Algorithm="urn:x"></ds:Transform>'),
        (b"<ds:Object>", b"<ds:Object> "),
        (b"ds:", b"dsig:"),
    ],
)
def test_another_shape_is_refused(ring, signed, before, after):
    assert before in signed
    refused(signed.replace(before, after), ring.trust, DocumentAltered)


def test_the_other_spelling_of_an_ecdsa_signature_is_refused(ring, signed):
    value = etree.fromstring(signed).find(f".//{{{DS}}}SignatureValue").text
    r, s = base64.b64decode(value)[:32], int.from_bytes(base64.b64decode(value)[32:], "big")
    other = base64.b64encode(r + (_ORDER - s).to_bytes(32, "big"))
    refused(signed.replace(value.encode(), other), ring.trust, DocumentAltered)


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"junk",
        b"<a>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a><!-- comment --></a>",
        b"<!-- comment --><a/>",
        b"<a/><?instruction x?>",
        b'<a Id="x"/>',
        b'<a><b Id="x"/><c id="x"/></a>',
        b'<a xmlns="relative"/>',
        b"<a>" * 300 + b"</a>" * 300,
    ],
)
def test_xml_that_cannot_be_signed_whole_is_refused_on_both_sides(ring, now, xml):
    with pytest.raises(SigningError):
        xades.sign(xml, ring.signer, at=now)
    refused(xml, ring.trust, (NotSigned, DocumentAltered))


def test_a_second_signature_is_not_made(ring, signed, now):
    twice = xades.sign(signed, ring.signer, at=now)
    refused(twice, ring.trust, DocumentAltered)


def test_unsigned_xml_is_not_signed(ring):
    refused(XML, ring.trust, NotSigned)


def test_it_must_be_trusted_at_the_time_of_the_check(ring, signed, now, new_pki, passphrase):
    folder, foreign = new_pki()
    other = xades.sign(XML, foreign.signer, at=now)
    refused(other, ring.trust, CertificateUntrusted)
    refused(signed, ring.trust, EvidenceLapsed, at=now + timedelta(days=400))
    keys.revoke(folder, passphrase, at=now - timedelta(minutes=1))
    refused(other, keys.open_trust(folder), CertificateRevoked)


def test_the_certificates_are_those_of_the_path(ring, now):
    longer = replace(ring.signer, chain=(*ring.signer.chain, *ring.trust.anchors))
    refused(xades.sign(XML, longer, at=now), ring.trust, DocumentAltered)
    shorter = replace(ring.signer, chain=())
    refused(xades.sign(XML, shorter, at=now), ring.trust, DocumentAltered)


def test_the_signer_s_certificate_alone_is_named(ring, now):
    """EN 319 132-1 5.2.2; those above it are signed in KeyInfo."""
    root = etree.fromstring(xades.sign(XML, ring.signer, at=now))
    (named,) = root.iter("{http://uri.etsi.org/01903/v1.3.2#}SigningCertificateV2")
    assert len(named) == 1
    assert not list(root.iter("{http://uri.etsi.org/01903/v1.3.2#}SigningCertificate"))
    assert len(list(root.iter("{http://www.w3.org/2000/09/xmldsig#}X509Certificate"))) == 2
