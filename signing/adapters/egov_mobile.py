"""Signing in eGov Mobile and eGov Business: a QR code leads the app to us, we hand out documents, it brings signatures.

Two interfaces, both ours (the operator's guide «QR подписание в приложении eGov Mobile»):

* API 1, GET …/<id>/mgovSign, whose address is in the QR code: what is to be signed, for whom, until when, where.
* API 2, …/<id>/documents: GET hands out the documents, PUT brings the same object with signatures in place of contents.

The method is CMS_SIGN_ONLY: a CMS without the content, which is what a signature field of a PDF takes (ISO 32000-1
12.8.3.3). CMS_WITH_DATA would carry the document inside, and XML signs XML. `data` is exactly what gets signed: for a
PDF the bytes of its ByteRange, since a digest that we made would have to be Streebog for GOST keys.

The app opens only addresses of domains that the operator has put on its list.
"""

from __future__ import annotations

import base64
import hmac
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qujat.errors import (
    ConfigurationError,
    Indeterminate,
    QujatError,
    SigningError,
    SigningServiceUnavailable,
    TimestampUnavailable,
)
from qujat.pages import ALMATY
from qujat.signing.adapters import cmsfacts
from qujat.signing.adapters.exchange import Signed, ToSign, cms_of
from qujat.signing.adapters.messages import LANGUAGES, message
from qujat.signing.adapters.sessions import Complete, Session, SessionClosed, Sessions, take
from qujat.signing.adapters.web import Request, Response, Wsgi, json_response, language_of, wsgi

log = logging.getLogger("qujat.egov")

LARGEST_BODY = 8 * 1024 * 1024
_PATH = re.compile(r"/([A-Za-z0-9_-]{32})/(mgovSign|documents)")
_METHOD: Literal["CMS_SIGN_ONLY"] = "CMS_SIGN_ONLY"
# The app draws a PDF for this word alone; for anything else it shows the name only.
_MIME = {"application/pdf": "@file/pdf"}
_TRY_LATER = (Indeterminate, SigningServiceUnavailable, TimestampUnavailable)


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who asks for the signature, as the app shows it. `names` by language, kk and ru at least."""

    names: Mapping[str, str]
    bin: str


@dataclass(frozen=True)
class Desk:
    """Where the app comes to. `address` is where `respond` is mounted, as the app reaches it: https, no query.

    Raises ConfigurationError for another address.
    """

    address: str
    organisation: Organisation
    sessions: Sessions
    complete: Complete
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*", self.address):
            raise ConfigurationError(
                "expected an https address without a query or a slash at its end for eGov Mobile, came another;"
                " mend the configuration"
            )

    def entrance(self, session: Session) -> str:
        """The address of API 1."""
        return f"{self.address}/{session.id}/mgovSign"

    def qr_text(self, session: Session) -> str:
        """What the QR code says. Whoever scans it within its time sees the documents: show it to the official alone."""
        return f"mobileSign:{self.entrance(session)}"

    def same_device_link(self, session: Session, app: Literal["mobile", "business"] = "mobile") -> str:
        """A link that opens the app on the device where it is pressed."""
        identifiers = {
            "mobile": "isi=1476128386&ibi=kz.egov.mobile&apn=kz.mobile.mgov",
            "business": "isi=1597880144&ibi=kz.mobile.mgov.business&apn=kz.mobile.mgov.business",
        }
        return f"https://m.egov.kz/mobileSign?link={quote(self.entrance(session), safe=':/')}&{identifiers[app]}"


def application(desk: Desk) -> Wsgi:
    """The desk as a WSGI application, to be mounted at the path of its address."""
    return wsgi(lambda request: respond(request, desk), LARGEST_BODY)


def respond(request: Request, desk: Desk) -> Response:
    """Answer the app. 200; 403 where a signature does not pass; 400, 401, 404, 405, 410, 413 as HTTP has them."""
    match = _PATH.fullmatch(request.path)
    session = desk.sessions.get(match[1]) if match else None
    if match is None or session is None:
        return _said(404, "not-found", request)
    allowed = ("GET",) if match[2] == "mgovSign" else ("GET", "PUT")
    if request.method not in allowed:
        return _said(405, "method", request, Allow=", ".join(allowed))
    if match[2] == "documents" and not _authorised(request, session):
        return _said(401, "unauthorised", request, WWW_Authenticate="Bearer")
    if not session.takes(desk.clock()):
        return _said(410, "closed", request)
    if match[2] == "mgovSign":
        return json_response(200, _description(session, desk))
    return json_response(200, _documents(session)) if request.method == "GET" else _put(request, session, desk)


def _authorised(request: Request, session: Session) -> bool:
    """RFC 6750 section 2.1, compared in constant time."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode("utf-8"), session.token.encode("utf-8"))
    return scheme.lower() == "bearer" and same


def expiry(moment: datetime) -> str:
    """A moment as the guide writes it: 2022-09-29T16:21:37.06+0600 (hundredths, an offset without a colon)."""
    local = moment.astimezone(ALMATY)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 10000:02}{local:%z}"


def _description(session: Session, desk: Desk) -> dict[str, Any]:
    """The answer of API 1."""
    return {
        "description": " / ".join(session.description[language] for language in ("kk", "ru")),
        "expiry_date": expiry(session.expires_at),
        "organisation": {**_names(desk.organisation.names), "bin": desk.organisation.bin},
        "document": {
            "uri": f"{desk.address}/{session.id}/documents",
            "auth_type": "Token",
            "auth_token": session.token,
        },
    }


def _documents(session: Session) -> dict[str, Any]:
    """The answer of API 2: the documents, numbered from 1."""
    rows = [_document(number, document) for number, document in enumerate(session.documents, start=1)]
    return {"signMethod": _METHOD, "documentsToSign": rows}


def _document(number: int, document: ToSign) -> dict[str, Any]:
    content = base64.b64encode(document.content).decode("ascii")
    file = {"mime": _MIME.get(document.mime, document.mime), "data": content}
    return {"id": number, **_names(document.names), "meta": [], "document": {"file": file}}


def _names(names: Mapping[str, str]) -> dict[str, str]:
    return {"nameRu": names["ru"], "nameKz": names["kk"], "nameEn": names.get("en") or names["ru"]}


class _Tolerant(BaseModel):
    """The app sends back what it was given, and members of its own."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _File(_Tolerant):
    data: str = Field(repr=False)


class _Holder(_Tolerant):
    file: _File


class _Brought(_Tolerant):
    id: int
    document: _Holder


class _Put(_Tolerant):
    sign_method: Literal["CMS_SIGN_ONLY"] = Field(alias="signMethod")
    status: str = ""
    documents: list[_Brought] = Field(alias="documentsToSign", min_length=1, max_length=64)


def _put(request: Request, session: Session, desk: Desk) -> Response:
    """Take what the app brings. Only signatures that pass end the session."""
    if len(request.body) > LARGEST_BODY:
        return _said(413, "malformed", request)
    try:
        brought = _Put.model_validate_json(request.body)
    except ValidationError:
        return _said(400, "malformed", request)
    if brought.status.upper() in ("CANCELED", "CANCELLED"):
        return _cancelled(request, session, desk)
    try:
        take(desk.sessions, session, _signatures(brought, session), desk.complete, now=desk.clock())
    except SessionClosed:
        return _said(410, "closed", request)
    except QujatError as error:
        log.warning("session %s: refused, %s", session.tag, error.code)
        return _said(403, "undecided" if isinstance(error, _TRY_LATER) else "refused", request, why=error.code)
    log.info("session %s: signed, %d documents", session.tag, len(session.documents))
    return _said(200, "success", request)


def _cancelled(request: Request, session: Session, desk: Desk) -> Response:
    if not desk.sessions.claim(session.id, desk.clock()):
        return _said(410, "closed", request)
    desk.sessions.close(session.id, "cancelled")
    log.info("session %s: cancelled in the app", session.tag)
    return _said(200, "cancelled", request)


def _signatures(brought: _Put, session: Session) -> list[Signed]:
    """The signatures by our ids, each of the very bytes handed out. Raises SigningError, VerificationError."""
    numbers = [one.id for one in brought.documents]
    if sorted(numbers) != list(range(1, len(session.documents) + 1)):
        raise SigningError(f"expected documents 1 to {len(session.documents)}, each once, came others; sign again")
    return [_signed(session.documents[one.id - 1], one.document.file.data) for one in brought.documents]


def _signed(document: ToSign, text: str) -> Signed:
    cms = cms_of(text)
    facts = cmsfacts.read(cms)
    if facts.content is not None or not facts.signers:
        raise SigningError("expected a detached CMS of one who signed, came another; sign again")
    for signer in facts.signers:
        computed = cmsfacts.hash_of(document.content, signer.digest_algorithm)
        # What is not computed here is for `complete` to judge.
        if computed is not None and computed != signer.message_digest:
            raise SigningError("expected a signature of the document that was handed out, came one of another")
    return Signed(document.id, cms)


def _said(status: int, name: str, request: Request, *, why: str = "", **headers: str) -> Response:
    text = message(name, language_of(request, LANGUAGES))
    return json_response(status, {"code": why or name, "message": text}, **headers)
