"""NCALayer for tests: a WebSocket with TLS on this machine that answers as recorded, or signs with a stand-in."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from kzcms import EXCHANGES
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

Answer = str | Callable[[Any], str]


@cache
def frames() -> dict[str, Any]:
    read = json.loads((EXCHANGES / "ncalayer" / "frames.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = read["frames"]
    return found


def frame(name: str) -> str:
    """A recorded answer as it goes over the wire."""
    answer = frames()[name]["response"]
    return answer if isinstance(answer, str) else json.dumps(answer)


def pem(cms: bytes) -> str:
    """A CMS as NCALayer gives it: PEM with lines of 64."""
    text = base64.b64encode(cms).decode()
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN CMS-----", *lines, "-----END CMS-----", ""])


@dataclass
class Layer:
    """What came, and what is said: before anything (`greeting`), and to each request in turn.

    Several answers to one request go in a tuple; CLOSE closes the connection, HANG waits for `release`.
    """

    address: str
    pin: str
    greeting: tuple[str, ...] = ()
    answers: list[tuple[Answer, ...]] = field(default_factory=list)
    received: list[Any] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def handle(self, connection: ServerConnection) -> None:
        try:
            for text in self.greeting:
                connection.send(text)
            for message in connection:
                request = json.loads(message)
                self.received.append(request)
                for answer in self.answers.pop(0) if self.answers else ():
                    if not self._say(connection, answer(request) if callable(answer) else answer):
                        return
        except ConnectionClosed:
            return

    def _say(self, connection: ServerConnection, text: str) -> bool:
        if text == CLOSE:
            connection.close()
            return False
        if text == HANG:
            self.release.wait(20)
        else:
            connection.send(text)
        return True


CLOSE, HANG = "(close)", "(hang)"


@contextmanager
def running(folder: Path) -> Iterator[Layer]:
    """A layer on a free port, with a certificate of its own whose pin Chromium can be told."""
    context, pin = _tls(folder)
    holder: list[Layer] = []
    server = serve(lambda connection: holder[0].handle(connection), "127.0.0.1", 0, ssl=context, compression=None)
    port = server.socket.getsockname()[1]
    holder.append(Layer(f"wss://127.0.0.1:{port}", pin, (frame("greeting"),)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield holder[0]
    finally:
        holder[0].release.set()
        server.shutdown()
        thread.join()


@cache
def _certificate() -> tuple[bytes, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "NCALayer mock")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    return text, base64.b64encode(sha256(spki).digest()).decode()


def pin() -> str:
    """What Chromium's --ignore-certificate-errors-spki-list takes."""
    return _certificate()[1]


def _tls(folder: Path) -> tuple[ssl.SSLContext, str]:
    text, found = _certificate()
    path = folder / "ncalayer.pem"
    path.write_bytes(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, found
