"""What a client sends, read within bounds: its size before it is held, its depth before it is parsed."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from qujat.decision import Decision, parse
from qujat.errors import Busy, FieldError, FieldErrors
from qujat.fields import escape
from qujat.server.api.problems import Refused

MOST_JSON = 1024 * 1024
MOST_FILE = 64 * 1024 * 1024
MOST_UPLOADS = 8  # so that files which are being checked or wait for it take 512 MiB at most
DEEPEST = 64

_JSON = "application/json"
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
M = TypeVar("M", bound=BaseModel)


async def decision(request: Request) -> Decision:
    """The decision in the body. Raises Refused (400, 408, 413, 415), FieldErrors."""
    return await run_in_threadpool(parse, await _json(request))


async def one(request: Request, kind: type[M]) -> M:
    """The JSON object in the body as one model. Raises Refused (400, 408, 413, 415), FieldErrors."""
    body = await _json(request)
    try:
        raw = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused(400, "bad-json", "expected one JSON object in UTF-8") from None
    try:
        return kind.model_validate(raw, strict=True)
    except ValidationError as error:
        raise FieldErrors([_explained(found) for found in error.errors()]) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _explained(found: Any) -> FieldError:
    """Without the value that came: it may be personal."""
    pointer = "".join(f"/{escape(str(part))}" for part in found["loc"])
    return FieldError(pointer, str(found["type"]).replace("_", "-"), str(found["msg"]))


async def _json(request: Request) -> bytes:
    expect_type(request, (_JSON,))
    body = await whole(request, MOST_JSON)
    if _depth(body) > DEEPEST:
        raise Refused(400, "bad-json", f"expected JSON nested at most {DEEPEST} deep, came deeper")
    return body


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for sign in re.findall(rb"[\[\]{}]", _STRINGS.sub(b"", body)):
        depth += 1 if sign in b"[{" else -1
        deepest = max(depth, deepest)
    return deepest


def expect_type(request: Request, wanted: Sequence[str]) -> None:
    """Raises Refused (415) unless the body is of one of these types."""
    came = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if came not in wanted:
        raise Refused(
            415, "unsupported-media-type", f"expected Content-Type {' or '.join(wanted)}, came {came or 'none'}"
        )


async def whole(request: Request, most: int) -> bytes:
    """The whole body, of at most so many bytes. Raises Refused (408, 413)."""
    return b"".join([part async for part in _Bounded(request, most)])


def bounded(request: Request, most: int) -> AsyncIterator[bytes]:
    """The parts of a body as they come, of at most so many bytes together. They raise Refused (408, 413)."""
    return _Bounded(request, most)


class _Bounded:
    """The parts of a body until they are too many."""

    def __init__(self, request: Request, most: int) -> None:
        self._parts, self._most, self._came = request.stream(), most, 0
        if int(_digits(request.headers.get("content-length", ""))) > most:
            raise _too_large(most)

    def __aiter__(self) -> _Bounded:
        return self

    async def __anext__(self) -> bytes:
        part = await self._parts.__anext__()
        self._came += len(part)
        if self._came > self._most:
            raise _too_large(self._most)
        return part


def _digits(text: str) -> str:
    return text if re.fullmatch("[0-9]{1,18}", text) else "0"


def _too_large(most: int) -> Refused:
    return Refused(413, "too-large", f"expected at most {most} bytes, came more", {"Connection": "close"})


@asynccontextmanager
async def uploading(request: Request) -> AsyncIterator[None]:
    """While inside, large files are held in memory: so many requests at once and no more. Raises Busy."""
    state = request.app.state
    if state.uploads >= MOST_UPLOADS:
        raise Busy(f"expected fewer than {MOST_UPLOADS} files at once; ask again", 2)
    state.uploads += 1
    try:
        yield
    finally:
        state.uploads -= 1


async def files(request: Request, names: Sequence[str]) -> dict[str, bytes]:
    """The files of a multipart body, by name; the first of `names` must be there. Raises Refused.

    A caller bounds how many do so at once (`uploading`).
    """
    expect_type(request, ("multipart/form-data",))
    parts = _Bounded(request, MOST_FILE)
    try:
        form = await MultiPartParser(request.headers, parts, max_files=len(names), max_fields=0).parse()  # type: ignore[arg-type]
    except (MultiPartException, KeyError):
        raise Refused(400, "bad-request", f"expected multipart/form-data with files {', '.join(names)}") from None
    try:
        found = {
            name: await part.read()
            for name, part in form.multi_items()
            if name in names and isinstance(part, UploadFile)
        }
    finally:
        await form.close()
    if names[0] not in found or len(form.multi_items()) != len(found):
        raise Refused(
            422, "bad-parameters", f"expected a file under the name {names[0]!r}, and of {names} nothing twice"
        )
    return found
