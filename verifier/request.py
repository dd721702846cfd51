"""What crosses from the process that asks to the one that works: a header line of JSON, then the bytes it counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from qujat.signing.trust import Trust


@dataclass(frozen=True, slots=True)
class Request:
    """One file to verify, with everything that the answer depends on."""

    content: bytes = field(repr=False)
    data: bytes | None = field(repr=False)
    trust: Trust = field(repr=False)
    at: datetime

    def pack(self) -> bytes:
        """The request as bytes."""
        lists = {
            "content": [self.content],
            "data": [] if self.data is None else [self.data],
            "anchors": [each.public_bytes(Encoding.DER) for each in self.trust.anchors],
            "intermediates": [each.public_bytes(Encoding.DER) for each in self.trust.intermediates],
            "crls": [each.public_bytes(Encoding.DER) for each in self.trust.crls],
        }
        header = {
            "at": self.at.isoformat(),
            "stand_in": self.trust.stand_in,
            "sizes": {name: [len(each) for each in parts] for name, parts in lists.items()},
        }
        return b"".join([json.dumps(header).encode() + b"\n", *(each for parts in lists.values() for each in parts)])


def unpack(packed: bytes) -> Request:
    """The request that was packed."""
    line, _, rest = packed.partition(b"\n")
    header = json.loads(line)
    parts = {name: list(_cut(rest, sizes, header["sizes"], name)) for name, sizes in header["sizes"].items()}
    trust = Trust(
        tuple(map(x509.load_der_x509_certificate, parts["anchors"])),
        tuple(map(x509.load_der_x509_certificate, parts["intermediates"])),
        tuple(map(x509.load_der_x509_crl, parts["crls"])),
        stand_in=header["stand_in"],
    )
    data = parts["data"][0] if parts["data"] else None
    return Request(parts["content"][0], data, trust, datetime.fromisoformat(header["at"]))


def _cut(rest: bytes, sizes: list[int], every: dict[str, list[int]], name: str) -> Iterator[bytes]:
    at = 0
    for other, counted in every.items():
        if other == name:
            break
        at += sum(counted)
    for size in sizes:
        yield rest[at : at + size]
        at += size
