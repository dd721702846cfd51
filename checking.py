"""Check: a PDF, an XML, a number, a code, or the text of a scanned mark → a verdict.

Every question is answered on its own (signature, signer, data, mark, text, register, edition); nothing is valid by
omission: what could not be asked is indeterminate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from qujat import beside, comparison, document, issuing, pages, pagetext, qr, rendering
from qujat import mark as marks
from qujat.document import ATTACHED, Sealed
from qujat.errors import (
    DecisionError,
    DocumentAltered,
    FormError,
    Indeterminate,
    MarkInvalid,
    SignerNotEntitled,
    StoreError,
    UnknownDocument,
    UnknownForm,
    VerificationError,
)
from qujat.languages import Language
from qujat.office import Office
from qujat.register import Document
from qujat.verdicts import Check, Verdict, conclude

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MAX_BYTES = 50_000_000
T = TypeVar("T")


def check(what: str | bytes | Path, office: Office) -> Verdict:
    """The verdict on a file (bytes or a path), a number, a code typed by hand, or the text of a mark.

    Never raises for what a stranger hands in; raises StoreError if the register does not answer.
    """
    if isinstance(what, Path):
        return check_file(what.read_bytes(), office)
    if isinstance(what, bytes):
        return check_file(what, office)
    if what.startswith(("https://", "http://")):
        return check_mark(what, office)
    return check_number(what, office)


def check_file(content: bytes, office: Office) -> Verdict:
    """A signed PDF or a signed XML, told apart by how they begin."""
    if len(content) > MAX_BYTES:
        return _refused("unreadable", f"larger than {MAX_BYTES} bytes", office)
    if content.startswith(b"%PDF-"):
        return _Checking(office).pdf(content)
    if content.lstrip()[:1] == b"<":
        return _Checking(office).xml(content)
    return _refused("unreadable", "neither a PDF nor an XML", office)


def check_mark(text: str, office: Office) -> Verdict:
    """The text of a scanned mark: by its signature, then by the register."""
    checking = _Checking(office)
    claims = checking.ask("mark", lambda: marks.verify(text.strip(), office.mark_keys))
    if claims is None:
        return checking.verdict()
    found = office.register.by_token(claims.token)
    checking.show(_claimed(claims, office))
    checking.answer(_agrees(claims, found, office) if found else Check("register", "indeterminate", "not-registered"))
    if found:
        checking.edition(found.data)
    return checking.verdict()


def check_number(text: str, office: Office) -> Verdict:
    """A number, or the short code under the QR: every file that the register keeps of the document is checked."""
    found = _looked_up(text, office)
    if found is None:
        return _refused("not-registered", "", office, value="indeterminate")
    if not found.issued:
        return _refused("not-issued", "", office, value="indeterminate")
    verdicts = []
    for file in found.files:
        try:
            content = office.blobs.get(file.sha256)
        except StoreError as error:
            verdicts.append(_refused(error.code, file.name, office, value="indeterminate"))
            continue
        if file.role in ("page", "data"):
            verdicts.append(check_file(content, office))
    checks = [check for verdict in verdicts for check in verdict.checks]
    return conclude(checks, _known(found, office), office.trust)


def _looked_up(text: str, office: Office) -> Document | None:
    try:
        return office.register.by_number(text)
    except UnknownDocument:
        pass
    try:
        return office.register.by_code(marks.parse_short_code(text))
    except MarkInvalid:
        return None


def _refused(code: str, detail: str, office: Office, value: Literal["invalid", "indeterminate"] = "invalid") -> Verdict:
    return conclude([Check("file", value, code, detail)], {}, office.trust)


class _Checking:
    """Gathers the answers about one file."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.checks: list[Check] = []
        self.shown: dict[str, Any] = {}

    def answer(self, check: Check) -> None:
        self.checks.append(check)

    def show(self, known: dict[str, Any]) -> None:
        self.shown = known

    def verdict(self) -> Verdict:
        return conclude(self.checks, self.shown, self.office.trust)

    def ask(self, name: str, question: Callable[[], T]) -> T | None:
        """The answer of `question`, or None with its error entered as a check."""
        try:
            result = question()
        except VerificationError as error:
            value: Literal["indeterminate", "invalid"] = (
                "indeterminate" if isinstance(error, Indeterminate) else "invalid"
            )
            self.answer(Check(name, value, error.code, error.message))
            return None
        self.answer(Check(name, "valid", "ok"))
        return result

    def pdf(self, content: bytes) -> Verdict:
        from qujat.signing import pades

        registered = self._registered_at(content)
        signed = self.ask("signature", lambda: pades.verify(content, self.office.trust, at=registered))
        if signed is None:
            return self.verdict()
        self._time(signed.timestamp, registered)
        contents = self.ask("contents", lambda: pagetext.read(signed.page))
        sealed = self.ask("data", lambda: _attached(contents)) if contents else None
        if contents is None or sealed is None:
            return self.verdict()
        self._data(sealed, signed.certificate, content, signed.signed_at)
        drawn = self._mark(sealed, content, contents)
        self._text(sealed, contents, drawn)
        return self.verdict()

    def xml(self, content: bytes) -> Verdict:
        registered = self._registered_at(content)
        signed = self.ask("signature", lambda: beside.signed_data(content, self.office, at=registered))
        if signed is None:
            return self.verdict()
        self._time(None, registered)
        sealed = self.ask("data", lambda: document.from_xml(signed.data))
        if sealed is not None:
            self._data(sealed, signed.certificate, content, registered or signed.signed_at)
        return self.verdict()

    def _registered_at(self, content: bytes) -> datetime | None:
        """When the register took in these very bytes: a proof of existence where there is no timestamp."""
        return self.office.register.recorded_at(sha256(content).hexdigest())

    def _time(self, stamped: datetime | None, registered: datetime | None) -> None:
        if stamped:
            self.answer(Check("timestamp", "valid", "ok", stamped.isoformat()))
        elif registered:
            self.answer(Check("timestamp", "valid", "ok", f"registered {registered.isoformat()}"))

    def _data(self, sealed: Sealed, certificate: Certificate, content: bytes, signed_at: datetime) -> None:
        """What holds for the data whatever the file: signer, register, edition."""
        self.show(_summary(sealed.data, sealed, self.office))
        self._signer(sealed.data, certificate, signed_at)
        self.checks += beside.preparer(sealed, self.office)
        self._register(sealed, content)
        self.edition(sealed.data)

    def _signer(self, data: document.Data, certificate: Certificate, signed_at: datetime) -> None:
        """Was he the one to sign, on the day of the decision and on the day he signed it?"""
        from qujat.signing import policy

        bin, mandates = data["authority"]["bin"], self.office.mandates
        days = date.fromisoformat(data["day"]), signed_at.astimezone(pages.ALMATY).date()
        try:
            policy.may_sign(
                certificate, bin=bin, iin=data["official"]["iin"], kind=data["kind"], mandates=mandates, days=days
            )
        except SignerNotEntitled as error:
            self.answer(Check("signer", "invalid", error.code, error.message))
        else:
            basis = "mandate on file" if mandates.are_kept_for(bin) else "no mandates on file: the certificate's role"
            self.answer(Check("signer", "valid", "ok", basis))

    def _register(self, sealed: Sealed, content: bytes) -> None:
        found = self.office.register.by_token(sealed.token)
        if found is None:
            self.answer(Check("register", "indeterminate", "not-registered"))
        elif found.data != sealed.data or found.salt != sealed.salt:
            self.answer(Check("register", "invalid", "register-differs"))
        elif found.issued and sha256(content).hexdigest() not in {file.sha256 for file in found.files}:
            self.answer(Check("register", "invalid", "register-differs", "these are not the bytes that were issued"))
        else:
            self.answer(_status(found))

    def edition(self, data: document.Data) -> None:
        """Was the edition in force on the day of the decision, in every language of the document?"""
        catalogue = replace(self.office.forms, not_held="last-held")
        for language in data["languages"]:
            self.answer(_edition(data, language, catalogue))

    def _mark(self, sealed: Sealed, content: bytes, contents: pagetext.Contents) -> str | None:
        """The text of the mark on the page, if it is a mark of this document."""
        texts = _texts_of_marks(content, contents)
        if len(texts) != 1:
            self.answer(Check("mark", "invalid", "mark-missing", f"expected one QR code, came {len(texts)}"))
            return None
        try:
            claims = marks.verify(texts[0], self.office.mark_keys)
        except VerificationError as error:
            value: Literal["indeterminate", "invalid"] = (
                "indeterminate" if isinstance(error, Indeterminate) else "invalid"
            )
            self.answer(Check("mark", value, error.code, error.message))
            return None
        same = _same_as_data(claims, sealed, self.office)
        self.answer(Check("mark", "valid" if same else "invalid", "ok" if same else "mark-differs"))
        return texts[0] if same else None

    def _text(self, sealed: Sealed, contents: pagetext.Contents, mark: str | None) -> None:
        if mark is None:
            self.answer(Check("text", "indeterminate", "not-checked"))
            return
        try:
            right = any(
                _stands_on(sealed, language, mark, contents, self.office) for language in sealed.data["languages"]
            )
        except (FormError, UnknownForm) as error:
            self.answer(Check("text", "indeterminate", "unknown-form", error.message))
            return
        self.answer(Check("text", "valid" if right else "invalid", "ok" if right else "text-differs"))


def _failed(name: str, error: VerificationError) -> Check:
    return Check(name, "indeterminate" if isinstance(error, Indeterminate) else "invalid", error.code, error.message)


def _attached(contents: pagetext.Contents) -> Sealed:
    if list(contents.attachments) != [ATTACHED]:
        raise DocumentAltered(f"expected one attachment {ATTACHED}, came {len(contents.attachments)}")
    return document.from_xml(contents.attachments[ATTACHED])


def _texts_of_marks(content: bytes, contents: pagetext.Contents) -> list[str]:
    if contents.mark_page is None:
        return []
    try:
        return qr.read_page(content, contents.mark_page, crop=contents.mark_box)
    except VerificationError:
        return []


def _same_as_data(claims: marks.Claims, sealed: Sealed, office: Office) -> bool:
    data = sealed.data
    said = (
        claims.token,
        claims.digest,
        claims.form,
        claims.edition,
        claims.kind,
        claims.number,
        claims.day,
        claims.subject,
    )
    meant = (
        sealed.token,
        marks.digest(sealed.salt, data),
        data["form"],
        document.edition_of(data),
        data["kind"],
        data["number"],
        date.fromisoformat(data["day"]),
        document.subject_of(data, office.forms),
    )
    return said == meant


def _stands_on(sealed: Sealed, language: Language, mark: str, contents: pagetext.Contents, office: Office) -> bool:
    """Do the pages show exactly the words that the data give in this language?"""
    shown = pages.DrawnMark(b"", marks.short_code(sealed.token), issuing.typed_at(mark))
    root = rendering.tree(rendering.html(pages.page(office.forms, sealed.data, language, shown)))
    return comparison.stands_on(root, contents.pages)


def _agrees(claims: marks.Claims, found: Document, office: Office) -> Check:
    if not _same_as_data(claims, found.sealed, office):
        return Check("register", "invalid", "register-differs")
    return _status(found)


def _status(found: Document) -> Check:
    since = found.status_since.isoformat() if found.status_since else ""
    match found.status:
        case "active":
            return Check("register", "valid", "ok", since)
        case "reserved":
            return Check("register", "indeterminate", "not-issued")
        case "annulled" | "superseded" as status:
            return Check("register", "invalid", status, f"{since} {found.superseded_by}".strip())


def _edition(data: document.Data, language: Language, catalogue: Any) -> Check:
    name, state = f"edition-{language}", data["editions"][language]
    try:
        wording = catalogue.in_force(data["form"], date.fromisoformat(data["day"]), language)
    except UnknownForm as error:
        return Check(name, "indeterminate", "unknown-form", error.message)
    except DecisionError as error:
        return Check(name, "indeterminate", "edition-unknown", error.message)
    if wording.edition.id != state["edition"]:
        return Check(
            name, "invalid", "edition-wrong", f"in force was {wording.edition.id}, the document has {state['edition']}"
        )
    return Check(name, "valid", "last-held" if state["wording"] == "last-held" else "ok", state["edition"])


def _summary(data: document.Data, sealed: Sealed, office: Office) -> dict[str, Any]:
    """What a check shows of a document: nothing personal but the masked name."""
    return {
        "number": data["number"],
        "form": data["form"],
        "title": dict(_title(data["form"], office)),
        "kind": data["kind"],
        "day": data["day"],
        "authority": dict(data["authority"]["name"]),
        "subject": document.subject_of(data, office.forms) if _title(data["form"], office) else "",
        "wordings": {language: data["editions"][language]["wording"] for language in data["languages"]},
        "code": marks.short_code(sealed.token),
    }


def _known(found: Document, office: Office) -> dict[str, Any]:
    return _summary(found.data, found.sealed, office)


def _claimed(claims: marks.Claims, office: Office) -> dict[str, Any]:
    """What an offline mark shows: its claims."""
    return {
        "number": claims.number,
        "form": claims.form,
        "title": dict(_title(claims.form, office)),
        "kind": claims.kind,
        "day": claims.day.isoformat(),
        "subject": claims.subject,
        "code": marks.short_code(claims.token),
    }


def _title(form: str, office: Office) -> Mapping[Language, str]:
    try:
        return office.forms.form(form).title
    except UnknownForm:
        return {}
