"""The eight steps of `pipeline.issue`, each a function."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from qujat import bilingual, comparison, document, pages, pagetext, qr, rendering
from qujat import mark as marks
from qujat.amounts import AekDay
from qujat.catalogue import Catalogue, Form, Wording
from qujat.decision import Decision
from qujat.document import ATTACHED, Sealed
from qujat.errors import FieldError, FieldErrors, RenderingError, SeveralSigners
from qujat.fields import Context, FieldSpec, check, ground_lists
from qujat.languages import LANGUAGES, Language
from qujat.office import Office
from qujat.register import Claim, Completion, Document, Role, Secrets, StoredFile
from qujat.terms import Late, late
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
    """A document that has been issued, with its files by name, and what its caller should know of it."""

    document: Document
    files: Mapping[str, bytes]
    warnings: tuple[Late, ...] = ()

    @property
    def number(self) -> str:
        return self.document.number

    @property
    def mark(self) -> str:
        """The text of the mark."""
        (entry,) = (f for f in self.document.files if f.role == "mark")
        return self.files[entry.name].decode("ascii")

    def pdf(self, language: Language) -> bytes:
        """The signed PDF in one language; a bilingual document has one for both."""
        (entry,) = (f for f in self.document.files if f.role == "page" and language in f.language.split("-"))
        return self.files[entry.name]


def issued_before(decision: Decision, office: Office) -> Issued | None:
    """The document of this very decision, if it has been issued. Raises DecisionChanged."""
    before = office.register.known(decision.authority.bin, decision.id, decision.digest())
    return finished(before, office) if before else None


def finished(found: Document, office: Office) -> Issued | None:
    """The document with its files, if it has been issued. Raises StoreError."""
    return _issued(found, office) if found.issued else None


def wordings(decision: Decision, office: Office) -> Wordings:
    """Step 1. The wording in force on the day, one a language. Raises the errors of `Catalogue.in_force`."""
    found = {language: office.forms.in_force(decision.form, decision.day, language) for language in decision.languages}
    log.info("1 find: %s", ", ".join(f"{w.form.annex} {w.edition.id} {w.language} {w.status}" for w in found.values()))
    return found


def examine(decision: Decision, found: Wordings, office: Office, *, here: bool = True) -> None:
    """Step 2. Raises FieldErrors with everything that is wrong; where a key of this office signs (`here`), also
    SigningError if it may not sign this decision, VerificationError if its certificate is not good today."""
    errors = ahead(decision, office) + wrong_in(decision, found, office.forms, office.aek_day)
    if errors:
        raise FieldErrors(errors)
    if here:
        _may_sign(decision, office)
    log.info("2 check: %d fields", len(document.fields_of(found)))


def wrong_in(decision: Decision, found: Wordings, catalogue: Catalogue, aek_day: AekDay) -> list[FieldError]:
    """Everything wrong with a decision for these wordings, in the order of the form; an empty list if nothing is."""
    specs, form = document.fields_of(found), catalogue.form(decision.form)
    errors = check(specs, decision.fields, context_on(decision.day, specs, decision.languages, catalogue, aek_day))
    errors += _signer_errors(decision, form)
    if form.file.bilingual and set(decision.languages) != set(LANGUAGES):
        message = 'this form is one document in both languages: expected ["kk", "ru"]'
        errors.insert(0, FieldError("/languages", "both-languages", message))
    return errors


def context_on(
    day: date, specs: Mapping[str, FieldSpec], languages: Sequence[Language], catalogue: Catalogue, aek_day: AekDay
) -> Context:
    """What the values of these fields are checked against on a day."""
    counts = {name: catalogue.count_grounds(name, day) for name in ground_lists(specs)}
    return Context(languages, day, counts, aek_day)


def ahead(decision: Decision, office: Office) -> list[FieldError]:
    """That the day of a decision has not come yet in Kazakhstan, or nothing."""
    if decision.day <= office.clock().astimezone(pages.ALMATY).date():
        return []
    return [FieldError("/day", "day-in-future", "expected a day that has come, not one ahead")]


def _signer_errors(decision: Decision, form: Form) -> Iterator[FieldError]:
    """Does the decision name all who sign it, and nobody else?"""
    wanted, named = "official" in form.signers, decision.prepared_by
    if wanted and named is None:
        yield FieldError("/prepared_by", "missing-field", f"{form.annex} is signed by who prepared it, too: name him")
    if named and not wanted:
        yield FieldError("/prepared_by", "unknown-field", f"{form.annex} is signed by the head alone")
    if named and wanted and named.iin == decision.official.iin:
        yield FieldError(
            "/prepared_by/iin", "same-person", "expected another person than the head, who signs after him"
        )


def _may_sign(decision: Decision, office: Office) -> None:
    from qujat.signing import policy

    signers = office.forms.form(decision.form).signers
    if len(signers) > 1:
        raise SeveralSigners(
            f"expected a form that one key signs, came one signed by {' and then '.join(signers)}, each with his own"
            " key; use `qujat prepare` and `qujat complete`"
        )
    signer, now = office.key_ring().signer, office.clock()
    policy.in_validity(signer.certificate, now)
    policy.may_sign(
        signer.certificate,
        bin=decision.authority.bin,
        iin=decision.official.iin,
        kind=office.forms.form(decision.form).kind,
        mandates=office.mandates,
        days=(decision.day, now.astimezone(pages.ALMATY).date()),
    )
    office.trust.validate(signer.certificate, signer.chain, at=now, purpose="sign")


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
        return document.assemble(decision, found, office.forms, number, stand_in=stand_in, phrases=office.phrases)

    reserved = office.register.reserve(claim, data, _draw, office.clock())
    log.info("3 number: %s", reserved.number)
    return reserved


def _draw() -> Secrets:
    token = marks.new_token()
    return Secrets(token, marks.short_code(token), secrets.token_bytes(marks.SALT_BYTES))


def mark(reserved: Document, office: Office) -> Mark:
    """Step 4. The mark of the document, signed with the key of marks; the same document, the same mark."""
    from qujat.signing.mark_keys import kid_of

    key = office.key_ring().mark_key
    kid = kid_of(key.public_key())
    # A key may have been changed between the reservation and now; no mark is older than its key.
    made_at = max(reserved.reserved_at, office.mark_keys[kid].valid_from)
    said = claims(reserved.sealed, int(made_at.timestamp()), office)
    text = marks.mark_text(office.address, reserved.token, marks.sign(said, key, kid))
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


def render(reserved: Document, made: Mark, office: Office) -> dict[str, bytes]:
    """Step 5. The unsigned pages by the tag of their language: "kk", "ru", or "kk-ru".

    Raises FormError; RenderingError for a page that does not show every word, which a check would call altered.
    """
    xml = document.to_xml(reserved.sealed)
    form = office.forms.form(reserved.data["form"])
    rendered = {
        tag: unsigned_page(reserved, bilingual.language_of(tag), made.drawn, xml, office)
        for tag in bilingual.tags(reserved.data["languages"], bilingual=form.file.bilingual)
    }
    log.info("5 render: %s", ", ".join(f"{tag} {len(page)} bytes" for tag, page in rendered.items()))
    return rendered


def unsigned_page(
    found: Document, language: Language, shown: pages.DrawnMark, xml: bytes, office: Office, *, copy: bool = False
) -> bytes:
    """One page, the same bytes for the same document. Raises RenderingError if it lacks a word of its wording."""
    attached = rendering.Attachment(ATTACHED, xml, f"{found.data['form']} {found.number}")
    sheet = pages.page(office.forms, found.data, language, shown, [attached], copy=copy)
    page = rendering.pdf(sheet)
    if not comparison.stands_on(rendering.tree(rendering.html(sheet)), pagetext.texts(page)):
        raise RenderingError(
            f"form {found.data['form']} ({language}): expected every word on the page, came a page without some;"
            " shorten the longest field of its tables"
        )
    return page


def sign(reserved: Document, unsigned: Mapping[str, bytes], office: Office) -> list[Output]:
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
    for tag, page in unsigned.items():
        content = evidence.pdf(pades.sign(page, signer, at=at, timestamper=tsa, **claim))
        outputs.append(Output("page", tag, f"{stem}.{tag}.pdf", content, sha256(page).hexdigest(), engine))
    outputs.append(Output("data", "", f"{stem}.xml", data))
    detached = evidence.cms(cms.sign_detached(data, signer, at=at, timestamper=tsa), data)
    outputs.append(Output("cms", "", f"{stem}.xml.p7s", detached))
    log.info("6 sign: %d files, %s", len(outputs), "B-LTA" if evidence else "B-T" if tsa else "B-B")
    return outputs


def gathered(signed: Signed, office: Office, *, stamped_here: bool = True) -> Extension:
    """Evidence for all signatures of one document, asked for once; none below B-LTA.

    `signed`: one of them, just made; stamped just now, or when it was made elsewhere. Without a timestamp of its own
    (a page that was prepared so) it stays as it is. Raises EvidenceUnavailable, SignerRevoked.
    """
    from qujat.signing import lasting

    if office.timestamper is None or office.revocation is None or signed.timestamp is None:
        return lasting.NOTHING
    found = lasting.at_signing(
        signed, office.trust, office.revocation, at=office.clock(), policy=office.evidence, just_stamped=stamped_here
    )
    return lasting.Extension(found, office.timestamper)


def store(reserved: Document, made: Mark, outputs: Sequence[Output], office: Office) -> list[StoredFile]:
    """Step 7. Raises StoreError."""
    all_of_it = [*outputs, Output("mark", "", f"{file_stem(reserved.number)}.mark.txt", made.text.encode("ascii"))]
    stored = [StoredFile(o.role, o.language, o.name, office.blobs.put(o.content), o.page, o.engine) for o in all_of_it]
    log.info("7 store: %d files", len(stored))
    return stored


def record(
    reserved: Document, files: Sequence[StoredFile], office: Office, completion: Completion | None = None
) -> Issued:
    """Step 8, with what came back for a ticket where it was signed elsewhere. Raises StoreError."""
    recorded = office.register.record(reserved, files, office.clock(), completion)
    log.info("8 register: %s", recorded.number)
    return _issued(recorded, office)


def end(number: str, reason: str, office: Office, superseded_by: str = "", *, authority: str | None = None) -> Document:
    """Annul or supersede: an entry, never a deletion. `authority`: the BIN of whose numbers these are.

    Raises FieldErrors, UnknownDocument, NumberShared, StoreError.
    """
    if wrong := list(faults(reason)):
        raise FieldErrors([FieldError("/reason", code, message) for code, message in wrong])
    return office.register.annul(number, reason, office.clock(), superseded_by, authority)


def file_stem(number: str) -> str:
    """A number as a file name: what no file system refuses."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in number).strip(".") or "document"


def _issued(found: Document, office: Office) -> Issued:
    data, within = found.data, office.forms.form(found.data["form"]).file.within
    warned = late(within, data["form"], data["fields"], date.fromisoformat(data["day"]))
    return Issued(found, {f.name: office.blobs.get(f.sha256) for f in found.files}, (warned,) if warned else ())
