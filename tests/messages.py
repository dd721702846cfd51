"""CMS messages taken apart and put together otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.serialization import Encoding

from qujat.signing import der, signeddata
from qujat.signing.signer import KeySigner

Fields = list[bytes]
NATIONAL_GOST = ("1.2.398.3.10.1.3.3", "1.2.398.3.10.1.1.2.3.2")


def rewritten(encoded: bytes, change: Callable[[Fields], Fields]) -> bytes:
    """A message with the fields of its SignedData changed; `change` gets and gives DER."""
    kind, wrapped = der.one(encoded).children()
    fields = [field.encoded for field in der.one(wrapped.content).children()]
    return der.tlv(der.SEQUENCE, kind.encoded, der.tlv(0xA0, der.tlv(der.SEQUENCE, *change(fields))))


def with_signer(encoded: bytes, change: Callable[[Fields], Fields]) -> bytes:
    """A message with the fields of its one SignerInfo changed."""

    def changed(fields: Fields) -> Fields:
        signer = [field.encoded for field in der.one(fields[-1]).children()[0].children()]
        return [*fields[:-1], der.tlv(der.SET, der.tlv(der.SEQUENCE, *change(signer)))]

    return rewritten(encoded, changed)


def by_gost(encoded: bytes, digest: str = NATIONAL_GOST[0], signature: str = NATIONAL_GOST[1]) -> bytes:
    """A message that says of itself that it was signed by GOST."""
    names = [der.tlv(der.SEQUENCE, der.oid(name), der.tlv(der.NULL)) for name in (digest, signature)]
    return with_signer(encoded, lambda f: [*f[:2], names[0], f[3], names[1], *f[5:]])


def plain_cms(signer: KeySigner, content: bytes, at: datetime) -> bytes:
    """A plain CMS over `content`, in this process: what a signing program of Kazakhstan writes."""
    certificate = signer.certificate.public_bytes(Encoding.DER)
    attributes = der.set_of(
        signeddata._attribute(signeddata.CONTENT_TYPE, signeddata.DATA),
        signeddata._attribute(signeddata.MESSAGE_DIGEST, der.octets(sha256(content).digest())),
        signeddata._attribute(signeddata.SIGNING_TIME, der.utc_time(at)),
    )
    return signeddata.SignedData(
        signeddata.DATA,
        None,
        (certificate,),
        certificate,
        signeddata.SHA256_ALGORITHM,
        signeddata.algorithm_of(signer.certificate),
        attributes,
        signer.sign(attributes),
    ).encode()
