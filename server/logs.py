"""Structured logs without personal data: one JSON object a line.

Lines of ours are written as they are; of the libraries' only the words that stand in their code, without what they put
into them. Twelve digits in a row (an IIN) are never written. Of an exception its kind and its places in the code are
written, never its message: a message may quote what came.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

# Of the request that is being answered, in this process or in the one that asked this process.
request_id: ContextVar[str] = ContextVar("request_id", default="")

_OUR_OWN = ("qujat", "uvicorn")
_TWELVE_DIGITS = re.compile(r"(?<![0-9a-fA-F])[0-9]{12}(?![0-9a-fA-F])")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def masked(text: str) -> str:
    """The text with every twelve digits in a row (an IIN, a BIN) as stars."""
    return _TWELVE_DIGITS.sub("*" * 12, text)


def trace(error: BaseException | None) -> list[str]:
    """What an exception and those before it were, and where, without their messages: "KeyError", "pages.py:12 page"."""
    lines: list[str] = []
    while error is not None:
        frames = _frames(error.__traceback__)
        lines += [type(error).__qualname__, *frames]
        error = error.__cause__ or error.__context__
    return lines


def _frames(found: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(found)]


class JsonLines(logging.Formatter):
    """One line a record; what was given as `extra` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON in one line."""
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "request": request_id.get(),
            **{name: value for name, value in vars(record).items() if name not in _STANDARD},
        }
        if record.exc_info and record.exc_info[1]:
            said["trace"] = trace(record.exc_info[1])
        return masked(json.dumps(said, ensure_ascii=False, default=_kind))


def _message(record: logging.LogRecord) -> str:
    ours = record.name.split(".")[0] in _OUR_OWN
    return record.getMessage() if ours else str(record.msg)


def _kind(value: Any) -> str:
    return type(value).__qualname__


def configure(stream: TextIO | None = None) -> None:
    """All that this process logs goes to `stream` (the standard error) as JSON lines. May be called again."""
    root, handler = logging.getLogger(), logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _OUR_OWN:
        logging.getLogger(name).setLevel(logging.INFO)
