"""A certification authority that issues whatever an attacker may hold, good and bad, and the trust in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from qujat.signing import policy
from qujat.signing.trust import STAND_IN_POLICY, Trust

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

HASHES: dict[str, HashAlgorithm] = {
    "md5": MD5(),
    "sha1": SHA1(),
    "sha256": SHA256(),
    "sha384": SHA384(),
    "sha512": SHA512(),
}
DOCUMENTS = x509.ExtendedKeyUsage([policy.EMAIL_PROTECTION, policy.ORGANISATION, policy.HEAD])
TIMESTAMPS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Holder:
    """A key with its certificate, and the certificates above it without the root. Signs as `signing.signer.Signer`."""

    key: Key
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    def sign(self, data: bytes, digest: str = "sha256") -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), HASHES[digest])
        return self.key.sign(data, ec.ECDSA(HASHES[digest]))

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def path(self) -> tuple[bytes, ...]:
        return tuple(each.public_bytes(Encoding.DER) for each in (self.certificate, *self.chain))


@dataclass(frozen=True)
class Authority:
    """Everything of one authority, made when first asked for. `now` is a moment in whole seconds."""

    now: datetime

    @cached_property
    def root(self) -> Holder:
        return self._made(_name("root"), None, _ca(), lasting=10 * _YEAR)

    @cached_property
    def issuing(self) -> Holder:
        return self._made(_name("issuing"), self.root, _ca(), lasting=5 * _YEAR)

    @cached_property
    def head(self) -> Holder:
        """A head of an authority: the certificate as the NCA writes it."""
        return self._made(_person("ҮЛГІБАЕВ ӘБДІҒАЛИ"), self.issuing, _end(DOCUMENTS))

    @cached_property
    def second(self) -> Holder:
        return self._made(_person("МЫСАЛОВА ӘЙГЕРІМ"), self.issuing, _end(DOCUMENTS))

    @cached_property
    def rsa(self) -> Holder:
        return self._made(_person("RSA"), self.issuing, _end(DOCUMENTS), key=_rsa(2048))

    @cached_property
    def short_rsa(self) -> Holder:
        return self._made(_person("SHORT"), self.issuing, _end(DOCUMENTS), key=_rsa(1024))

    @cached_property
    def for_login(self) -> Holder:
        """The other certificate that everybody has: for authentication, not for signing documents."""
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, policy.ORGANISATION])
        return self._made(_person("AUTH"), self.issuing, _end(usage))

    @cached_property
    def expired(self) -> Holder:
        return self._made(_person("EXPIRED"), self.issuing, _end(DOCUMENTS), start=-2 * _YEAR)

    @cached_property
    def future(self) -> Holder:
        return self._made(_person("FUTURE"), self.issuing, _end(DOCUMENTS), start=timedelta(days=30))

    @cached_property
    def revoked(self) -> Holder:
        """Revoked an hour before `now`."""
        return self._made(_person("REVOKED"), self.issuing, _end(DOCUMENTS))

    @cached_property
    def tsa(self) -> Holder:
        return self._made(_name("tsa"), self.root, _end(TIMESTAMPS, critical=True))

    @cached_property
    def no_tsa(self) -> Holder:
        """Stamps time without being an authority for it."""
        return self._made(_name("no tsa"), self.root, _end(None))

    @cached_property
    def stolen_tsa(self) -> Holder:
        """A timestamp authority whose key was stolen: its certificate was revoked, and all its timestamps with it."""
        return self._made(_name("stolen tsa"), self.root, _end(TIMESTAMPS, critical=True))

    @cached_property
    def crls(self) -> tuple[x509.CertificateRevocationList, ...]:
        return self._crl(self.root, [self.stolen_tsa]), self._crl(self.issuing, [self.revoked])

    @cached_property
    def trust(self) -> Trust:
        return Trust((self.root.certificate,), (self.issuing.certificate,), self.crls, stand_in=True)

    def without_roots_crl(self) -> Trust:
        return Trust((self.root.certificate,), (self.issuing.certificate,), self.crls[1:], stand_in=True)

    def without_crls(self) -> Trust:
        return Trust((self.root.certificate,), (self.issuing.certificate,), stand_in=True)

    def below(self, holder: Holder) -> Holder:
        """A certificate that an end entity issued, as if it were an authority."""
        made = self._made(_person("BELOW"), holder, _end(DOCUMENTS))
        return Holder(made.key, made.certificate, (holder.certificate, *holder.chain))

    def loop(self, many: int) -> Holder:
        """A holder below a crowd of authorities that all have one name and one key, and no root."""
        first = self._made(_name("loop"), None, _ca())
        crowd = tuple(self._made(_name("loop"), first, _ca(), key=first.key).certificate for _ in range(many))
        below = self._made(_person("LOOP"), first, _end(DOCUMENTS))
        return Holder(below.key, below.certificate, crowd)

    def again(self, holder: Holder, subject: x509.Name) -> Holder:
        """A certificate of another name for the same key."""
        return self._made(subject, self.issuing, _end(DOCUMENTS), key=holder.key)

    def _crl(self, issuer: Holder, revoked: list[Holder]) -> x509.CertificateRevocationList:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.certificate.subject)
            .last_update(self.now - timedelta(minutes=30))
            .next_update(self.now + _YEAR)
        )
        for holder in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(holder.certificate.serial_number)
                .revocation_date(self.now - timedelta(hours=1))
                .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
            )
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(issuer.key, SHA256())

    def _made(
        self,
        subject: x509.Name,
        issuer: Holder | None,
        extensions: dict[x509.ExtensionType, bool],
        *,
        key: Key | None = None,
        start: timedelta = timedelta(days=-1),
        lasting: timedelta = _YEAR,
    ) -> Holder:
        own = key or ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + start)
            .not_valid_after(self.now + start + lasting)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
            .add_extension(x509.CertificatePolicies([x509.PolicyInformation(STAND_IN_POLICY, None)]), critical=False)
        )
        for extension, critical in extensions.items():
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(issuer.key if issuer else own, SHA256())
        chain = (
            () if issuer is None or issuer.certificate.issuer == issuer.certificate.subject else (issuer.certificate,)
        )
        return Holder(own, certificate, chain)


def _rsa(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"ДЕМО – не ЭЦП: {common}"),
        ]
    )


def _person(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "IIN800101300015"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "«Үлгі» басқармасы"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "BIN990140000013"),
        ]
    )


def _ca() -> dict[x509.ExtensionType, bool]:
    return {x509.BasicConstraints(ca=True, path_length=None): True, _usage("key_cert_sign", "crl_sign"): True}


def _end(usage: x509.ExtendedKeyUsage | None, *, critical: bool = False) -> dict[x509.ExtensionType, bool]:
    extensions: dict[x509.ExtensionType, bool] = {_usage("digital_signature", "content_commitment"): True}
    return extensions | ({usage: critical} if usage else {})


def _usage(*allowed: str) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign"
        " encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in allowed for name in every.split()})
