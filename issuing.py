"""The eight steps of `pipeline.issue`, each a function."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from qujat import document, pages, qr, rendering
from qujat import mark as marks
from qujat.catalogue import Wording
from qujat.decision import Decision
from qujat.document import ATTACHED, Sealed
from qujat.errors import FieldError, FieldErrors
from qujat.fields import Context, check
from qujat.languages import Language
from qujat.office import Office
from qujat.register import Claim, Document, Role, Secrets, StoredFile
from qujat.texts import faults

if TYPE_CHECKING:
    from qujat.signing.lasting import Extension
    from qujat.signing.proof import Signed

log = logging.getLogger("qujat.pipeline")

Wordings = Mapping[Language, Wording]


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of a document: its text (what a phone reads) and how it stands on paper."""

    text: str
    drawn: pages.DrawnMark


@dataclass(frozen=True, slots=True)
class Output:
    """One file of a document before it is stored."""

    role: Role
    language: str
    name: str
    content: bytes
    page: str = ""
    engine: str = ""


@dataclass(frozen=True)
class Issued:
    """A document that has been issued, with its files by name."""

    document: Document
    files: Mapping[str, bytes]

    @property
    def number(self) -> str:
        return self.document.number

    @property
    def mark(self) -> str:
        """The text of the mark."""
        (entry,) = (f for f in self.document.files if f.role == "mark")
        return self.files[entry.name].decode("ascii")

    def pdf(self, language: Language) -> bytes:
        """The signed PDF in one language."""
        (entry,) = (f for f in self.document.files if f.role == "page" and f.language == language)
        return self.files[entry.name]


def issued_before(decision: Decision, office: Office) -> Issued | None:
    """The document of this very decision, if it has been issued. Raises DecisionChanged."""
    before = office.register.known(decision.authority.bin, decision.id, decision.digest())
    return _issued(before, office) if before and before.issued else None


def wordings(decision: Decision, office: Office) -> Wordings:
    """Step 1. The wording in force on the day, one a language. Raises the errors of `Catalogue.in_force`."""
    found = {language: office.forms.in_force(decision.form, decision.day, language) for language in decision.languages}
    log.info("1 find: %s", ", ".join(f"{w.form.annex} {w.edition.id} {w.language} {w.status}" for w in found.values()))
    return found


def examine(decision: Decision, found: Wordings, office: Office) -> None:
    """Step 2. Raises FieldErrors with everything that is wrong, SigningError if this office may not sign it."""
    from qujat.signing import policy

    specs = document.fields_of(found)
    lists = {spec.list_key for spec in specs.values() if spec.type == "grounds"}
    counts = {name: office.forms.count_grounds(name, decision.day) for name in lists}
    errors = check(specs, decision.fields, Context(decision.languages, decision.day, counts, office.aek_day))
    if decision.day > office.clock().astimezone(pages.ALMATY).date():
        errors.insert(0, FieldError("/day", "day-in-future", "expected a day that has come, not one ahead"))
    if errors:
        raise FieldErrors(errors)
    signer = office.key_ring().signer
    policy.in_validity(signer.certificate, office.clock())
    policy.entitled(signer.certificate, bin=decision.authority.bin, iin=decision.official.iin)
    log.info("2 check: %d fields", len(specs))


def reserve(decision: Decision, found: Wordings, office: Office) -> Document:
    """Step 3. A number, a token, a salt. Raises DecisionChanged, NumberTaken, StoreError."""
    form = office.forms.form(decision.form)
    claim = Claim(
        authority=decision.authority.bin,
        decision=decision.id,
        digest=decision.digest(),
        number=decision.number,
        pattern=office.patterns.get(decision.authority.bin, office.pattern),
        year=decision.day.year,
        annex=form.annex,
    )
    stand_in = office.trust.stand_in

    def data(number: str) -> dict[str, Any]:
        return document.assemble(decision, found, office.forms, number, stand_in=stand_in)

    reserved = office.register.reserve(claim, data, _draw, office.clock())
    log.info("3 number: %s", reserved.number)
    return reserved


def _draw() -> Secrets:
    token = marks.new_token()
    return Secrets(token, marks.short_code(token), secrets.token_bytes(marks.SALT_BYTES))


def mark(reserved: Document, office: Office) -> Mark:
    """Step 4. The mark of the document, signed with the key of marks; the same document, the same mark."""
    from qujat.signing.mark_keys import kid_of

    key, said = office.key_ring().mark_key, claims(reserved.sealed, int(reserved.reserved_at.timestamp()), office)
    text = marks.mark_text(office.address, reserved.token, marks.sign(said, key, kid_of(key.public_key())))
    log.info("4 mark: %s, %d characters", reserved.number, len(text))
    return Mark(text, drawn(text, reserved.token))


def claims(sealed: Sealed, issued_at: int, office: Office) -> marks.Claims:
    """What the mark of these data says; `issued_at` in seconds since 1970 (UTC)."""
    data = sealed.data
    return marks.Claims(
        token=sealed.token,
        issued_at=issued_at,
        form=data["form"],
        edition=document.edition_of(data),
        kind=data["kind"],
        number=data["number"],
        day=date.fromisoformat(data["day"]),
        digest=marks.digest(sealed.salt, data),
        subject=document.subject_of(data, office.forms),
    )


def drawn(text: str, token: bytes) -> pages.DrawnMark:
    """The mark on paper. The address printed is where the code is typed by hand."""
    return pages.DrawnMark(qr.draw(text).png, marks.short_code(token), typed_at(text))


def typed_at(text: str) -> str:
    """The address where the code of a mark is typed by hand: the address of the mark without its token."""
    return text.split("#")[0].rpartition("/")[0]


def render(reserved: Document, made: Mark, office: Office) -> dict[Language, bytes]:
    """Step 5. The unsigned page of every language. Raises FormError."""
    xml = document.to_xml(reserved.sealed)
    languages = reserved.data["languages"]
    rendered = {language: unsigned_page(reserved, language, made.drawn, xml, office) for language in languages}
    log.info("5 render: %s", ", ".join(f"{language} {len(page)} bytes" for language, page in rendered.items()))
    return rendered


def unsigned_page(
    found: Document, language: Language, shown: pages.DrawnMark, xml: bytes, office: Office, *, copy: bool = False
) -> bytes:
    """One page, the same bytes for the same document."""
    attached = rendering.Attachment(ATTACHED, xml, f"{found.data['form']} {found.number}")
    return rendering.pdf(pages.page(office.forms, found.data, language, shown, [attached], copy=copy))


def sign(reserved: Document, unsigned: Mapping[Language, bytes], office: Office) -> list[Output]:
    """Step 6. Every page (PAdES), the data (XAdES), and a detached CMS over the signed data.

    Raises SigningError: nothing is issued at a level that it does not have.
    """
    from qujat.signing import cms, pades, xades

    signer, at, tsa = office.key_ring().signer, office.clock(), office.timestamper
    stem, claim = file_stem(reserved.number), {"reason": reserved.data["form"], "name": reserved.number}
    engine = json.dumps(rendering.engine_versions(), sort_keys=True)
    data = xades.sign(document.to_xml(reserved.sealed), signer, at=at, timestamper=tsa)
    evidence = gathered(xades.read(data).signed, office)
    data = evidence.xml(data)
    outputs = []
    for language, page in unsigned.items():
        content = evidence.pdf(pades.sign(page, signer, at=at, timestamper=tsa, **claim))
        outputs.append(Output("page", language, f"{stem}.{language}.pdf", content, sha256(page).hexdigest(), engine))
    outputs.append(Output("data", "", f"{stem}.xml", data))
    detached = evidence.cms(cms.sign_detached(data, signer, at=at, timestamper=tsa), data)
    outputs.append(Output("cms", "", f"{stem}.xml.p7s", detached))
    log.info("6 sign: %d files, %s", len(outputs), "B-LTA" if evidence else "B-T" if tsa else "B-B")
    return outputs


def gathered(signed: Signed, office: Office) -> Extension:
    """Evidence for all signatures of one document, asked for once; none below B-LTA.

    `signed`: one of them, just made and stamped. Raises EvidenceUnavailable, SignerRevoked.
    """
    from qujat.signing import lasting

    if office.timestamper is None or office.revocation is None:
        return lasting.NOTHING
    now = office.clock()
    found = lasting.at_signing(signed, office.trust, office.revocation, at=now, policy=office.evidence)
    return lasting.Extension(found, office.timestamper)


def store(reserved: Document, made: Mark, outputs: Sequence[Output], office: Office) -> list[StoredFile]:
    """Step 7. Raises StoreError."""
    all_of_it = [*outputs, Output("mark", "", f"{file_stem(reserved.number)}.mark.txt", made.text.encode("ascii"))]
    stored = [StoredFile(o.role, o.language, o.name, office.blobs.put(o.content), o.page, o.engine) for o in all_of_it]
    log.info("7 store: %d files", len(stored))
    return stored


def record(reserved: Document, files: Sequence[StoredFile], office: Office) -> Issued:
    """Step 8. Raises StoreError."""
    recorded = office.register.record(reserved, files, office.clock())
    log.info("8 register: %s", recorded.number)
    return _issued(recorded, office)


def end(number: str, reason: str, office: Office, superseded_by: str = "") -> Document:
    """Annul or supersede: an entry, never a deletion. Raises FieldErrors, UnknownDocument, StoreError."""
    if wrong := list(faults(reason)):
        raise FieldErrors([FieldError("/reason", code, message) for code, message in wrong])
    return office.register.annul(number, reason, office.clock(), superseded_by)


def file_stem(number: str) -> str:
    """A number as a file name: what no file system refuses."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in number).strip(".") or "document"


def _issued(found: Document, office: Office) -> Issued:
    return Issued(found, {file.name: office.blobs.get(file.sha256) for file in found.files})
