"""A stand-in PKI, made anew for each installation: it lets everything be tried, and says loudly that it is no EDS.

Its names begin «ДЕМО – не ЭЦП» and its certificates carry the policy `trust.STAND_IN_POLICY`, so that a production
profile can refuse it (`Trust.stand_in`). Its lists of revoked certificates hold for a year, so that a demonstration
needs no service; a real authority renews them within days. `publish` makes new ones; the old ones stay beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from qujat.errors import KeyUnavailable
from qujat.signing import policy
from qujat.signing.mark_keys import new_files
from qujat.signing.secret_files import refuse_if_shared, write
from qujat.signing.trust import STAND_IN_POLICY

LOUD = "ДЕМО – не ЭЦП"
# Where the stand-in's OCSP and lists are served, if they are (`qujat keys serve`): on the machine itself.
SERVICES = "http://127.0.0.1:8318/"
_YEAR = timedelta(days=365)
_ECDSA_HASH = SHA256()
_PLACES = (x509.CRLDistributionPoints, x509.AuthorityInformationAccess)


@dataclass(frozen=True, slots=True)
class Person:
    """Whose certificate it is. The names of the fields are those of the NCA's subject."""

    iin: str
    full_name: str
    bin: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Holder:
    """A key with its certificate, able to issue."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def create_stand_in(
    folder: Path, passphrase: bytes, person: Person, *, now: datetime, services: str = SERVICES
) -> None:
    """Write a whole stand-in PKI into `folder` (0700): certificates, CRLs, encrypted keys (0600), the keys of the
    mark and of the register.

    Root → issuing CA → head of the authority, OCSP responder; root → timestamp authority. Everything starts a day
    before `now`. `services`: the address where OCSP and CRLs are served (…/ocsp, …/root.crl, …/issuing.crl), named in
    the certificates: many programs look at OCSP answers only if a certificate names a responder.
    Raises KeyUnavailable if the folder holds keys already: they are never overwritten.
    """
    if any(folder.glob("*.key.pem")):
        raise KeyUnavailable(f"expected an empty folder for new keys, came {folder} with keys in it; name another")
    start = (now - timedelta(days=1)).replace(microsecond=0)
    root = _root(start)
    by_root, by_issuing = _places(services, "root"), _places(services, "issuing", ocsp=True)
    of_ca = _ca_extensions(path_length=0)
    issuing = _issue(root, _name(f"{LOUD}: выпускающий центр"), start, 5 * _YEAR, of_ca | by_root)
    head = _issue(issuing, _subject(person), start, _YEAR, _head_extensions() | by_issuing)
    ocsp = _issue(issuing, _name(f"{LOUD}: ответы OCSP"), start, 5 * _YEAR, _responder_extensions())
    tsa = _issue(root, _name(f"{LOUD}: метки времени"), start, 5 * _YEAR, _tsa_extensions() | by_root)
    holders = {"root": root, "issuing": issuing, "head": head, "ocsp": ocsp, "tsa": tsa}
    files = {f"{name}.pem": holder.certificate.public_bytes(Encoding.PEM) for name, holder in holders.items()}
    keys = {f"{name}.key.pem": encrypted(holder.key, passphrase) for name, holder in holders.items()}
    files["root.crl.pem"] = _crl(root, start, [], number=1)
    files["issuing.crl.pem"] = _crl(issuing, start, [], number=1)
    write(folder, files | keys | new_files(passphrase, start))


def revoke(
    folder: Path, passphrase: bytes, *, at: datetime, reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise
) -> None:
    """Revoke the head's certificate as of `at` and write the issuing CA's new CRL. Raises KeyUnavailable."""
    head = x509.load_pem_x509_certificate(_read(folder / "head.pem"))
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(head.serial_number)
        .revocation_date(at)
        .add_extension(x509.CRLReason(reason), critical=False)
        .build()
    )
    write(folder, {"issuing.crl.pem": _next_list(folder, "issuing", passphrase, at, [entry])})


def publish(folder: Path, passphrase: bytes, *, at: datetime) -> None:
    """Write new lists of revoked certificates, of `at`, with the entries of the old ones; those stay beside them.

    What was signed long ago without evidence of its own still needs the list of its day. Raises KeyUnavailable.
    """
    for issuer in ("root", "issuing"):
        name = f"{issuer}.crl.pem"
        old = _read(folder / name)
        first = x509.load_pem_x509_crl(old).last_update_utc
        new = _next_list(folder, issuer, passphrase, at, [])
        write(folder, {f"{issuer}.{first:%Y%m%dT%H%M%S}.crl.pem": old, name: new})


def _next_list(
    folder: Path, issuer: str, passphrase: bytes, at: datetime, more: list[x509.RevokedCertificate]
) -> bytes:
    holder = _holder(folder, issuer, passphrase)
    old = x509.load_pem_x509_crl(_read(folder / f"{issuer}.crl.pem"))
    number = old.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    return _crl(holder, at, [*old, *more], number=number + 1)


def new_head(folder: Path, passphrase: bytes, person: Person, *, at: datetime) -> Holder:
    """A new key with a certificate for the head, issued by the folder's issuing CA. Raises KeyUnavailable."""
    extensions = _head_extensions() | _places_of(folder, "head")
    return _issue(_holder(folder, "issuing", passphrase), _subject(person), at, _YEAR, extensions)


def new_tsa(folder: Path, passphrase: bytes, *, at: datetime) -> Holder:
    """A new key with a certificate for timestamps, issued by the folder's root. Raises KeyUnavailable."""
    subject, extensions = _name(f"{LOUD}: метки времени"), _tsa_extensions() | _places_of(folder, "tsa")
    return _issue(_holder(folder, "root", passphrase), subject, at, 5 * _YEAR, extensions)


def pair(name: str, holder: Holder, passphrase: bytes) -> dict[str, bytes]:
    """The two files of a holder: certificate and encrypted key."""
    return {
        f"{name}.pem": holder.certificate.public_bytes(Encoding.PEM),
        f"{name}.key.pem": encrypted(holder.key, passphrase),
    }


def _holder(folder: Path, name: str, passphrase: bytes) -> Holder:
    certificate = x509.load_pem_x509_certificate(_read(folder / f"{name}.pem"))
    return Holder(load_key(folder / f"{name}.key.pem", passphrase), certificate)


def load_key(path: Path, passphrase: bytes) -> ec.EllipticCurvePrivateKey:
    """The P-256 key in an encrypted PKCS#8 file.

    Raises KeyUnavailable: no file, one that others may read, a wrong passphrase, another kind of key.
    """
    refuse_if_shared(path)
    try:
        key = load_pem_private_key(_read(path), passphrase)
    except (ValueError, TypeError) as error:
        raise KeyUnavailable(
            f"expected {path.name} to open with the passphrase given, came a refusal; give the passphrase that the keys"
            " were made with"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyUnavailable(f"expected a P-256 key in {path.name}, came {type(key).__name__}; make a P-256 key")
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyUnavailable(
            f"expected {path.name} in {path.parent}, came {error.strerror}; make a stand-in or name the right folder"
        ) from error


def _root(start: datetime) -> Holder:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"{LOUD}: корневой центр")
    extensions = _ca_extensions(path_length=1)
    return Holder(key, _sign(_builder(name, name, key, start, 10 * _YEAR, extensions), key, key))


def _issue(
    issuer: Holder,
    subject: x509.Name,
    start: datetime,
    lasting: timedelta,
    extensions: Mapping[x509.ExtensionType, bool],
) -> Holder:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(subject, issuer.certificate.subject, key, start, lasting, extensions)
    return Holder(key, _sign(builder, key, issuer.key))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    start: datetime,
    lasting: timedelta,
    extensions: Mapping[x509.ExtensionType, bool],
) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + lasting)
    )
    for extension, critical in extensions.items():
        builder = builder.add_extension(extension, critical=critical)
    return builder


def _sign(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, issuer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """Add what every certificate here carries, and sign: key identifiers (RFC 5280 4.2.1.1-2), the loud policy."""
    stand_in = x509.CertificatePolicies([x509.PolicyInformation(STAND_IN_POLICY, None)])
    return (
        builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
        .add_extension(stand_in, critical=False)
        .sign(issuer, _ECDSA_HASH)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, LOUD),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _subject(person: Person) -> x509.Name:
    """A subject as the NCA writes it for an organisation's official."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, person.full_name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, f"IIN{person.iin}"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, person.organisation),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"BIN{person.bin}"),
        ]
    )


def _ca_extensions(*, path_length: int) -> dict[x509.ExtensionType, bool]:
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return {constraints: True, _usage(key_cert_sign=True, crl_sign=True): True}


def _head_extensions() -> dict[x509.ExtensionType, bool]:
    roles = x509.ExtendedKeyUsage([policy.EMAIL_PROTECTION, policy.ORGANISATION, policy.HEAD])
    return {_usage(digital_signature=True, content_commitment=True): True, roles: False}


def _tsa_extensions() -> dict[x509.ExtensionType, bool]:
    """RFC 3161 2.3: timeStamping alone, and critical."""
    stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    return {_usage(digital_signature=True): True, stamping: True}


def _responder_extensions() -> dict[x509.ExtensionType, bool]:
    """RFC 6960 4.2.2.2: the right to answer, and nobody is asked whether the responder itself was revoked."""
    answering = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
    return {_usage(digital_signature=True): True, answering: False, x509.OCSPNoCheck(): False}


def _places(services: str, issuer: str, *, ocsp: bool = False) -> dict[x509.ExtensionType, bool]:
    """Where the issuer's answers and lists are served (RFC 5280 4.2.1.13, 4.2.2.1)."""
    at = x509.UniformResourceIdentifier(f"{services}{issuer}.crl")
    places: dict[x509.ExtensionType, bool] = {
        x509.CRLDistributionPoints([x509.DistributionPoint([at], None, None, None)]): False
    }
    if ocsp:
        asked = x509.UniformResourceIdentifier(f"{services}ocsp")
        places[x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, asked)])] = (
            False
        )
    return places


def _places_of(folder: Path, name: str) -> dict[x509.ExtensionType, bool]:
    """Where the certificate that is in use now says that its issuer answers: the next one says the same."""
    held = x509.load_pem_x509_certificate(_read(folder / f"{name}.pem")).extensions
    return {e.value: e.critical for e in held if isinstance(e.value, _PLACES)}


def _usage(**allowed: bool) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign"
        " encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in every.split()})


def _crl(issuer: Holder, start: datetime, entries: list[x509.RevokedCertificate], *, number: int) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(start)
        .next_update(start + _YEAR)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    for entry in entries:
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(issuer.key, _ECDSA_HASH).public_bytes(Encoding.PEM)


def encrypted(key: ec.EllipticCurvePrivateKey, passphrase: bytes) -> bytes:
    """The key as encrypted PKCS#8 in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))
