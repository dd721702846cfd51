"""Whom we trust: anchors, paths up to them (RFC 5280 section 6), and what was revoked when.

The rule for revocation at a moment `at`. Each certificate of the path, the anchor apart, needs a word of its issuer (a
CRL, or an OCSP answer) that is evidence for `at`: its window covers `at` (thisUpdate <= at <= nextUpdate), or it was
given after `at` and before the certificate ran out (later CRLs may drop it, RFC 5280 3.3). If any word says that the
certificate was revoked at a date not after `at`, it is revoked. No evidence is RevocationUnknown: neither proved nor
refuted. A revoked timestamp certificate spoils its old timestamps too, unless the reason says that the key stayed safe
(RFC 3161 section 4).

`path` asks about one moment, with the lists that are held. How long a whole document stays proven is `proof.judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import count, pairwise
from typing import Literal, NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm as NotImplementedHere
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from qujat.errors import (
    CertificateRevoked,
    CertificateUntrusted,
    DocumentAltered,
    RevocationUnknown,
    UnsupportedAlgorithm,
    VerificationError,
)
from qujat.signing import ocsp
from qujat.signing.evidence import NONE, Evidence

Purpose = Literal["sign", "timestamp"]
Path = tuple[x509.Certificate, ...]
_Revocation = tuple[datetime, x509.ReasonFlags | None]

# What pyca/cryptography raises for a certificate that it parses only when asked.
MALFORMED = (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion)
STAND_IN_POLICY = x509.ObjectIdentifier("2.25.184837276369990849017533375125864671841")

_LONGEST_PATH = 6
_MOST_LINKS = 64  # certificates that all issue each other give paths without number
_UNDERSTOOD = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.CertificatePolicies)
KEY_STAYED_SAFE = frozenset(
    {
        x509.ReasonFlags.unspecified,
        x509.ReasonFlags.affiliation_changed,
        x509.ReasonFlags.superseded,
        x509.ReasonFlags.cessation_of_operation,
    }
)
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


class Word(NamedTuple):
    """That an issuer spoke of a certificate, of the time from `first` to `last`."""

    first: datetime
    last: datetime
    source: str


class Standing(NamedTuple):
    """What an issuer says of one certificate, in lists and answers: when it was revoked and why, and as of when."""

    revoked: tuple[tuple[datetime, x509.ReasonFlags | None], ...]
    words: tuple[Word, ...]

    def word(self, at: datetime, ends: datetime) -> Word | None:
        """A word that is evidence for `at` of a certificate that `ends` then; None if there is none."""
        return next((w for w in self.words if w.first <= at <= w.last or at < w.first <= ends), None)


@dataclass(frozen=True)
class Trust:
    """Anchors that we trust, intermediates and CRLs that we hold. `stand_in`: none of it is the real thing."""

    anchors: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...] = ()
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    stand_in: bool = False
    # Neither cache knows the moment: which paths exist and what the CRLs say does not depend on it.
    _paths: Callable[[x509.Certificate, Path, Purpose], tuple[Path, ...]] = field(init=False, repr=False, compare=False)
    _held: Callable[[x509.Certificate, x509.Certificate], Standing] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_paths", lru_cache(maxsize=256)(self._find_paths))
        object.__setattr__(self, "_held", lru_cache(maxsize=256)(self._read_crls))

    @cached_property
    def bare(self) -> Trust:
        """The same anchors and intermediates without the lists that are held: what a stranger has."""
        return replace(self, crls=()) if self.crls else self

    @property
    def anchor_names(self) -> tuple[str, ...]:
        """Every anchor by its subject and the SHA-256 of its certificate: whose trust a verdict rests on."""
        return tuple(f"{a.subject.rfc4514_string()} (SHA-256 {a.fingerprint(SHA256()).hex()})" for a in self.anchors)

    def validate(self, certificate: x509.Certificate, chain: Path, *, at: datetime, purpose: Purpose) -> None:
        """Return if the certificate led to an anchor at `at`, unrevoked; for errors see `path`."""
        self.path(certificate, chain, at=at, purpose=purpose)

    def path(self, certificate: x509.Certificate, chain: Path, *, at: datetime, purpose: Purpose) -> Path:
        """The path from the certificate to an anchor, both included, valid at `at` (RFC 5280 section 6).

        Raises CertificateUntrusted (no path, or outside its validity), CertificateRevoked, RevocationUnknown,
        UnsupportedAlgorithm.
        """
        failures: list[VerificationError] = []
        for path in self.paths(certificate, chain, purpose):
            try:
                self._check_at(path, at, purpose)
            except VerificationError as error:
                failures.append(error)
            else:
                return path
        raise failures[0]

    def paths(self, certificate: x509.Certificate, chain: Path, purpose: Purpose) -> tuple[Path, ...]:
        """Every path from the certificate to an anchor, at whatever time; at least one.

        Raises CertificateUntrusted, UnsupportedAlgorithm.
        """
        found = self._paths(certificate, chain, purpose)
        if not found:
            raise CertificateUntrusted(
                "expected a certificate that leads to one of the trusted roots, came one that does not;"
                " check which authority issued it, and whether that root belongs among the anchors"
            )
        return found

    def standing(self, certificate: x509.Certificate, issuer: x509.Certificate, also: Evidence = NONE) -> Standing:
        """What the issuer says of the certificate in `also`, and in the lists that are held here."""
        answers = [_answer(encoded, certificate, issuer) for encoded in also.ocsps]
        found = [answer for answer in answers if answer]
        found.extend(_lists((load_crl(encoded) for encoded in also.crls), certificate, issuer, "in the file"))
        held = self._held(certificate, issuer)
        revoked = [date for _, date in found if date]
        return Standing((*revoked, *held.revoked), (*(word for word, _ in found), *held.words))

    def _check_at(self, path: Path, at: datetime, purpose: Purpose) -> None:
        for certificate in path:
            first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            if not first <= at <= last:
                raise CertificateUntrusted(
                    f"expected certificates valid at {at:%Y-%m-%dT%H:%M:%SZ}, came one valid from {first:%Y-%m-%d} to"
                    f" {last:%Y-%m-%d}; without a timestamp, check as of the moment of registration"
                )
        for certificate, issuer in pairwise(path):
            self._check_revocation(certificate, issuer, at, purpose)

    def _check_revocation(
        self, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime, purpose: Purpose
    ) -> None:
        status = self.standing(certificate, issuer)
        for date, reason in status.revoked:
            if date <= at or (purpose == "timestamp" and reason not in KEY_STAYED_SAFE):
                raise CertificateRevoked(
                    f"expected a certificate in good standing at {at:%Y-%m-%dT%H:%M:%SZ}, came one revoked on"
                    f" {date:%Y-%m-%dT%H:%M:%SZ}; do not rely on this signature"
                )
        if status.word(at, certificate.not_valid_after_utc) is None:
            raise unknown(status, at)

    def _find_paths(self, certificate: x509.Certificate, chain: Path, purpose: Purpose) -> tuple[Path, ...]:
        """Every path to an anchor. Raises CertificateUntrusted, UnsupportedAlgorithm for a leaf or key that cannot."""
        try:
            _check_leaf(certificate, purpose)
            # One certificate for one issuer and serial number, ours before a copy that somebody may have altered.
            pool = {(c.issuer, c.serial_number): c for c in (*chain, *self.intermediates)}
            return tuple(self._extend((certificate,), tuple(pool.values()), count(1)))
        except NotImplementedHere as error:
            raise UnsupportedAlgorithm(
                "expected keys on P-256 or RSA, came another kind, such as GOST; check with the NCA's own service"
            ) from error
        except MALFORMED as error:
            raise CertificateUntrusted(
                "expected well-formed certificates (RFC 5280 section 4), came one that is not; do not rely on it"
            ) from error

    def _extend(self, path: Path, pool: Path, links: Iterator[int]) -> Iterator[Path]:
        if next(links) > _MOST_LINKS:
            raise CertificateUntrusted(
                f"expected certificates that lead straight to a root, came a net of more than {_MOST_LINKS} links;"
                " do not rely on them"
            )
        for anchor in self.anchors:
            if _issued(path[-1], anchor, len(path) - 1):
                yield (*path, anchor)
        if len(path) < _LONGEST_PATH:
            for issuer in pool:
                if issuer not in path and issuer not in self.anchors and _issued(path[-1], issuer, len(path) - 1):
                    yield from self._extend((*path, issuer), pool, links)

    def _read_crls(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Standing:
        found = list(_lists(self.crls, certificate, issuer, "held here"))
        return Standing(tuple(date for _, date in found if date), tuple(word for word, _ in found))


def unknown(standing: Standing, at: datetime) -> RevocationUnknown:
    """That nobody has said whether a certificate was revoked at `at`."""
    return RevocationUnknown(
        f"expected a list of revoked certificates that speaks of {at:%Y-%m-%dT%H:%M:%SZ}, came"
        f" {len(standing.words)} that do not; fetch the issuer's current list and check again"
    )


@lru_cache(maxsize=256)
def load_crl(encoded: bytes) -> x509.CertificateRevocationList:
    """A list of revoked certificates from its DER; one object for one list. Raises DocumentAltered."""
    try:
        return x509.load_der_x509_crl(encoded)
    except MALFORMED as error:
        raise DocumentAltered(
            "expected a list of revoked certificates in DER, came something else; get the document again"
        ) from error


def _lists(
    crls: Iterable[x509.CertificateRevocationList], certificate: x509.Certificate, issuer: x509.Certificate, where: str
) -> Iterator[tuple[Word, _Revocation | None]]:
    for crl in crls:
        if crl.issuer == issuer.subject and speaks_for(crl, issuer):
            first, entry = crl.last_update_utc, crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
            word = Word(first, crl.next_update_utc or first, f"CRL of {first:%Y-%m-%dT%H:%M:%SZ} {where}")
            yield word, (entry.revocation_date_utc, _reason(entry)) if entry is not None else None


def _answer(
    encoded: bytes, certificate: x509.Certificate, issuer: x509.Certificate
) -> tuple[Word, _Revocation | None] | None:
    try:
        said = ocsp.read(encoded, certificate, issuer)
    except ocsp.NoAnswer:
        return None
    word = Word(said.first, said.last, f"OCSP of {said.first:%Y-%m-%dT%H:%M:%SZ} in the file")
    return word, (said.revoked_at, said.reason) if said.revoked_at else None


def is_stand_in(certificate: x509.Certificate) -> bool:
    """True if the certificate carries the policy of stand-ins: made by Qujat for trying out, worth nothing in law."""
    policies = _get(certificate.extensions, x509.CertificatePolicies)
    return any(p.policy_identifier == STAND_IN_POLICY for p in policies or ())


def _check_leaf(certificate: x509.Certificate, purpose: Purpose) -> None:
    """Key usage by purpose: RFC 5280 4.2.1.3 for signatures, RFC 3161 2.3 for timestamps."""
    _check_critical(certificate)
    usage = _get(certificate.extensions, x509.KeyUsage)
    constraints = _get(certificate.extensions, x509.BasicConstraints)
    if usage is None or not (usage.digital_signature or usage.content_commitment) or (constraints and constraints.ca):
        raise CertificateUntrusted(
            "expected an end entity's certificate with key usage digitalSignature or nonRepudiation, came another;"
            " do not rely on it"
        )
    if purpose == "timestamp":
        _check_timestamping(certificate)


def _check_timestamping(certificate: x509.Certificate) -> None:
    usages = [e for e in certificate.extensions if isinstance(e.value, x509.ExtendedKeyUsage)]
    if not any(e.critical and list(e.value) == [ExtendedKeyUsageOID.TIME_STAMPING] for e in usages):
        raise CertificateUntrusted(
            "expected a timestamp authority (extended key usage timeStamping alone, critical: RFC 3161 2.3),"
            " came a certificate for something else; do not rely on this timestamp"
        )


def _check_critical(certificate: x509.Certificate) -> None:
    """RFC 5280 4.2: a critical extension that we do not process makes a certificate unusable."""
    for extension in certificate.extensions:
        if extension.critical and not isinstance(extension.value, _UNDERSTOOD):
            raise CertificateUntrusted(
                f"expected critical extensions that we understand, came {extension.oid.dotted_string};"
                " check with a full RFC 5280 validator"
            )


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, below: int) -> bool:
    """Whether `issuer` may issue with `below` CAs beneath it (RFC 5280 6.1.4), and did sign this certificate."""
    if certificate.issuer != issuer.subject:
        return False
    constraints, usage = _get(issuer.extensions, x509.BasicConstraints), _get(issuer.extensions, x509.KeyUsage)
    if not constraints or not constraints.ca or not usage or not usage.key_cert_sign:
        return False
    if constraints.path_length is not None and constraints.path_length < below:
        return False
    _check_critical(issuer)
    if not isinstance(certificate.signature_hash_algorithm, SHA256 | SHA384 | SHA512):
        raise CertificateUntrusted(
            "expected certificates signed with SHA-2, came a weaker digest; do not rely on this certificate"
        )
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return False
    # The BIT STRING's count of unused bits is not signed: only 0 is the certificate as it was issued.
    return certificate.public_bytes(Encoding.DER).endswith(b"\0" + certificate.signature)


def speaks_for(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether the CRL is whole (no delta, no part: those are critical extensions) and its issuer's, with SHA-2."""
    usage, key = _get(issuer.extensions, x509.KeyUsage), issuer.public_key()
    if not usage or not usage.crl_sign or any(extension.critical for extension in crl.extensions):
        return False
    if not isinstance(crl.signature_hash_algorithm, SHA256 | SHA384 | SHA512):
        return False
    return isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) and crl.is_signature_valid(key)


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    found = _get(entry.extensions, x509.CRLReason)
    return found.reason if found else None


def _get(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    return next((e.value for e in extensions if isinstance(e.value, kind)), None)
