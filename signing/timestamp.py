"""Trusted time (RFC 3161): who stamps, and what a token proves.

A token says that a digest existed at its genTime. `verify` binds it to the very value that it should stamp.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from qujat.errors import TimestampInvalid, TimestampUnavailable, VerificationError
from qujat.signing import der, signeddata
from qujat.signing.der import DerError, tlv
from qujat.signing.signer import KeySigner, low
from qujat.signing.trust import STAND_IN_POLICY, Trust

TST_INFO = der.oid("1.2.840.113549.1.9.16.1.4")
_GRANTED = (der.integer(0), der.integer(1))  # granted, grantedWithMods (RFC 3161 2.4.2)
_LARGEST = 65536
_TRUE = tlv(der.BOOLEAN, b"\xff")


class TimestampAuthority(Protocol):
    """Stamps digests."""

    def token(self, digest: bytes) -> bytes:
        """An RFC 3161 token in DER over a SHA-256 digest. Raises TimestampUnavailable."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """What a token proves: that the stamped value existed at `time`, by the word of `certificate`."""

    time: datetime
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


@dataclass(frozen=True)
class StandInAuthority:
    """A timestamp authority in this process. It tells the time of `clock` and names the stand-in policy."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate
    clock: Callable[[], datetime]
    _signer: KeySigner = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_signer", KeySigner(self.key, self.certificate))

    def token(self, digest: bytes) -> bytes:
        """A token over a SHA-256 digest at the clock's time, to the second."""
        return self._stamp(_imprint(digest), ())

    def respond(self, request: bytes) -> bytes:
        """The TimeStampResp to a TimeStampReq (RFC 3161 2.4); a rejection if the request is not one we serve."""
        try:
            version, imprint, *options = der.one(request, der.SEQUENCE).children()
            digest = imprint.children()[1].content
            if version.encoded != der.integer(1) or imprint.encoded != _imprint(digest) or len(digest) != 32:
                raise DerError("only SHA-256 is served")
            nonce = tuple(option.encoded for option in options if option.tag == der.INTEGER)
        except (ValueError, IndexError):  # DerError among them
            return tlv(der.SEQUENCE, tlv(der.SEQUENCE, der.integer(2)))
        return tlv(der.SEQUENCE, tlv(der.SEQUENCE, _GRANTED[0]), self._stamp(imprint.encoded, nonce))

    def _stamp(self, imprint: bytes, nonce: tuple[bytes, ...]) -> bytes:
        info = tlv(
            der.SEQUENCE,
            der.integer(1),
            der.oid(STAND_IN_POLICY.dotted_string),
            imprint,
            der.integer(secrets.randbits(64)),
            der.generalized_time(self.clock()),
            tlv(der.SEQUENCE, der.integer(1)),  # accuracy: the clock is read to the second
            *nonce,
        )
        return signeddata.make(sha256(info).digest(), self._signer, content_type=TST_INFO, content=info)


@dataclass(frozen=True, slots=True)
class HttpAuthority:
    """A timestamp authority somewhere else, over HTTP (RFC 3161 3.4)."""

    url: str
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise TimestampUnavailable(f"expected an http(s) address of a timestamp authority, came {self.url!r}")

    def token(self, digest: bytes) -> bytes:
        """Ask for a token over a SHA-256 digest. Raises TimestampUnavailable: no answer or a refusal."""
        nonce = der.integer(secrets.randbits(64))
        response = self._post(tlv(der.SEQUENCE, der.integer(1), _imprint(digest), nonce, _TRUE))
        try:
            status, *tokens = der.one(response, der.SEQUENCE).children()
            if status.children()[0].encoded not in _GRANTED or not tokens:
                raise DerError("the request was refused")
            info = signeddata.parse(tokens[0].encoded).content or b""
            if nonce not in [f.encoded for f in der.one(info, der.SEQUENCE).children()[5:]]:
                raise DerError("the answer is to another request")
        except (ValueError, IndexError, VerificationError) as error:
            raise self._unavailable(str(error)) from error
        return tokens[0].encoded

    def _post(self, request: bytes) -> bytes:
        # Imported here: most processes stamp in their own or only check, and these cost more than all else here.
        import http.client
        import urllib.request

        headers = {"Content-Type": "application/timestamp-query"}
        query = urllib.request.Request(self.url, request, headers)  # noqa: S310  the scheme was checked
        try:
            with urllib.request.urlopen(query, timeout=self.timeout_seconds) as answer:  # noqa: S310
                content: bytes = answer.read(_LARGEST)
        except (http.client.HTTPException, OSError) as error:
            raise self._unavailable(str(error)) from error
        return content

    def _unavailable(self, reason: str) -> TimestampUnavailable:
        return TimestampUnavailable(
            f"expected a timestamp from {self.url}, came: {reason}; try again, or name another authority"
        )


def stamp(authority: TimestampAuthority, value: bytes) -> bytes:
    """A token over `value`, checked before use. Raises TimestampUnavailable if it does not stamp this value."""
    return stamp_digest(authority, sha256(value).digest())


def stamp_digest(authority: TimestampAuthority, digest: bytes) -> bytes:
    """A token over a SHA-256 digest, checked before use. Raises TimestampUnavailable if it is of another digest."""
    token = authority.token(digest)
    try:
        message = signeddata.parse(token)
        if message.signature_algorithm == signeddata.ECDSA_SHA256:
            token = replace(message, signature=low(message.signature)).encode()
        read_digest(token, digest)
    except (ValueError, VerificationError) as error:
        raise TimestampUnavailable(
            f"expected a timestamp of this signature, came another: {error}; try again, or name another authority"
        ) from error
    return token


def verify(token: bytes, value: bytes, trust: Trust) -> Timestamp:
    """What a token proves of `value`: RFC 3161 2.2, 2.4.2; the authority's path is validated at genTime.

    Raises TimestampInvalid, and of `Trust.path` CertificateUntrusted, CertificateRevoked, RevocationUnknown.
    """
    timestamp = read(token, value)
    path = trust.path(timestamp.certificate, timestamp.chain, at=timestamp.time, purpose="timestamp")
    if set(timestamp.chain) != set(path[1:-1]):
        raise TimestampInvalid(
            "expected the certificates of the timestamp's path and no others, came more or fewer; do not rely on it"
        )
    return timestamp


def read(token: bytes, value: bytes) -> Timestamp:
    """A token's statement, its own signature checked but not yet who made it. Raises TimestampInvalid."""
    return read_digest(token, sha256(value).digest())


def read_digest(token: bytes, digest: bytes) -> Timestamp:
    """A token's statement about a SHA-256 digest; for the rest see `read`."""
    try:
        message = signeddata.parse(token)
        if message.content_type != TST_INFO or message.content is None or message.has_additions:
            raise DerError("not a timestamp token")
        time = _gen_time(message.content, digest)
        certificate = signeddata.verify(message, sha256(message.content).digest())
    except (ValueError, IndexError, VerificationError) as error:
        raise TimestampInvalid(
            f"expected an RFC 3161 timestamp of this signature, came another: {error}; do not rely on its time"
        ) from error
    return Timestamp(time, certificate, signeddata.embedded_chain(message))


def _gen_time(info: bytes, stamped: bytes) -> datetime:
    """genTime of a TSTInfo, if its imprint is this digest; DerError otherwise."""
    version, _policy, imprint, _serial, time, *_rest = der.one(info, der.SEQUENCE).children()
    algorithm, digest = imprint.children()
    if version.encoded != der.integer(1) or algorithm.encoded not in signeddata.DIGESTS:
        raise DerError("a timestamp of another version or digest")
    if digest.encoded != der.octets(stamped):
        raise DerError("the timestamp is of something else")
    return der.moment(time)


def _imprint(digest: bytes) -> bytes:
    return tlv(der.SEQUENCE, signeddata.SHA256_ALGORITHM, der.octets(digest))


@contextmanager
def serve(authority: StandInAuthority, port: int = 0) -> Iterator[str]:
    """Serve a stand-in authority on this machine (for tests and benchmarks); gives its URL. Port 0 takes a free one."""
    from qujat.signing import services

    with services.serve({"/": services.timestamps(authority)}, port) as url:
        yield url
