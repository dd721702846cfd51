"""CMS files: DER, PEM or bare Base64; the content inside, or in a file of its own."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime

from qujat.signing.trust import Trust
from qujat.verifier import message
from qujat.verifier.examination import Examination, examine_cms
from qujat.verifier.message import Message
from qujat.verifier.report import Objection, SignatureReport

_PEM = re.compile(rb"-----BEGIN (CMS|PKCS7|PKCS #7 SIGNED DATA)-----\r?\n([A-Za-z0-9+/=\s]+)-----END \1-----")
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]+={0,2}\s*")


def der_of(content: bytes) -> bytes | None:
    """The DER in a file, if it looks like CMS at all. Raises Objection for PEM that does not open."""
    if content[:1] == b"\x30":
        return content
    text = content.strip()
    if text.startswith(b"-----BEGIN "):
        found = _PEM.fullmatch(text)
        if not found:
            raise Objection("cms-malformed", "PEM of another kind, or with something beside it")
        return _decoded(found[2])
    if text[:1] == b"M" and _BASE64.fullmatch(text):
        return _decoded(text)
    return None


def examine(encoded: bytes, data: bytes | None, trust: Trust, now: datetime) -> SignatureReport:
    """The one signature in a CMS in DER, over `data` or over what it holds. Raises Objection if it cannot be read."""
    found = message.parse(encoded)
    examination = Examination("cms", trust, now)
    examination.ask("format", lambda: _check_kind(found))
    signed = examination.ask("coverage", lambda: _signed_data(found, data))
    if signed is None:
        examine_cms(examination, found, None)
    else:
        examination.coverage = "whole-file"
        examine_cms(examination, found, lambda: (signed,))
    examination.level = _level(examination)
    examination.judge_certificate(found.crls)
    return examination.report()


def _check_kind(found: Message) -> None:
    if found.content_type != message.DATA:
        raise Objection("signature-kind", f"signed content of type {found.content_type}")


def _signed_data(found: Message, data: bytes | None) -> bytes:
    inside = found.content
    if inside is None and data is None:
        raise Objection("signed-data-missing")
    if inside is not None and data is not None and inside != data:
        raise Objection("other-data")
    return inside if inside is not None else data or b""


def _level(examination: Examination) -> str:
    if examination.signed is None:
        return ""
    stamped = bool(examination.stamps)
    if examination.signed.names_certificate:
        return "CAdES-B-T" if stamped else "CAdES-B-B"
    return "CMS with a timestamp" if stamped else "CMS"


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise Objection("cms-malformed", "Base64 that does not open") from error
