"""What counts as proof here: whose word, and which algorithms until which day. Printed with every verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from qujat.errors import UnsupportedAlgorithm
from qujat.signing.trust import Path, Trust

# The earlier of two sources. ETSI TS 119 312 V1.5.1 (2024-12), as EU DSS 6.4 has it in its policy, lets RSA with
# PKCS #1 v1.5 end before 2029, at any length; NIST IR 8547 all of RSA and elliptic curves after 2035. Nobody has named
# an end of SHA-2: its day is when to look again.
ALGORITHMS: Mapping[str, date] = MappingProxyType(
    {
        "SHA-256": date(2045, 12, 31),
        "SHA-384": date(2045, 12, 31),
        "SHA-512": date(2045, 12, 31),
        "ECDSA-P256": date(2035, 12, 31),
        "ECDSA-P384": date(2035, 12, 31),
        "ECDSA-P521": date(2035, 12, 31),
        "RSA-2048": date(2028, 12, 31),
        "RSA-3072": date(2028, 12, 31),
    }
)
_CURVES = {"secp256r1": "ECDSA-P256", "secp384r1": "ECDSA-P384", "secp521r1": "ECDSA-P521"}


@dataclass(frozen=True)
class Policy:
    """What counts as proof here. It is printed with every verdict.

    register_is_proof: that the register recorded a file at a time proves that the file existed then.
    tsa_is_anchor: a timestamp needs no word on revocation while the certificates of its path last.
    algorithms: those accepted, each with its last day (UTC); what is not listed is not accepted.
    """

    register_is_proof: bool = True
    tsa_is_anchor: bool = False
    algorithms: Mapping[str, date] = field(default_factory=lambda: ALGORITHMS)

    def as_json(self) -> dict[str, Any]:
        """The policy as a check reports it."""
        return {
            "register_is_proof": self.register_is_proof,
            "timestamp_authority_is_anchor": self.tsa_is_anchor,
            "algorithms": {name: day.isoformat() for name, day in self.algorithms.items()},
        }

    def first_to_end(self, names: set[str]) -> tuple[datetime, str]:
        """The end of the last day of that algorithm which ends first, and its name. Raises UnsupportedAlgorithm."""
        if missing := sorted(names - self.algorithms.keys()):
            raise UnsupportedAlgorithm(f"expected algorithms that are accepted here, came {', '.join(missing)}")
        name = min(names, key=lambda name: (self.algorithms[name], name))
        return datetime.combine(self.algorithms[name], time(23, 59, 59), UTC), name


def rules(trust: Trust, policy: Policy) -> str:
    """A name for everybody whose word counts and for the policy: under one name, one answer about the same bytes."""
    known = sorted(each.fingerprint(SHA256()).hex() for each in (*trust.anchors, *trust.intermediates))
    return sha256(json.dumps([known, policy.as_json()], sort_keys=True).encode()).hexdigest()


def path_end(path: Path, policy: Policy, holder: str) -> tuple[datetime, str]:
    """When the first certificate or algorithm of a holder's path runs out, and which."""
    certificate = min(path, key=lambda c: c.not_valid_after_utc)
    day, algorithm = policy.first_to_end(set(_algorithms(path)))
    if day < certificate.not_valid_after_utc:
        return day, f"the acceptance of {algorithm}"
    whose = holder if certificate == path[0] else "the root" if certificate == path[-1] else "an issuing authority"
    return certificate.not_valid_after_utc, f"the certificate of {whose}"


def _algorithms(path: Path) -> Iterator[str]:
    """What a path rests on: the digest of the message, each key, each certificate's digest but the anchor's own."""
    yield "SHA-256"
    for certificate in path:
        key = certificate.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey):
            yield _CURVES.get(key.curve.name, key.curve.name)
        elif isinstance(key, rsa.RSAPublicKey):
            yield f"RSA-{3072 if key.key_size >= 3072 else 2048 if key.key_size >= 2048 else key.key_size}"
    for certificate in path[:-1]:
        digest = certificate.signature_hash_algorithm
        yield f"SHA-{digest.digest_size * 8}" if digest else "an unknown digest"
