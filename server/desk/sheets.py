"""A page of the office: a template filled, with the headers that every page of it goes out with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from jinja2 import Environment

from qujat.languages import LANGUAGES, Language
from qujat.rendering import TEMPLATES
from qujat.server import templates
from qujat.server.desk.words import words
from qujat.server.pages import assets as public
from qujat.server.pages.words import moment_text
from qujat.words import day_in_figures

router = APIRouter(include_in_schema=False)

NAMES: Final[Mapping[Language, str]] = {"kk": "Қазақша", "ru": "Русский"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_FOLDER: Final = TEMPLATES / "web" / "desk"
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@cache
def environment() -> Environment:
    made = templates.environment()
    made.globals.update(asset=address, public=public.address, tongues=LANGUAGES, names=NAMES)
    made.filters.update(day=day_in_figures, moment=moment_text)
    return made


@cache
def _assets() -> Mapping[str, bytes]:
    found = sorted(path for path in _FOLDER.iterdir() if path.suffix in _TYPES)
    return {path.name: path.read_bytes() for path in found}


@cache
def _version() -> str:
    return sha256(b"".join(_assets().values())).hexdigest()[:12]


def address(name: str) -> str:
    """Where a style sheet or script of the office is, for ever."""
    return f"/office/assets/{_version()}/{name}"


@router.get("/office/assets/{of}/{name}")
def asset(request: Request, of: str, name: str) -> Response:
    """A style sheet or a script of this version: no secret, and the page of the login needs them too."""
    content = _assets().get(name) if of == _version() else None
    if content is None:
        return Response("", 404, headers(request))
    kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, 200, kept, _TYPES[name[name.rindex(".") :]])


def headers(request: Request) -> dict[str, str]:
    """Not kept anywhere, not indexed, not framed, nothing from elsewhere.

    Referrer-Policy is same-origin: with no-referrer browsers send "Origin: null" with the forms of our own pages.
    """
    always = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if request.app.state.office.address.startswith("https://"):
        always["Strict-Transport-Security"] = "max-age=31536000"
    return always


def page(request: Request, template: str, tongue: Language, /, *, status: int = 200, **shown: Any) -> Response:
    """The page of a template in a language; `shown` goes to the template. `visit` None: nobody is logged in."""
    said = {"visit": None, "here": request.url.path, "part": "", **shown}
    stand_in = request.app.state.office.trust.stand_in
    found = environment().get_template(f"desk/{template}")
    filled = found.render(lang=tongue, words=words(tongue), stand_in=stand_in, **said)
    sent = {**headers(request), "Content-Language": tongue}
    return Response(filled, status, sent, "text/html; charset=utf-8")


def file(request: Request, content: bytes, kind: str, name: str = "") -> Response:
    """A file; with a name to keep it under, otherwise to be looked at."""
    shown = f'attachment; filename="{ascii_name(name)}"' if name else "inline"
    return Response(content, 200, {**headers(request), "Content-Disposition": shown}, kind)


def ascii_name(name: str) -> str:
    """A name of a file that a header can hold (RFC 6266)."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)


def as_json(request: Request, value: Any) -> Response:
    """What a script of ours asked for."""
    return Response(json.dumps(value, ensure_ascii=False), 200, headers(request), "application/json")
