"""Errors at the edge: the one table from errors to HTTP statuses, and application/problem+json (RFC 9457).

Texts are in the caller's language, from templates/web/problems.toml; in English the error itself says what is wrong.
A fault of ours says nothing but its code and the id of the request.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from qujat import errors as e
from qujat.fields import escape
from qujat.rendering import TEMPLATES
from qujat.server import logs
from qujat.server.api import negotiation
from qujat.server.api.negotiation import Tongue

log = logging.getLogger("qujat.server")

MEDIA_TYPE = "application/problem+json"

# The first class that fits. 5xx with Retry-After: nothing is wrong with what was asked, ask again.
STATUSES: tuple[tuple[type[e.QujatError], int], ...] = (
    (e.NumberShared, 409),
    (e.UnknownDocument, 404),
    (e.UnknownTicket, 404),
    (e.UnknownBatch, 404),
    (e.TicketExpired, 410),
    (e.DecisionChanged, 409),
    (e.BatchChanged, 409),
    (e.NumberTaken, 409),
    (e.AlreadyIssued, 409),
    (e.TicketUsed, 409),
    (e.DecisionError, 422),
    (e.SignatureRefused, 422),
    (e.SeveralSigners, 422),
    (e.SignerNotEntitled, 422),
    (e.SignerRevoked, 422),
    (e.VerificationError, 422),
    (e.SigningServiceRefused, 502),
    (e.SigningError, 503),
    (e.BlobMissing, 500),
    (e.BlobAltered, 500),
    (e.StoreError, 503),
    (e.WorkError, 503),
    (e.QujatError, 500),
)
_OF_HTTP = {400: "bad-request", 404: "not-found", 405: "method-not-allowed"}
_RETRY_SECONDS = 5
_MOST_FAULTS = 200  # more of them are no help, and would let a small request ask for a large answer
_LONGEST = 8000


class Refused(Exception):
    """A refusal as HTTP says it. `detail` is English; problems.toml has the words of `said_as` (default: of `code`)."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        faults: Sequence[e.FieldError] = (),
        said_as: str = "",
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.detail, self.said_as = status, code, detail, said_as or code
        self.headers, self.faults = dict(headers or {}), tuple(faults)


class Fault(BaseModel):
    """One thing wrong with one field: a JSON Pointer (RFC 6901) into what was sent, a stable code, a sentence."""

    pointer: str
    code: str
    detail: str


class Problem(BaseModel):
    """A refusal (RFC 9457). `code` is stable; `detail` and `title` are in the caller's language."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:qujat:problem:field-errors",
                    "title": "The decision's contents are wrong",
                    "status": 422,
                    "detail": "/fields/recipients/0/iin: not an IIN: the check digit is wrong",
                    "code": "field-errors",
                    "errors": [
                        {
                            "pointer": "/fields/recipients/0/iin",
                            "code": "bad-iin",
                            "detail": "not an IIN: the check digit is wrong",
                        }
                    ],
                    "request": "5f0c2e3b9d5a4a6e8b1c7d2f3a4b5c6d",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[Fault] = []
    request: str = ""


@cache
def words() -> Mapping[str, Any]:
    """Code → title and sentences; "field" → code of a field's fault → sentences."""
    return tomllib.loads((TEMPLATES / "web" / "problems.toml").read_text(encoding="utf-8"))


def status_of(error: e.QujatError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, e.FieldErrors) and [fault.code for fault in error.errors] in (["bad-json"], ["too-large"]):
        return {"bad-json": 400, "too-large": 413}[error.errors[0].code]
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def refusal(error: e.QujatError) -> Refused:
    """An error of ours as HTTP says it."""
    status = status_of(error)
    if status in (400, 413) and isinstance(error, e.FieldErrors):
        return Refused(status, error.errors[0].code, error.errors[0].message)
    if status == 500:
        log.error("a fault of ours", extra={"code": error.code}, exc_info=error)
        return Refused(500, "unexpected", "something went wrong here; it has been logged under the id of the request")
    headers = {"Retry-After": str(getattr(error, "retry_after", _RETRY_SECONDS))} if status == 503 else {}
    faults = error.errors if isinstance(error, e.FieldErrors) else ()
    return Refused(status, error.code, error.message, headers, faults, _worded(error))


def _worded(error: e.QujatError) -> str:
    """Its code, or that of the nearest class above that has words."""
    codes = (error.code, *(str(getattr(kind, "code", "")) for kind in type(error).__mro__))
    return next(code for code in codes if code in words())


def code_of(error: e.QujatError | Refused) -> str:
    """The code under which an error is answered, or is entered where it is not."""
    if isinstance(error, e.FieldErrors) and status_of(error) != 422:
        return error.errors[0].code
    return error.code


def response(request: Request, refused: Refused) -> JSONResponse:
    """The refusal as application/problem+json, in the caller's language."""
    tongue = negotiation.language(request.headers.get("accept-language", ""))
    said = words()[refused.said_as]
    problem = Problem(
        type=f"urn:qujat:problem:{refused.code}",
        title=said["title"][tongue],
        status=refused.status,
        detail=logs.masked(refused.detail[:_LONGEST]) if tongue == "en" else said[tongue],
        code=refused.code,
        errors=[_fault(fault, tongue) for fault in refused.faults[:_MOST_FAULTS]],
        request=logs.request_id.get(),
    )
    headers = {"Content-Language": tongue, "Vary": "Accept-Language", "Cache-Control": "no-store", **refused.headers}
    return JSONResponse(problem.model_dump(), refused.status, headers, MEDIA_TYPE)


def _fault(fault: e.FieldError, tongue: Tongue) -> Fault:
    sentences = words()["field"]
    said = fault.message if tongue == "en" else sentences.get(fault.code, sentences["other"])[tongue]
    return Fault(pointer=logs.masked(fault.path), code=fault.code, detail=logs.masked(said))


def install(app: FastAPI) -> None:
    """Every error of the application is answered so."""
    app.add_exception_handler(e.QujatError, _ours)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, of_http)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, e.QujatError)  # noqa: S101  for the type checker: it is registered so
    return response(request, refusal(error))


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)  # noqa: S101
    return response(request, error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """What FastAPI itself refuses: parameters. The value that came is not repeated."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = [_parameter(found) for found in error.errors()]
    detail = "\n".join(f"{fault.path}: {fault.message}" for fault in faults)
    return response(request, Refused(422, "bad-parameters", detail, faults=faults))


def _parameter(found: Mapping[str, Any]) -> e.FieldError:
    pointer = "".join(f"/{escape(str(part))}" for part in found["loc"])
    return e.FieldError(pointer, str(found["type"]).replace("_", "-"), str(found["msg"]))


async def of_http(request: Request, error: Exception) -> JSONResponse:
    """What Starlette itself refuses: unknown addresses and methods, broken multipart."""
    assert isinstance(error, HTTPException)  # noqa: S101
    code = _OF_HTTP.get(error.status_code, "bad-request")
    detail = words()[code]["title"]["en"]
    return response(request, Refused(error.status_code, code, detail, error.headers))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: these statuses are answered with a problem."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _DESCRIPTIONS[status], "content": content} for status in statuses}


_DESCRIPTIONS = {
    400: "It cannot be read",
    401: "No key, or one that is not valid",
    403: "The key is not permitted to do that",
    404: "There is no such thing, or it is another authority's",
    406: "It is not to be had in that format or language",
    408: "The data came too slowly",
    409: "It disagrees with what there is",
    410: "Its time is over",
    413: "Too much data",
    415: "Another Content-Type is expected",
    422: "Something in it is wrong; every fault is told at once",
    429: "Too many requests; Retry-After says when to ask again",
    500: "A fault of ours, logged under the id of the request",
    503: "Not now; Retry-After says when to ask again",
}
