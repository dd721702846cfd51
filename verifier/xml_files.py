"""Signed XML of anybody: signxml does the arithmetic, after strict questions that it does not ask.

Only signatures over the whole document are taken: URI="", the enveloped transform and one canonical form; the
signatures are the last children of the root. Several are a sequence, each over all before it: peeled from the last.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from lxml import etree
from signxml.algorithms import CanonicalizationMethod
from signxml.exceptions import InvalidDigest, InvalidSignature, SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from qujat.signing.trust import Trust
from qujat.verifier import algorithms, certificates, xml_signature
from qujat.verifier.cms import Signed
from qujat.verifier.examination import Examination
from qujat.verifier.report import Objection, Report, SignatureReport, begun
from qujat.verifier.xml_signature import DS, EXCLUSIVE, ID_NAMES, Reference, XmlSignature

MOST_SIGNATURES = 32
_SIGNATURE = f"{DS}Signature"
_XML = "{http://www.w3.org/XML/1998/namespace}"


def examine(content: bytes, trust: Trust, now: datetime) -> Report:
    """Every signature in an XML document. Raises Objection if it cannot be read."""
    root = parse(content)
    report = begun("xml", trust, now).model_copy(update={"root": str(root.tag)})
    own = [child for child in root if child.tag == _SIGNATURE]
    if len(own) > MOST_SIGNATURES:
        raise Objection("too-costly", f"{len(own)} signatures")
    for question in (_check_places, _check_nothing_unsigned):
        try:
            question(root, own)
        except Objection as objection:
            report = report.because(objection.code, objection.message)
    found = []
    for number, signature in reversed(list(enumerate(own, 1))):
        found.append(_examine(root, signature, f"signature {number}", trust, now))
        _take_out(signature)
    return report.model_copy(update={"signatures": tuple(reversed(found))})


def parse(content: bytes) -> etree._Element:
    """The root of an XML document without a DTD. Raises Objection."""
    try:
        root = etree.fromstring(content, _reading())
    except (etree.XMLSyntaxError, ValueError) as error:
        deep = "depth" in str(error)
        raise Objection("too-deep" if deep else "xml-dtd" if _has_dtd(content) else "xml-malformed") from error
    info = root.getroottree().docinfo
    if info.internalDTD is not None or info.externalDTD is not None or info.doctype:
        raise Objection("xml-dtd")
    return root


def _reading() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _has_dtd(content: bytes) -> bool:
    return b"<!DOCTYPE" in content[:65536].replace(b"\0", b"")


def _check_places(root: etree._Element, own: list[etree._Element]) -> None:
    """The signatures are the last children of the root, and there are no others."""
    if sum(1 for _ in root.iter(_SIGNATURE)) != len(own) or (own and list(root)[-len(own) :] != own):
        raise Objection("xml-signature-place")
    if any((signature.tail or "").strip() for signature in own):
        raise Objection("xml-signature-place", "text after a signature")


def _check_nothing_unsigned(root: etree._Element, own: list[etree._Element]) -> None:
    """URI="" leaves comments out (XMLDSig 4.4.3.3); what stands beside the root is in no signature of ours."""
    beside = [*root.itersiblings(), *root.itersiblings(preceding=True)]
    if own and (beside or any(not isinstance(element.tag, str) for element in root.iter())):
        raise Objection("xml-comments")


def _examine(root: etree._Element, element: etree._Element, place: str, trust: Trust, now: datetime) -> SignatureReport:
    """One signature, which is the last of those that are left."""
    examination = Examination(place, trust, now)
    read = examination.ask("format", lambda: xml_signature.read(element))
    if read is None:
        return examination.report()
    whole = examination.ask("coverage", lambda: _check_whole(root, read))
    examination.coverage = "part" if whole is None else "whole-file"
    examination.signed = examination.ask("signature", lambda: _signed(root, read))
    if examination.signed:
        certificate = examination.signed.certificate
        if whole is not None:
            examination.ask("digest", lambda: _check_digests(root, read, certificate, whole))
        _examine_signer(examination, read, examination.signed)
    return examination.report()


def _examine_signer(examination: Examination, read: XmlSignature, signed: Signed) -> None:
    """When it was signed, and whether that certificate could."""
    examination.claimed_at = signed.claimed_at
    stamped = examination.ask("timestamps", lambda: _judge_time(examination, read))
    level = "XAdES-B-T" if stamped else "XAdES-B-B"
    examination.level = level if signed.names_certificate else "XMLDSig"
    try:
        others, crls = xml_signature.evidence(read)
    except Objection as objection:
        examination.object(objection)
        return
    examination.judge_certificate(crls, others)


def _judge_time(examination: Examination, read: XmlSignature) -> bool:
    """Whether there are timestamps over the signature value; all must be good. Raises Objection."""
    xml_signature.check_unsigned(read)
    value = xml_signature.one(read.element, f"{DS}SignatureValue")
    for token, method in xml_signature.timestamps(read):
        examination.verify_token(token, _canonical_parts(value, method))
    return bool(examination.stamps)


def _canonical_parts(value: etree._Element, method: str) -> Callable[[], tuple[bytes]]:
    return lambda: (_canonical(value, exclusive=method.startswith(EXCLUSIVE), prefixes=frozenset()),)


def _check_whole(root: etree._Element, read: XmlSignature) -> int:
    """Which of the references is the whole document. Raises Objection: none is, or others are not of the signature."""
    documents = [index for index, reference in enumerate(read.references) if reference.uri == ""]
    if len(documents) != 1:
        raise Objection("xml-not-whole", f"{len(documents)} references to the whole document")
    document = read.references[documents[0]]
    if document.transforms[:1] != (xml_signature.ENVELOPED,) or not _canonical_only(document.transforms[1:]):
        raise Objection("xml-transforms", " ".join(document.transforms)[:200])
    _check_own_references(root, read)
    if any(str(name).startswith(_XML) for name in root.attrib):
        raise Objection("xml-shape", "xml: attributes on the root, which canonical forms treat differently")
    if document.transforms[1:] and document.transforms[1].startswith(EXCLUSIVE):
        _check_namespaces(root, read, document)
    return documents[0]


def _check_own_references(root: etree._Element, read: XmlSignature) -> None:
    """Every other reference is to the signature's own KeyInfo or SignedProperties, by an id that is there once."""
    own = {f"{DS}KeyInfo", f"{xml_signature.XADES}SignedProperties"}
    signed_properties = False
    for reference in read.references:
        if reference.uri == "":
            continue
        target = _by_id(root, reference.uri)
        if target.tag not in own or read.element not in target.iterancestors():
            raise Objection("xml-not-whole", "a reference to a part of the document")
        if not _canonical_only(reference.transforms):
            raise Objection("xml-transforms", " ".join(reference.transforms)[:200])
        signed_properties |= target is read.properties and reference.kind == xml_signature.SIGNED_PROPERTIES
    if read.properties is not None and not signed_properties:
        raise Objection("xml-shape", "properties that are not signed")


def _by_id(root: etree._Element, uri: str) -> etree._Element:
    found = [each for each in root.iter() if uri[1:] in (each.get(name) for name in ID_NAMES)]
    if not uri.startswith("#") or not uri[1:] or not found:
        raise Objection("xml-not-whole", "a reference that leads nowhere, or outside")
    if len(found) > 1:
        raise Objection("xml-duplicate-id")
    return found[0]


def _canonical_only(transforms: tuple[str, ...]) -> bool:
    return len(transforms) <= 1 and all(each in xml_signature.CANONICAL for each in transforms)


def _check_namespaces(root: etree._Element, read: XmlSignature, document: Reference) -> None:
    """Exclusive canonical form leaves out namespaces that nothing uses: then none may be declared that is not used."""
    for element in root.iter():
        if element is read.element or read.element in element.iterancestors():
            continue
        parent = element.getparent()
        above = parent.nsmap if parent is not None else {}
        declared = {prefix for prefix, uri in element.nsmap.items() if above.get(prefix) != uri}
        if declared and not declared <= _used(element) | document.prefixes:
            raise Objection("xml-namespaces")


def _used(element: etree._Element) -> set[str | None]:
    """Prefixes that an element's name, its descendants' names or their attributes use."""
    used: set[str | None] = set()
    for each in element.iter():
        used.add(each.prefix)
        if any(str(name).startswith("{") for name in each.attrib):
            by_uri = {uri: prefix for prefix, uri in each.nsmap.items() if prefix}
            used |= {by_uri.get(etree.QName(name).namespace or "") for name in map(str, each.attrib)}
    return used


def _signed(root: etree._Element, read: XmlSignature) -> Signed:
    """Whose key made the signature over SignedInfo. Raises Objection."""
    if not read.certificates:
        raise Objection("no-signing-certificate", "no X509Certificate in KeyInfo")
    certificate = certificates.load(read.certificates[0])
    algorithms.key_of(certificate)
    _run(root, read, certificate, with_digests=False)
    named = xml_signature.names_certificate(read.properties, certificate)
    others = certificates.load_others(read.certificates[1:])
    return Signed(certificate, others, str(read.scheme), xml_signature.claimed_time(read.properties), named)


def _check_digests(root: etree._Element, read: XmlSignature, certificate: x509.Certificate, whole: int) -> None:
    """Return if what was signed is the whole document without this signature. Raises Objection."""
    results = _run(root, read, certificate, with_digests=True)
    document = read.references[whole]
    exclusive = bool(document.transforms[1:]) and document.transforms[1].startswith(EXCLUSIVE)
    copy = etree.fromstring(etree.tostring(root, encoding="utf-8"), _reading())
    _take_out(copy[-1])
    if results[whole].signed_data != _canonical(copy, exclusive=exclusive, prefixes=document.prefixes):
        raise Objection("xml-not-whole", "what was signed is not the document")


class _Verifier(XMLVerifier):
    """signxml for the last child of the root, whatever stands elsewhere."""

    def __init__(self, *, with_digests: bool) -> None:
        self._with_digests = with_digests

    def _get_signature(self, root: Any) -> Any:
        return root[-1]

    def _tostring(self, xml_node: Any, **options: Any) -> bytes:
        """signxml copies a tree through ASCII, where a Cyrillic element name cannot go."""
        copy: bytes = etree.tostring(xml_node, encoding="utf-8", with_tail=False, **options)
        return copy

    def _verify_reference(self, *given: Any, **named: Any) -> Any:
        verify: Any = super()._verify_reference
        return verify(*given, **named) if self._with_digests else None


def _run(
    root: etree._Element, read: XmlSignature, certificate: x509.Certificate, *, with_digests: bool
) -> list[VerifyResult]:
    """signxml's word on the last child of the root. Raises Objection."""
    configuration = SignatureConfiguration(
        expect_references=True,
        verification_time=certificate.not_valid_before_utc + timedelta(seconds=1),
        default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    pinned: Any = certificate
    try:
        results = _Verifier(with_digests=with_digests).verify(
            root, x509_cert=pinned, expect_config=configuration, parser=_reading()
        )
    except InvalidDigest as error:
        raise Objection("hash-failure") from error
    except InvalidSignature as error:
        raise Objection("signature-failure") from error
    except (SignXMLException, etree.LxmlError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise Objection("xml-shape", type(error).__name__) from error
    return results if isinstance(results, list) else [results]


def _canonical(element: etree._Element, *, exclusive: bool, prefixes: frozenset[str]) -> bytes:
    try:
        return etree.tostring(
            element,
            method="c14n",
            exclusive=exclusive,
            with_comments=False,
            inclusive_ns_prefixes=sorted(prefixes) if exclusive else None,
        )
    except etree.C14NError as error:
        raise Objection("xml-malformed", "no canonical form") from error


def _take_out(signature: etree._Element) -> None:
    """Remove a signature, keep the white space after it."""
    parent, before, tail = signature.getparent(), signature.getprevious(), signature.tail or ""
    if parent is None:
        return
    parent.remove(signature)
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
