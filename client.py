"""A client of the HTTP API, thin over httpx.

    with Qujat("https://qujat.example", key) as qujat:
        document = qujat.issue(decision)
        page = qujat.page(document.number, "kk")

Answers are the models of the API. A refusal is raised as the error of Qujat with its code (FieldErrors,
DecisionChanged, UnknownDocument, …), or as ApiError where only HTTP knows it. Every deed may be asked for again, so
what the server puts off (429, 503) and what is lost on the way is asked for again, for `patience` seconds in all.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter

from qujat.errors import FieldError, FieldErrors, QujatError
from qujat.languages import Language
from qujat.server.api.models import (
    CMS,
    DOCX,
    PDF,
    XML,
    CheckAnswer,
    DocumentAnswer,
    EvidenceAnswer,
    FormAnswer,
    FormRow,
    PreparedAnswer,
)

__all__ = ["ApiError", "Qujat"]

M = TypeVar("M", bound=BaseModel)
_AGAIN = (429, 503)
_JSON = "application/json"


class ApiError(QujatError):
    """A refusal with a code that no error of Qujat has: "not-authenticated", "not-permitted", "too-many-requests", …

    `status` is that of HTTP; `request` is the id under which the server has logged it.
    """

    def __init__(self, code: str, message: str, status: int, request: str = "") -> None:
        super().__init__(message)
        self.code, self.status, self.request = code, status, request


class Qujat:
    """One server, one key. `language` ("kk", "ru", "en") is that of error texts.

    `authority` of a question about a document: the BIN, where the key is for several authorities, which may have given
    the same number; without it NumberShared is raised for such a one.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        language: str = "en",
        timeout: float = 90.0,
        patience: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`timeout`: seconds for one answer; `patience`: seconds of asking again in all."""
        headers = {"Authorization": f"Bearer {key}", "Accept-Language": language, "Accept": _JSON}
        self.patience = patience
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout, transport=transport)

    def __enter__(self) -> Qujat:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def issue(self, decision: Mapping[str, Any]) -> DocumentAnswer:
        """The document of a decision; of the same decision again the same document."""
        return self._one(DocumentAnswer, "POST", "/v1/documents", json=dict(decision))

    def document(self, number: str, *, authority: str = "") -> DocumentAnswer:
        """What the register says of a document. Raises UnknownDocument."""
        return self._one(DocumentAnswer, "GET", _document(number), params=_whose(authority))

    def page(self, number: str, language: Language, *, authority: str = "") -> bytes:
        """The signed PDF. Raises UnknownDocument."""
        return self._file(_document(number), PDF, language=language, **_whose(authority))

    def data(self, number: str, *, authority: str = "") -> bytes:
        """The signed XML. Raises UnknownDocument."""
        return self._file(_document(number), XML, **_whose(authority))

    def signature(self, number: str, *, authority: str = "") -> bytes:
        """The detached CMS beside the signed XML. Raises UnknownDocument."""
        return self._file(_document(number), CMS, **_whose(authority))

    def word(self, number: str, language: Language, *, authority: str = "") -> bytes:
        """An editable copy (.docx): never the signed thing. Raises UnknownDocument."""
        return self._file(_document(number), DOCX, language=language, **_whose(authority))

    def evidence(self, number: str, *, authority: str = "") -> EvidenceAnswer:
        """What proves a document today, and until when. Raises UnknownDocument."""
        return self._one(EvidenceAnswer, "GET", f"{_document(number)}/evidence", params=_whose(authority))

    def annul(self, number: str, reason: str, *, authority: str = "") -> DocumentAnswer:
        """Enter that a document is no longer in effect. Raises UnknownDocument, FieldErrors."""
        sent = {"reason": reason}
        return self._one(DocumentAnswer, "POST", f"{_document(number)}/annul", json=sent, params=_whose(authority))

    def supersede(self, number: str, by: str, reason: str, *, authority: str = "") -> DocumentAnswer:
        """Enter that the document `by` took the place of this one. Raises UnknownDocument, FieldErrors."""
        sent = {"by": by, "reason": reason}
        return self._one(DocumentAnswer, "POST", f"{_document(number)}/supersede", json=sent, params=_whose(authority))

    def prepare(self, decision: Mapping[str, Any]) -> PreparedAnswer:
        """What is to be signed elsewhere, and a ticket. Raises AlreadyIssued, FieldErrors."""
        return self._one(PreparedAnswer, "POST", "/v1/prepare", json=dict(decision))

    def complete(self, ticket: str, signatures: Mapping[str, bytes]) -> DocumentAnswer | PreparedAnswer:
        """The document; or, where another signs after this one, what he should sign. `signatures`: CMS by file name.

        Raises SignatureRefused, SignerNotEntitled, UnknownTicket, TicketExpired, TicketUsed.
        """
        encoded = {name: base64.b64encode(cms).decode("ascii") for name, cms in signatures.items()}
        answer = self._asked("POST", "/v1/complete", json={"ticket": ticket, "signatures": encoded})
        kind = PreparedAnswer if answer.status_code == 202 else DocumentAnswer
        return kind.model_validate_json(answer.content)

    def check(self, content: bytes, data: bytes | None = None, at: datetime | None = None) -> CheckAnswer:
        """The verdict on a file. `data`: what a detached CMS signed; `at`: as of then, a moment with its zone."""
        files = {"file": ("file", content)} | ({"data": ("data", data)} if data is not None else {})
        return self._one(CheckAnswer, "POST", "/v1/check", files=files, params=_given(at=at))

    def forms(self, on: date | None = None) -> list[FormRow]:
        """Every form; with a day also what is in force on it."""
        answer = self._asked("GET", "/v1/forms", params=_given(on=on))
        return TypeAdapter(list[FormRow]).validate_json(answer.content)

    def form(self, name: str, on: date | None = None) -> FormAnswer:
        """One form, by its key or annex id. Raises UnknownForm."""
        return self._one(FormAnswer, "GET", _form(name), params=_given(on=on))

    def schema(self, name: str, on: date) -> dict[str, Any]:
        """JSON Schema of `fields` in a decision of that day. Raises UnknownForm, NoEditionInForce, WordingNotHeld."""
        found: dict[str, Any] = self._asked("GET", f"{_form(name)}/schema", params={"on": on.isoformat()}).json()
        return found

    def blank(self, name: str, on: date, language: Language) -> bytes:
        """An empty form as a PDF. Raises UnknownForm, NoEditionInForce, WordingNotHeld."""
        return self._file(f"{_form(name)}/blank", PDF, on=on.isoformat(), language=language)

    def _one(self, kind: type[M], method: str, path: str, **sent: Any) -> M:
        return kind.model_validate_json(self._asked(method, path, **sent).content)

    def _file(self, path: str, media_type: str, **params: str) -> bytes:
        return self._asked("GET", path, params=params, headers={"Accept": media_type}).content

    def _asked(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """The answer, once it is neither put off nor lost. Raises QujatError, httpx.TransportError."""
        until, pauses = time.monotonic() + self.patience, _pauses()
        while True:
            pause = next(pauses)
            try:
                answer = self._http.request(method, path, **sent)
            except httpx.TransportError:
                if time.monotonic() + pause > until:
                    raise
            else:
                if answer.status_code not in _AGAIN:
                    return _good(answer)
                pause = max(pause, _after(answer))
                if time.monotonic() + pause > until:
                    return _good(answer)
            time.sleep(pause)


def _pauses() -> Iterator[float]:
    pause = 0.1
    while True:
        yield pause
        pause = min(pause * 2, 10.0)


def _after(answer: httpx.Response) -> float:
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() else 1.0


def _good(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    raise _error(answer)


def _error(answer: httpx.Response) -> QujatError:
    try:
        problem = answer.json()
        code, message, faults = str(problem["code"]), str(problem["detail"]), list(problem.get("errors", ()))
    except (ValueError, KeyError, TypeError):
        return ApiError("no-problem", f"expected an answer of Qujat, came {answer.status_code}", answer.status_code)
    if code == FieldErrors.code:
        return FieldErrors([FieldError(fault["pointer"], fault["code"], fault["detail"]) for fault in faults])
    kind = next((kind for kind in _kinds(QujatError) if kind.code == code and kind is not ApiError), None)
    return kind(message) if kind else ApiError(code, message, answer.status_code, str(problem.get("request", "")))


def _kinds(kind: type[QujatError]) -> Iterator[type[QujatError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


def _whose(authority: str) -> dict[str, str]:
    return {"authority": authority} if authority else {}


def _document(number: str) -> str:
    return f"/v1/documents/{quote(number, safe='')}"


def _form(name: str) -> str:
    return f"/v1/forms/{quote(name, safe='')}"


def _given(**params: date | None) -> dict[str, str]:
    return {name: value.isoformat() for name, value in params.items() if value is not None}
