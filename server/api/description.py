"""The OpenAPI document: what FastAPI gathers, and what is read by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from qujat.decision import Decision
from qujat.server.api import models
from qujat.server.api.problems import Problem

_EXAMPLE = Path(__file__).parent.parent.parent / "fixtures" / "decisions" / "o20-a05.json"
_TEXT = """Decisions of the migration services as documents that people can hold, trust and check.

Every request carries the key of a client. Errors are `application/problem+json` with a stable `code`; their texts are
in the language of `Accept-Language` (kk, ru, en). Answers to 429 and 503 say in `Retry-After` when to ask again."""
_READ_BY_HAND = (Decision, Problem, models.Annulment, models.Replacement, models.Completion)


def install(app: FastAPI) -> None:
    """The application describes itself so, from now on."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="Qujat",
        version="1",
        openapi_version="3.1.0",
        description=_TEXT,
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    _, extra = models_json_schema(
        [(model, "validation") for model in _READ_BY_HAND], ref_template="#/components/schemas/{model}"
    )
    schemas.update(extra["$defs"])
    schemas["Decision"] |= {"examples": [json.loads(_EXAMPLE.read_text(encoding="utf-8"))]}
    return document
