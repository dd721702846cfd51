"""An XML signature taken apart: what it says of itself, before it is believed (XMLDSig 1.1, ETSI EN 319 132-1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from qujat.verifier import algorithms
from qujat.verifier.algorithms import Scheme
from qujat.verifier.report import Objection

DS = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
XADES141 = "{http://uri.etsi.org/01903/v1.4.1#}"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
CANONICAL = frozenset(
    (
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2006/12/xml-c14n11#WithComments",
        EXCLUSIVE,
        EXCLUSIVE + "WithComments",
    )
)
MOST_REFERENCES = 8
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
ID_NAMES = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")
_IN_KEY_INFO = frozenset((f"{DS}X509Data", f"{DS}KeyValue", f"{DS}KeyName"))
# Evidence that may be added to a signature later; read for what signs it, or not at all (EN 319 132-1 5.4-5.5).
_EVIDENCE = frozenset(
    (
        *("CertificateValues", "RevocationValues", "AttrAuthoritiesCertValues", "AttributeRevocationValues"),
        *("CompleteCertificateRefs", "CompleteCertificateRefsV2", "CompleteRevocationRefs"),
        *("ArchiveTimeStamp", "TimeStampValidationData"),
    )
)


@dataclass(frozen=True, slots=True)
class Reference:
    """What is signed: the whole document ("") or an element by its id, after these transforms."""

    uri: str
    kind: str
    transforms: tuple[str, ...]
    prefixes: frozenset[str]


@dataclass(frozen=True, slots=True)
class XmlSignature:
    """A signature as it is written."""

    element: etree._Element = field(repr=False)
    scheme: Scheme
    references: tuple[Reference, ...]
    certificates: tuple[bytes, ...] = field(repr=False)
    properties: etree._Element | None = field(repr=False)


def read(element: etree._Element) -> XmlSignature:
    """Take a signature apart. Raises Objection: a part missing, twice, or not known here."""
    signed = one(element, f"{DS}SignedInfo")
    _only(element, f"{DS}SignedInfo", f"{DS}SignatureValue", f"{DS}KeyInfo", f"{DS}Object")
    _only(signed, f"{DS}CanonicalizationMethod", f"{DS}SignatureMethod", f"{DS}Reference")
    method = one(signed, f"{DS}CanonicalizationMethod").get("Algorithm", "")
    if method not in CANONICAL:
        raise Objection("xml-transforms", method[:100])
    scheme = algorithms.xml_scheme(one(signed, f"{DS}SignatureMethod").get("Algorithm", ""))
    listed = signed.findall(f"{DS}Reference")
    if len(listed) > MOST_REFERENCES:
        raise Objection("too-costly", f"{len(listed)} references")
    references = tuple(_reference(each) for each in listed)
    return XmlSignature(element, scheme, references, tuple(_certificates(element)), _properties(element))


def one(parent: etree._Element, tag: str) -> etree._Element:
    """The one child of this name. Raises Objection."""
    found = parent.findall(tag)
    if len(found) != 1:
        raise Objection("xml-shape", f"{len(found)} {etree.QName(tag).localname} where there is one")
    return found[0]


def decoded(element: etree._Element) -> bytes:
    """The bytes of an element with Base64 in it. Raises Objection."""
    if len(element):
        raise Objection("xml-shape", "elements where there is Base64")
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Objection("xml-shape", "Base64 that does not open") from error


def claimed_time(properties: etree._Element | None) -> datetime | None:
    """The signer's own word on when he signed, if he gives one with its zone."""
    found = properties.find(f".//{XADES}SigningTime") if properties is not None else None
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found.text or "")
    except ValueError as error:
        raise Objection("xml-shape", "a signing time that is none") from error
    return moment.astimezone(UTC) if moment.tzinfo else None


def names_certificate(properties: etree._Element | None, certificate: x509.Certificate) -> bool:
    """Whether signed properties name the certificate (EN 319 132-1 5.2.2). Raises Objection if they name another."""
    if properties is None:
        return False
    listed = [properties.find(f".//{XADES}{name}") for name in ("SigningCertificateV2", "SigningCertificate")]
    found = next((each for each in listed if each is not None), None)
    if found is None:
        return False
    first = found.find(f"{XADES}Cert/{XADES}CertDigest")
    if first is None:
        raise Objection("xml-shape", "a signing certificate without a digest")
    digest = algorithms.xml_digest(one(first, f"{DS}DigestMethod").get("Algorithm", ""))
    if decoded(one(first, f"{DS}DigestValue")) != hashlib.new(digest, certificate.public_bytes(Encoding.DER)).digest():
        raise Objection("other-certificate")
    return True


def timestamps(signature: XmlSignature) -> Iterator[tuple[bytes, str]]:
    """Every signature timestamp: its token, and the canonical form in which SignatureValue was stamped."""
    for stamp in _unsigned(signature, "SignatureTimeStamp"):
        methods = stamp.findall(f"{DS}CanonicalizationMethod")
        method = methods[0].get("Algorithm", "") if methods else "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
        if method not in CANONICAL:
            raise Objection("xml-transforms", method[:100])
        _only(stamp, f"{DS}CanonicalizationMethod", f"{XADES}EncapsulatedTimeStamp")
        yield decoded(one(stamp, f"{XADES}EncapsulatedTimeStamp")), method


def evidence(signature: XmlSignature) -> tuple[list[bytes], list[bytes]]:
    """Certificates and CRLs that were added to the signature."""
    certificates = signature.element.iterfind(f".//{XADES}CertificateValues/{XADES}EncapsulatedX509Certificate")
    crls = signature.element.iterfind(f".//{XADES}RevocationValues/{XADES}CRLValues/{XADES}EncapsulatedCRLValue")
    return [decoded(each) for each in certificates], [decoded(each) for each in crls]


def check_unsigned(signature: XmlSignature) -> None:
    """Return if the unsigned properties are timestamps and evidence only. Raises Objection."""
    for each in _unsigned(signature, None):
        name = etree.QName(each)
        known = name.namespace in (XADES[1:-1], XADES141[1:-1]) and name.localname in _EVIDENCE
        if not known and each.tag != f"{XADES}SignatureTimeStamp":
            raise Objection("unsigned-attribute", name.localname[:60])


def _unsigned(signature: XmlSignature, name: str | None) -> list[etree._Element]:
    found: list[etree._Element] = []
    for parent in signature.element.iter(f"{XADES}UnsignedProperties"):
        _only(parent, f"{XADES}UnsignedSignatureProperties")
        for holder in parent:
            found.extend(each for each in holder if name is None or each.tag == f"{XADES}{name}")
    return found


def _reference(element: etree._Element) -> Reference:
    """A Reference without anything outside this document in it."""
    _only(element, f"{DS}Transforms", f"{DS}DigestMethod", f"{DS}DigestValue")
    algorithms.xml_digest(one(element, f"{DS}DigestMethod").get("Algorithm", ""))
    transforms = element.findall(f"{DS}Transforms/{DS}Transform")
    prefixes = frozenset(
        prefix
        for transform in transforms
        for listed in transform
        for prefix in listed.get("PrefixList", "").split()
        if listed.tag == f"{{{EXCLUSIVE}}}InclusiveNamespaces"
    )
    if any(child.tag != f"{{{EXCLUSIVE}}}InclusiveNamespaces" for transform in transforms for child in transform):
        raise Objection("xml-transforms", "a transform with parameters")
    uri = element.get("URI")
    if uri is None:
        raise Objection("xml-not-whole", "a reference without a URI")
    names = tuple(transform.get("Algorithm", "") for transform in transforms)
    return Reference(uri, element.get("Type", ""), names, prefixes)


def _certificates(element: etree._Element) -> Iterator[bytes]:
    """X.509 certificates of KeyInfo, the signer's first."""
    info = one(element, f"{DS}KeyInfo") if element.findall(f"{DS}KeyInfo") else None
    if info is None:
        return
    if unknown := {child.tag for child in info} - _IN_KEY_INFO:
        raise Objection("xml-shape", f"KeyInfo with {etree.QName(str(unknown.pop())).localname[:60]}")
    for each in info.iterfind(f"{DS}X509Data/{DS}X509Certificate"):
        yield decoded(each)


def _properties(element: etree._Element) -> etree._Element | None:
    """XAdES SignedProperties, which must speak of this signature. Raises Objection for any other Object."""
    objects = element.findall(f"{DS}Object")
    if not objects:
        return None
    if len(objects) > 1:
        raise Objection("xml-shape", "more than one Object")
    qualifying = one(objects[0], f"{XADES}QualifyingProperties")
    _only(objects[0], f"{XADES}QualifyingProperties")
    _only(qualifying, f"{XADES}SignedProperties", f"{XADES}UnsignedProperties")
    if qualifying.get("Target") != f"#{element.get('Id')}":
        raise Objection("xml-shape", "properties of another signature")
    return one(qualifying, f"{XADES}SignedProperties")


def _only(parent: etree._Element, *tags: str) -> None:
    for child in parent:
        if child.tag not in tags:
            raise Objection("xml-shape", f"{etree.QName(parent).localname} with {str(child.tag)[:80]}")
