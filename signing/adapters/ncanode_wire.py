"""What NCANode 3.x says over HTTP, as models: read strictly where a verdict hangs on it, tolerant of what is new.

Sources: malikzh/NCANode@3536745 and ncanode-kz/NCANode@9f642fe (the same service), @51b4695 (2026, which adds a status
to each signer). Its hand-written openapi.yml calls the certificates of a signer `signers`, its code `certificates`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

RevocationSource = Literal["OCSP", "CRL"]
# Always both at intake: without them NCANode checks no revocation at all, and says `valid`.
REVOCATION: tuple[RevocationSource, ...] = ("OCSP", "CRL")

TsaPolicy = Literal["TSA_GOST2015_POLICY", "TSA_GOST_POLICY", "TSA_GOSTGT_POLICY"]

_Text = Annotated[str, StringConstraints(max_length=4096)]


def _moment(value: object) -> object:
    """Java's dates carry an offset; a time without one would be anybody's guess."""
    if not isinstance(value, str):
        raise ValueError("expected a date as text")
    read = datetime.fromisoformat(value)
    if read.tzinfo is None:
        raise ValueError("expected a date with its offset")
    return read.astimezone(UTC)


_Moment = Annotated[datetime, BeforeValidator(_moment)]


class Wire(BaseModel):
    """Unknown members are left out: newer versions add some."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", populate_by_name=True)


class Revocation(Wire):
    """One look at one source. `revoked` false may mean: good, unknown, or nobody answered; see `good`."""

    by: RevocationSource
    revoked: bool
    revocation_time: _Moment | None = Field(default=None, alias="revocationTime")
    reason: _Text | None = None
    result: _Text | None = None

    @property
    def good(self) -> bool:
        """Whether an OCSP responder said good: NCANode then gives the reason OK, otherwise what went wrong.

        A CRL never says good: where NCANode holds none it reports the same as where it found nothing.
        """
        said = self.result == "ACTIVE" if self.result is not None else self.reason == "OK"
        return self.by == "OCSP" and not self.revoked and said


class Subject(Wire):
    iin: _Text | None = Field(default=None, repr=False)
    bin: _Text | None = None
    common_name: _Text | None = Field(default=None, alias="commonName", repr=False)
    dn: _Text | None = Field(default=None, repr=False)


class CertificateInfo(Wire):
    """Facts about a certificate. `valid`: dates now, known issuer, and the revocation that was asked for."""

    valid: bool
    revocations: list[Revocation] = Field(default_factory=list, max_length=32)
    not_before: _Moment = Field(alias="notBefore")
    not_after: _Moment = Field(alias="notAfter")
    key_usage: _Text | None = Field(default=None, alias="keyUsage")
    serial_number: _Text = Field(alias="serialNumber")
    sign_alg: _Text | None = Field(default=None, alias="signAlg")
    key_user: list[_Text] = Field(default_factory=list, alias="keyUser", max_length=32)
    subject: Subject | None = None
    issuer: Subject | None = None

    @property
    def serial(self) -> int | None:
        """The serial number, which comes in hexadecimal; None if it does not."""
        try:
            return int(self.serial_number, 16)
        except ValueError:
            return None


class Tsp(Wire):
    time: _Moment = Field(alias="genTime")
    policy: _Text | None = None
    hash_algorithm: _Text | None = Field(default=None, alias="tspHashAlgorithm")
    hash: _Text | None = None


def _list(value: object) -> object:
    return [value] if isinstance(value, Mapping) else value


class CmsSigner(Wire):
    """One signer. `status` and `sub_indication` only come from versions of 2026."""

    certificates: Annotated[list[CertificateInfo], BeforeValidator(_list)] = Field(
        default_factory=list,
        validation_alias=AliasChoices("certificates", "signers", "certificate"),
        max_length=32,
    )
    tsp: Tsp | None = None
    status: _Text | None = None
    sub_indication: _Text | None = Field(default=None, alias="subIndication")


class CmsReply(Wire):
    """The answer of /cms/verify. `valid` alone decides nothing: see `ncanode_verdict`."""

    valid: bool
    signers: list[CmsSigner] = Field(max_length=64)


class CertificatesReply(Wire):
    """The answer of /xml/verify, /x509/info and /pkcs12/info; None for a certificate that it could not read."""

    valid: bool
    signers: list[CertificateInfo | None] = Field(max_length=64)


class CmsMade(Wire):
    cms: str


class XmlMade(Wire):
    xml: str


class DataTaken(Wire):
    data: str


class Health(Wire):
    status: _Text


class Refusal(Wire):
    """An error of NCANode, or Spring's own for a request that it does not take. `message` may quote the input."""

    status: int | None = None
    message: str = Field(default="", repr=False)


Json = Mapping[str, Any]
