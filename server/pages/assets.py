"""Style, scripts, the service worker, the manifest. What may be kept for ever has the hash of all of it in its path."""

from __future__ import annotations

import gzip
import json
from functools import cache, lru_cache
from hashlib import sha256
from typing import Final

from fastapi import APIRouter, Request, Response

from qujat.rendering import TEMPLATES
from qujat.server.api.negotiation import has_it

router = APIRouter()

_WEB: Final = TEMPLATES / "web"
_VENDOR: Final = "zxing-wasm-3.1.4"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
# The reader of codes runs in a worker with a policy of its own: only there may WebAssembly be compiled.
_WORKER_POLICY: Final = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
_WORTH_KEEPING: Final = 30_000
_ICONS: Final = ("icon.svg", "icon-192.png", "icon-512.png")


@cache
def _files() -> dict[str, bytes]:
    """The assets of the pages by name."""
    scripts = {path.name: path.read_bytes() for path in sorted((_WEB / "js").glob("*.js"))}
    look = (_WEB / "tokens.css").read_bytes() + (_WEB / "look.css").read_bytes()
    return {name: (_WEB / name).read_bytes() for name in _ICONS} | {"look.css": look} | scripts


@cache
def _vendored() -> dict[str, bytes]:
    folder = _WEB / "vendor" / "zxing-wasm"
    return {name: (folder / name).read_bytes() for name in ("reader.js", "reader.wasm")}


@cache
def version() -> str:
    """Twelve characters that change when any asset, template or word does."""
    whole = sha256()
    for path in sorted([*_WEB.glob("*.j2"), _WEB / "pages.toml"]):
        whole.update(path.read_bytes())
    for name, content in _files().items():
        whole.update(name.encode() + content)
    return whole.hexdigest()[:12]


def address(name: str) -> str:
    """Where an asset is, for ever."""
    return f"/assets/{version()}/{name}"


@router.get("/assets/{of}/{name}")
def asset(request: Request, of: str, name: str) -> Response:
    """An asset of this version; of another version there is none here."""
    content = {version(): _files, _VENDOR: _vendored}.get(of, dict)().get(name)
    if content is None:
        return Response("", 404, _plain())
    policy = {"Content-Security-Policy": _WORKER_POLICY} if name == "scan-worker.js" else {}
    kind = _TYPES[name[name.rindex(".") :]]
    content, encoded = squeezed(request, content)
    return Response(content, 200, {**_plain(), **_FOR_EVER, **policy, **encoded}, kind)


@router.get("/sw.js")
def service_worker(request: Request) -> Response:
    """The service worker, with the version of what it keeps; asked for anew each time."""
    kept = [address(name) for name in _files() if name not in ("icon-512.png", "scan-worker.js", "sw.js")]
    shells = [f"{path}?lang={tongue}" for path in ("/", "/offline") for tongue in ("kk", "ru", "en")]
    head = f"const VERSION = {json.dumps(version())}, KEPT = {json.dumps([*kept, *shells, '/keys.json'])};\n"
    return tagged(request, head.encode() + _files()["sw.js"], _TYPES[".js"], _plain())


@router.get("/manifest.webmanifest")
def manifest(request: Request) -> Response:
    """What makes it installable."""
    icons = [
        {"src": address(f"icon-{side}.png"), "sizes": f"{side}x{side}", "type": "image/png", "purpose": purpose}
        for side in (192, 512)
        for purpose in ("any", "maskable")
    ]
    described = {
        "id": "/",
        "name": "Құжат – құжатты тексеру",
        "short_name": "Құжат",
        "lang": "kk",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f1f4f4",
        "theme_color": "#1d5368",
        "icons": icons,
    }
    content = json.dumps(described, ensure_ascii=False).encode()
    return tagged(request, content, "application/manifest+json", _plain())


def tagged(request: Request, content: bytes, kind: str, headers: dict[str, str]) -> Response:
    """Content that is asked for anew each time and sent only if it changed (ETag; RFC 9110, section 8.8.3)."""
    tag = f'"{sha256(content).hexdigest()[:24]}"'
    sent = {**headers, "Cache-Control": "no-cache", "ETag": tag}
    if has_it(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=sent)
    content, encoded = squeezed(request, content)
    return Response(content, 200, {**sent, **encoded}, kind)


def squeezed(request: Request, content: bytes) -> tuple[bytes, dict[str, str]]:
    """The content in gzip if the browser takes it, and the headers that say so."""
    vary = {"Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return content, vary
    return _gzip(content), {**vary, "Content-Encoding": "gzip"}


def _gzip(content: bytes) -> bytes:
    """The large ones once; a page, which is short and somebody's, is not kept."""
    return _kept(content) if len(content) > _WORTH_KEEPING else gzip.compress(content, 6, mtime=0)


@lru_cache(maxsize=8)
def _kept(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


def _plain() -> dict[str, str]:
    return {
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }
