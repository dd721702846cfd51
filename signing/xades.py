"""Signed XML: an enveloped signature, XAdES-B-B, B-T or B-LTA (ETSI EN 319 132-1), in canonical form.

`sign` and `extend` write Canonical XML 1.0 without comments, and the same inputs give the same bytes. So `read` takes
the signature out, lets signxml write it again around the same value, puts timestamps and evidence back, and compares:
transforms, references, ids, coverage of the whole document are then what `sign` makes of them, and no wrapped or moved
element can pass.

    xmlsec1 --verify --enabled-key-data x509 --trusted-pem root.pem \
      --id-attr:Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties \
      --id-attr:Id http://www.w3.org/2000/09/xmldsig#:KeyInfo file.xml
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.xades.xades import XAdESDataObjectFormat, XAdESSigner

from qujat.errors import (
    DocumentAltered,
    NotSigned,
    SigningError,
)
from qujat.signing import proof, signeddata, timestamp, xmlevidence
from qujat.signing.acceptance import Policy
from qujat.signing.evidence import Evidence
from qujat.signing.proof import Layer, Level, Proof, Recorded, Signed
from qujat.signing.signer import Signer, is_rsa, signature_value
from qujat.signing.timestamp import TimestampAuthority
from qujat.signing.trust import Trust
from qujat.signing.xmlevidence import Unsigned

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
_ID_NAMES = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")
_COORDINATE = 32
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_FORMAT = XAdESDataObjectFormat(Description="Qujat", MimeType="application/xml")


@dataclass(frozen=True, slots=True)
class ReadXml:
    """Signed XML whose bytes are right: `data` is the canonical XML without the signature, as it was digested."""

    data: bytes
    signed: Signed


@dataclass(frozen=True, slots=True)
class SignedXml:
    """What was signed: `data` is the canonical XML without the signature, byte for byte what was digested."""

    data: bytes
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    signed_at: datetime
    timestamp: datetime | None
    level: Level
    proof: Proof


def sign(xml: bytes, signer: Signer, *, at: datetime, timestamper: TimestampAuthority | None = None) -> bytes:
    """The document with the signature as last child of its root, as Canonical XML; `at` is the claimed signing time.

    Raises SigningError for XML that cannot be signed whole: with a DTD, entities, comments, processing instructions,
    an Id on the root, ids that repeat, or a signature of its own; TimestampUnavailable.
    """
    try:
        made = _enveloped(_canonical(_parse(xml)), signer, at)
        return _stamped(made, timestamper) if timestamper else made
    except (_NotOurXml, SignXMLException) as error:
        raise SigningError(
            f"expected plain XML to sign, came another: {error}; take out what cannot be signed"
        ) from error


def extend(xml: bytes, new: Evidence, timestamper: TimestampAuthority) -> bytes:
    """Signed XML of level B-T with this evidence, under a timestamp over all of it: B-LTA.

    Once only: afterwards the file does not change any more, so that a detached signature over it stays true; what
    proves it in later years stands in that. Raises what `read` raises, SigningError.
    """
    parts = _take_apart(xml)
    if parts.signed.level != "B-T":
        raise SigningError(f"expected XML with a timestamp and no evidence yet, came {parts.signed.level}; leave it")
    unsigned = replace(parts.unsigned, evidence=new)
    covered = xmlevidence.everything(_parse(_complete(parts.bare, unsigned))[-1], parts.data)
    return _complete(parts.bare, replace(unsigned, archive=timestamp.stamp(timestamper, covered)))


def read(xml: bytes) -> ReadXml:
    """What was signed in `xml`; every byte of it is right, but nothing is known yet of who signed.

    Raises NotSigned, DocumentAltered, SignatureInvalid, TimestampInvalid, UnsupportedAlgorithm.
    """
    parts = _take_apart(xml)
    return ReadXml(parts.data, parts.signed)


def verify(
    xml: bytes,
    trust: Trust,
    *,
    at: datetime | None = None,
    policy: Policy | None = None,
    recorded: Recorded = proof.nowhere,
) -> SignedXml:
    """What was signed in `xml` and by whom, as it can be proven at the moment `at` (default: now).

    Raises what `read` and `proof.judge` raise.
    """
    found = read(xml)
    signed = found.signed
    proven = proof.judge(signed, trust, at=at or datetime.now(UTC), policy=policy, recorded=recorded)
    return SignedXml(
        found.data, signed.certificate, signed.chain, proven.signed_at, signed.timestamp, signed.level, proven
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Signed XML taken apart: what was signed, the same with its bare signature, and what stands beside that."""

    data: bytes
    bare: bytes
    unsigned: Unsigned
    signed: Signed


def _take_apart(xml: bytes) -> _Parts:
    try:
        root = _parse(xml)
        found = _take_out(root)
        data = _canonical(root)
        bare = _enveloped(data, found, found.signing_time, found.named)
        if _complete(bare, found.unsigned) != xml:
            raise _NotOurXml("it is not what was signed, or not in the one form that is written")
        layers = _layers(found.unsigned, _parse(xml)[-1], data)
    except (ValueError, SignXMLException) as error:
        raise _altered(str(error)) from error
    signeddata.check(found.certificate, signeddata.algorithm_of(found.certificate), found.value, found.signed)
    signed = Signed(found.certificate, found.chain, found.signing_time, layers, sha256(xml).hexdigest())
    return _Parts(data, bare, found.unsigned, signed)


def _stamped(xml: bytes, timestamper: TimestampAuthority) -> bytes:
    """B-T of B-B."""
    token = timestamp.stamp(timestamper, xmlevidence.signed_value(_parse(xml)[-1]))
    return _complete(xml, Unsigned(token))


def _complete(xml: bytes, unsigned: Unsigned) -> bytes:
    """Canonical XML with a bare signature, and the unsigned properties put into it."""
    if unsigned.token is None:
        return xml
    root = etree.fromstring(xml, _parser())
    xmlevidence.write(root[-1], unsigned)
    return _canonical(root)


def _layers(unsigned: Unsigned, signature: etree._Element, data: bytes) -> tuple[Layer, ...]:
    """The timestamps from the inside out. Raises TimestampInvalid, _NotOurXml for evidence that none covers."""
    if unsigned.token is None:
        return ()
    first = Layer("signature-timestamp", timestamp.read(unsigned.token, xmlevidence.signed_value(signature)))
    if unsigned.archive is None:
        if unsigned.evidence:
            raise _NotOurXml("evidence that no timestamp covers")
        return (first,)
    stamp = timestamp.read(unsigned.archive, xmlevidence.everything(signature, data))
    return first, Layer("archive-timestamp", stamp, unsigned.evidence)


class _NotOurXml(ValueError):
    """Why a document cannot be signed, or is not one that was signed here."""


@dataclass(slots=True)
class _Found:
    """The signature of a document, posing as a Signer: signing again with it gives the same value.

    named: how many certificates are named among what was signed. One, the signer's; until version 0.1.0 his path too.
    """

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    signing_time: datetime
    named: int
    value: bytes
    unsigned: Unsigned
    signed: bytes = field(default=b"", init=False)

    def sign(self, data: bytes) -> bytes:
        """Remember what would be signed; give the signature that was found."""
        self.signed = data
        return self.value


class _Key:
    """A Signer where signxml expects a private key."""

    key_size = 8 * _COORDINATE

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def sign(self, data: bytes, **asked: object) -> bytes:
        """signxml asks for SHA-256 with ECDSA or PKCS #1 v1.5 and nothing else: see `_enveloped`."""
        del asked
        return signature_value(self._signer, data)


class _Xades(XAdESSigner):
    """signxml's signer without chance: ids come from the content, the time is given.

    It names the first `named` certificates (EN 319 132-1 5.2.2: one, the signer's; signxml would name his whole path).
    """

    def __init__(self, content: bytes, at: datetime, method: SignatureMethod, named: int) -> None:
        super().__init__(
            signature_algorithm=method,
            digest_algorithm=DigestAlgorithm.SHA256,
            # Inclusive: with exclusive C14N signxml leaves the transform out of the properties' reference.
            c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
            data_object_format=_FORMAT,
        )
        self._stem, self._count = sha256(content).hexdigest()[:16], 0
        self._at, self._named = at.astimezone(UTC).strftime(_TIME), named

    def _get_token(self, length: int = 4) -> str:
        self._count += 1
        return f"-{self._stem}-{self._count}"

    def _tostring(self, xml_node: etree._Element, **options: Any) -> bytes:
        """signxml copies a tree through ASCII, where a Cyrillic element name cannot go."""
        copy: bytes = etree.tostring(xml_node, encoding="utf-8", **options)
        return copy

    def add_signing_time(self, signed_signature_properties: Any, sig_root: Any, signing_settings: Any) -> None:
        etree.SubElement(signed_signature_properties, f"{_XADES}SigningTime", nsmap=self.namespaces).text = self._at

    def add_signing_certificate(self, signed_signature_properties: Any, sig_root: Any, signing_settings: Any) -> None:
        first = replace(signing_settings, cert_chain=signing_settings.cert_chain[: self._named])
        super().add_signing_certificate(signed_signature_properties, sig_root, first)


def _enveloped(data: bytes, signer: Signer, at: datetime, named: int = 1) -> bytes:
    """Canonical XML `data` with an enveloped signature, canonical again."""
    key: Any = _Key(signer)
    certificates = [signer.certificate, *signer.chain]
    document = etree.fromstring(data, _parser())
    method = SignatureMethod.RSA_SHA256 if is_rsa(signer.certificate) else SignatureMethod.ECDSA_SHA256
    root = _Xades(data, at, method, named).sign(document, key=key, cert=certificates, always_add_key_value=False)
    ids = [value for element in root.iter() for name, value in element.items() if name in _ID_NAMES]
    if len(ids) != len(set(ids)):
        raise _NotOurXml("an id that comes twice")
    return _canonical(root)


def _parse(xml: bytes) -> etree._Element:
    """The root of plain XML: elements, attributes, text. Raises _NotOurXml."""
    try:
        root = etree.fromstring(xml, _parser())
    except etree.XMLSyntaxError as error:
        raise _NotOurXml(f"no well-formed XML (line {error.lineno})") from error
    info = root.getroottree().docinfo
    if info.internalDTD is not None or info.externalDTD is not None or info.doctype:
        raise _NotOurXml("a document type declaration")
    beside = [*root.itersiblings(), *root.itersiblings(preceding=True)]
    if beside or any(not isinstance(element.tag, str) for element in root.iter()):
        raise _NotOurXml("a comment, a processing instruction or an entity")
    if any(name in root.attrib for name in _ID_NAMES):
        raise _NotOurXml("an Id on the root, which would take the place of the whole document")
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _canonical(root: etree._Element) -> bytes:
    try:
        return etree.tostring(root, method="c14n", exclusive=False, with_comments=False)
    except etree.C14NError as error:
        raise _NotOurXml(f"XML without a canonical form ({error})") from error


def _take_out(root: etree._Element) -> _Found:
    """Remove the one signature, last child of the root, and give what is in it. Raises NotSigned, _NotOurXml."""
    signatures = list(root.iter(f"{_DS}Signature"))
    if not signatures:
        raise NotSigned("expected signed XML, came XML without a signature; ask for the document as it was issued")
    if len(signatures) != 1 or len(root) == 0 or root[-1] is not signatures[0] or signatures[0].tail:
        raise _NotOurXml("more than one signature, or one that is not the last child of the root")
    signature = signatures[0]
    root.remove(signature)
    unsigned = xmlevidence.read(signature)
    certificates = [_certificate(element) for element in signature.iter(f"{_DS}X509Certificate")]
    if not certificates:
        raise _NotOurXml("a signature without certificates")
    try:
        time = datetime.strptime(_text(signature, f"{_XADES}SigningTime"), _TIME).replace(tzinfo=UTC)
    except ValueError as error:
        raise _NotOurXml("a signing time that is not UTC to the second") from error
    value = _base64(_text(signature, f"{_DS}SignatureValue"))
    named = max(1, len(list(signature.iter(f"{_XADES}Cert"))))
    return _Found(certificates[0], tuple(certificates[1:]), time, named, _value(value, certificates[0]), unsigned)


def _text(signature: etree._Element, tag: str) -> str:
    """The text of the one element of this name. Raises _NotOurXml."""
    found = list(signature.iter(tag))
    if len(found) != 1:
        raise _NotOurXml(f"{len(found)} elements {etree.QName(tag).localname} where there is one")
    return found[0].text or ""


def _certificate(element: etree._Element) -> x509.Certificate:
    return signeddata.load(_base64("".join((element.text or "").split())))


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise _NotOurXml("text that is not Base64") from error


def _value(value: bytes, certificate: x509.Certificate) -> bytes:
    """XML signatures write r and s side by side (XMLDSig 1.1 6.4.3); OpenSSL wants them in DER. RSA stays as it is."""
    if is_rsa(certificate):
        return value
    if len(value) != 2 * _COORDINATE:
        raise _NotOurXml("a signature value that is not of P-256")
    r, s = (int.from_bytes(half, "big") for half in (value[:_COORDINATE], value[_COORDINATE:]))
    return encode_dss_signature(r, s)


def _altered(what: str) -> DocumentAltered:
    return DocumentAltered(
        f"expected XML as it was signed, came another: {what}; get the document again from its issuer"
    )
