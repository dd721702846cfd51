"""Documents, tickets and evidence as the models of the API say them: nothing of the people in them."""

from __future__ import annotations

import base64
from datetime import date

from qujat.entries import StoredFile
from qujat.handover import Prepared
from qujat.mark import short_code
from qujat.renewing import Lasting
from qujat.server.api.models import (
    MEDIA_TYPES,
    DocumentAnswer,
    IssuedFile,
    LastingAnswer,
    Late,
    PreparedAnswer,
    ReadingAnswer,
    ToSignAnswer,
)
from qujat.server.deeds import Told


def document(told: Told) -> DocumentAnswer:
    """An issued document as the API tells it: nothing of the people in it."""
    found, data = told.document, told.document.data
    return DocumentAnswer.model_validate(
        {
            "number": found.number,
            "decision": data["id"],
            "form": data["form"],
            "day": date.fromisoformat(data["day"]),
            "languages": data["languages"],
            "authority": data["authority"]["bin"],
            "status": found.status,
            "status_since": found.status_since,
            "reason": found.reason,
            "superseded_by": found.superseded_by,
            "mark": told.mark,
            "code": short_code(found.token),
            "stand_in": bool(data.get("stand_in")),
            "files": [_file(file) for file in found.files if file.role != "mark"],
            "warnings": [Late(code=late.code, term=late.term, last_day=late.last_day) for late in told.warnings],
        }
    )


def _file(file: StoredFile) -> IssuedFile:
    return IssuedFile(
        name=file.name,
        role=file.role,
        language=file.language,
        media_type=MEDIA_TYPES[file.role],
        sha256=file.sha256,
    )


def lasting(found: Lasting) -> LastingAnswer:
    """The state of one file's evidence."""
    return LastingAnswer(file=found.name, level=found.level, lapses=found.lapses, what=found.what, state=found.state)


def prepared(found: Prepared) -> PreparedAnswer:
    """What was prepared, with everything that a signing program needs."""
    return PreparedAnswer(
        ticket=found.ticket,
        number=found.number,
        signer=found.signer,
        expires_at=found.expires_at,
        files=[
            ToSignAnswer(
                name=file.name,
                role=file.role,
                language=file.language,
                format=file.format,
                sha256=file.sha256,
                content=_base64(file.content),
            )
            for file in found.files
        ],
        reading=[ReadingAnswer(name=name, content=_base64(page)) for name, page in found.reading.items()],
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
