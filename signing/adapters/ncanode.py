"""NCANode over HTTP (3.x): signing with an organisation's key in a file, and facts about GOST signatures.

NCANode takes a PKCS#12 file and its password in JSON, from anybody, without authentication, and answers every origin.
So it belongs on this machine or in a private network, and this client refuses any other address unless it is told
otherwise. It goes straight to that address: no proxy, no redirect. No body and no message of NCANode ever gets into a
log or an error: they carry keys, passwords and names.

What NCANode says of a signature is not a verdict; `ncanode_verdict` makes one.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import json
import logging
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from qujat.errors import ConfigurationError, SigningServiceRefused, SigningServiceUnavailable
from qujat.signing.adapters.ncanode_wire import (
    REVOCATION,
    CertificatesReply,
    CmsMade,
    CmsReply,
    DataTaken,
    Health,
    Json,
    Refusal,
    RevocationSource,
    TsaPolicy,
    Wire,
    XmlMade,
)

log = logging.getLogger("qujat.ncanode")

DEFAULT_ADDRESS = "http://127.0.0.1:14579"
_LARGEST_ANSWER = 32 * 1024 * 1024
_CHUNK = 64 * 1024
_NO_CONTENT = "signed content"
_Model = TypeVar("_Model", bound=Wire)


@dataclass(frozen=True, slots=True)
class Pkcs12:
    """A key in a PKCS#12 file with its password. It is sent to NCANode with every request that uses it."""

    content: bytes = field(repr=False)
    password: str = field(repr=False)

    def as_json(self) -> dict[str, str | None]:
        # keyAlias is looked up and then ignored (KalkanWrapper.read): the first key of the file signs.
        return {"key": _base64(self.content), "password": self.password, "keyAlias": None}


@dataclass(frozen=True, slots=True)
class NcaNode:
    """An NCANode at an address such as http://127.0.0.1:14579. Raises ConfigurationError for what is no such address.

    `timeout_seconds` bounds each wait, and the whole answer. `allow_public`: also an address outside this machine and
    the private networks; then keys and passwords cross a network that others see.
    """

    address: str = DEFAULT_ADDRESS
    timeout_seconds: float = 20.0
    allow_public: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password
        if parts.scheme not in ("http", "https") or not parts.hostname or extra:
            raise ConfigurationError(
                "expected an address of NCANode as scheme, host and port (http://127.0.0.1:14579), came another;"
                " mend the configuration"
            )

    def cms_sign(
        self,
        data: bytes,
        keys: Sequence[Pkcs12],
        *,
        detached: bool = True,
        with_tsp: bool = True,
        tsa_policy: TsaPolicy = "TSA_GOST2015_POLICY",
    ) -> bytes:
        """A CMS over `data`, in DER. Raises SigningServiceUnavailable, SigningServiceRefused."""
        body = {"data": _base64(data), "signers": [key.as_json() for key in keys], "detached": detached}
        made = self._ask("/cms/sign", {**body, "withTsp": with_tsp, "tsaPolicy": tsa_policy}, CmsMade)
        return _bytes(made.cms, "/cms/sign")

    def cms_verify(
        self, cms: bytes, data: bytes | None, revocation: Sequence[RevocationSource] = REVOCATION
    ) -> CmsReply:
        """What NCANode says of a CMS; `data` for a detached one. Raises SigningServiceUnavailable, …Refused."""
        body = {"cms": _base64(cms), "revocationCheck": list(revocation)}
        return self._ask("/cms/verify", body | ({"data": _base64(data)} if data is not None else {}), CmsReply)

    def cms_extract(self, cms: bytes) -> bytes | None:
        """What a CMS carries; None if NCANode says that it carries nothing. Raises as `cms_verify`."""
        status, answer = self._post("/cms/extract", {"cms": _base64(cms)})
        if status in (400, 500) and _NO_CONTENT in _refusal(answer).message:
            return None
        return _bytes(_model("/cms/extract", status, answer, DataTaken).data, "/cms/extract")

    def xml_sign(self, xml: str, keys: Sequence[Pkcs12]) -> str:
        """The XML with an enveloped signature of each key. Raises as `cms_sign`."""
        # trimXml would sign other bytes than were sent, clearSignatures would drop the signatures of others.
        body = {"xml": xml, "signers": [key.as_json() | {"referenceUri": ""} for key in keys]}
        return self._ask("/xml/sign", {**body, "clearSignatures": False, "trimXml": False}, XmlMade).xml

    def xml_verify(self, xml: str, revocation: Sequence[RevocationSource] = REVOCATION) -> CertificatesReply:
        """What NCANode says of signed XML. Raises as `cms_verify`."""
        return self._ask("/xml/verify", {"xml": xml, "revocationCheck": list(revocation)}, CertificatesReply)

    def x509_info(self, certificates: Sequence[bytes]) -> CertificatesReply:
        """Facts about certificates (DER). Raises as `cms_verify`."""
        body = {"certs": [_base64(c) for c in certificates], "revocationCheck": list(REVOCATION)}
        return self._ask("/x509/info", body, CertificatesReply)

    def pkcs12_info(self, keys: Sequence[Pkcs12]) -> CertificatesReply:
        """Facts about the certificates of keys. Raises as `cms_verify`."""
        body = {"keys": [key.as_json() for key in keys], "revocationCheck": list(REVOCATION)}
        return self._ask("/pkcs12/info", body, CertificatesReply)

    def healthy(self) -> bool:
        """Whether NCANode answers that it is up; never raises for one that is not there."""
        try:
            status, answer = self._send("GET", "/actuator/health", None)
            return _model("/actuator/health", status, answer, Health).status == "UP"
        except (SigningServiceUnavailable, SigningServiceRefused):
            return False

    def _ask(self, path: str, body: Json, model: type[_Model]) -> _Model:
        return _model(path, *self._post(path, body), model)

    def _post(self, path: str, body: Json) -> tuple[int, bytes]:
        return self._send("POST", path, json.dumps(body, ensure_ascii=False).encode("utf-8"))

    def _send(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """One exchange on one connection of its own."""
        started = time.monotonic()
        connection = self._connection()
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", "Accept": "application/json"})
            response = connection.getresponse()
            answer = _whole(response, started + self.timeout_seconds, connection)
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise _unavailable(path, type(error).__name__) from error
        finally:
            connection.close()
        log.info("%s: %d, %d bytes out, %d bytes in", path, response.status, len(body or b""), len(answer))
        return response.status, answer

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        ip = self._resolved(parts.hostname or "", port)
        if parts.scheme == "http":
            return http.client.HTTPConnection(ip, port, timeout=self.timeout_seconds)
        # By name: the certificate of the other side is checked against it, and so proves where we are.
        return http.client.HTTPSConnection(parts.hostname or "", port, timeout=self.timeout_seconds)

    def _resolved(self, host: str, port: int) -> str:
        """An address of the host, looked up once and then connected to, so that a name cannot move in between."""
        try:
            found = [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except OSError as error:
            raise _unavailable("", "no such host") from error
        if not self.allow_public and not all(_near(ip) for ip in found):
            raise ConfigurationError(
                "expected NCANode on this machine or in a private network, came a public address: it takes keys and"
                " passwords from anybody; move it, or allow a public address on purpose"
            )
        return found[0]


def _near(ip: str) -> bool:
    """Loopback or private, and an address of one machine."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    if mapped.is_unspecified or mapped.is_multicast or mapped.is_link_local:
        return False
    return bool(mapped.is_loopback or mapped.is_private)


def _whole(response: http.client.HTTPResponse, deadline: float, connection: http.client.HTTPConnection) -> bytes:
    """The body, within the size and the time; ValueError beyond. A timeout of a socket alone would let it drip."""
    parts, size = [], 0
    while chunk := response.read1(_CHUNK):
        parts.append(chunk)
        size += len(chunk)
        left = deadline - time.monotonic()
        if size > _LARGEST_ANSWER or left <= 0:
            raise ValueError("an answer too large or too slow")
        if connection.sock is not None:
            connection.sock.settimeout(left)
    return b"".join(parts)


def _model(path: str, status: int, answer: bytes, model: type[_Model]) -> _Model:
    """The answer as its model; the message of a refusal stays out: it may quote what was sent."""
    if status != 200:
        raise SigningServiceRefused(
            f"expected 200 from NCANode for {path}, came {status}; see its own log, with NCANODE_DEBUG if need be"
        )
    try:
        return model.model_validate_json(answer)
    except ValidationError as error:
        places = {".".join(str(part) for part in fault["loc"]) for fault in error.errors(include_input=False)}
        raise SigningServiceRefused(
            f"expected an answer of NCANode 3 for {path}, came one that differs at {sorted(places)[:5]};"
            " check which version runs there"
        ) from None


def _refusal(answer: bytes) -> Refusal:
    try:
        return Refusal.model_validate_json(answer)
    except ValidationError:
        return Refusal()


def _base64(data: bytes) -> str:
    """Base64 on one line: NCANode decodes strictly (Base64.getDecoder)."""
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise SigningServiceRefused(f"expected Base64 from NCANode for {path}, came something else") from error


def _unavailable(path: str, what: str) -> SigningServiceUnavailable:
    asked = f" for {path}" if path else ""
    return SigningServiceUnavailable(
        f"expected an answer from NCANode{asked}, came none ({what}); check that it runs at the configured address and"
        " try again"
    )
