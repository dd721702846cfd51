"""Keys of officials, as an authority would give them out: below the stand-in of the tests, P-256 or RSA."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from qujat.signing import policy, standin
from qujat.signing.keys import Person
from qujat.signing.signer import KeySigner, PrivateKey

Kind = Literal["ec", "rsa"]
KINDS: tuple[Kind, ...] = ("ec", "rsa")
HEAD = (policy.EMAIL_PROTECTION, policy.ORGANISATION, policy.HEAD)
EMPLOYEE = (policy.EMAIL_PROTECTION, policy.ORGANISATION, x509.ObjectIdentifier("1.2.398.3.3.4.1.2.5"))


@dataclass(frozen=True)
class Leaf:
    """An official's key and certificate, in a folder of his own."""

    folder: Path
    signer: KeySigner

    @property
    def key_file(self) -> Path:
        return self.folder / "key.pem"

    @property
    def certificate_file(self) -> Path:
        return self.folder / "certificate.pem"

    def p12(self, passphrase: bytes) -> Path:
        """Key, certificate and chain in one encrypted file."""
        path = self.folder / "signer.p12"
        content = pkcs12.serialize_key_and_certificates(
            b"signer",
            self.signer.key,
            self.signer.certificate,
            self.signer.chain,
            BestAvailableEncryption(passphrase) if passphrase else NoEncryption(),
        )
        path.write_bytes(content)
        return path

    def cms(self, content: bytes, *options: str, form: str = "DER") -> bytes:
        """A CMS as `openssl cms -sign` makes it: detached, binary, and what the options say."""
        (self.folder / "content").write_bytes(content)
        command = ["openssl", "cms", "-sign", "-binary", "-md", "sha256", "-outform", form, "-in", "content",
                   "-signer", "certificate.pem", "-inkey", "key.pem", "-out", "signed", *options]  # fmt: skip
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return (self.folder / "signed").read_bytes()


def leaf(folder: Path, pki: Path, passphrase: bytes, person: Person, *, kind: Kind = "ec", **options: Any) -> Leaf:
    """A key of `person`, certified by the issuing CA in `pki` (see `certified`), written into `folder`."""
    key = new_key(kind)
    certificate = certified(key, pki, passphrase, person, **options)
    folder.mkdir(parents=True, exist_ok=True)
    made = Leaf(folder, KeySigner(key, certificate, (issuing_ca(pki),)))
    made.certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    made.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


def certified(
    key: PrivateKey,
    pki: Path,
    passphrase: bytes,
    person: Person,
    *,
    roles: tuple[x509.ObjectIdentifier, ...] = HEAD,
    start: timedelta = timedelta(days=-1),
    lasting: timedelta = timedelta(days=365),
) -> x509.Certificate:
    """The certificate of a key, as the NCA makes them."""
    issuing, now = issuing_ca(pki), datetime.now(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(standin._subject(person))
        .issuer_name(issuing.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + start)
        .not_valid_after(now + start + lasting)
        .add_extension(standin._usage(digital_signature=True, content_commitment=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(roles), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.public_key()), critical=False)
    )
    return builder.sign(standin.load_key(pki / "issuing.key.pem", passphrase), SHA256())


def issuing_ca(pki: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((pki / "issuing.pem").read_bytes())


def revocation_list(pki: Path, passphrase: bytes, certificate: x509.Certificate) -> bytes:
    """A list of the issuing CA in `pki`, in DER, that revokes this certificate as of yesterday."""
    issuing, now = issuing_ca(pki), datetime.now(UTC).replace(microsecond=0)
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(certificate.serial_number)
        .revocation_date(now - timedelta(days=1))
        .build()
    )
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuing.subject)
        .last_update(now - timedelta(hours=1))
        .next_update(now + timedelta(days=1))
        .add_revoked_certificate(entry)
    )
    return builder.sign(standin.load_key(pki / "issuing.key.pem", passphrase), SHA256()).public_bytes(Encoding.DER)


def real_root() -> bytes:
    """A root certificate that does not say that it is a stand-in's, in PEM."""
    key, now = new_key("ec"), datetime.now(UTC).replace(microsecond=0)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A root")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def new_key(kind: Kind) -> PrivateKey:
    """A new P-256 key, or the one RSA key of this process: making one takes long."""
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa_key(2048)


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)
