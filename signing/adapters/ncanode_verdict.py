"""A verdict of our own from what NCANode says, since its `valid` is none.

NCANode knows the mathematics of GOST and the certificates of the national authority; for these two its word is taken,
over a private network. Everything else is decided here, from the bytes: how many signed and whether each brought its
certificate, whether these are the bytes that were signed, when, and who may sign. For keys that this office can check
itself (RSA, P-256) signature, path and revocation come from its own trust and NCANode is only a second voice.

A missing or contradicting answer makes the verdict indeterminate, never invalid: nobody's signature is called forged
because a service was down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from cryptography import x509

from qujat.errors import (
    DocumentAltered,
    Indeterminate,
    QujatError,
    SignerNotEntitled,
    VerificationError,
)
from qujat.signing import signeddata
from qujat.signing.adapters import cmsfacts, ncanode_rules, xmlshape
from qujat.signing.adapters.cmsfacts import CmsFacts, SignerFacts
from qujat.signing.adapters.exchange import Signatory
from qujat.signing.adapters.ncanode import NcaNode
from qujat.signing.adapters.ncanode_wire import CertificateInfo, CmsSigner
from qujat.signing.trust import MALFORMED, Purpose
from qujat.verdicts import Check, Verdict, conclude

# The timestamp policies of the national authority: GOST 34.310-2004, RSA, GOST GT, GOST 34.10-2015.
TSA_POLICIES = frozenset(f"1.2.398.3.3.2.6.{number}" for number in (1, 2, 3, 4))


class Paths(Protocol):
    """Our own trust, as far as it is needed: `signing.trust.Trust` is one."""

    def path(
        self,
        certificate: x509.Certificate,
        chain: tuple[x509.Certificate, ...],
        *,
        at: datetime,
        purpose: Purpose,
    ) -> Sequence[x509.Certificate]:
        """The path to an anchor, valid and unrevoked at a moment; raises VerificationError."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a signature must be to count.

    `tsa_certificates`: SHA-256 (hexadecimal) of the certificates of timestamp authorities that are trusted; without
    any, no timestamp is. `timestamp`: whether there must be one, or whether a signature is judged at its receipt.
    `prepared_at`: when the bytes were given out to be signed; nothing was stamped before. `trust` None: keys that this
    office could check itself stay undecided.
    """

    signatory: Signatory
    tsa_certificates: frozenset[str] = frozenset()
    tsa_policies: frozenset[str] = TSA_POLICIES
    trust: Paths | None = None
    timestamp: Literal["required", "receipt"] = "required"
    prepared_at: datetime | None = None
    skew: timedelta = timedelta(minutes=5)
    stand_in: bool = False
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    @property
    def anchor_names(self) -> tuple[str, ...]:
        """The timestamp authorities that are trusted; the rest rests on the anchors of NCANode."""
        return tuple(f"timestamp authority (SHA-256 {name})" for name in sorted(self.tsa_certificates))


@dataclass(frozen=True, slots=True)
class Told:
    """What NCANode said of one signer: asked with revocation, and if the whole was not valid, once more without.

    `whole` and `whole_without` are the answers for all signers together: old versions have no other.
    """

    signer: CmsSigner
    certificate: CertificateInfo
    without: CertificateInfo | None
    whole: bool
    whole_without: bool


def judge_cms(node: NcaNode, cms: bytes, data: bytes, expected: Expected, *, attached: bool = False) -> Verdict:
    """The verdict on a CMS over `data`, which it must not carry, or with `attached` must carry. Never raises."""
    try:
        facts = cmsfacts.read(cms)
        _carries(facts.content, data, attached=attached)
        _carries(node.cms_extract(cms), data, attached=attached)
        sent = None if attached else data

        def ask(revocation: bool) -> tuple[bool, list[CmsSigner]]:
            reply = node.cms_verify(cms, sent) if revocation else node.cms_verify(cms, sent, ())
            return reply.valid, reply.signers

        return _judge(facts, data, _told(facts, ask), expected)
    except QujatError as error:
        return _failed(error, expected)


def judge_xml(node: NcaNode, xml: bytes, data: bytes, expected: Expected) -> Verdict:
    """The verdict on signed XML whose content must be `data` (both in canonical form). Never raises."""
    try:
        facts = xmlshape.read(xml)
        content = facts.content or b""
        if content != xmlshape.canonical(data):
            raise ncanode_rules.Failed("invalid", "document-altered", "the XML is not the one that was given out")
        text = xml.decode("utf-8")

        def ask(revocation: bool) -> tuple[bool, list[CmsSigner]]:
            reply = node.xml_verify(text) if revocation else node.xml_verify(text, ())
            return reply.valid, [CmsSigner(certificates=[c] if c else []) for c in reply.signers]

        return _judge(facts, content, _told(facts, ask), expected)
    except UnicodeDecodeError:
        return _failed(ncanode_rules.Failed("invalid", "document-altered", "not UTF-8"), expected)
    except QujatError as error:
        return _failed(error, expected)


def _carries(content: bytes | None, data: bytes, *, attached: bool) -> None:
    """NCANode leaves the given data aside where a CMS carries its own: then any signature would fit any document."""
    if not attached and content is not None:
        raise ncanode_rules.Failed("invalid", "not-detached", "the signature carries content of its own")
    if attached and content != data:
        raise ncanode_rules.Failed("invalid", "document-altered", "the signature carries other content")


def _told(facts: CmsFacts, ask: Callable[[bool], tuple[bool, list[CmsSigner]]]) -> list[Told]:
    """NCANode's answers, matched with the signers that are in the bytes. Raises Failed."""
    if not facts.signers:
        raise ncanode_rules.Failed("invalid", "no-signers", "a signature without signers")
    if any(signer.certificate is None for signer in facts.signers):
        raise ncanode_rules.Failed("invalid", "signer-certificate-missing", "not one certificate for each signer")
    whole, signers = ask(True)
    certificates = _matched(facts.signers, signers)
    if whole:
        return [Told(one, one.certificates[0], None, whole, whole) for one in certificates]
    whole_without, signers_without = ask(False)
    again = _matched(facts.signers, signers_without)
    return [
        Told(one, one.certificates[0], other.certificates[0], whole, whole_without)
        for one, other in zip(certificates, again, strict=True)
    ]


def _matched(signers: Sequence[SignerFacts], told: Sequence[CmsSigner]) -> list[CmsSigner]:
    """One answer for each signer, in the order of the bytes; exactly one certificate in each."""
    if any(len(one.certificates) != 1 for one in told):
        raise ncanode_rules.Failed("indeterminate", "service-differs", "not one certificate for each signer")
    by_serial = {one.certificates[0].serial: one for one in told}
    serials = [signer.serial for signer in signers]
    if len(by_serial) != len(told) or sorted(map(str, by_serial)) != sorted(map(str, serials)):
        raise ncanode_rules.Failed("indeterminate", "service-differs", "other signers than are in the signature")
    return [by_serial[serial] for serial in serials]


def _judge(facts: CmsFacts, data: bytes, told: Sequence[Told], expected: Expected) -> Verdict:
    checks: list[Check] = []
    for number, (signer, one) in enumerate(zip(facts.signers, told, strict=True), start=1):
        label = f"signer {number}: " if len(facts.signers) > 1 else ""
        checks += _signer(signer, one, data, expected, label)
    return conclude(checks, {}, expected)


def _signer(signer: SignerFacts, told: Told, data: bytes, expected: Expected, label: str) -> list[Check]:
    """Every question about one signer, each answered by itself."""
    certificate = _loaded(signer)
    now = expected.clock()
    moment = signer.stamp.time if signer.stamp else now
    rules: list[tuple[str, Callable[[], str]]] = [
        ("data", lambda: ncanode_rules.content(signer, data)),
        ("signature", lambda: ncanode_rules.mathematics(signer, certificate, told)),
        ("timestamp", lambda: ncanode_rules.timestamp(signer, told, expected, now)),
        ("certificate", lambda: ncanode_rules.certificate(signer, certificate, told, expected, moment)),
        ("revocation", lambda: ncanode_rules.revocation(signer, certificate, told, expected, moment, now)),
        ("signer", lambda: ncanode_rules.entitled(certificate, told, expected)),
    ]
    return [_answer(name, rule, label) for name, rule in rules]


def _loaded(signer: SignerFacts) -> x509.Certificate:
    """The signer's certificate, all of it that the rules look at parsed: that happens only when asked for."""
    certificate = signeddata.load(signer.certificate or b"")
    try:
        _ = certificate.subject, certificate.extensions
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except MALFORMED as error:
        raise DocumentAltered("expected a certificate in DER, came something else; sign again") from error
    return certificate


def _answer(name: str, rule: Callable[[], str], label: str) -> Check:
    try:
        return Check(name, "valid", "ok", (label + rule()).rstrip(": "))
    except QujatError as error:
        return _check(name, error, label)


def _check(name: str, error: QujatError, label: str = "") -> Check:
    if isinstance(error, ncanode_rules.Failed):
        return Check(name, error.value, error.code, label + error.message)
    proved = isinstance(error, VerificationError | SignerNotEntitled) and not isinstance(error, Indeterminate)
    return Check(name, "invalid" if proved else "indeterminate", error.code, label + error.message)


def _failed(error: QujatError, expected: Expected) -> Verdict:
    return conclude([_check("signature", error)], {}, expected)
