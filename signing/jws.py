"""Signed JSON that any library reads: JWS in its compact form (RFC 7515), ES256 alone (RFC 7518 3.4)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from qujat.errors import DocumentAltered, SignatureInvalid
from qujat.signing.mark_keys import MarkKey, kid_of


def sign(payload: Mapping[str, Any], kind: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The payload in canonical JSON (RFC 8785), signed with a key on P-256. `kind` says what it is: `typ`."""
    header = rfc8785.dumps({"alg": "ES256", "kid": kid_of(key.public_key()).hex(), "typ": kind})
    signed = _encoded(header) + b"." + _encoded(rfc8785.dumps(dict(payload)))
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(SHA256(), deterministic_signing=True)))
    return signed + b"." + _encoded(r.to_bytes(32) + s.to_bytes(32))


def verify(content: bytes, kind: str, keys: Mapping[bytes, MarkKey]) -> tuple[dict[str, Any], MarkKey]:
    """The payload, and whose key signed it; whether that key counted at the time is another question.

    Raises DocumentAltered (not of this form, or of another kind), SignatureInvalid (another key or other bytes).
    """
    try:
        header, payload, signature = (_decoded(part) for part in content.split(b"."))
        named, said = json.loads(header), json.loads(payload)
        kid = bytes.fromhex(named["kid"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise DocumentAltered(f"expected a JWS in its compact form (RFC 7515), came another: {error}") from error
    if named != {"alg": "ES256", "kid": kid.hex(), "typ": kind} or not isinstance(said, dict) or len(signature) != 64:
        raise DocumentAltered(f"expected a JWS of the type {kind} with ES256, came another")
    if kid not in keys:
        raise SignatureInvalid(f"expected a key that is listed here, came {kid.hex()}; restore the list of keys")
    dss = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    try:
        keys[kid].public_key.verify(dss, content.rpartition(b".")[0], ec.ECDSA(SHA256()))
    except InvalidSignature as error:
        raise SignatureInvalid("expected a signature by the key that it names, came another") from error
    return said, keys[kid]


def _encoded(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    """ValueError for anything but Base64url without padding, spelled in the one way."""
    value = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    if _encoded(value) != text:
        raise ValueError("not Base64url")
    return value
