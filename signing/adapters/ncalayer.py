"""Signing with NCALayer, the program of the National Certification Authority on the official's own computer.

A page of ours asks for the request, hands it to `wss://127.0.0.1:13579`, where the official chooses the key and types
the password, and brings the signatures back. The whole request is made here, so the page decides nothing: detached CMS
of the very bytes (`decode`), a timestamp of the national authority, and only keys of the official in question.
`allowExpired` and `allowRevoked` are for tests and are never sent.

Module kz.gov.pki.knca.basics, after pkigovkz/NCALayerJSExample@2a76d2d; its answers also as recorded by SIGEX.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from qujat.errors import (
    ConfigurationError,
    Indeterminate,
    QujatError,
    SigningServiceUnavailable,
    TimestampUnavailable,
)
from qujat.rendering import TEMPLATES, environment
from qujat.signing import policy
from qujat.signing.adapters.exchange import Signed, cms_of
from qujat.signing.adapters.messages import LANGUAGES, message, page_words
from qujat.signing.adapters.sessions import Complete, Session, SessionClosed, Sessions, take
from qujat.signing.adapters.web import Request, Response, Wsgi, json_response, language_of, wsgi

log = logging.getLogger("qujat.ncalayer")

ADDRESS = "wss://127.0.0.1:13579"
LARGEST_BODY = 8 * 1024 * 1024
HARDWARE = (
    "AKKaztokenStore",
    "AKKZIDCardStore",
    "AKEToken72KStore",
    "AKEToken5110Store",
    "AKJaCartaStore",
    "AKAKEYStore",
)
_ROLES = {
    "head": policy.HEAD,
    "entitled": policy.ENTITLED_TO_SIGN,
    "employee": policy.EMPLOYEE,
    "organisation": policy.ORGANISATION,
}
_PATH = re.compile(r"/([A-Za-z0-9_-]{32})(?:/(documents)(?:/([a-z0-9._-]+))?)?")
_LOOPBACK = re.compile(r"wss?://(127\.0\.0\.1|localhost):[0-9]{1,5}")
_TRY_LATER = (Indeterminate, SigningServiceUnavailable, TimestampUnavailable)
_ASSETS = {
    "ncalayer.js": ("text/javascript; charset=utf-8", "web/ncalayer.js"),
    "ncalayer.css": ("text/css; charset=utf-8", "web/ncalayer.css"),
    "serif.ttf": ("font/ttf", "paper/v1/fonts/Tinos-Regular.ttf"),
    "serif-bold.ttf": ("font/ttf", "paper/v1/fonts/Tinos-Bold.ttf"),
}


@dataclass(frozen=True)
class Desk:
    """Where the official's browser comes to, mounted at `base` (a path without a slash at its end).

    `storages`: kinds of tokens that NCALayer may offer (`HARDWARE`: no key in a file); None for all of them.
    `stamped`: NCALayer asks the national authority for a timestamp; False where `complete` stamps by itself, as
    `pipeline.complete` does. `after`: the address of the page to go on to once it is signed, with {session} for the
    id; empty stays. `address` is NCALayer's own; another is for tests. Raises ConfigurationError for one that
    is not this machine.
    Who may open a session is for whoever mounts it to say: the address of a session is a secret, not a login.
    """

    sessions: Sessions
    complete: Complete
    base: str = "/sign"
    storages: tuple[str, ...] | None = None
    stamped: bool = True
    address: str = ADDRESS
    after: str = ""
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if not _LOOPBACK.fullmatch(self.address):
            raise ConfigurationError(f"expected NCALayer on this machine, such as {ADDRESS}, came another address")

    def policy(self) -> str:
        """The Content-Security-Policy of the page: nothing inline, nothing from elsewhere, NCALayer and us."""
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self';"
            f" connect-src 'self' {self.address}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )


def sign_request(
    session: Session, locale: str, storages: tuple[str, ...] | None = None, *, stamped: bool = True
) -> dict[str, Any]:
    """The frame that NCALayer gets: kz.gov.pki.knca.basics, sign. One document goes as text, several as a list."""
    # The bytes, not their digest, which for a GOST key would have to be Streebog; the content stays outside.
    how: dict[str, Any] = {"decode": True, "encapsulate": False, "digested": False}
    contents = [base64.b64encode(document.content).decode("ascii") for document in session.documents]
    who = session.signatory
    args: dict[str, Any] = {
        "format": "cms",
        "data": contents[0] if len(contents) == 1 else contents,
        "signingParams": {**how, "tsaProfile": {}} if stamped else how,
        "signerParams": {
            "extKeyUsageOids": [policy.EMAIL_PROTECTION.dotted_string, _ROLES[who.role].dotted_string],
            "iin": who.iin,
            "bin": who.bin,
            "serialNumber": "",
            "chain": None,
        },
        "locale": locale,
    }
    if storages is not None:
        args = {"allowedStorages": list(storages), **args}
    return {"module": "kz.gov.pki.knca.basics", "method": "sign", "args": args}


def application(desk: Desk) -> Wsgi:
    """The desk as a WSGI application, to be mounted at its base."""
    return wsgi(lambda request: respond(request, desk), LARGEST_BODY)


def respond(request: Request, desk: Desk) -> Response:
    """Answer the browser: the page, its parts, the request for NCALayer, a file to look at, the signatures."""
    if request.path.startswith("/assets/"):
        return _asset(request, request.path.removeprefix("/assets/"))
    match = _PATH.fullmatch(request.path)
    session = desk.sessions.get(match[1]) if match else None
    if match is None or session is None:
        return _said(404, "not-found", request)
    _, documents, name = match.groups()
    if name:
        return _shown(request, session, name) if request.method == "GET" else _said(405, "method", request, Allow="GET")
    if not documents:
        return _page(request, session, desk) if request.method == "GET" else _said(405, "method", request, Allow="GET")
    if request.method not in ("GET", "POST"):
        return _said(405, "method", request, Allow="GET, POST")
    if not session.takes(desk.clock()):
        return _said(410, "closed", request)
    if request.method == "POST":
        return _post(request, session, desk)
    asked = sign_request(session, _language(request), desk.storages, stamped=desk.stamped)
    return json_response(200, {"request": asked, "ids": [document.id for document in session.documents]})


def _language(request: Request) -> str:
    chosen = request.query.get("lang", "")
    return chosen if chosen in LANGUAGES else language_of(request, LANGUAGES)


def _page(request: Request, session: Session, desk: Desk) -> Response:
    language = _language(request)
    body = (
        environment()
        .get_template("web/ncalayer.html.j2")
        .render(
            language=language,
            languages={"kk": "Қазақша", "ru": "Русский", "en": "English"},
            words=page_words(language),
            documents=session.documents,
            description=session.description.get(language) or session.description["ru"],
            bin=session.signatory.bin,
            open=session.takes(desk.clock()),
            base=desk.base,
            source=f"{desk.base}/{session.id}/documents",
            ncalayer=desk.address,
            after=desk.after.format(session=session.id),
        )
    )
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": desk.policy()}
    return Response(200, body.encode("utf-8"), headers)


def _asset(request: Request, name: str) -> Response:
    if name not in _ASSETS:
        return _said(404, "not-found", request)
    if request.method != "GET":
        return _said(405, "method", request, Allow="GET")
    kind, path = _ASSETS[name]
    return Response(200, _read(path), {"Content-Type": kind, "Cache-Control": "public, max-age=3600"})


@cache
def _read(path: str) -> bytes:
    return (TEMPLATES / path).read_bytes()


def _shown(request: Request, session: Session, name: str) -> Response:
    """A document to look at before signing."""
    found = next((d.shown for d in session.documents if d.id == name), None)
    if found is None:
        return _said(404, "not-found", request)
    headers = {"Content-Type": "application/pdf", "Content-Disposition": "inline"}
    # The browser's own viewer of PDF is a page with scripts: it needs a policy without default-src.
    return Response(200, found, {**headers, "Content-Security-Policy": "frame-ancestors 'none'"})


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Signature(_Wire):
    id: str
    cms: str = Field(repr=False)


class _Post(_Wire):
    signatures: list[_Signature] = Field(min_length=1, max_length=64)


def _post(request: Request, session: Session, desk: Desk) -> Response:
    """Take the signatures, once. 403 where they do not pass: the session stays open."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return _said(403, "unauthorised", request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    try:
        if kind != "application/json" or len(request.body) > LARGEST_BODY:
            raise ValueError("not JSON, or too much of it")
        brought = _Post.model_validate_json(request.body)
    except ValueError:
        return _said(400, "malformed", request)
    try:
        signed = [Signed(one.id, cms_of(one.cms)) for one in brought.signatures]
        take(desk.sessions, session, signed, desk.complete, now=desk.clock())
    except SessionClosed:
        return _said(410, "closed", request)
    except QujatError as error:
        log.warning("session %s: refused, %s", session.tag, error.code)
        return _said(403, "undecided" if isinstance(error, _TRY_LATER) else "refused", request, why=error.code)
    log.info("session %s: signed, %d documents", session.tag, len(signed))
    return _said(200, "success", request)


def _said(status: int, name: str, request: Request, *, why: str = "", **headers: str) -> Response:
    return json_response(status, {"code": why or name, "message": message(name, _language(request))}, **headers)
