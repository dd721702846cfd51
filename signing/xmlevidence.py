"""Timestamps and evidence inside an XML signature (ETSI EN 319 132-1 5.3-5.5), each in one fixed place and spelling.

UnsignedSignatureProperties: SignatureTimeStamp; then, for evidence that lasts, CertificateValues, RevocationValues, and
an ArchiveTimeStamp over all of it. What a timestamp covers is put in exclusive canonical form, which does not depend on
the elements around it.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from qujat.signing.evidence import NONE, Evidence, evidence

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
_XADES_141 = "{http://uri.etsi.org/01903/v1.4.1#}"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


@dataclass(frozen=True, slots=True)
class Unsigned:
    """What stands beside the signature: its timestamp, the evidence, the timestamp over everything; DER."""

    token: bytes | None = None
    evidence: Evidence = NONE
    archive: bytes | None = None


def read(signature: etree._Element) -> Unsigned:
    """The unsigned properties of a signature. Only looks: what is in its place is known when it is written again."""
    found = evidence(
        _values(signature, f"{_XADES}EncapsulatedX509Certificate"),
        _values(signature, f"{_XADES}EncapsulatedOCSPValue"),
        _values(signature, f"{_XADES}EncapsulatedCRLValue"),
    )
    return Unsigned(
        _stamp(signature, f"{_XADES}SignatureTimeStamp"), found, _stamp(signature, f"{_XADES_141}ArchiveTimeStamp")
    )


def write(signature: etree._Element, unsigned: Unsigned) -> None:
    """Put unsigned properties into a signature that has none."""
    if unsigned.token is None:
        return
    qualifying = _one(signature, f"{_XADES}QualifyingProperties")
    properties = _add(_add(qualifying, f"{_XADES}UnsignedProperties"), f"{_XADES}UnsignedSignatureProperties")
    _timestamp(_add(properties, f"{_XADES}SignatureTimeStamp"), unsigned.token)
    if unsigned.evidence:
        _write_evidence(properties, unsigned.evidence)
    if unsigned.archive is not None:
        stamp = etree.SubElement(properties, f"{_XADES_141}ArchiveTimeStamp", nsmap={"xadesv141": _XADES_141[1:-1]})
        _timestamp(stamp, unsigned.archive)


def signed_value(signature: etree._Element) -> bytes:
    """What the SignatureTimeStamp is made of (5.3): the SignatureValue element."""
    return _exclusive(_one(signature, f"{_DS}SignatureValue"))


def everything(signature: etree._Element, data: bytes) -> bytes:
    """What the ArchiveTimeStamp is made of (5.5.2.2): what was signed, how, by whom, and the properties before it.

    `data`: the canonical document without the signature, which is what its first reference covers.
    """
    named = {element.get("Id"): element for element in signature.iter() if element.get("Id")}
    covered = [data]
    for reference in list(signature.iter(f"{_DS}Reference"))[1:]:
        covered.append(_exclusive(named[str(reference.get("URI"))[1:]]))
    for name in ("SignedInfo", "SignatureValue", "KeyInfo"):
        covered.append(_exclusive(_one(signature, f"{_DS}{name}")))
    properties = _one(signature, f"{_XADES}UnsignedSignatureProperties")
    covered.extend(_exclusive(child) for child in properties if child.tag != f"{_XADES_141}ArchiveTimeStamp")
    return b"".join(covered)


def _write_evidence(properties: etree._Element, held: Evidence) -> None:
    if held.certificates:
        values = _add(properties, f"{_XADES}CertificateValues")
        _encapsulate(values, f"{_XADES}EncapsulatedX509Certificate", held.certificates)
    if held.crls or held.ocsps:
        values = _add(properties, f"{_XADES}RevocationValues")
        if held.crls:
            _encapsulate(_add(values, f"{_XADES}CRLValues"), f"{_XADES}EncapsulatedCRLValue", held.crls)
        if held.ocsps:
            _encapsulate(_add(values, f"{_XADES}OCSPValues"), f"{_XADES}EncapsulatedOCSPValue", held.ocsps)


def _timestamp(stamp: etree._Element, token: bytes) -> None:
    _add(stamp, f"{_DS}CanonicalizationMethod").set("Algorithm", _EXCLUSIVE)
    _encapsulate(stamp, f"{_XADES}EncapsulatedTimeStamp", [token])


def _encapsulate(parent: etree._Element, tag: str, values: Sequence[bytes]) -> None:
    for value in values:
        _add(parent, tag).text = base64.b64encode(value).decode("ascii")


def _stamp(signature: etree._Element, tag: str) -> bytes | None:
    found = [value for stamp in signature.iter(tag) for value in _values(stamp, f"{_XADES}EncapsulatedTimeStamp")]
    return found[0] if found else None


def _values(above: etree._Element, tag: str) -> list[bytes]:
    """The Base64 values of the elements of a name. ValueError for text that is not Base64."""
    return [base64.b64decode(element.text or "", validate=True) for element in above.iter(tag)]


def _one(signature: etree._Element, tag: str) -> etree._Element:
    found = list(signature.iter(tag))
    if len(found) != 1:
        raise ValueError(f"{len(found)} elements {etree.QName(tag).localname} where there is one")
    return found[0]


def _add(parent: etree._Element, tag: str) -> etree._Element:
    return etree.SubElement(parent, tag)


def _exclusive(element: etree._Element) -> bytes:
    """Exclusive canonical XML of one element, without the text after it."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False)
