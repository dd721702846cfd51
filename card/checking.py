"""Check an archive card, whoever made it: the files inside, each signature in its order, and what they prove.

Only the attached files count; what the pages say proves nothing. One signature that fails makes the whole card
untrusted. A card whose original is a document of ours is also asked of the register.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from qujat import answers, beside
from qujat.card import message, requirements, values
from qujat.card.container import Attached, attachments
from qujat.card.requirements import Read
from qujat.checking import check_file
from qujat.errors import CardInvalid, VerificationError
from qujat.office import Office
from qujat.signing import cms
from qujat.signing.acceptance import Policy
from qujat.verdicts import Basis, Check, Verdict, conclude

TRUSTED: Final = "card-trusted"


def check(content: bytes, office: Office, *, at: datetime | None = None) -> Verdict:
    """The verdict on a card as of `at` (default: now); `document` tells of the original and the signatures.

    Checks: container, original, order; signature-N and evidence-N of the Nth signature; document, of ours only. Never
    raises for what a stranger hands in; raises StoreError if the register does not answer.
    """
    checking = _Checking(office, at or office.clock())
    checking.card(content)
    return checking.verdict()


@dataclass
class _Checking:
    """Gathers the answers about one card at one moment."""

    office: Office
    at: datetime
    checks: list[Check] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)

    def verdict(self) -> Verdict:
        basis = Basis(self.at, (self.office.evidence or Policy()).as_json(), tuple(self.steps))
        found = conclude(self.checks, self.shown, self.office.trust, basis)
        return replace(found, code=TRUSTED) if found.value == "valid" else found

    def card(self, content: bytes) -> None:
        try:
            original, *signatures = _sorted_out(attachments(content))
        except VerificationError as error:
            self.checks.append(answers.failed("container", error))
            return
        self._ok("container")
        self.shown["original"] = _described(original)
        self.shown["signatures"] = [_described(file) for file in signatures]
        read = [self._signature(number, file, original) for number, file in enumerate(signatures, 1)]
        self._order([one for one in read if one])
        self._document(original, signatures)

    def _signature(self, number: int, file: Attached, original: Attached) -> Read | None:
        """One signature: first that its bytes are right, then what proves it."""
        try:
            read = requirements.read(file.content, original.content)
        except VerificationError as error:
            self.checks.append(answers.failed(f"signature-{number}", error))
            return None
        self._ok(f"signature-{number}", read.stamp.time.isoformat())
        self.shown["signatures"][number - 1] |= {"signed_at": read.stamp.time.isoformat(), **_signer(read.certificate)}
        self._evidence(number, file, read)
        return read

    def _evidence(self, number: int, file: Attached, read: Read) -> None:
        office, name = self.office, f"evidence-{number}"
        try:
            proven = requirements.prove(
                read, office.trust, at=self.at, policy=office.evidence, recorded=office.register.recorded_at
            )
        except VerificationError as error:
            self.checks.append(answers.failed(name, error))
            return
        self.steps.extend({"file": file.name, **step.as_json()} for step in proven.proof.steps)
        self._ok(name, f"{read.signed.level}: {proven.proof.steps[0].moment.by}")

    def _order(self, read: Sequence[Read]) -> None:
        for before, after in pairwise(read):
            if before.stamp.time > after.stamp.time:
                self.checks.append(Check("order", "invalid", "card-order"))
                return
        self._ok("order")

    def _document(self, original: Attached, signatures: Sequence[Attached]) -> None:
        """What the register says of an original that is a document of ours; nothing of others."""
        if not _is_ours(original.content):
            return
        # Whoever signs last is the head; where an official signed before him, that is another question.
        near = next(filter(None, (_as_registered(file, original) for file in reversed(signatures))), None)
        verdict = check_file(original.content, self.office, at=self.at, near=near)
        self.shown["document"] = verdict.document
        code = "ok" if verdict.value == "valid" else verdict.code
        self.checks.append(Check("document", verdict.value, code))

    def _ok(self, name: str, detail: str = "") -> None:
        self.checks.append(Check(name, "valid", "ok", detail))


def _sorted_out(files: Sequence[Attached]) -> Sequence[Attached]:
    """The original and at least one signature. Raises CardInvalid."""
    if not files or _is_signature(files[0].content):
        raise CardInvalid(
            "card-original-missing", f"expected the original as the first attached file, came {len(files)} without it"
        )
    if len(files) == 1:
        raise CardInvalid("card-no-signatures", "expected signatures after the original, came none")
    return files


def _is_signature(content: bytes) -> bool:
    """Whether it is a detached CMS: an original may itself be a CMS, but then with contents."""
    try:
        return message.read(cms.der_of(content)).content is None
    except VerificationError:
        return False


def _is_ours(content: bytes) -> bool:
    try:
        beside.data_in(content)
    except VerificationError:
        return False
    return True


def _as_registered(file: Attached, original: Attached) -> bytes | None:
    """A signature as our register keeps it, if it is one of ours."""
    try:
        bare = values.removed(cms.der_of(file.content))
        beside.detached(bare, original.content)
    except VerificationError:
        return None
    return bare


def _signer(certificate: x509.Certificate) -> dict[str, str]:
    """Who a certificate says that its holder is: a card may bear the signatures of others beside ours."""
    kinds = {"signer": NameOID.COMMON_NAME, "organisation": NameOID.ORGANIZATION_NAME}
    found = {name: certificate.subject.get_attributes_for_oid(kind) for name, kind in kinds.items()}
    return {name: str(attributes[0].value) if attributes else "" for name, attributes in found.items()}


def _described(file: Attached) -> dict[str, Any]:
    return {"name": file.name, "bytes": len(file.content), "sha256": sha256(file.content).hexdigest()}
