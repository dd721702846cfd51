"""What a CMS that somebody else made says of itself, read without believing it: also GOST, BER, several signers.

No signature is checked here. `read` takes apart what RFC 5652 allows a signer elsewhere to send and refuses what has
two readings: signed attributes that come twice, two timestamps, a signer known by key identifier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from asn1crypto import cms, tsp

from qujat.errors import DocumentAltered
from qujat.signing.adapters import streebog
from qujat.signing.adapters.exchange import LARGEST_SIGNATURE

_DATA = "1.2.840.113549.1.7.1"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_TIMESTAMP_TOKEN = "1.2.840.113549.1.9.16.2.14"  # noqa: S105  an object identifier
_MOST_SIGNERS = 8

# asn1crypto parses when asked, and says what is wrong in any of these.
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, IndexError)

_HASHES: dict[str, Callable[[bytes], bytes]] = {
    "2.16.840.1.101.3.4.2.1": lambda data: hashlib.sha256(data).digest(),
    "2.16.840.1.101.3.4.2.2": lambda data: hashlib.sha384(data).digest(),
    "2.16.840.1.101.3.4.2.3": lambda data: hashlib.sha512(data).digest(),
    "1.2.398.3.10.1.3.2": lambda data: streebog.digest(data, 256),
    "1.2.398.3.10.1.3.3": lambda data: streebog.digest(data, 512),
}
_WEAK = {"1.2.840.113549.2.5": "MD5", "1.3.14.3.2.26": "SHA-1"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """An RFC 3161 token's own statement: when, under which policy, over which imprint, by which certificate (DER)."""

    time: datetime
    policy: str
    algorithm: str
    imprint: bytes
    certificate: bytes | None


@dataclass(frozen=True, slots=True)
class SignerFacts:
    """One SignerInfo. `signed` is what the signature is over, in DER; `certificate` the embedded one, if there."""

    serial: int
    certificate: bytes | None = field(repr=False)
    digest_algorithm: str
    message_digest: bytes
    signature_algorithm: str
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    stamp: Stamp | None


@dataclass(frozen=True, slots=True)
class CmsFacts:
    """A SignedData: what it carries (None: detached), and who signed."""

    content: bytes | None = field(repr=False)
    signers: tuple[SignerFacts, ...]


def read(encoded: bytes) -> CmsFacts:
    """Take a SignedData apart. Raises DocumentAltered for what is not one, or has more than one reading."""
    if len(encoded) > LARGEST_SIGNATURE:
        raise _altered(f"{len(encoded)} bytes")
    try:
        return _read(encoded)
    except _MALFORMED as error:
        raise _altered(type(error).__name__) from error


def hash_of(data: bytes, algorithm: str) -> bytes | None:
    """The digest of `data` by an algorithm's object identifier; None for one that this office cannot compute."""
    make = _HASHES.get(algorithm)
    return make(data) if make else None


def weak(algorithm: str) -> str | None:
    """The name of a digest algorithm that proves nothing any more, or None."""
    return _WEAK.get(algorithm)


def _read(encoded: bytes) -> CmsFacts:
    info = cms.ContentInfo.load(encoded, strict=True)
    if info["content_type"].native != "signed_data":
        raise _altered("a content type other than signedData")
    data = info["content"]
    encapsulated = data["encap_content_info"]
    if encapsulated["content_type"].dotted != _DATA:
        raise _altered("content that is not plain data")
    content = encapsulated["content"].native
    certificates = _certificates(data)
    if len(data["signer_infos"]) > _MOST_SIGNERS:
        raise _altered(f"{len(data['signer_infos'])} signers")
    return CmsFacts(content, tuple(_signer(signer, certificates) for signer in data["signer_infos"]))


def _certificates(data: Any) -> list[Any]:
    return [choice.chosen for choice in data["certificates"] or () if choice.name == "certificate"]


def _signer(signer: Any, certificates: list[Any]) -> SignerFacts:
    if signer["sid"].name != "issuer_and_serial_number":
        raise _altered("a signer known by key identifier")
    attributes = dict(_attributes(signer["signed_attrs"]))
    kinds, digests = attributes.get(_CONTENT_TYPE), attributes.get(_MESSAGE_DIGEST)
    if kinds is None or digests is None or len(kinds) != 1 or len(digests) != 1 or kinds[0].dotted != _DATA:
        raise _altered("signed attributes without one content type and one message digest (RFC 5652 section 11)")
    sid = signer["sid"].chosen
    return SignerFacts(
        serial=sid["serial_number"].native,
        certificate=_embedded(sid, certificates),
        digest_algorithm=signer["digest_algorithm"]["algorithm"].dotted,
        message_digest=digests[0].native,
        signature_algorithm=signer["signature_algorithm"]["algorithm"].dotted,
        signed=signer["signed_attrs"].untag().dump(force=True),
        signature=signer["signature"].native,
        stamp=_stamp(signer),
    )


def _attributes(found: Any) -> Iterator[tuple[str, Any]]:
    """Attributes by object identifier; raises DocumentAltered if one comes twice."""
    seen = set()
    for attribute in found or ():
        kind = attribute["type"].dotted
        if kind in seen:
            raise _altered("an attribute that comes twice")
        seen.add(kind)
        yield kind, attribute["values"]


def _embedded(sid: Any, certificates: list[Any]) -> bytes | None:
    """The certificate of an issuer and serial number; None if there is none, or more than one."""
    issuer, serial = sid["issuer"].dump(), sid["serial_number"].native
    found = {c.dump() for c in certificates if c.issuer.dump() == issuer and c.serial_number == serial}
    return found.pop() if len(found) == 1 else None


def _stamp(signer: Any) -> Stamp | None:
    values = dict(_attributes(signer["unsigned_attrs"])).get(_TIMESTAMP_TOKEN)
    if values is None:
        return None
    if len(values) != 1:
        raise _altered("more than one timestamp")
    token = values[0]["content"]
    if token["encap_content_info"]["content_type"].native != "tst_info" or len(token["signer_infos"]) != 1:
        raise _altered("a timestamp that is not an RFC 3161 token of one authority")
    statement = tsp.TSTInfo.load(token["encap_content_info"]["content"].contents, strict=True)
    imprint = statement["message_imprint"]
    return Stamp(
        time=statement["gen_time"].native.astimezone(UTC),
        policy=statement["policy"].dotted,
        algorithm=imprint["hash_algorithm"]["algorithm"].dotted,
        imprint=imprint["hashed_message"].native,
        certificate=_embedded(token["signer_infos"][0]["sid"].chosen, _certificates(token)),
    )


def _altered(what: str) -> DocumentAltered:
    return DocumentAltered(
        f"expected a CMS signature with one reading (RFC 5652 section 5), came another: {what}; sign again"
    )
