"""One signature under examination: questions asked in turn, answers and objections gathered into a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

from qujat.signing.trust import Trust
from qujat.verifier import certificates, cms, timestamps
from qujat.verifier.certificates import Moment
from qujat.verifier.cms import Signed
from qujat.verifier.message import Message
from qujat.verifier.report import Objection, Question, Reason, SignatureReport
from qujat.verifier.timestamps import Stamp

T = TypeVar("T")
Parts = Callable[[], Iterable[bytes | memoryview]]
Coverage = Literal["whole-file", "earlier-revision", "part", "unknown"]


@dataclass
class Examination:
    """Gathers what is found of one signature. A question answered well is noted; an objection is kept."""

    place: str
    trust: Trust
    now: datetime
    kind: Literal["signature", "document-timestamp"] = "signature"
    level: str = ""
    coverage: Coverage = "unknown"
    signed: Signed | None = None
    stamps: list[Stamp] = field(default_factory=list)
    claimed_at: datetime | None = None
    answered: list[Question] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    def ask(self, question: Question, answer: Callable[[], T]) -> T | None:
        """The answer, or None with the objection noted."""
        try:
            found = answer()
        except Objection as objection:
            self.object(objection)
            return None
        self.answered.append(question)
        return found

    def object(self, objection: Objection) -> None:
        if objection.reason not in self.reasons:
            self.reasons.append(objection.reason)

    def judge_time(self, tokens: Sequence[bytes], stamped: Parts) -> None:
        """Every timestamp over the signature must be good, or there is none."""
        self.ask("timestamps", lambda: self._verify_tokens(tokens, stamped))

    def verify_token(self, token: bytes, stamped: Parts) -> None:
        """One timestamp over the signature. Raises Objection."""
        if len(self.stamps) == timestamps.MOST_TOKENS:
            raise Objection("too-costly", f"more than {timestamps.MOST_TOKENS} timestamps")
        self.stamps.append(timestamps.verify(token, stamped, self.trust, self.now))

    def judge_certificate(
        self, crls: Iterable[bytes], others: Iterable[bytes] = (), later: Sequence[Stamp] = ()
    ) -> None:
        """Whether the certificate could sign at the earliest time proved, else now. `later`: stamps over all of it."""
        signed = self.signed
        if signed is None:
            return
        proofs = [stamp.time for stamp in (*self.stamps, *later)]
        moment = Moment(min(proofs, default=self.now), stamped=bool(proofs), claimed=self.claimed_at)
        self.ask("certificate", lambda: self._judge(signed, crls, others, moment))

    def report(self, later: Sequence[Stamp] = ()) -> SignatureReport:
        """Everything that was found, for people."""
        proofs = [stamp.time for stamp in (*self.stamps, *later)]
        claimed: Literal["claim", "nobody"] = "claim" if self.claimed_at else "nobody"
        return SignatureReport(
            place=self.place,
            kind=self.kind,
            level=self.level,
            algorithm=self.signed.algorithm if self.signed else "",
            coverage=self.coverage,
            who=certificates.who(self.signed.certificate) if self.signed else None,
            at=min(proofs, default=self.claimed_at),
            at_by="timestamp" if proofs else claimed,
            claimed_at=self.claimed_at,
            answered=tuple(self.answered),
            reasons=tuple(self.reasons),
        )

    def _verify_tokens(self, tokens: Sequence[bytes], stamped: Parts) -> None:
        for token in tokens:
            self.verify_token(token, stamped)

    def _judge(self, signed: Signed, crls: Iterable[bytes], others: Iterable[bytes], moment: Moment) -> None:
        pool = (*signed.others, *certificates.load_others(others))
        certificates.judge(signed.certificate, pool, certificates.with_crls(self.trust, crls), moment)


def examine_cms(examination: Examination, found: Message, parts: Parts | None) -> None:
    """The arithmetic of a CMS signature over the bytes that `parts` gives (None: not at hand), and its timestamps."""
    if parts is not None:
        examination.ask("digest", lambda: cms.check_digest(found, parts))
    examination.signed = examination.ask("signature", lambda: cms.check_signature(found))
    if examination.signed:
        examination.claimed_at = examination.signed.claimed_at or examination.claimed_at
    try:
        tokens = cms.check_unsigned(found)
    except Objection as objection:
        examination.object(objection)
        return
    signature = found.signer.signature
    examination.judge_time(tokens, lambda: (signature,))
