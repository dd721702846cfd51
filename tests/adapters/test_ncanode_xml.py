"""Signed XML: NCANode takes any signature over anything, so the shape is held against one that can be relied on."""

import base64
import hashlib
import shutil
import subprocess
from datetime import timedelta

import kzcms
import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from kzcms import EXCHANGES, HEAD_BIN, HEAD_IIN, SIGNED_AT, exchange, rsa_head
from lxml import etree

from qujat.signing.adapters import xmlshape
from qujat.signing.adapters.exchange import Signatory
from qujat.signing.adapters.ncanode_verdict import Expected, judge_xml

SIGNED = (EXCHANGES / "ncanode" / "head-gost-signed.xml").read_bytes()
PLAIN = b"<test>\n  <message>Hello</message>\n</test>"
WANT = Expected(Signatory(HEAD_BIN, HEAD_IIN), timestamp="receipt", clock=lambda: SIGNED_AT + timedelta(minutes=1))


def judge(mock, xml=SIGNED, data=PLAIN, want=WANT):
    answer = exchange("xml-verify-head")["response"]
    if not mock.answers:
        mock.on("/xml/verify", (answer["status"], answer["body"]))
    return judge_xml(mock.node, xml, data, want)


def outcome(verdict):
    return verdict.value, verdict.code


def test_the_recorded_signature_of_the_head_is_valid(mock):
    verdict = judge(mock)
    assert outcome(verdict) == ("valid", "genuine"), verdict.checks
    ((_, _, body),) = mock.asked
    assert body == {"xml": SIGNED.decode(), "revocationCheck": ["OCSP", "CRL"]}


def test_without_a_timestamp_it_is_open_where_one_is_required(mock):
    want = Expected(Signatory(HEAD_BIN, HEAD_IIN), clock=WANT.clock)
    assert outcome(judge(mock, want=want)) == ("indeterminate", "no-timestamp")


def test_another_document_is_invalid(mock):
    assert outcome(judge(mock, data=PLAIN.replace(b"Hello", b"Other"))) == ("invalid", "document-altered")


SIGNATURE = SIGNED[SIGNED.index(b"<ds:Signature ") : SIGNED.index(b"</ds:Signature>") + len(b"</ds:Signature>")]
INFO = SIGNATURE[SIGNATURE.index(b"<ds:KeyInfo>") : SIGNATURE.index(b"</ds:KeyInfo>") + len(b"</ds:KeyInfo>")]
REFERENCE = SIGNATURE[SIGNATURE.index(b"<ds:Reference") : SIGNATURE.index(b"</ds:Reference>") + len(b"</ds:Reference>")]
CERTIFICATE = INFO[INFO.index(b"<ds:X509Certificate>") : INFO.index(b"</ds:X509Data>")]

HOSTILE = {
    "no signature": SIGNED.replace(SIGNATURE, b""),
    "two signatures": SIGNED.replace(SIGNATURE, SIGNATURE * 2),
    "not the last child": SIGNED.replace(SIGNATURE, SIGNATURE + b"<more/>"),
    "text after it": SIGNED.replace(SIGNATURE, SIGNATURE + b"more"),
    "wrapped": b"<evil><m/>" + SIGNED[SIGNED.index(b"<test>") :] + b"</evil>",
    "a reference to a part": SIGNED.replace(b'Reference URI=""', b'Reference URI="#part"'),
    "a reference without URI": SIGNED.replace(b'Reference URI=""', b"Reference"),
    "a reference of a type": SIGNED.replace(b'Reference URI=""', b'Reference URI="" Type="x"'),
    "two references": SIGNED.replace(REFERENCE, REFERENCE * 2),
    "no enveloped transform": SIGNED.replace(
        b'<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>', b""
    ),
    "an XPath transform": SIGNED.replace(
        b'REC-xml-c14n-20010315#WithComments"/>', b'REC-xml-c14n-20010315#WithComments"/><ds:Transform Algorithm="x"/>'
    ),
    "another canonicalisation": SIGNED.replace(
        b'CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"',
        b'CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"',
    ),
    "an object": SIGNED.replace(b"</ds:KeyInfo>", b"</ds:KeyInfo><ds:Object/>"),
    "no certificate": SIGNED.replace(CERTIFICATE, b""),
    "no KeyInfo": SIGNED.replace(INFO, b""),
    "two certificates": SIGNED.replace(CERTIFICATE, CERTIFICATE * 2),
    "a certificate that is none": SIGNED.replace(b"MIIEdjCC", b"AAAAAAAA"),
    "a document type": SIGNED.replace(b"<test>", b"<!DOCTYPE test><test>"),
    "an entity": SIGNED.replace(b"<test>", b'<!DOCTYPE test [<!ENTITY e "x">]><test>'),
    "a comment": SIGNED.replace(b"<message>", b"<!-- --><message>"),
    "a processing instruction": SIGNED.replace(b"<message>", b"<?x?><message>"),
    "not XML": b"<test>",
    "too large": SIGNED.replace(b"Hello", b"x" * xmlshape.LARGEST_XML),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_another_shape_is_invalid_and_nobody_is_asked(mock, name):
    assert HOSTILE[name] != SIGNED
    verdict = judge(mock, HOSTILE[name])
    assert verdict.value == "invalid", verdict.checks
    assert mock.asked == []


def test_a_digest_of_something_else_is_invalid_whatever_ncanode_says(mock):
    verdict = judge(mock, SIGNED.replace(b"UX1f", b"AAAA"))
    assert [(c.value, c.code) for c in verdict.checks if c.name == "data"] == [("invalid", "document-altered")]


def test_a_digest_that_is_not_computed_here_is_open(mock):
    other = b"http://www.w3.org/2001/04/xmldsig-more#gost34311"
    verdict = judge(mock, SIGNED.replace(b"urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34112015-512", other))
    assert outcome(verdict) == ("indeterminate", "unsupported-algorithm")


def test_a_failure_of_ncanode_leaves_good_xml_open(mock):
    answer = exchange("xml-verify-no-certificate")["response"]
    mock.on("/xml/verify", (answer["status"], answer["body"]))
    assert outcome(judge(mock)) == ("indeterminate", "signing-service-refused")


def test_an_answer_without_signers_proves_nothing(mock):
    mock.on("/xml/verify", (200, {"valid": True, "signers": []}))
    assert outcome(judge(mock)) == ("indeterminate", "service-differs")


def signed_by_rsa(attributes=b""):
    """XML as NCANode makes it with an RSA key, with our own hands."""
    head = rsa_head()
    text = b"<a" + attributes + b"><b>test</b></a>"
    digest = hashlib.sha256(xmlshape.canonical(text)).digest()
    info = (
        SIGNATURE[: SIGNATURE.index(b"</ds:SignedInfo>") + len(b"</ds:SignedInfo>")]
        .replace(
            b"urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34102015-gostr34112015-512",
            b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        )
        .replace(
            b"urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34112015-512",
            b"http://www.w3.org/2001/04/xmlenc#sha256",
        )
    )
    start, end = info.index(b"<ds:DigestValue>") + 16, info.index(b"</ds:DigestValue>")
    info = info[:start] + base64.b64encode(digest) + info[end:]
    # xmlsec1's reading of "SignedInfo in its context": canonicalise within the whole, cut out the one element.
    whole = etree.fromstring(text[:-4] + info + b"</ds:Signature></a>")
    element = whole.find(".//{*}SignedInfo")
    for name, value in whole.items():
        if name.startswith("{http://www.w3.org/XML/1998/namespace}"):
            element.set(name, value)
    octets = etree.tostring(element, method="c14n")
    value = base64.b64encode(head.key.sign(octets, padding.PKCS1v15(), SHA256()))
    certificate = base64.b64encode(head.certificate.public_bytes(Encoding.DER))
    return text, (
        text[:-4] + info + b"<ds:SignatureValue>" + value + b"</ds:SignatureValue><ds:KeyInfo><ds:X509Data>"
        b"<ds:X509Certificate>" + certificate + b"</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature></a>"
    )


@pytest.mark.parametrize("attributes", [b"", b' xml:lang="kk" xmlns:q="urn:q" q:x="1"'])
def test_xml_signed_with_an_rsa_key_is_checked_here(mock, attributes):
    text, xml = signed_by_rsa(attributes)
    (told,) = exchange("xml-verify-head")["response"]["body"]["signers"]
    head = rsa_head()
    told = told | {
        "serialNumber": f"{head.certificate.serial_number:x}",
        "notBefore": head.certificate.not_valid_before_utc.isoformat(),
        "notAfter": head.certificate.not_valid_after_utc.isoformat(),
    }
    mock.on("/xml/verify", (200, {"valid": True, "signers": [told]}))
    want = Expected(Signatory(HEAD_BIN, HEAD_IIN), timestamp="receipt", clock=WANT.clock, trust=kzcms.rsa_head().trust)
    verdict = judge(mock, xml, text, want)
    assert outcome(verdict) == ("valid", "genuine"), verdict.checks
    altered = judge(mock, xml.replace(b"<b>test</b>", b"<b>tost</b>"), text.replace(b"test", b"tost"), want)
    assert altered.value == "invalid"


def test_xmlsec1_agrees_with_what_is_checked_here(tmp_path):
    """The fixture of the test above is right by a foreign checker, xml: attributes included."""
    assert shutil.which("xmlsec1"), "xmlsec1 is not installed: a second opinion is required"
    _, xml = signed_by_rsa(b' xml:lang="kk" xmlns:q="urn:q" q:x="1"')
    path, key = tmp_path / "signed.xml", tmp_path / "key.pem"
    path.write_bytes(xml)
    key.write_bytes(rsa_head().certificate.public_bytes(Encoding.PEM))
    command = ["xmlsec1", "--verify", "--enabled-key-data", "rsa", "--pubkey-cert-pem", str(key), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
