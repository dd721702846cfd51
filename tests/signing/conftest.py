"""A whole PKI for the session, a page as it is rendered, and the foreign checkers (which must be there)."""

import logging
import shutil
import subprocess
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from qujat.signing import keys, standin
from qujat.signing.keys import KeyRing, Person
from qujat.signing.signer import KeySigner

PASSPHRASE = b"correct horse"
PERSON = Person("800101300015", "ҮЛГІБАЕВ ӘБДІҒАЛИ", "990140000013", "«Үлгі» басқармасы")

Checker = Callable[..., str]
Issuer = Callable[..., KeySigner]
Pki = Callable[[], tuple[Path, KeyRing]]


@pytest.fixture(scope="session")
def now() -> datetime:
    """Foreign checkers look at the real clock, so the PKI is of today."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="session")
def passphrase() -> bytes:
    return PASSPHRASE


@pytest.fixture(scope="session")
def person() -> Person:
    return PERSON


@pytest.fixture
def new_pki(tmp_path: Path, now: datetime) -> Pki:
    """Makes a further PKI of its own, with the same names."""

    def make() -> tuple[Path, KeyRing]:
        folder = tmp_path / f"pki{len(list(tmp_path.iterdir()))}"
        keys.create_stand_in(folder, PASSPHRASE, PERSON, now=now)
        return folder, keys.open_keys(folder, PASSPHRASE, clock=lambda: now)

    return make


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, now: datetime) -> Path:
    folder = tmp_path_factory.mktemp("signing") / "pki"
    keys.create_stand_in(folder, PASSPHRASE, PERSON, now=now)
    return folder


@pytest.fixture(scope="session")
def ring(folder: Path, now: datetime) -> KeyRing:
    return keys.open_keys(folder, PASSPHRASE, clock=lambda: now)


@pytest.fixture(scope="session")
def issue(folder: Path, now: datetime) -> Issuer:
    """Issues a further end entity below the session's issuing CA, or root, with the extensions given."""

    def make(
        extensions: dict[x509.ExtensionType, bool],
        *,
        issuer: str = "issuing",
        start: timedelta = timedelta(days=-1),
        lasting: timedelta = timedelta(days=365),
        subject: x509.Name | None = None,
    ) -> KeySigner:
        above = x509.load_pem_x509_certificate((folder / f"{issuer}.pem").read_bytes())
        key = ec.generate_private_key(ec.SECP256R1())
        head = x509.load_pem_x509_certificate((folder / "head.pem").read_bytes())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject or head.subject)
            .issuer_name(above.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + start)
            .not_valid_after(now + start + lasting)
        )
        for extension, critical in extensions.items():
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(standin.load_key(folder / f"{issuer}.key.pem", PASSPHRASE), SHA256())
        return KeySigner(key, certificate, (above,) if issuer != "root" else ())

    return make


@pytest.fixture(scope="session")
def page() -> bytes:
    """A small PDF/A-3a of two pages with an attachment, as WeasyPrint writes it (cross-reference stream)."""
    return _render(uncompressed=False)


@pytest.fixture(scope="session")
def classic_page() -> bytes:
    """The same with a classic cross-reference table."""
    return _render(uncompressed=True)


def _render(*, uncompressed: bool) -> bytes:
    from weasyprint import HTML, Attachment

    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    day = datetime(2026, 1, 1, tzinfo=UTC)
    data = Attachment(string="<a>1</a>", name="data.xml", relationship="Data", created=day, modified=day)
    html = (
        "<html lang=kk><head><title>Шешім</title>"
        "<meta name='dcterms.created' content='2026-01-01T00:00:00Z'>"
        "<meta name='dcterms.modified' content='2026-01-01T00:00:00Z'></head><body><h1>Шешім</h1>"
        "<p><a href='https://qujat.example/'>Қандас</a></p><p style='break-before: page'>2</p></body></html>"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # WeasyPrint leaves its colour profile open
        written: bytes = HTML(string=html).write_pdf(
            pdf_variant="pdf/a-3a", pdf_identifier=True, uncompressed_pdf=uncompressed, attachments=[data]
        )
    return written


@pytest.fixture(scope="session")
def run() -> Checker:
    """Runs a foreign checker; fails the test if it is not installed or does not agree."""

    def call(*command: str | Path) -> str:
        assert shutil.which(str(command[0])), f"{command[0]} is not installed: a second opinion is required"
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        assert done.returncode == 0, f"{command[0]}: {output}"
        return output

    return call


@pytest.fixture(scope="session")
def nss(folder: Path, run: Checker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An NSS database that trusts the stand-in's root, for pdfsig."""
    where = tmp_path_factory.mktemp("nss")
    run("certutil", "-N", "-d", f"sql:{where}", "--empty-password")
    run("certutil", "-A", "-d", f"sql:{where}", "-n", "root", "-t", "CT,C,C", "-i", folder / "root.pem")
    return where


@pytest.fixture(scope="session")
def ca_file(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root with both CRLs, for OpenSSL's -crl_check_all."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    names = ("root.pem", "root.crl.pem", "issuing.crl.pem")
    path.write_bytes(b"".join((folder / name).read_bytes() for name in names))
    return path


@pytest.fixture(scope="session")
def der_of() -> Callable[[x509.Certificate], bytes]:
    return lambda certificate: certificate.public_bytes(Encoding.DER)
