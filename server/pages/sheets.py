"""A page: a template filled, with the headers that every page goes out with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from jinja2 import Environment

from qujat.server import templates
from qujat.server.api.negotiation import TONGUES, Tongue
from qujat.server.pages import assets
from qujat.server.pages.answer import in_tongue
from qujat.server.pages.words import NAMES, moment_text, words

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self';"
    " manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@cache
def environment() -> Environment:
    made = templates.environment()
    made.globals.update(asset=assets.address, tongues=TONGUES, names=NAMES, in_tongue=in_tongue, moment=moment_text)
    made.filters["json"] = _json
    return made


def headers(request: Request) -> dict[str, str]:
    """Not indexed, not framed, not told on, nothing from elsewhere, no cookies."""
    always = {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if request.url.scheme == "https" or request.app.state.office.address.startswith("https://"):
        always["Strict-Transport-Security"] = "max-age=31536000"
    return always


def page(
    request: Request,
    name: str,
    tongue: Tongue,
    *,
    status: int = 200,
    more: Mapping[str, str] | None = None,
    **shown: Any,
) -> Response:
    """The page `name` in a language. `shown` goes to the template, `more` to the headers. Nothing of it is cached."""
    office = request.app.state.office
    filled = (
        environment()
        .get_template(name)
        .render(
            lang=tongue,
            words=words(tongue),
            host=urlsplit(office.address).netloc,
            stand_in=office.trust.stand_in,
            here=request.url.path,
            **shown,
        )
    )
    sent = {**headers(request), "Cache-Control": "no-store", "Content-Language": tongue, **(more or {})}
    content, encoded = assets.squeezed(request, filled.encode())
    vary = {"Vary": "Accept-Language, Accept-Encoding"}
    return Response(content, status, {**sent, **encoded, **vary}, "text/html; charset=utf-8")


def _json(value: Any) -> str:
    """JSON for a data block in HTML: nothing in it can end the block."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
