"""Signed XML as NCALayer and NCANode make it, held against the one shape that can be relied on.

NCANode checks any ds:Signature that it finds, over whatever its references name. So before it is asked: one signature,
last child of the root; one reference, to the whole document; the enveloped-signature transform and one
canonicalisation; one certificate and nothing else. The digest is computed here, also Streebog.
"""

from __future__ import annotations

import base64

from lxml import etree

from qujat.errors import DocumentAltered
from qujat.signing import signeddata
from qujat.signing.adapters.cmsfacts import CmsFacts, SignerFacts

LARGEST_XML = 4 * 1024 * 1024
_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_WITH_COMMENTS = f"{_C14N}#WithComments"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_NCA = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"
_DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "2.16.840.1.101.3.4.2.1",
    f"{_NCA}gostr34112015-256": "1.2.398.3.10.1.3.2",
    f"{_NCA}gostr34112015-512": "1.2.398.3.10.1.3.3",
    "http://www.w3.org/2001/04/xmldsig-more#gost34311": "1.2.398.3.10.1.3.1",
}
_SIGNATURES = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": "1.2.840.113549.1.1.11",
    f"{_NCA}gostr34102015-gostr34112015-256": "1.2.398.3.10.1.1.2.3.1",
    f"{_NCA}gostr34102015-gostr34112015-512": "1.2.398.3.10.1.1.2.3.2",
    "http://www.w3.org/2001/04/xmldsig-more#gost34310-gost34311": "1.2.398.3.10.1.1.1.2",
}


def read(xml: bytes) -> CmsFacts:
    """What signed XML says of itself: its content in canonical form, and its one signer. Raises DocumentAltered."""
    root = _parse(xml)
    signature = _only_signature(root)
    info = _child(signature, "SignedInfo", 0)
    _expect([child.tag for child in signature] == [f"{_DS}{n}" for n in ("SignedInfo", "SignatureValue", "KeyInfo")])
    reference = _reference(info)
    value, certificate = _base64(_child(signature, "SignatureValue", 1)), _certificate(_child(signature, "KeyInfo", 2))
    signed = _canonical(_with_inherited(info), comments=True)
    signer = SignerFacts(
        serial=signeddata.load(certificate).serial_number,
        certificate=certificate,
        digest_algorithm=_known(_DIGESTS, _method(reference, "DigestMethod", 1)),
        message_digest=_base64(_child(reference, "DigestValue", 2)),
        signature_algorithm=_known(_SIGNATURES, _method(info, "SignatureMethod", 1)),
        signed=signed,
        signature=value,
        stamp=None,
    )
    root.remove(signature)
    return CmsFacts(_canonical(root, comments=True), (signer,))


def canonical(xml: bytes) -> bytes:
    """Plain XML in Canonical XML 1.0, as it was given out to be signed. Raises DocumentAltered."""
    return _canonical(_parse(xml), comments=True)


def _parse(xml: bytes) -> etree._Element:
    """The root; no DTD, entity, comment or processing instruction anywhere."""
    if len(xml) > LARGEST_XML:
        raise _altered(f"{len(xml)} bytes")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise _altered(f"no well-formed XML (line {error.lineno})") from error
    info = root.getroottree().docinfo
    plain = all(isinstance(element.tag, str) for element in root.iter())
    beside = [*root.itersiblings(), *root.itersiblings(preceding=True)]
    if info.internalDTD is not None or info.externalDTD is not None or info.doctype or beside or not plain:
        raise _altered("a document type, an entity, a comment or a processing instruction")
    return root


def _only_signature(root: etree._Element) -> etree._Element:
    found = list(root.iter(f"{_DS}Signature"))
    if len(found) != 1 or len(root) == 0 or root[-1] is not found[0] or found[0].tail:
        raise _altered("not exactly one signature as the last child of the root")
    return found[0]


def _with_inherited(info: etree._Element) -> etree._Element:
    """SignedInfo with the xml: attributes of what stands around it, as Canonical XML 1.0 section 2.4 has it."""
    for above in info.iterancestors():
        for name, value in above.items():
            if str(name).startswith(_XML) and name not in info.attrib:
                info.set(name, value)
    return info


def _reference(info: etree._Element) -> etree._Element:
    """The one reference: the whole document without the signature, canonical."""
    names = ("CanonicalizationMethod", "SignatureMethod", "Reference")
    _expect([child.tag for child in info] == [f"{_DS}{name}" for name in names])
    reference = _child(info, "Reference", 2)
    names = ("Transforms", "DigestMethod", "DigestValue")
    _expect([child.tag for child in reference] == [f"{_DS}{name}" for name in names])
    _expect(dict(reference.items()) == {"URI": ""})
    transforms = [
        child.get("Algorithm") for child in reference[0] if child.tag == f"{_DS}Transform" and len(child) == 0
    ]
    _expect(len(transforms) == len(reference[0]) and transforms[:1] == [_ENVELOPED])
    # Without comments the same bytes: there are none.
    _expect(transforms[1:] in ([_C14N], [_WITH_COMMENTS]))
    _expect(_method(info, "CanonicalizationMethod", 0) in (_C14N, _WITH_COMMENTS))
    return reference


def _certificate(info: etree._Element) -> bytes:
    """The one certificate of KeyInfo; NCANode answers 500 where there is none."""
    _expect(len(info) == 1 and info[0].tag == f"{_DS}X509Data" and len(info[0]) == 1)
    return _base64(_child(info[0], "X509Certificate", 0))


def _child(parent: etree._Element, name: str, index: int) -> etree._Element:
    _expect(len(parent) > index and parent[index].tag == f"{_DS}{name}")
    return parent[index]


def _method(parent: etree._Element, name: str, index: int) -> str:
    method = _child(parent, name, index)
    _expect(len(method) == 0 and set(method.attrib) == {"Algorithm"})
    return str(method.get("Algorithm"))


def _known(names: dict[str, str], uri: str) -> str:
    """The object identifier of an algorithm; what is not known stands as its own name, and nothing computes it."""
    return names.get(uri, uri)


def _base64(element: etree._Element) -> bytes:
    _expect(len(element) == 0)
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except ValueError as error:
        raise _altered("text that is not Base64") from error


def _canonical(element: etree._Element, *, comments: bool) -> bytes:
    try:
        return etree.tostring(element, method="c14n", exclusive=False, with_comments=comments)
    except etree.C14NError as error:
        raise _altered(f"XML without a canonical form ({error})") from error


def _expect(true: bool) -> None:
    if not true:
        raise _altered("a signature of another make")


def _altered(what: str) -> DocumentAltered:
    return DocumentAltered(f"expected XML signed as a whole with one enveloped signature, came another: {what}")
