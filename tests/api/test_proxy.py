"""nginx in front, as the operator's page says: who comes through, to what, and as whom he is counted."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apis
import chromium
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI
from homes import free_port

import qujat.pipeline
from qujat.server.desk import entrance

PAGE = (Path(qujat.pipeline.__file__).parent / "docs" / "operator.md").read_text(encoding="utf-8")
API, PUBLIC = "api.qujat.example", "qujat.example"
VISITOR = "127.0.0.9"
NOW = datetime.now(UTC)
MAIN = """daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}
http {{ access_log off;
{temporary}
{servers} }}"""


@dataclass(frozen=True)
class Authority:
    """Certifies the servers and the decision systems."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def give(self, file: str, name: str) -> x509.Certificate:
        """file.pem and file.key, of a key for this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = certificate(name, key.public_key(), self.certificate.subject, self.key, ca=False)
        (self.folder / f"{file}.pem").write_bytes(made.public_bytes(Encoding.PEM))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / f"{file}.key").write_bytes(private)
        return made

    def revoke(self, revoked: x509.Certificate) -> None:
        entry = x509.RevokedCertificateBuilder().serial_number(revoked.serial_number).revocation_date(NOW).build()
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(NOW - timedelta(hours=1))
            .next_update(NOW + timedelta(days=1))
            .add_revoked_certificate(entry)
        )
        (self.folder / "clients.crl").write_bytes(made.sign(self.key, SHA256()).public_bytes(Encoding.PEM))


def certificate(
    name: str, key: ec.EllipticCurvePublicKey, issuer: x509.Name, signer: ec.EllipticCurvePrivateKey, *, ca: bool
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(signer, SHA256())


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the configuration asks for in /etc/qujat/tls, and two decision systems, one of them revoked."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = certificate("clients-ca", key.public_key(), named("clients-ca"), key, ca=True)
    made = Authority(tmp_path_factory.mktemp("tls"), key, own)
    (made.folder / "clients-ca.pem").write_bytes(own.public_bytes(Encoding.PEM))
    for file, name in (("api", API), ("public", PUBLIC), ("system", "system")):
        made.give(file, name)
    made.revoke(made.give("stolen", "stolen"))
    return made.folder


@pytest.fixture(scope="module")
def app(api: apis.Api) -> FastAPI:
    found = api.http.app
    assert isinstance(found, FastAPI)
    return found


@pytest.fixture(scope="module")
def port(app: FastAPI, tls: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where nginx listens."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    with chromium.serving(app) as behind:
        (folder / "nginx.conf").write_text(configuration(folder, tls, port, behind))
        command = [shutil.which("nginx") or "/usr/sbin/nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
            wait_for(port, running)
            yield port
            running.terminate()


def configuration(folder: Path, tls: Path, port: int, behind: str) -> str:
    """That of the page, with its files and ports replaced by those of the tests."""
    (servers,) = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)
    for theirs, ours in (("/etc/qujat/tls", tls), ("listen 443", f"listen {port}"), ("http://127.0.0.1:8000", behind)):
        assert theirs in servers
        servers = servers.replace(theirs, str(ours))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    return MAIN.format(folder=folder, temporary=temporary, servers=servers)


def wait_for(port: int, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert running.poll() is None, running.stderr.read() if running.stderr else b""
        with suppress(httpx.TransportError):
            httpx.get(f"https://127.0.0.1:{port}", verify=False)  # only whether anybody is there
            return
        time.sleep(0.05)
    raise AssertionError("nginx does not answer")


@dataclass(frozen=True)
class Caller:
    """Somebody on the network; `certified`: the name of the files of his certificate."""

    port: int
    tls: Path
    certified: str = ""

    def __call__(self, method: str, name: str, path: str, **sent: object) -> httpx.Response:
        context = ssl.create_default_context(cafile=self.tls / "clients-ca.pem")
        if self.certified:
            context.load_cert_chain(self.tls / f"{self.certified}.pem", self.tls / f"{self.certified}.key")
        transport = httpx.HTTPTransport(verify=context, local_address=VISITOR)
        headers = {"Host": name, **sent.pop("headers", {})}  # type: ignore[dict-item]
        with httpx.Client(transport=transport) as http:
            request = http.build_request(method, f"https://127.0.0.1:{self.port}{path}", headers=headers, **sent)  # type: ignore[arg-type]
            request.extensions = {**request.extensions, "sni_hostname": name}
            return http.send(request)


@pytest.mark.parametrize(("certified", "status"), [("system", 200), ("", 400), ("stolen", 400)])
def test_a_decision_system_needs_a_good_certificate_beside_its_key(
    port: int, tls: Path, api: apis.Api, certified: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {api.keys['all']}"}
    answer = Caller(port, tls, certified)("GET", API, "/v1/forms", headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.json()
        assert Caller(port, tls, certified)("GET", API, "/v1/forms").status_code == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/check", 200),
        ("/office/login", 200),
        ("/v1/forms", 404),
        ("/metrics", 404),
        ("/healthz", 404),
        ("/readyz", 404),
    ],
)
def test_the_public_meets_pages_and_nothing_of_the_machinery(port: int, tls: Path, path: str, status: int) -> None:
    assert Caller(port, tls)("GET", PUBLIC, path).status_code == status


def test_the_name_of_decision_systems_has_no_pages(port: int, tls: Path) -> None:
    assert Caller(port, tls, "system")("GET", API, "/check").status_code == 404


def test_a_visitor_is_counted_by_his_own_address_whatever_he_says(port: int, tls: Path, app: FastAPI) -> None:
    app.state.desk_attempts = entrance.limits()
    headers = {"Origin": f"https://{PUBLIC}", "X-Forwarded-For": "203.0.113.5"}
    sent = {"name": "nobody", "password": "nothing"}
    Caller(port, tls)("POST", PUBLIC, "/office/login", headers=headers, data=sent)
    assert list(app.state.desk_attempts["place"]._made) == [VISITOR]
