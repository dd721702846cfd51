"""What a verification found: three values, indications of ETSI EN 319 102-1, reasons for people, facts.

Nothing is valid by omission: a signature is valid only if each of QUESTIONS was asked and answered well.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from pydantic import field_validator

from qujat.datafiles import Strict
from qujat.errors import VerificationError

if TYPE_CHECKING:
    from qujat.signing.trust import Trust

Value = Literal["valid", "invalid", "indeterminate"]
Format = Literal["pdf", "cms", "xml", "unknown"]
Question = Literal["format", "coverage", "digest", "signature", "timestamps", "certificate"]

QUESTIONS: frozenset[Question] = frozenset(("format", "coverage", "digest", "signature", "timestamps", "certificate"))

_TABLE = Path(__file__).parent.parent / "templates" / "web" / "reasons.toml"
_VALUES: Mapping[str, Value] = {
    "TOTAL-PASSED": "valid",
    "TOTAL-FAILED": "invalid",
    "INDETERMINATE": "indeterminate",
}
_LOUD = {
    "kk": "ДЕМО – ЭЦҚ емес: сенім осы орнатуда жасалған оқу кілттеріне сүйенеді, заңды күші жоқ.",
    "ru": "ДЕМО – не ЭЦП: доверие держится на учебных ключах этой установки, юридической силы нет.",
    "en": "DEMO – no EDS: trust rests on the stand-in keys of this installation and is worth nothing in law.",
}


_NOT_OURS = {
    "kk": "Бұл біз шығарған құжат емес. Ондағы қолтаңбалар:",
    "ru": "Это не наш документ. Подписи в нем:",
    "en": "This is not a document of ours. The signatures in it are:",
}
_BESIDE = {
    "kk": "Бұл құжат емес, файлға қойылған қолтаңба. Файлдың өзі біздің құжат па – оны бөлек тексеріңіз.",
    "ru": "Это не документ, а подпись к файлу. Наш ли документ сам файл – проверьте его отдельно.",
    "en": "This is no document but a signature of a file. Whether the file is a document of ours: check it by itself.",
}


@cache
def table() -> Mapping[str, Mapping[str, str]]:
    """Code → indication, sub-indication, sentences by language: templates/web/reasons.toml."""
    read: dict[str, dict[str, str]] = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return read


class Objection(VerificationError):
    """Why a signature or a file is not valid. `code` is one of `table()`; the message is for specialists."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.reason = Reason(code=code, detail=detail)


class Reason(Strict):
    """One reason, by its code in `table()`. `detail` is for specialists and holds nothing personal."""

    code: str
    detail: str = ""

    @field_validator("code")
    @classmethod
    def _known(cls, code: str) -> str:
        if code not in table():
            raise ValueError(f"expected a code of {_TABLE.name}, came {code}")
        return code

    @property
    def indication(self) -> str:
        return table()[self.code]["indication"]

    @property
    def sub_indication(self) -> str:
        return table()[self.code].get("sub", "")

    @property
    def value(self) -> Value:
        return _VALUES[self.indication]

    def as_json(self) -> dict[str, Any]:
        said = table()[self.code]
        return {
            "verdict": self.value,
            "code": self.code,
            "indication": self.indication,
            "sub_indication": self.sub_indication,
            **{language: said[language] for language in ("kk", "ru", "en")},
            "detail": self.detail,
        }


class Who(Strict):
    """The holder of a certificate, only as the certificate says. The IIN stays out: a name and a BIN are enough."""

    name: str
    organisation: str
    bin: str
    issuer: str
    serial: str
    valid_from: datetime
    valid_until: datetime
    stand_in: bool


class SignatureReport(Strict):
    """One signature. `at` is when it existed: by the word of a timestamp authority, or of the signer himself."""

    place: str
    kind: Literal["signature", "document-timestamp"] = "signature"
    level: str = ""
    algorithm: str = ""
    coverage: Literal["whole-file", "earlier-revision", "part", "unknown"] = "unknown"
    who: Who | None = None
    at: datetime | None = None
    at_by: Literal["timestamp", "claim", "nobody"] = "nobody"
    claimed_at: datetime | None = None
    answered: tuple[Question, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def reason(self) -> Reason:
        """The one reason that decides."""
        missing = QUESTIONS - set(self.answered)
        open_ones = [Reason(code="not-checked", detail=", ".join(sorted(missing)))] if missing else []
        return _worst((*self.reasons, *open_ones))

    def as_json(self) -> dict[str, Any]:
        return {
            **self.reason.as_json(),
            **self.model_dump(mode="json", exclude={"reasons", "answered"}),
            "answered": sorted(self.answered),
            "reasons": [reason.as_json() for reason in self.reasons],
        }


class Report(Strict):
    """The whole file. Not a truth value: `if report:` raises, since "not invalid" is not "valid".

    `anchors`: whose trust it rests on. `attachments` are the names of files inside a PDF, `marks` the texts of QR codes
    on it that are marks, `root` the name of an XML's root element with its namespace in braces.
    """

    format: Format
    stand_in: bool
    checked_at: datetime
    anchors: tuple[str, ...] = ()
    signatures: tuple[SignatureReport, ...] = ()
    reasons: tuple[Reason, ...] = ()
    attachments: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    root: str = ""

    def __bool__(self) -> NoReturn:
        raise TypeError("a report has three values: compare report.value with valid, invalid or indeterminate")

    @property
    def reason(self) -> Reason:
        """The one reason that decides: the worst of the file's own and of its signatures'."""
        found = [*self.reasons, *(signature.reason for signature in self.signatures)]
        if not self.reasons and not any(signature.kind == "signature" for signature in self.signatures):
            found.append(Reason(code="only-timestamps" if self.signatures else "not-signed"))
        return _worst(found)

    @property
    def value(self) -> Value:
        return self.reason.value

    @property
    def code(self) -> str:
        return self.reason.code

    @property
    def trust(self) -> str:
        return "stand-in" if self.stand_in else "production"

    @property
    def note(self) -> Mapping[str, str]:
        """What must be said first of a file that is none of ours, by language."""
        return _BESIDE if self.format == "cms" else _NOT_OURS

    def because(self, code: str, detail: str = "") -> Report:
        """The same report with one more reason that concerns the whole file."""
        return self.model_copy(update={"reasons": (*self.reasons, Reason(code=code, detail=detail))})

    def as_json(self) -> dict[str, Any]:
        """What goes out: the verdict first, then whose trust it rests on, the facts, every reason."""
        return {
            **self.reason.as_json(),
            "ours": False,
            "note": dict(self.note),
            "trust": self.trust,
            "anchors": list(self.anchors),
            **({"trust_note": _LOUD} if self.stand_in else {}),
            "format": self.format,
            "checked_at": self.checked_at.isoformat(),
            "signatures": [signature.as_json() for signature in self.signatures],
            "reasons": [reason.as_json() for reason in self.reasons],
            "attachments": list(self.attachments),
        }


def begun(form: Format, trust: Trust, now: datetime) -> Report:
    """A report that says nothing yet but whose trust it will rest on, and as of when."""
    return Report(format=form, stand_in=trust.stand_in, checked_at=now, anchors=trust.anchor_names)


def _worst(reasons: Iterable[Reason]) -> Reason:
    """The first that refutes, else the first that leaves open, else that all is well."""
    found = list(reasons)
    for value in ("invalid", "indeterminate"):
        for reason in found:
            if reason.value == value:
                return reason
    return Reason(code="signatures-valid")
