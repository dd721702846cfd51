"""CMS messages with every part replaceable (RFC 5652, RFC 3161), written with nothing under test but `der`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from qujat.signing import der
from qujat.signing.der import tlv
from strangers.authority import Holder

DATA, TST_INFO = "1.2.840.113549.1.7.1", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME = (f"1.2.840.113549.1.9.{last}" for last in (3, 4, 5))
NAMED, STAMPED = "1.2.840.113549.1.9.16.2.47", "1.2.840.113549.1.9.16.2.14"
COUNTERSIGNATURE = "1.2.840.113549.1.9.6"
DIGESTS = {
    "md5": "1.2.840.113549.2.5",
    "sha1": "1.3.14.3.2.26",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
ECDSA = {
    "sha1": "1.2.840.10045.4.1",
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
}
RSA = "1.2.840.113549.1.1.1"
GOST_DIGEST, GOST_SIGNATURE = "1.2.398.3.10.1.3.3", "1.2.398.3.10.1.1.2.3.2"


@dataclass(frozen=True)
class Recipe:
    """A message over `data` by `holder`; every field that is None is made as it should be."""

    data: bytes
    holder: Holder
    digest: str = "sha256"
    attached: bool = False
    content: bytes | None = None
    content_type: str = DATA
    signed_type: str | None = None
    without: frozenset[str] = frozenset()
    message_digest: bytes | None = None
    names: bytes | None = None
    signing_time: datetime | None = None
    digest_oid: str | None = None
    signature_oid: str | None = None
    signature: bytes | None = None
    certificates: tuple[bytes, ...] | None = None
    unsigned: tuple[bytes, ...] = ()
    bare: bool = False  # no signed attributes at all

    def attributes(self) -> bytes:
        digest = self.message_digest or hashlib.new(self.digest, self.data).digest()
        named = hashlib.sha256(self.names or self.holder.der).digest()
        made = {
            CONTENT_TYPE: der.oid(self.signed_type or self.content_type),
            MESSAGE_DIGEST: der.octets(digest),
            NAMED: tlv(der.SEQUENCE, tlv(der.SEQUENCE, tlv(der.SEQUENCE, der.octets(named)))),
        }
        if self.signing_time:
            made[SIGNING_TIME] = der.utc_time(self.signing_time)
        return der.set_of(*(attribute(kind, value) for kind, value in made.items() if kind not in self.without))

    def value(self) -> bytes:
        """The signature value."""
        signed = self.data if self.bare else self.attributes()
        return self.signature or self.holder.sign(signed, self.digest)

    def signer_info(self) -> bytes:
        algorithm = tlv(der.SEQUENCE, der.oid(self.digest_oid or DIGESTS[self.digest]))
        signature = RSA if "RSA" in type(self.holder.key).__name__ else ECDSA[self.digest]
        return tlv(
            der.SEQUENCE,
            der.integer(1),
            tlv(der.SEQUENCE, issuer_and_serial(self.holder.der)),
            algorithm,
            b"" if self.bare else b"\xa0" + self.attributes()[1:],
            tlv(der.SEQUENCE, der.oid(self.signature_oid or signature)),
            der.octets(self.value()),
            tlv(0xA1, *self.unsigned) if self.unsigned else b"",
        )

    def encode(self, *others: Recipe) -> bytes:
        """The message; with `others`, their SignerInfos stand in it too."""
        return wrapped(self, [self.signer_info(), *(other.signer_info() for other in others)])


def wrapped(recipe: Recipe, signers: list[bytes]) -> bytes:
    content = recipe.content if recipe.content is not None else recipe.data if recipe.attached else None
    inside = () if content is None else (tlv(0xA0, der.octets(content)),)
    held = recipe.holder.path if recipe.certificates is None else recipe.certificates
    signed_data = (
        der.integer(1 if recipe.content_type == DATA else 3),
        tlv(der.SET, tlv(der.SEQUENCE, der.oid(recipe.digest_oid or DIGESTS[recipe.digest]))),
        tlv(der.SEQUENCE, der.oid(recipe.content_type), *inside),
        tlv(0xA0, *held) if held else b"",
        tlv(der.SET, *signers),
    )
    return tlv(der.SEQUENCE, der.oid("1.2.840.113549.1.7.2"), tlv(0xA0, tlv(der.SEQUENCE, *signed_data)))


def attribute(kind: str, *values: bytes) -> bytes:
    return tlv(der.SEQUENCE, der.oid(kind), tlv(der.SET, *values))


def issuer_and_serial(certificate: bytes) -> bytes:
    fields = der.one(certificate).children()[0].children()
    return fields[3].encoded + fields[1].encoded


def token(value: bytes, tsa: Holder, at: datetime, **changes: object) -> bytes:
    """A timestamp over `value`."""
    return token_over(hashlib.sha256(value).digest(), tsa, at, **changes)


def token_over(digest: bytes, tsa: Holder, at: datetime, **changes: object) -> bytes:
    """A timestamp over a SHA-256 digest."""
    imprint = tlv(der.SEQUENCE, tlv(der.SEQUENCE, der.oid(DIGESTS["sha256"])), der.octets(digest))
    info = tlv(der.SEQUENCE, der.integer(1), der.oid("2.25.1"), imprint, der.integer(1), der.generalized_time(at))
    return Recipe(info, tsa, attached=True, content_type=TST_INFO, **changes).encode()


def stamped(recipe: Recipe, tsa: Holder, at: datetime, value: bytes | None = None, **changes: object) -> Recipe:
    """The same message with a timestamp over its signature value, or over `value`."""
    fixed = replace(recipe, signature=recipe.value())
    made = token(fixed.value() if value is None else value, tsa, at, **changes)
    return replace(fixed, unsigned=(*fixed.unsigned, attribute(STAMPED, made)))


def indefinite(encoded: bytes) -> bytes:
    """The same message in BER with an outer length that is not given (X.690 8.1.3.6)."""
    return b"\x30\x80" + der.one(encoded).content + b"\0\0"
