"""What the API sends and takes, as models: the OpenAPI document is made of them, and `qujat.client` reads with them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from qujat.entries import Role
from qujat.languages import Language

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Verdict = Literal["valid", "invalid", "indeterminate"]
ByLanguage = dict[Language, str]

PDF, XML, CMS = "application/pdf", "application/xml", "application/pkcs7-signature"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MEDIA_TYPES: dict[Role, str] = {"page": PDF, "data": XML, "cms": CMS, "approval": CMS, "mark": "text/plain"}


class Strict(BaseModel):
    """What comes in: nothing that is not asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)


class IssuedFile(BaseModel):
    """One file of a document. language: "kk", "ru", "kk-ru", or empty for what is in none."""

    name: str
    role: Role
    language: str
    media_type: str
    sha256: Sha256


class Late(BaseModel):
    """The document is issued after a term of the law had ended."""

    code: str
    term: str
    last_day: date


class DocumentAnswer(BaseModel):
    """An issued document. `mark`: the text of the QR code; `code`: what stands under it, for typing by hand.

    `stand_in`: signed with stand-in keys, worth nothing in law. `warnings` come with the answer to issuing only.
    """

    number: str
    decision: str
    form: str
    day: date
    languages: list[Language]
    authority: str
    status: Literal["active", "superseded", "annulled"]
    status_since: datetime
    reason: str = ""
    superseded_by: str = ""
    mark: str
    code: str
    stand_in: bool
    files: list[IssuedFile]
    warnings: list[Late] = []


class BatchAnswer(BaseModel):
    """How far a batch has come. `trouble`: the code of what keeps the rest from being done, if something does."""

    name: str
    state: Literal["running", "stopped", "finished"]
    decisions: int
    done: int
    issued: int
    refused: int
    made_at: str
    trouble: str = ""


class Annulment(Strict):
    """Why a document is no longer in effect: it is shown to whoever checks the document."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class Replacement(Annulment):
    """Which document takes the place of another, and why."""

    by: Annotated[str, Field(min_length=1, max_length=64)]


class LastingAnswer(BaseModel):
    """Until when one file proves itself, and what runs out then."""

    file: str
    level: str
    lapses: datetime | None
    what: str
    state: Literal["lasting", "due", "lapsed", "unproven"]


class EvidenceAnswer(BaseModel):
    """What proves a document today: the verdict on every file in the register with each step of its proof, and until
    when each file proves itself."""

    number: str
    verdict: dict[str, Any]
    files: list[LastingAnswer]


class ToSignAnswer(BaseModel):
    """One file to be signed: a detached CMS over exactly `content` (Base64), sent back under `name`."""

    name: str
    role: Role
    language: str
    format: Literal["cms-detached"]
    sha256: Sha256
    content: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]


class ReadingAnswer(BaseModel):
    """A page as its signer should read it before he signs: a PDF in Base64."""

    name: str
    content: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]


class PreparedAnswer(BaseModel):
    """What waits for one signer until `expires_at`. `signer`: the role in which he signs."""

    ticket: str
    number: str
    signer: str
    expires_at: datetime
    files: list[ToSignAnswer]
    reading: list[ReadingAnswer]


class Completion(Strict):
    """A ticket, and the signatures that were asked for: each a CMS in Base64, by the name of its file."""

    ticket: Annotated[str, Field(min_length=1, max_length=100)]
    signatures: Annotated[
        dict[str, Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$")]],
        Field(min_length=1, max_length=8),
    ]


class CheckAnswer(BaseModel):
    """The verdict on a file, with a sentence for people. `ours`: whether it is a document of this register's kind.

    Of a document of ours there are `checks`, `document` and `evidence`; of anybody else's `signatures` and `reasons`.
    `trust`: "stand-in" says that it rests on stand-in keys and is worth nothing in law.
    """

    model_config = ConfigDict(extra="allow")

    verdict: Verdict
    code: str
    ours: bool
    kk: str
    ru: str
    trust: Literal["stand-in", "production"]
    anchors: list[str]


class EditionAnswer(BaseModel):
    """One edition of a form. `in_force` is null where the day of publication is not known: see `in_force_between`."""

    edition: str
    in_force: date | None
    in_force_between: list[date | None] | None = None
    until: date | None
    act: str
    wording: ByLanguage
    basis: str
    notes: list[str]


class FormRow(BaseModel):
    """A form in the list. `on`: with a day asked for, the wording in force in each language, or why there is none."""

    form: str
    annex: str
    title: ByLanguage
    editions: list[EditionAnswer]
    on: dict[Language, dict[str, Any]] | None = None


class FieldAnswer(BaseModel):
    """A field of a form, in short; GET …/schema has it in full."""

    type: str
    label: ByLanguage


class FormAnswer(FormRow):
    """One form in full."""

    kind: str
    basis: str
    signers: list[str]
    fields: dict[str, FieldAnswer]
    notes: list[str]
