"""XML signatures by hand (XMLDSig 1.1, XAdES): every part replaceable, written without any of the code under test."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from strangers.authority import Holder

DS, XADES = "http://www.w3.org/2000/09/xmldsig#", "http://uri.etsi.org/01903/v1.3.2#"
C14N, EXCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DS + "enveloped-signature"
SHA256, SHA1 = "http://www.w3.org/2001/04/xmlenc#sha256", DS + "sha1"
ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
RSA = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def c14n(element: etree._Element, *, exclusive: bool = False) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=False)


@dataclass(frozen=True)
class Reference:
    """A reference with its digest: over the bytes that `signed` gives for the document with the signature in it."""

    signed: Callable[[etree._Element], bytes]
    uri: str = ""
    transforms: tuple[str, ...] = (ENVELOPED, C14N)
    kind: str = ""
    digest: str = SHA256
    inside: str = ""  # XML inside the last transform

    def write(self, root: etree._Element) -> str:
        """The element. References are written when the rest of the signature stands in its place."""
        name = "sha1" if self.digest == SHA1 else "sha256"
        value = b64(hashlib.new(name, self.signed(root)).digest())
        *first, last = self.transforms or ("",)
        steps = "".join(f'<ds:Transform Algorithm="{each}"/>' for each in first)
        steps += f'<ds:Transform Algorithm="{last}">{self.inside}</ds:Transform>' if last else ""
        kind = f' Type="{self.kind}"' if self.kind else ""
        listed = f"<ds:Transforms>{steps}</ds:Transforms>" if steps else ""
        return (
            f'<ds:Reference URI="{self.uri}"{kind}>{listed}<ds:DigestMethod Algorithm="{self.digest}"/>'
            f"<ds:DigestValue>{value}</ds:DigestValue></ds:Reference>"
        )


def whole(*, exclusive: bool = False) -> Callable[[etree._Element], bytes]:
    """The document without the signature that is being made, which is the last child of the root."""

    def signed(root: etree._Element) -> bytes:
        copy = etree.fromstring(etree.tostring(root, encoding="UTF-8"))
        copy.remove(copy[-1])
        return c14n(copy, exclusive=exclusive)

    return signed


def part(identifier: str) -> Callable[[etree._Element], bytes]:
    """The first element with this id."""
    return lambda root: c14n(root.xpath("//*[@Id=$i]", i=identifier)[0])


@dataclass(frozen=True)
class Signing:
    """How a document is signed."""

    holder: Holder
    references: tuple[Reference, ...]
    method: str = ECDSA
    canonical: str = C14N
    key_info: str | None = None
    objects: str = ""
    identifier: str = "S1"
    value: bytes | None = None


def plain(holder: Holder, **changes: object) -> Signing:
    """URI="", enveloped, canonical: what Kazakhstan's tools write."""
    method = RSA if "RSA" in type(holder.key).__name__ else ECDSA
    return Signing(**{"holder": holder, "references": (Reference(whole()),), "method": method, **changes})


def properties(holder: Holder, time: str, *, names: bytes | None = None, unsigned: str = "") -> str:
    """XAdES properties of the signature S1."""
    digest = b64(hashlib.sha256(names or holder.der).digest())
    return (
        f'<ds:Object><x:QualifyingProperties xmlns:x="{XADES}" Target="#S1"><x:SignedProperties Id="P1">'
        f"<x:SignedSignatureProperties><x:SigningTime>{time}</x:SigningTime><x:SigningCertificateV2><x:Cert>"
        f'<x:CertDigest><ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue>{digest}</ds:DigestValue></x:CertDigest>'
        f"</x:Cert></x:SigningCertificateV2></x:SignedSignatureProperties></x:SignedProperties>{unsigned}"
        f"</x:QualifyingProperties></ds:Object>"
    )


def xades(holder: Holder, time: str, **changes: object) -> Signing:
    named = Reference(part("P1"), "#P1", (C14N,), SIGNED_PROPERTIES)
    made = {"references": (Reference(whole()), named), "objects": properties(holder, time), **changes}
    return plain(holder, **made)


def sign(document: bytes, signing: Signing) -> bytes:
    """The document with a signature as last child of its root."""
    root = etree.fromstring(document)
    signature = etree.fromstring(_skeleton(signing))
    root.append(signature)
    info = signature[0]
    for reference in signing.references:
        info.append(etree.fromstring(f'<x xmlns:ds="{DS}">{reference.write(root)}</x>')[0])
    etree.cleanup_namespaces(info)
    value = signing.value or signing.holder.sign(c14n(info, exclusive=signing.canonical.startswith(EXCLUSIVE)))
    signature[1].text = b64(_flat(signing, value))
    return etree.tostring(root, encoding="UTF-8")


def value_of(document: bytes) -> etree._Element:
    """The last SignatureValue."""
    return list(etree.fromstring(document).iter(f"{{{DS}}}SignatureValue"))[-1]


def _skeleton(signing: Signing) -> str:
    certificates = "".join(f"<ds:X509Certificate>{b64(each)}</ds:X509Certificate>" for each in signing.holder.path)
    info = f"<ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo>"
    return (
        f'<ds:Signature xmlns:ds="{DS}" Id="{signing.identifier}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{signing.canonical}"/>'
        f'<ds:SignatureMethod Algorithm="{signing.method}"/></ds:SignedInfo><ds:SignatureValue/>'
        f"{info if signing.key_info is None else signing.key_info}{signing.objects}</ds:Signature>"
    )


def _flat(signing: Signing, value: bytes) -> bytes:
    """r and s side by side (XMLDSig 1.1 6.4.3) for ECDSA."""
    if "ecdsa" not in signing.method or signing.value is not None:
        return value
    return b"".join(each.to_bytes(32, "big") for each in decode_dss_signature(value))
