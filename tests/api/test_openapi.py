"""The OpenAPI document is whole and true: what it says is what happens, whatever is sent (schemathesis)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import schemathesis
from apis import Api
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.openapi import from_asgi

load_all_checks()

OPERATIONS = (
    "issue", "document", "evidence", "annul", "supersede", "prepare", "complete", "check",
    "forms", "form", "schema", "blank", "batch", "batch-standing", "batch-events", "batch-results",
)  # fmt: skip
# A decision that its JSON Schema takes may still break a rule of the law, and a language or format not be there.
RULES_BEYOND_SCHEMAS = ["2xx", "401", "403", "404", "406", "409", "422"]
EXAMPLES = 8
# Whatever is sent as lines is a batch; what is wrong with a line stands in its row.
LEFT_OUT = {"batch": [CHECKS.get_one("negative_data_rejection")]}


@pytest.fixture(scope="module")
def described(api: Api) -> dict[str, Any]:
    document: dict[str, Any] = api("GET", "/v1/openapi.json", key="").json()
    return document


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {operation["operationId"]: operation for path in described["paths"].values() for operation in path.values()}


def test_the_document_is_of_openapi_3_1_and_has_every_operation(described: dict[str, Any]) -> None:
    assert described["openapi"] == "3.1.0"
    assert operations(described).keys() == set(OPERATIONS)
    assert described["components"]["securitySchemes"]["key"] | {"description": ""} == {
        "type": "http", "scheme": "bearer", "description": "",
    }  # fmt: skip


def test_every_operation_says_what_it_does_and_how_it_refuses(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["security"] == [{"key": []}], name
        refusals = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert {"401", "403", "429", "500", "503"} <= refusals.keys(), name
        for answer in refusals.values():
            assert answer["content"].keys() == {"application/problem+json"}, name


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    names = described["components"]["schemas"]
    found = references(described)
    assert len(found) > 10
    assert {name.removeprefix("#/components/schemas/") for name in found} <= names.keys()


def test_examples_are_true(described: dict[str, Any], api: Api) -> None:
    schemas = described["components"]["schemas"]
    for name in ("Decision", "Problem"):
        (example,) = schemas[name]["examples"]
        whole = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        Draft202012Validator(whole).validate(example)
    assert api("POST", "/v1/documents", json=schemas["Decision"]["examples"][0]).status_code in (200, 201)


@schemathesis.serializer("application/jsonl")
def json_lines(context: object, value: object) -> bytes:
    """A body as it is, or what is no text as JSON."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


@cache
def checks() -> tuple[Any, ...]:
    left_out = {"max_response_time", "use_after_free", "ensure_resource_availability"}  # of time, and of deleting
    return tuple(check for check in CHECKS.get_all() if check.__name__ not in left_out)


@cache
def schema(app: Any) -> Any:
    chosen = {"positive_data_acceptance": {"expected-statuses": RULES_BEYOND_SCHEMAS}}
    return from_asgi("/v1/openapi.json", app, config=SchemathesisConfig.from_dict({"checks": chosen}))


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_the_document_says_is_what_happens(
    name: str, mode: GenerationMode, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qujat.server.api.batches._LIVE_SECONDS", 0.02)
    monkeypatch.setattr("qujat.server.api.batches._LOOK_SECONDS", 0.01)
    operation = schema(api.http.app).find_operation_by_id(name)
    key = {"Authorization": f"Bearer {api.keys['all']}"}

    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=key, checks=list(checks()), excluded_checks=LEFT_OUT.get(name))

    holds()
