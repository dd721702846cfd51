"""Check: a PDF, an XML, a number, a code, or the text of a scanned mark → a verdict.

Every question is answered on its own (signature, evidence, signer, preparer, data, mark, text, register, edition);
nothing is valid by omission: what could not be asked is indeterminate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from qujat import answers, beside, document, pages, pagetext
from qujat import mark as marks
from qujat.document import Sealed
from qujat.errors import (
    FormError,
    Indeterminate,
    MarkInvalid,
    NumberShared,
    SignerNotEntitled,
    StoreError,
    UnknownDocument,
    UnknownForm,
    VerificationError,
)
from qujat.office import Office
from qujat.register import Document, Role, StoredFile
from qujat.verdicts import Basis, Check, Verdict, conclude

if TYPE_CHECKING:
    from qujat.signing.proof import Proof, Signed

MAX_BYTES = 50_000_000
_BESIDE: Mapping[Role, Role] = {"data": "cms", "cms": "data"}
T = TypeVar("T")


def check(
    what: str | bytes | Path, office: Office, *, at: datetime | None = None, authority: str | None = None
) -> Verdict:
    """The verdict on a file (bytes or a path), a number, a code typed by hand, or the text of a mark.

    `at`: the moment that it is about (default: now): what could be proven then with the evidence that there is today.
    `authority`: the BIN of whose number it is. Never raises for what a stranger hands in but NumberShared, for a number
    that several authorities have given; raises StoreError if the register does not answer.
    """
    if isinstance(what, Path):
        return check_file(what.read_bytes(), office, at=at, near=near_file(what))
    if isinstance(what, bytes):
        return check_file(what, office, at=at)
    if what.startswith(("https://", "http://")):
        return check_mark(what, office, at=at)
    return check_number(what, office, at=at, authority=authority)


def check_file(content: bytes, office: Office, *, at: datetime | None = None, near: bytes | None = None) -> Verdict:
    """A signed PDF, a signed XML or a detached signature, told apart by how they begin.

    `near`: what belongs with it: the detached signature of an XML, or the file that a detached signature signs.
    """
    checking = _Checking(office, at, near)
    if len(content) > MAX_BYTES:
        return checking.refused("unreadable", f"larger than {MAX_BYTES} bytes")
    if content.startswith(b"%PDF-"):
        return checking.pdf(content)
    if content.lstrip()[:1] == b"<":
        return checking.xml(content)
    if content.startswith((b"\x30\x82", b"\x30\x83", b"-----BEGIN CMS-----")):
        return checking.cms(content)
    return checking.refused("unreadable", "neither a PDF nor an XML nor a signature")


def check_mark(text: str, office: Office, *, at: datetime | None = None) -> Verdict:
    """The text of a scanned mark: by its signature, then by the register."""
    checking = _Checking(office, at)
    claims = checking.ask("mark", lambda: marks.verify(text.strip(), office.mark_keys))
    if claims is None:
        return checking.verdict()
    found = office.register.by_token(claims.token)
    checking.show(answers.claimed(claims, office))
    if found is None:
        checking.answer(Check("register", "indeterminate", "not-registered"))
        return checking.verdict()
    checking.answer(answers.agrees(claims, found, office, checking.at))
    checking.edition(found.data)
    return checking.verdict()


def check_number(text: str, office: Office, *, at: datetime | None = None, authority: str | None = None) -> Verdict:
    """A number, or the short code under the QR: every file that the register keeps of the document is checked.

    Raises NumberShared.
    """
    checking = _Checking(office, at)
    found = _looked_up(text, office, authority)
    if found is None:
        return checking.refused("not-registered", "", value="indeterminate")
    if not found.issued:
        return checking.refused("not-issued", "", value="indeterminate")
    checking.show(answers.known(found, office))
    for file in found.files:
        if file.role not in ("mark", "approval"):  # an approval is checked with the data
            checking.add(file.name, _check_stored(found, file, office, at))
    return checking.verdict()


def _check_stored(found: Document, file: StoredFile, office: Office, at: datetime | None) -> Verdict:
    """One file of the register, with what belongs beside it."""
    try:
        content = office.blobs.get(file.sha256)
        near = [office.blobs.get(other.sha256) for other in found.files if _BESIDE.get(file.role) == other.role]
    except StoreError as error:
        return _Checking(office, at).refused(error.code, file.name, value="indeterminate")
    return check_file(content, office, at=at, near=near[0] if near else None)


def near_file(path: Path) -> bytes | None:
    """The detached signature beside an XML, or the XML beside a detached signature."""
    name = path.name.removesuffix(".p7s") if path.suffix == ".p7s" else f"{path.name}.p7s"
    other = path.with_name(name)
    return other.read_bytes() if other.is_file() else None


def _looked_up(text: str, office: Office, authority: str | None) -> Document | None:
    try:
        return office.register.by_number(text, authority)
    except NumberShared:
        raise
    except UnknownDocument:
        pass
    try:
        return office.register.by_code(marks.parse_short_code(text))
    except MarkInvalid:
        return None


class _Checking:
    """Gathers the answers about one file at one moment."""

    def __init__(self, office: Office, at: datetime | None = None, near: bytes | None = None) -> None:
        self.office = office
        self.at = at or office.clock()
        self.near = near
        self.checks: list[Check] = []
        self.steps: list[Mapping[str, Any]] = []
        self.shown: dict[str, Any] = {}

    def answer(self, check: Check) -> None:
        self.checks.append(check)

    def show(self, known: dict[str, Any]) -> None:
        self.shown = known

    def add(self, file: str, verdict: Verdict) -> None:
        """What was found of one of several files."""
        self.checks.extend(verdict.checks)
        self.steps.extend({"file": file, **step} for step in verdict.basis.steps)

    def refused(self, code: str, detail: str, value: Literal["invalid", "indeterminate"] = "invalid") -> Verdict:
        self.answer(Check("file", value, code, detail))
        return self.verdict()

    def verdict(self) -> Verdict:
        from qujat.signing.acceptance import Policy

        policy = (self.office.evidence or Policy()).as_json()
        return conclude(self.checks, self.shown, self.office.trust, Basis(self.at, policy, tuple(self.steps)))

    def ask(self, name: str, question: Callable[[], T]) -> T | None:
        """The answer of `question`, or None with its error entered as a check."""
        try:
            result = question()
        except VerificationError as error:
            self.answer(answers.failed(name, error))
            return None
        self.answer(Check(name, "valid", "ok"))
        return result

    def pdf(self, content: bytes) -> Verdict:
        from qujat.signing import pades

        read = self.ask("signature", lambda: pades.read(content))
        if read is None or not self._is_proven(read.signed):
            return self.verdict()
        contents = self.ask("contents", lambda: pagetext.read(read.page))
        sealed = self.ask("data", lambda: answers.attached(contents)) if contents else None
        if contents is None or sealed is None:
            return self.verdict()
        self._data(sealed, read.signed, content)
        drawn = self._mark(sealed, content, contents)
        self._text(sealed, contents, drawn)
        return self.verdict()

    def xml(self, content: bytes) -> Verdict:
        read = self.ask("signature", lambda: beside.signed_data(content, self.office, self.near))
        if read is None or not self._is_proven(read.signed, self._detached(content)):
            return self.verdict()
        sealed = self.ask("data", lambda: document.from_xml(read.data))
        if sealed is not None:
            self._data(sealed, read.signed, content)
        return self.verdict()

    def cms(self, content: bytes) -> Verdict:
        """A detached signature. What it says of the data is the business of the XML that it signs."""
        xml = self.near
        if xml is None:
            return self.refused("content-missing", "", value="indeterminate")
        signed = self.ask("signature", lambda: beside.detached(content, xml))
        if signed is None or not self._is_proven(signed):
            return self.verdict()
        sealed = self.ask("data", lambda: beside.data_in(xml))
        if sealed is not None:
            self._data(sealed, signed, content)
        return self.verdict()

    def _detached(self, content: bytes) -> Signed | None:
        """The detached signature that came with signed XML, if it is one of it: its archive timestamps are evidence for
        both."""
        from qujat.signing import cms

        try:
            return cms.read(self.near, content) if self.near else None
        except VerificationError:
            return None

    def _is_proven(self, signed: Signed, detached: Signed | None = None) -> bool:
        """Answer what is proven at this moment, and go on unless it is refuted."""
        try:
            proven = self._proof(signed, detached)
        except VerificationError as error:
            self.answer(answers.failed("evidence", error))
            return isinstance(error, Indeterminate)
        self.steps.extend(step.as_json() for step in proven.steps)
        self.answer(Check("evidence", "valid", "ok", f"{signed.kind}: {proven.steps[0].moment.by}"))
        self._time(signed)
        return True

    def _proof(self, signed: Signed, detached: Signed | None) -> Proof:
        """By the file itself; if that does not suffice, together with the detached signature beside it."""
        from qujat.signing import proof

        def judged(candidate: Signed) -> Proof:
            policy, recorded = self.office.evidence, self.office.register.recorded_at
            return proof.judge(candidate, self.office.trust, at=self.at, policy=policy, recorded=recorded)

        try:
            return judged(signed)
        except Indeterminate:
            if detached is None:
                raise
            return judged(proof.joined(signed, detached))

    def _time(self, signed: Signed) -> None:
        """Since when the signature is known to exist, and by whose word."""
        registered = self.office.register.recorded_at(signed.digest)
        if signed.timestamp:
            self.answer(Check("timestamp", "valid", "ok", signed.timestamp.isoformat()))
        elif registered:
            self.answer(Check("timestamp", "valid", "ok", f"registered {registered.isoformat()}"))

    def _data(self, sealed: Sealed, signed: Signed, content: bytes) -> None:
        """What holds for the data whatever the file: signer, register, edition."""
        self.show(answers.summary(sealed.data, sealed, self.office))
        self._signer(sealed.data, signed)
        self._preparer(sealed)
        self._register(sealed, content)
        self.edition(sealed.data)

    def _signer(self, data: document.Data, signed: Signed) -> None:
        """Was he the one to sign, on the day of the decision and on the day he signed it?"""
        from qujat.signing import policy

        bin, mandates = data["authority"]["bin"], self.office.mandates
        days = date.fromisoformat(data["day"]), self._signed_at(signed).astimezone(pages.ALMATY).date()
        try:
            policy.may_sign(
                signed.certificate,
                bin=bin,
                iin=data["official"]["iin"],
                kind=data["kind"],
                mandates=mandates,
                days=days,
            )
        except SignerNotEntitled as error:
            self.answer(Check("signer", "invalid", error.code, error.message))
        else:
            basis = "mandate on file" if mandates.are_kept_for(bin) else "no mandates on file: the certificate's role"
            self.answer(Check("signer", "valid", "ok", basis))

    def _signed_at(self, signed: Signed) -> datetime:
        """By the timestamp, or by the register, or as the signer claims."""
        registered = self.office.register.recorded_at(signed.digest)
        return signed.timestamp or registered or signed.claimed_at or self.at

    def _preparer(self, sealed: Sealed) -> None:
        """Did the official who is said to have prepared it sign the data? Nothing where nobody is said to."""
        if "prepared_by" not in sealed.data:
            return
        found = self.office.register.by_token(sealed.token)
        if found is None or not found.issued:
            self.answer(Check("preparer", "indeterminate", "not-issued" if found else "not-registered"))
            return
        try:
            proven = beside.prepared(found, sealed, self.office, self.at)
        except VerificationError as error:
            self.answer(answers.failed("preparer", error))
        except SignerNotEntitled as error:
            self.answer(Check("preparer", "invalid", error.code, error.message))
        else:
            self.steps.extend({"signer": "preparer", **step.as_json()} for step in proven.steps)
            self.answer(Check("preparer", "valid", "ok"))

    def _register(self, sealed: Sealed, content: bytes) -> None:
        found = self.office.register.by_token(sealed.token)
        if found is None:
            self.answer(Check("register", "indeterminate", "not-registered"))
        elif found.data != sealed.data or found.salt != sealed.salt:
            self.answer(Check("register", "invalid", "register-differs"))
        elif found.issued and sha256(content).hexdigest() not in {f.sha256 for f in (*found.files, *found.former)}:
            self.answer(Check("register", "invalid", "register-differs", "these are not the bytes that were issued"))
        else:
            self.answer(answers.status(found, self.at))

    def edition(self, data: document.Data) -> None:
        """Was the edition in force on the day of the decision, in every language of the document?"""
        catalogue = replace(self.office.forms, not_held="last-held")
        for language in data["languages"]:
            self.answer(answers.edition(data, language, catalogue))

    def _mark(self, sealed: Sealed, content: bytes, contents: pagetext.Contents) -> str | None:
        """The text of the mark on the page, if it is a mark of this document."""
        texts = answers.texts_of_marks(content, contents)
        if len(texts) != 1:
            self.answer(Check("mark", "invalid", "mark-missing", f"expected one QR code, came {len(texts)}"))
            return None
        try:
            claims = marks.verify(texts[0], self.office.mark_keys)
        except VerificationError as error:
            self.answer(answers.failed("mark", error))
            return None
        same = answers.same_as_data(claims, sealed, self.office)
        self.answer(Check("mark", "valid" if same else "invalid", "ok" if same else "mark-differs"))
        return texts[0] if same else None

    def _text(self, sealed: Sealed, contents: pagetext.Contents, mark: str | None) -> None:
        if mark is None:
            self.answer(Check("text", "indeterminate", "not-checked"))
            return
        try:
            right = any(
                answers.stands_on(sealed, language, mark, contents, self.office)
                for language in sealed.data["languages"]
            )
        except (FormError, UnknownForm) as error:
            self.answer(Check("text", "indeterminate", "unknown-form", error.message))
            return
        self.answer(Check("text", "valid" if right else "invalid", "ok" if right else "text-differs"))
