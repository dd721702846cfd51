"""XML files: wrapping and its kin, signatures that are not what they seem, honest ones."""

from __future__ import annotations

import re
from datetime import timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID
from lxml import etree

from strangers import messages, trees
from strangers.authority import Authority
from strangers.case import Case, Cases
from strangers.trees import C14N, DS, ENVELOPED, EXCLUSIVE, Reference, part, plain, sign, whole, xades

cases = Cases("xml")
DOCUMENT = '<шешім xmlns="urn:example"><нөмір>1</нөмір><нәтиже>бас тартылды</нәтиже></шешім>'.encode()
LIE = '<шешім xmlns="urn:example"><нөмір>1</нөмір><нәтиже>рұқсат етілді</нәтиже></шешім>'.encode()


def time(a: Authority) -> str:
    return a.now.strftime("%Y-%m-%dT%H:%M:%SZ")


def signed(a: Authority, document: bytes = DOCUMENT, **changes: object) -> bytes:
    return sign(document, plain(a.head, **changes))


# ---- honest


@cases.good
def plain_signature(a: Authority) -> Case:
    return Case(signed(a))


@cases.good
def plain_rsa_signature(a: Authority) -> Case:
    return Case(sign(DOCUMENT, plain(a.rsa)))


@cases.good
def xades_b_b(a: Authority) -> Case:
    return Case(sign(DOCUMENT, xades(a.head, time(a))))


@cases.good
def xades_b_t(a: Authority) -> Case:
    return Case(with_timestamp(a, sign(DOCUMENT, xades(a.head, time(a)))))


def with_timestamp(a: Authority, document: bytes, value: bytes | None = None, at: timedelta = timedelta()) -> bytes:
    """A signature timestamp among the unsigned properties."""
    stamped = trees.c14n(trees.value_of(document)) if value is None else value
    token = trees.b64(messages.token(stamped, a.tsa, a.now + at))
    inside = f"<x:EncapsulatedTimeStamp>{token}</x:EncapsulatedTimeStamp>"
    return _unsigned(document, f"<x:SignatureTimeStamp>{inside}</x:SignatureTimeStamp>")


def _unsigned(document: bytes, inside: str) -> bytes:
    added = (
        f"<x:UnsignedProperties><x:UnsignedSignatureProperties>{inside}"
        f"</x:UnsignedSignatureProperties></x:UnsignedProperties>"
    )
    return document.replace(b"</x:QualifyingProperties>", added.encode() + b"</x:QualifyingProperties>")


@cases.good
def two_signatures_in_sequence(a: Authority) -> Case:
    """As Kazakhstan's services do it: each signs all that is before it."""
    return Case(sign(signed(a), plain(a.second, identifier="S2")))


@cases.good
def exclusive_canonical_form(a: Authority) -> Case:
    reference = Reference(whole(exclusive=True), transforms=(ENVELOPED, EXCLUSIVE))
    return Case(signed(a, references=(reference,), canonical=EXCLUSIVE))


@cases.good
def enveloped_transform_alone(a: Authority) -> Case:
    """Without a canonical form of its own it is Canonical XML 1.0 (XMLDSig 4.4.3.2)."""
    return Case(signed(a, references=(Reference(whole(), transforms=(ENVELOPED,)),)))


@cases.good
def canonical_form_with_comments_as_kazakhstans_tools_write_it(a: Authority) -> Case:
    return Case(signed(a, references=(Reference(whole(), transforms=(ENVELOPED, C14N + "#WithComments")),)))


@cases.good
def white_space_around_the_signature(a: Authority) -> Case:
    return Case(signed(a, b"<a>\n  <b>1</b>\n</a>"))


# ---- wrapping: a genuine signature, and another document around it


def _by_id(a: Authority) -> bytes:
    """A message whose body is signed by its id; the rest is not."""
    body = b'<m><body Id="B"><sum>100</sum></body></m>'
    return signed(a, body, references=(Reference(part("B"), "#B", (C14N,)),))


@cases.bad("xml-not-whole")
def wrapping_signed_part_moved_beside_another(a: Authority) -> Case:
    document = _by_id(a)
    evil = b'<body><sum>999</sum></body><old><body Id="B"><sum>100</sum></body></old>'
    return Case(document.replace(b'<body Id="B"><sum>100</sum></body>', evil))


@cases.bad("xml-shape")
def wrapping_signed_part_moved_into_the_signature(a: Authority) -> Case:
    document = _by_id(a)
    old = b'<body Id="B"><sum>100</sum></body>'
    moved = document.replace(old, b"<body><sum>999</sum></body>")
    return Case(moved.replace(b"</ds:Signature>", b"<ds:Object>" + old + b"</ds:Object></ds:Signature>"))


@cases.bad("xml-not-whole")
def wrapping_signed_root_under_a_new_root(a: Authority) -> Case:
    root = b'<m Id="B"><sum>100</sum></m>'
    reference = Reference(lambda tree: trees.c14n(_without_last(tree)), "#B", (ENVELOPED, C14N))
    document = signed(a, root, references=(reference,))
    signature = document[document.index(b"<ds:Signature") : document.index(b"</m>")]
    return Case(b"<m><sum>999</sum><old>" + root + b"</old>" + signature + b"</m>")


def _without_last(tree: etree._Element) -> etree._Element:
    copy = etree.fromstring(etree.tostring(tree, encoding="UTF-8"))
    copy.remove(copy[-1])
    return copy


@cases.bad("xml-not-whole")
def wrapping_two_parts_with_one_id(a: Authority) -> Case:
    document = _by_id(a)
    return Case(document.replace(b"<m><body", b'<m><body Id="B"><sum>999</sum></body><body'))


@cases.bad("xml-not-whole")
def only_a_part_is_signed(a: Authority) -> Case:
    return Case(_by_id(a))


@cases.bad("hash-failure", "invalid")
def wrapping_of_a_whole_document(a: Authority) -> Case:
    """The signed document becomes a child of another; its signature moves to the new root."""
    document = signed(a)
    cut = document.index(b"<ds:Signature")
    end = "</шешім>".encode()
    signature = document[cut : document.rindex(end)]
    return Case(LIE.replace(end, document[:cut] + end + signature + end))


@cases.bad("signature-failure", "invalid")
def wrapping_with_a_reference_written_anew(a: Authority) -> Case:
    """The reference is bent to the old words, which stand aside; but the reference itself is signed."""
    document = signed(a, b'<m><old Id="B"/></m>').replace(b'URI=""', b'URI="#B"')
    return Case(document.replace(b"<m>", b"<m><sum>999</sum>"))


# ---- what is shown is not what is signed


@cases.bad("hash-failure", "invalid")
def words_changed(a: Authority) -> Case:
    return Case(signed(a).replace("бас тартылды".encode(), "рұқсат етілді".encode()))


@cases.bad("hash-failure", "invalid")
def signature_of_another_document(a: Authority) -> Case:
    document = signed(a)
    cut = document.index(b"<ds:Signature")
    end = "</шешім>".encode()
    return Case(LIE.replace(end, document[cut : document.rindex(end)] + end))


@cases.bad("xml-dtd")
def document_type_declaration(a: Authority) -> Case:
    return Case(b"<!DOCTYPE x>" + signed(a))


@cases.bad("xml-dtd")
def entity_that_replaces_text(a: Authority) -> Case:
    document = signed(a).replace("бас тартылды".encode(), b"&result;")
    return Case('<!DOCTYPE x [<!ENTITY result "рұқсат етілді">]>'.encode() + document)


@cases.bad("xml-dtd")
def entity_from_outside(a: Authority) -> Case:
    document = signed(a).replace("бас тартылды".encode(), b"&result;")
    return Case(b'<!DOCTYPE x [<!ENTITY result SYSTEM "file:///etc/hostname">]>' + document)


@cases.bad("xml-dtd")
def default_attribute_from_a_dtd(a: Authority) -> Case:
    """The declaration makes an attribute that nobody wrote."""
    return Case("<!DOCTYPE шешім [<!ATTLIST шешім рұқсат CDATA 'иә'>]>".encode() + signed(a))


@cases.bad("xml-comments")
def comment_inside_a_text(a: Authority) -> Case:
    """Canonical form drops it; a program that reads the first text only sees «бас»."""
    return Case(signed(a).replace("бас тартылды".encode(), "бас<!-- --> тартылды".encode()))


@cases.bad("xml-comments")
def instruction_before_the_root(a: Authority) -> Case:
    return Case(b'<?xml-stylesheet href="evil.xsl" type="text/xsl"?>' + signed(a))


@cases.bad("xml-transforms")
def xpath_that_leaves_words_out(a: Authority) -> Case:
    step = "http://www.w3.org/TR/1999/REC-xpath-19991116"
    inside = "<ds:XPath>not(ancestor-or-self::*[local-name()='sum'])</ds:XPath>"
    reference = Reference(whole(), transforms=(ENVELOPED, step), inside=inside)
    return Case(signed(a, references=(reference,)))


@cases.bad("xml-transforms")
def stylesheet_that_writes_the_text(a: Authority) -> Case:
    step = "http://www.w3.org/TR/1999/REC-xslt-19991116"
    inside = "<x:stylesheet xmlns:x='http://www.w3.org/1999/XSL/Transform' version='1.0'/>"
    return Case(signed(a, references=(Reference(whole(), transforms=(ENVELOPED, step), inside=inside),)))


@cases.bad("xml-transforms")
def transform_that_nobody_knows(a: Authority) -> Case:
    return Case(signed(a, references=(Reference(whole(), transforms=(ENVELOPED, "urn:unknown", C14N)),)))


@cases.bad("xml-transforms")
def canonical_form_with_parameters_of_its_own(a: Authority) -> Case:
    reference = Reference(whole(), inside="<ds:XPath>self::text()</ds:XPath>")
    return Case(signed(a, references=(reference,)))


@cases.bad("xml-transforms")
def no_enveloped_transform(a: Authority) -> Case:
    return Case(signed(a, references=(Reference(whole(), transforms=(C14N,)),)))


@cases.bad("xml-namespaces")
def namespace_put_in_under_exclusive_canonical_form(a: Authority) -> Case:
    reference = Reference(whole(exclusive=True), transforms=(ENVELOPED, EXCLUSIVE))
    document = signed(a, references=(reference,), canonical=EXCLUSIVE)
    return Case(document.replace("<нөмір>".encode(), '<нөмір xmlns:xs="urn:evil">'.encode()))


@cases.bad("hash-failure", "invalid")
def namespace_put_in_under_inclusive_canonical_form(a: Authority) -> Case:
    return Case(signed(a).replace("<нөмір>".encode(), '<нөмір xmlns:xs="urn:evil">'.encode()))


@cases.bad("xml-shape")
def language_of_the_root(a: Authority) -> Case:
    return Case(signed(a, b'<a xml:lang="kk"><b/></a>'))


# ---- the signature itself


@cases.bad("xml-signature-place")
def signature_not_last(a: Authority) -> Case:
    document = signed(a)
    signature = document[document.index(b"<ds:Signature") : document.rindex("</шешім>".encode())]
    moved = document.replace(signature, b"")
    return Case(moved.replace("<нөмір>".encode(), signature + "<нөмір>".encode()))


@cases.bad("xml-signature-place")
def signature_inside_an_element(a: Authority) -> Case:
    document = signed(a)
    signature = document[document.index(b"<ds:Signature") : document.rindex("</шешім>".encode())]
    moved = document.replace(signature, b"")
    return Case(moved.replace("</нөмір>".encode(), signature + "</нөмір>".encode()))


@cases.bad("hash-failure", "invalid")
def words_put_in_after_the_signature(a: Authority) -> Case:
    return Case(signed(a).replace(b"</ds:Signature>", "</ds:Signature>рұқсат".encode()))


@cases.bad("xml-signature-place")
def words_moved_behind_the_signature(a: Authority) -> Case:
    """The same words are signed, but a reader who stops at the signature does not see them."""
    document = signed(a, b"<a><b/>except on Sundays</a>")
    moved = document.replace(b"except on Sundays", b"")
    return Case(moved.replace(b"</ds:Signature>", b"</ds:Signature>except on Sundays"))


@cases.bad("xml-signature-place")
def signature_around_the_document(a: Authority) -> Case:
    document = signed(a)
    return Case(document[document.index(b"<ds:Signature") : document.rindex("</шешім>".encode())])


@cases.bad("no-chain")
def second_signature_of_a_stranger(a: Authority) -> Case:
    return Case(sign(signed(a), plain(Authority(a.now).head, identifier="S2")))


@cases.bad("hash-failure", "invalid")
def first_signature_made_over_other_words(a: Authority) -> Case:
    changed = signed(a).replace("бас тартылды".encode(), "рұқсат етілді".encode())
    return Case(sign(changed, plain(a.second, identifier="S2")))


@cases.bad("hash-failure", "invalid")
def second_signature_that_does_not_sign_the_first(a: Authority) -> Case:
    """Both are over the bare document: taking the last away does not give what it signed."""
    first, second = signed(a), sign(DOCUMENT, plain(a.second, identifier="S2"))
    cut = second[second.index(b"<ds:Signature") : second.rindex("</шешім>".encode())]
    return Case(first.replace(b"</ds:Signature>", b"</ds:Signature>" + cut))


@cases.bad("xml-duplicate-id")
def identifier_of_the_properties_twice(a: Authority) -> Case:
    document = sign(DOCUMENT, xades(a.head, time(a)))
    return Case(_unsigned(document, '<x:CertificateValues Id="P1"/>'))


@cases.bad("xml-not-whole")
def reference_to_an_address(a: Authority) -> Case:
    return Case(signed(a, references=(Reference(whole(), "http://example.com/decision.xml"),)))


@cases.bad("xml-not-whole")
def reference_to_nothing_known(a: Authority) -> Case:
    return Case(signed(a, references=(Reference(whole(), "#nowhere"),)))


@cases.bad("xml-not-whole")
def no_reference_to_the_document(a: Authority) -> Case:
    """Only its own properties are signed."""
    named = Reference(part("P1"), "#P1", (C14N,), trees.SIGNED_PROPERTIES)
    return Case(sign(DOCUMENT, xades(a.head, time(a), references=(named,))))


@cases.bad("unsupported-algorithm")
def hmac_where_a_key_should_be(a: Authority) -> Case:
    """Anybody can make a MAC with a «secret» that is a public key."""
    return Case(signed(a, method="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", value=bytes(32)))


@cases.bad("weak-algorithm")
def rsa_with_sha1(a: Authority) -> Case:
    return Case(sign(DOCUMENT, plain(a.rsa, method=DS + "rsa-sha1")))


@cases.bad("weak-algorithm")
def digest_of_sha1(a: Authority) -> Case:
    return Case(signed(a, references=(Reference(whole(), digest=trees.SHA1),)))


@cases.bad("gost")
def gost(a: Authority) -> Case:
    method = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34102015-gostr34112015-512"
    return Case(signed(a, method=method, value=bytes(128)))


@cases.bad("gost")
def old_gost(a: Authority) -> Case:
    return Case(signed(a, method="http://www.w3.org/2001/04/xmldsig-more#gost34310-gost34311", value=bytes(64)))


@cases.bad("signature-failure", "invalid")
def key_info_of_another_certificate(a: Authority) -> Case:
    data = "".join(f"<ds:X509Certificate>{trees.b64(each)}</ds:X509Certificate>" for each in a.second.path)
    return Case(signed(a, key_info=f"<ds:KeyInfo><ds:X509Data>{data}</ds:X509Data></ds:KeyInfo>"))


@cases.bad("other-certificate")
def certificate_of_the_same_key_under_another_name(a: Authority) -> Case:
    other = a.again(a.head, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "БАСҚА АДАМ")]))
    made = xades(other, time(a), objects=trees.properties(other, time(a), names=a.head.der))
    return Case(sign(DOCUMENT, made))


@cases.bad("no-signing-certificate")
def key_without_a_certificate(a: Authority) -> Case:
    return Case(signed(a, key_info="<ds:KeyInfo><ds:KeyName>head</ds:KeyName></ds:KeyInfo>"))


@cases.bad("no-signing-certificate")
def no_key_info(a: Authority) -> Case:
    return Case(signed(a, key_info=""))


@cases.bad("xml-shape")
def key_to_be_fetched_from_elsewhere(a: Authority) -> Case:
    return Case(signed(a, key_info='<ds:KeyInfo><ds:RetrievalMethod URI="http://example.com/key"/></ds:KeyInfo>'))


@cases.bad("xml-shape")
def properties_that_nobody_signed(a: Authority) -> Case:
    """The signing time was written in by somebody else."""
    return Case(signed(a, objects=trees.properties(a.head, "2020-01-01T00:00:00Z")))


@cases.bad("signature-failure", "invalid")
def signed_info_changed(a: Authority) -> Case:
    return Case(re.sub(rb"<ds:DigestValue>.", b"<ds:DigestValue>A", signed(a)))


@cases.bad("hash-failure", "invalid")
def signing_time_changed(a: Authority) -> Case:
    document = sign(DOCUMENT, xades(a.head, time(a)))
    return Case(re.sub(rb"<x:SigningTime>....", b"<x:SigningTime>2020", document))


@cases.bad("xml-shape")
def manifest_in_an_object(a: Authority) -> Case:
    return Case(signed(a, objects="<ds:Object><ds:Manifest/></ds:Object>"))


@cases.bad("unsigned-attribute")
def countersignature_that_nobody_checks(a: Authority) -> Case:
    return Case(_unsigned(sign(DOCUMENT, xades(a.head, time(a))), "<x:CounterSignature/>"))


@cases.bad("timestamp-other", "invalid")
def timestamp_of_another_signature(a: Authority) -> Case:
    return Case(with_timestamp(a, sign(DOCUMENT, xades(a.head, time(a))), value=b"another signature"))


@cases.bad("timestamp-malformed")
def timestamp_that_is_none(a: Authority) -> Case:
    stamp = "<x:SignatureTimeStamp><x:EncapsulatedTimeStamp>AAAA</x:EncapsulatedTimeStamp></x:SignatureTimeStamp>"
    return Case(_unsigned(sign(DOCUMENT, xades(a.head, time(a))), stamp))


@cases.bad("certificate-purpose")
def certificate_for_login(a: Authority) -> Case:
    return Case(sign(DOCUMENT, plain(a.for_login)))


@cases.bad("revoked-no-poe")
def certificate_revoked(a: Authority) -> Case:
    return Case(sign(DOCUMENT, plain(a.revoked)))


@cases.bad("revoked", "invalid")
def certificate_revoked_before_the_signer_says_he_signed(a: Authority) -> Case:
    return Case(sign(DOCUMENT, xades(a.revoked, time(a))))


@cases.bad("certificate-out-of-validity")
def certificate_expired(a: Authority) -> Case:
    return Case(sign(DOCUMENT, plain(a.expired)))


@cases.bad("not-signed", "invalid")
def document_without_a_signature(a: Authority) -> Case:
    return Case(DOCUMENT)


@cases.bad("xml-malformed")
def cut_short(a: Authority) -> Case:
    return Case(signed(a)[:-5])
