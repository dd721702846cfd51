"""What is proven of a signature at a moment, by which evidence, and until when.

Time is told from the outside in (ETSI EN 319 102-1 5.6). The outermost timestamp must be good at the moment of the
check, or at the earlier moment at which the register took the file in. It proves that everything inside existed at its
time, so the next timestamp needs to be good only then, and so on down to the signature, which must have been good at
the time of the innermost timestamp. Good at a moment: a path to an anchor, every certificate of it valid then, every
algorithm of it still accepted then, and a word of each issuer that speaks of that moment and does not say "revoked".

So nothing becomes invalid because time has passed: what ran out is indeterminate, and the error says what is missing.
And nothing is valid because nobody looked: each step names the evidence that it rests on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from qujat.errors import (
    AuthorityUnknown,
    CertificateRevoked,
    CertificateUntrusted,
    DocumentAltered,
    EvidenceLapsed,
    NotYet,
    TimestampInvalid,
    VerificationError,
)
from qujat.signing import ocsp
from qujat.signing.acceptance import Policy, path_end
from qujat.signing.evidence import NONE, Evidence
from qujat.signing.timestamp import Timestamp
from qujat.signing.trust import KEY_STAYED_SAFE, Path, Purpose, Trust, load_crl, speaks_for, unknown

Kind = Literal["signature-timestamp", "archive-timestamp"]
Level = Literal["B-B", "B-T", "B-LTA"]
Recorded = Callable[[str], datetime | None]

_SKEW = timedelta(minutes=5)
_CHECK = "the moment of the check"
_AUTHORITY = "the timestamp authority"


@dataclass(frozen=True, slots=True)
class Layer:
    """A timestamp over everything before it: over the signature, or over the file with its evidence.

    evidence: the values that this timestamp is the first to cover. digest: SHA-256 in hexadecimal of the file that ends
    with this timestamp; empty if no such file was ever issued.
    """

    kind: Kind
    stamp: Timestamp
    evidence: Evidence = NONE
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that is right in itself, with its timestamps from the inside out. Whether to trust it is another
    question: `judge`. digest: SHA-256 in hexadecimal of the whole file.

    plain: made elsewhere, without naming its certificate as the levels of ETSI ask, whatever stands around it.
    """

    certificate: x509.Certificate
    chain: Path
    claimed_at: datetime | None
    layers: tuple[Layer, ...]
    digest: str = ""
    plain: bool = False

    @property
    def timestamp(self) -> datetime | None:
        """The time of the innermost timestamp: the earliest at which the signature is proven to have existed."""
        return self.layers[0].stamp.time if self.layers else None

    @property
    def level(self) -> Level:
        """The level of ETSI EN 319 122-1, 132-1 and 142-1; of a plain signature, the level that its evidence has."""
        if any(layer.kind == "archive-timestamp" for layer in self.layers):
            return "B-LTA"
        return "B-T" if self.layers else "B-B"

    @property
    def kind(self) -> str:
        """The level in words for a report, which do not claim more than it has."""
        return f"{self.level}, plain" if self.plain else self.level

    @property
    def evidence(self) -> Evidence:
        """All values in the file."""
        whole = NONE
        for layer in self.layers:
            whole |= layer.evidence
        return whole


@dataclass(frozen=True, slots=True)
class Moment:
    """When something must have been good, and by whose word it existed then."""

    time: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Step:
    """That one thing was good at a moment, and what says so."""

    what: str
    moment: Moment
    words: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The step as a check reports it."""
        return {
            "what": self.what,
            "good_at": _text(self.moment.time),
            "because": self.moment.by,
            "not_revoked": list(self.words),
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature that was good at `signed_at`, by these steps from the outside in."""

    signed_at: datetime
    path: Path
    steps: tuple[Step, ...]


def joined(signed: Signed, detached: Signed) -> Signed:
    """A signed file with a detached signature of that file: what proves the one existed proves the other.

    Only the detached signature's archive timestamps cover the file as such. DocumentAltered if it is another signer's.
    """
    if detached.certificate != signed.certificate or set(detached.chain) != set(signed.chain):
        raise DocumentAltered("expected a file and its detached signature by one signer, came two; get them again")
    stamps = (layer for layer in detached.layers if layer.kind == "archive-timestamp")
    layers = sorted((*signed.layers, *stamps), key=lambda layer: layer.stamp.time)
    return replace(signed, layers=tuple(layers))


def nowhere(digest: str) -> None:
    """No register: no file was recorded."""
    del digest


def judge(
    signed: Signed, trust: Trust, *, at: datetime, policy: Policy | None = None, recorded: Recorded = nowhere
) -> Proof:
    """What is proven of a signature at the moment `at`. `recorded` says when the register took in a file of a digest.

    Raises EvidenceLapsed, RevocationUnknown, NotYet, UnsupportedAlgorithm (indeterminate); CertificateUntrusted,
    CertificateRevoked, TimestampInvalid, DocumentAltered (invalid).
    """
    return _Judge(signed, trust, policy or Policy(), recorded, at).proof()


def lapses(signed: Signed, trust: Trust, policy: Policy) -> tuple[datetime, str]:
    """Until when the file can prove itself, without the register, and what runs out then.

    That of the last timestamp; without evidence in the file, also that of the signer: afterwards nobody speaks of him.
    The revocation lists of the day are not counted: whoever checks fetches them. Raises as `judge` does.
    """
    judged = _Judge(signed, trust, policy, nowhere, datetime.max.replace(tzinfo=UTC))
    ends = [path_end(judged.signers_paths()[0], policy, "the signer")] if signed.level != "B-LTA" else []
    if signed.layers:
        ends.append(path_end(judged.stamps_paths(signed.layers[-1])[0], policy, _AUTHORITY))
    return min(ends)


@dataclass(frozen=True)
class _Judge:
    signed: Signed
    trust: Trust
    policy: Policy
    recorded: Recorded
    at: datetime

    def proof(self) -> Proof:
        moment, steps = self._earlier(Moment(self.at, _CHECK), self.signed.digest), []
        self._check_not_from_the_future()
        self._check_nothing_stray()
        for layer in reversed(self.signed.layers):
            moment = self._earlier(moment, layer.digest)
            steps.append(self._layer(layer, moment))
            moment = Moment(layer.stamp.time, _name(layer))
        path, words = self._signer(moment)
        return Proof(self._signed_at(), path, (*steps, Step("signature", moment, words)))

    def stamps_paths(self, layer: Layer) -> tuple[Path, ...]:
        """The same of a timestamp. An archive timestamp only adds proof: an unknown one refutes nothing."""
        try:
            return self.paths(layer.stamp.certificate, layer.stamp.chain, "timestamp")
        except CertificateUntrusted as error:
            if layer.kind == "signature-timestamp":
                raise
            raise AuthorityUnknown(
                f"expected {_name(layer)} to be by an authority that is known here, came another; put its root among"
                " the anchors, or check the file as it was before"
            ) from error

    def paths(self, certificate: x509.Certificate, chain: Path, purpose: Purpose) -> tuple[Path, ...]:
        """The paths that consist of the embedded certificates and nothing else."""
        found = self.trust.paths(certificate, chain, purpose)
        exact = tuple(path for path in found if set(path[1:-1]) == set(chain))
        if not exact:
            raise _not_exact(purpose)
        return exact

    def signers_paths(self) -> tuple[Path, ...]:
        return self.paths(self.signed.certificate, self.signed.chain, "sign")

    def _signed_at(self) -> datetime:
        return self.signed.timestamp or self.signed.claimed_at or self.at

    def _earlier(self, moment: Moment, digest: str) -> Moment:
        """The moment of the register's record of this file, if that is earlier and counts."""
        taken_in = self.recorded(digest) if digest and self.policy.register_is_proof else None
        if taken_in is None or taken_in > moment.time or self.at > self.policy.first_to_end({"SHA-256"})[0]:
            return moment
        return Moment(taken_in, "the register, which recorded the file")

    def _check_not_from_the_future(self) -> None:
        late = [layer for layer in self.signed.layers if layer.stamp.time > self.at + _SKEW]
        if late:
            raise NotYet(
                f"expected evidence from before {_text(self.at)}, came {_name(late[-1])}; ask about a later moment, or"
                " check the file as it was before that"
            )

    def _check_nothing_stray(self) -> None:
        """Every value in the file belongs to one of its paths: nothing else can travel in a signed file."""
        paths = [self.signers_paths()[0], *(self.stamps_paths(layer)[0] for layer in self.signed.layers)]
        pairs = {pair for path in paths for pair in pairwise(path)}
        held = self.signed.evidence
        roots = {path[-1].public_bytes(Encoding.DER) for path in paths}
        if not set(held.certificates) <= roots:
            raise _stray("certificate")
        if not all(any(_is_about(encoded, *pair) for pair in pairs) for encoded in held.ocsps):
            raise _stray("OCSP answer")
        issuers = {issuer for _, issuer in pairs}
        if not all(any(_is_list_of(encoded, issuer) for issuer in issuers) for encoded in held.crls):
            raise _stray("list of revoked certificates")

    def _layer(self, layer: Layer, moment: Moment) -> Step:
        stamp = layer.stamp
        good_at = Moment(max(moment.time, stamp.time), moment.by)
        _, words = self._first_good(
            self.stamps_paths(layer),
            lambda path: self._timestamp(path, stamp.time, good_at, _name(layer)),
        )
        return Step(_name(layer), good_at, words)

    def _signer(self, moment: Moment) -> tuple[Path, tuple[str, ...]]:
        return self._first_good(self.signers_paths(), lambda path: self._signature(path, moment))

    @staticmethod
    def _first_good(paths: tuple[Path, ...], good: Callable[[Path], tuple[str, ...]]) -> tuple[Path, tuple[str, ...]]:
        failures: list[VerificationError] = []
        for path in paths:
            try:
                return path, good(path)
            except VerificationError as error:
                failures.append(error)
        raise failures[0]

    def _timestamp(self, path: Path, made: datetime, moment: Moment, name: str) -> tuple[str, ...]:
        _check_begun(path, made)
        _check_not_ended(path, made)
        self._check_lasts(path, moment, name, _AUTHORITY)
        needed = not self.policy.tsa_is_anchor
        words = []
        for certificate, issuer in pairwise(path):
            standing = self.trust.standing(certificate, issuer, self.signed.evidence)
            for since, reason in standing.revoked:
                if since <= made:
                    raise _revoked(since)
                if since <= moment.time and reason not in KEY_STAYED_SAFE:
                    raise _lapsed(name, f"its authority's certificate was revoked on {_text(since)}", moment)
            word = standing.word(moment.time, certificate.not_valid_after_utc)
            if word is None and needed:
                raise unknown(standing, moment.time)
            words.append(word.source if word else "the timestamp authority is an anchor")
        return tuple(words)

    def _signature(self, path: Path, moment: Moment) -> tuple[str, ...]:
        if moment.by == _CHECK and moment.time < max(c.not_valid_before_utc for c in path):
            raise NotYet(f"expected a moment after the signing, came {_text(moment.time)}; ask about a later moment")
        _check_begun(path, moment.time)
        self._check_lasts(path, moment, "the signature", "the signer")
        words = []
        for certificate, issuer in pairwise(path):
            standing = self.trust.standing(certificate, issuer, self.signed.evidence)
            for since, _ in standing.revoked:
                self._check_signed_before(since, moment)
            word = standing.word(moment.time, certificate.not_valid_after_utc)
            if word is None:
                raise unknown(standing, moment.time)
            words.append(word.source)
        return tuple(words)

    def _check_signed_before(self, revoked: datetime, moment: Moment) -> None:
        if revoked > moment.time:
            return
        claimed = self.signed.claimed_at
        if moment.by == _CHECK and claimed and claimed < revoked:
            raise _lapsed("the signature", f"its certificate was revoked on {_text(revoked)}", moment)
        raise _revoked(revoked)

    def _check_lasts(self, path: Path, moment: Moment, name: str, holder: str) -> None:
        end, what = path_end(path, self.policy, holder)
        if moment.time > end:
            raise _lapsed(name, f"{what} ended on {_text(end)}", moment)


def _check_begun(path: Path, at: datetime) -> None:
    first = max(certificate.not_valid_before_utc for certificate in path)
    if at < first:
        raise CertificateUntrusted(
            f"expected certificates valid at {_text(at)}, came one valid from {_text(first)}; do not rely on it"
        )


def _check_not_ended(path: Path, made: datetime) -> None:
    last = min(certificate.not_valid_after_utc for certificate in path)
    if made > last:
        raise CertificateUntrusted(
            f"expected a timestamp made while its certificates were valid, came one of {_text(made)} with a certificate"
            f" valid to {_text(last)}; do not rely on its time"
        )


def _is_about(encoded: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        ocsp.read(encoded, certificate, issuer)
    except ocsp.NoAnswer:
        return False
    return True


def _is_list_of(encoded: bytes, issuer: x509.Certificate) -> bool:
    crl = load_crl(encoded)
    return crl.issuer == issuer.subject and speaks_for(crl, issuer)


def _not_exact(purpose: Purpose) -> VerificationError:
    if purpose == "timestamp":
        return TimestampInvalid(
            "expected the certificates of the timestamp's path and no others, came more or fewer; do not rely on it"
        )
    return DocumentAltered(
        "expected the certificates of the signer's path and no others, came more or fewer; get the document again"
    )


def _stray(what: str) -> DocumentAltered:
    return DocumentAltered(
        f"expected evidence on the certificates of this document alone, came another {what}; get the document again"
    )


def _revoked(since: datetime) -> CertificateRevoked:
    return CertificateRevoked(
        f"expected a certificate in good standing when it was used, came one revoked on {_text(since)};"
        " do not rely on this signature"
    )


def _lapsed(name: str, why: str, moment: Moment) -> EvidenceLapsed:
    return EvidenceLapsed(
        f"expected {name} to be proven at {_text(moment.time)}, but {why}. Missing: a timestamp over it, or a record of"
        f" the register, from before that"
    )


def _name(layer: Layer) -> str:
    return f"the {layer.kind} of {_text(layer.stamp.time)}"


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
