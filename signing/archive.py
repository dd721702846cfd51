"""Evidence inside a CMS signature, and archive timestamps over it (ETSI EN 319 122-1 5.5: archive-time-stamp-v3).

Roots stand in SignedData.certificates; revocation lists and OCSP answers in SignedData.crls (RFC 5652 10.2.1, RFC
5940), where OpenSSL and DSS look for them. An archive timestamp names what it covers in its ats-hash-index-v3, so that
more can be added later under a further one. The shape is sealed: each index lists everything that stood in the message
then, and the last one everything that stands in it now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from cryptography import x509

from qujat.errors import DocumentAltered
from qujat.signing import der, signeddata, timestamp
from qujat.signing.der import DerError, tlv
from qujat.signing.evidence import Evidence, evidence
from qujat.signing.proof import Layer
from qujat.signing.signeddata import SignedData
from qujat.signing.timestamp import TimestampAuthority

_OCSP_RESPONSE = der.oid("1.3.6.1.5.5.7.16.2")


@dataclass(frozen=True, slots=True)
class Embedded:
    """The certificates of a message beside the signer's: those of his path, and the values of its evidence."""

    chain: tuple[x509.Certificate, ...]
    layers: tuple[Layer, ...]


def extend(message: SignedData, digest: bytes, new: Evidence, timestamper: TimestampAuthority) -> SignedData:
    """The message with this evidence, under an archive timestamp over it and over `digest`, the SHA-256 of the content.

    Raises TimestampUnavailable.
    """
    revocations = (*new.crls, *(ocsp_choice(response) for response in new.ocsps))
    whole = replace(
        message,
        certificates=tuple(dict.fromkeys((*message.certificates, *new.certificates))),
        revocations=tuple(dict.fromkeys((*message.revocations, *revocations))),
    )
    index = _index(whole)
    token = timestamp.stamp(timestamper, _covered(whole, digest, index))
    return replace(whole, archive=(*whole.archive, replace(signeddata.parse(token), hash_index=index).encode()))


def read(message: SignedData, digest: bytes) -> Embedded:
    """The path's certificates, and the archive timestamps in their order, each checked to cover what it must.

    Raises DocumentAltered, TimestampInvalid.
    """
    try:
        ordered = sorted(message.archive, key=lambda token: (_time(token), token))
        states = [_state_at(message, ordered[:number], token) for number, token in enumerate(ordered)]
        values, chain = _values(message), tuple(c for c in message.certificates if not signeddata.is_self_issued(c))
    except (ValueError, IndexError) as error:
        raise _altered(f"evidence that cannot be read: {error}") from error
    if values and not ordered:
        raise _altered("evidence that no timestamp covers")
    if ordered and set(_held(states[-1])) != set(_held(message)):
        raise _altered("evidence that the last timestamp does not cover")
    others = tuple(signeddata.load(encoded) for encoded in chain if encoded != message.signer)
    return Embedded(others, tuple(_layers(states, ordered, digest)))


def _layers(states: list[SignedData], tokens: list[bytes], digest: bytes) -> list[Layer]:
    layers: list[Layer] = []
    before = Evidence()
    for state, token in zip(states, tokens, strict=True):
        stamped = signeddata.parse(token)
        index = _index(state)
        if stamped.hash_index != index:
            raise _altered("an archive timestamp that covers less, or more, than what stood there")
        bare = replace(stamped, hash_index=None).encode()
        stamp = timestamp.read(bare, _covered(state, digest, index))
        held = _values(state)
        whole = replace(state, archive=(*state.archive, token)).encode()
        layers.append(Layer("archive-timestamp", stamp, held - before, sha256(whole).hexdigest()))
        before = held
    return layers


def _state_at(message: SignedData, before: list[bytes], token: bytes) -> SignedData:
    """The message as it stood when an archive timestamp was asked for: what its index names, and those before it."""
    index = signeddata.parse(token).hash_index
    if index is None:
        raise DerError("no index")
    _algorithm, certificates, revocations, _attributes = der.one(index, der.SEQUENCE).children()
    named = {h.content for part in (certificates, revocations) for h in part.children()}
    return replace(
        message,
        certificates=tuple(c for c in message.certificates if sha256(c).digest() in named),
        revocations=tuple(r for r in message.revocations if sha256(r).digest() in named),
        archive=tuple(before),
    )


def _index(message: SignedData) -> bytes:
    """ATSHashIndexV3 (5.5.2): the digests of all certificates, all revocation values, all unsigned attributes."""
    return tlv(
        der.SEQUENCE,
        signeddata.SHA256_ALGORITHM,
        _digests(sorted(message.certificates)),
        _digests(sorted(message.revocations)),
        _digests([kind + value for kind, value in message.unsigned()]),
    )


def _digests(values: list[bytes]) -> bytes:
    return tlv(der.SEQUENCE, *(der.octets(sha256(value).digest()) for value in values))


def _covered(message: SignedData, digest: bytes, index: bytes) -> bytes:
    """What an archive timestamp is made of (5.5.3): content type, the content's digest, the signer's fields, index."""
    return b"".join((message.content_type, digest, *message.signer_fields(), index))


def _held(message: SignedData) -> tuple[bytes, ...]:
    return (*message.certificates, *message.revocations)


def _values(message: SignedData) -> Evidence:
    """The evidence in a message. ValueError, IndexError."""
    answers = {member: ocsp_of_choice(member) for member in message.revocations}
    crls = [member for member, response in answers.items() if response is None]
    roots = (certificate for certificate in message.certificates if signeddata.is_self_issued(certificate))
    return evidence(roots, filter(None, answers.values()), crls)


def ocsp_choice(response: bytes) -> bytes:
    """An OCSP response as a member of SignedData.crls (RFC 5940 2.1)."""
    return tlv(signeddata.OTHER_REVOCATION, _OCSP_RESPONSE, response)


def ocsp_of_choice(member: bytes) -> bytes | None:
    """The OCSP response in a member of SignedData.crls; None for a list of revoked certificates. DerError."""
    element = der.one(member)
    if element.tag == der.SEQUENCE:
        return None
    kind, response = element.children()
    if element.tag != signeddata.OTHER_REVOCATION or kind.encoded != _OCSP_RESPONSE:
        raise DerError("neither a list of revoked certificates nor an OCSP response")
    return response.encoded


def _time(token: bytes) -> float:
    """When a token says that it was made; for putting tokens in order before they are checked."""
    info = signeddata.parse(token).content
    return der.moment(der.one(info or b"", der.SEQUENCE).children()[4]).timestamp()


def _altered(what: str) -> DocumentAltered:
    return DocumentAltered(f"expected a signature in the one form that is written, came another: {what}; get it again")
