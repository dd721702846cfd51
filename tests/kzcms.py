"""CMS as signers in Kazakhstan send them: recorded ones of test persons, changed on purpose, and new ones."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from asn1crypto import cms as asn1_cms
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from qujat.signing import der, policy, signeddata, standin, timestamp
from qujat.signing.adapters import streebog
from qujat.signing.signer import KeySigner
from qujat.signing.trust import Trust

EXCHANGES = Path(__file__).parents[1] / "fixtures" / "exchanges"

# The test head of the recorded GOST signature, and when it was made (its signing time).
HEAD_IIN, HEAD_BIN = "123456789011", "123456789021"
SIGNED_AT = datetime(2023, 10, 11, 9, 31, 15, tzinfo=UTC)

_STREEBOG_512 = der.tlv(der.SEQUENCE, der.oid("1.2.398.3.10.1.3.3"))
_GOST_34311 = der.tlv(der.SEQUENCE, der.oid("1.2.398.3.10.1.3.1"))
_SHA1 = der.tlv(der.SEQUENCE, der.oid("1.3.14.3.2.26"))
POLICY = "1.2.398.3.3.2.6.4"


@cache
def exchange(name: str) -> dict[str, Any]:
    """A recorded exchange with NCANode."""
    read: dict[str, Any] = json.loads((EXCHANGES / "ncanode" / f"{name}.json").read_text(encoding="utf-8"))
    return read


def head_cms() -> bytes:
    """The recorded CMS of the test head (GOST 2015), which carries three octets."""
    return base64.b64decode(exchange("cms-verify-head")["request"]["body"]["cms"])


HEAD_CONTENT = bytes.fromhex("b5eb2d")


def changed(cms: bytes, change: Any) -> bytes:
    """A CMS after `change` has been at its SignedData."""
    info = asn1_cms.ContentInfo.load(cms)
    change(info["content"])
    return bytes(info.dump())


def detached(cms: bytes) -> bytes:
    """The same signature without the content: signed attributes cover the digest alone."""

    def drop(data: Any) -> None:
        data["encap_content_info"] = {"content_type": "data"}

    return changed(cms, drop)


def without_signers(cms: bytes) -> bytes:
    def drop(data: Any) -> None:
        data["signer_infos"] = []

    return changed(cms, drop)


def without_certificates(cms: bytes) -> bytes:
    def drop(data: Any) -> None:
        data["certificates"] = []

    return changed(cms, drop)


def together(first: bytes, second: bytes) -> bytes:
    """Both signatures in one CMS, as NCALayer makes of a GOST and an RSA key."""
    other = asn1_cms.ContentInfo.load(second)["content"]

    def add(data: Any) -> None:
        data["certificates"] = [*data["certificates"], *other["certificates"]]
        data["digest_algorithms"] = [*data["digest_algorithms"], *other["digest_algorithms"]]
        data["signer_infos"] = [*data["signer_infos"], *other["signer_infos"]]

    return changed(first, add)


@dataclass(frozen=True)
class Authority:
    """A timestamp authority of the tests, in force from 2020 to 2040."""

    signer: KeySigner

    @property
    def pin(self) -> str:
        return sha256(self.signer.certificate.public_bytes(Encoding.DER)).hexdigest()

    def token(self, value: bytes, at: datetime, *, imprint: str = "streebog", under: str = POLICY) -> bytes:
        """An RFC 3161 token over `value`."""
        algorithm, digest = {
            "streebog": (_STREEBOG_512, streebog.digest(value)),
            "sha256": (signeddata.SHA256_ALGORITHM, sha256(value).digest()),
            "gost34311": (_GOST_34311, bytes(32)),
            "sha1": (_SHA1, bytes(20)),
        }[imprint]
        info = der.tlv(
            der.SEQUENCE,
            der.integer(1),
            der.oid(under),
            der.tlv(der.SEQUENCE, algorithm, der.octets(digest)),
            der.integer(7),
            der.generalized_time(at),
        )
        return signeddata.make(sha256(info).digest(), self.signer, content_type=timestamp.TST_INFO, content=info)


@cache
def authority(until: datetime = datetime(2040, 1, 1, tzinfo=UTC)) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ДЕМО – не ЭЦП: метки времени")])
    builder = standin._builder(
        name,
        name,
        key,
        datetime(2020, 1, 1, tzinfo=UTC),
        until - datetime(2020, 1, 1, tzinfo=UTC),
        standin._tsa_extensions(),
    )
    return Authority(KeySigner(key, standin._sign(builder, key, key)))


def stamped(cms: bytes, token: bytes | None = None, at: datetime = SIGNED_AT, *, times: int = 1, **how: Any) -> bytes:
    """The CMS with a timestamp over the signature of each signer, or with the given token."""

    def add(data: Any) -> None:
        for signer in data["signer_infos"]:
            made = token or authority().token(signer["signature"].native, at, **how)
            values = [asn1_cms.ContentInfo.load(made) for _ in range(times)]
            attribute = asn1_cms.CMSAttribute({"type": "signature_time_stamp_token", "values": values})
            signer["unsigned_attrs"] = asn1_cms.CMSAttributes([attribute])

    return changed(cms, add)


@dataclass(frozen=True)
class RsaHead:
    """A head with an RSA key, as many in Kazakhstan still have, under a root of the tests."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    trust: Trust
    root: Any

    def cms(self, data: bytes, *, attached: bool = False) -> bytes:
        return plain_cms(data, self.certificate, self.key, attached=attached)


def plain_cms(data: bytes, certificate: Any, key: Any, *, attached: bool = False) -> bytes:
    """A CMS with exactly the signed attributes of Kazakhstan's: content type, signing time, message digest."""
    options = [PKCS7Options.Binary, PKCS7Options.NoCapabilities]
    if not attached:
        options.append(PKCS7Options.DetachedSignature)
    builder = PKCS7SignatureBuilder().set_data(data).add_signer(certificate, key, SHA256())
    return builder.sign(Encoding.DER, options)


@cache
def rsa_head(bits: int = 2048, *, auth: bool = False, revoked: datetime | None = None) -> RsaHead:
    """In force for a year from SIGNED_AT; `auth`: a key for authentication. With `revoked`, the CRL lists it."""
    start = SIGNED_AT.replace(microsecond=0) - timedelta(days=1)
    root = standin._root(start)
    key = rsa.generate_private_key(65537, bits)
    person = standin.Person(HEAD_IIN, "ТЕСТОВ ТЕСТ", HEAD_BIN, "АО «ТЕСТ»")
    extensions = standin._head_extensions()
    if auth:
        roles = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.2"), policy.HEAD])
        extensions = {standin._usage(digital_signature=True, key_encipherment=True): True, roles: False}
    builder = standin._builder(
        standin._subject(person), root.certificate.subject, key, start, timedelta(days=366), extensions
    )
    certificate = standin._sign(builder, key, root.key)
    entries = []
    if revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(revoked)
        entries = [entry.build()]
    crl = x509.load_pem_x509_crl(standin._crl(root, start, entries, number=1))
    return RsaHead(key, certificate, Trust((root.certificate,), (), (crl,), stand_in=True), root)
