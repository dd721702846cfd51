"""GET /v1/forms, /v1/forms/{form}, …/schema, …/blank"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BeforeValidator

from qujat import described
from qujat.errors import DecisionError
from qujat.languages import Language
from qujat.office import Office
from qujat.server import deeds
from qujat.server.api import access, negotiation, problems
from qujat.server.api.access import AnyClient
from qujat.server.api.models import DOCX, PDF, FormAnswer, FormRow
from qujat.server.api.problems import Refused

router = APIRouter(
    prefix="/v1/forms", tags=["forms"], responses=access.REFUSALS, dependencies=[Depends(access.known_parameters)]
)

Name = Annotated[str, Path(description="A key or an annex id such as o20-a05", examples=["o20-a05"], max_length=100)]
_PlainDay = Annotated[date, BeforeValidator(negotiation.plain_day)]
Day = Annotated[_PlainDay, Query(description="The day of the decision", examples=["2026-03-02"])]
MaybeDay = Annotated[
    _PlainDay | None, Query(description="Also tell what is in force on this day", examples=["2026-03-02"])
]
_FILE = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "",
    operation_id="forms",
    summary="Every form",
    response_model=list[FormRow],
    response_model_exclude_unset=True,
    responses=problems.documented(422),
)
def forms(request: Request, client: AnyClient, on: MaybeDay = None) -> list[dict[str, Any]]:
    """Every form with its editions, and with `on` what is in force on that day in each language."""
    office: Office = request.app.state.office
    return described.listed(office.forms, on)


@router.get(
    "/{form}",
    operation_id="form",
    summary="One form",
    response_model=FormAnswer,
    response_model_exclude_unset=True,
    responses=problems.documented(404, 422),
)
def form(request: Request, form: Name, client: AnyClient, on: MaybeDay = None) -> dict[str, Any]:
    """One form in full: its fields, its editions, who signs it."""
    _expect_form(request, form)
    return described.shown(request.app.state.office.forms, form, on)


@router.get(
    "/{form}/schema",
    operation_id="schema",
    summary="JSON Schema of a form's fields",
    responses={
        200: {"description": "JSON Schema (2020-12) of `fields` in a decision of that day"},
        **problems.documented(404, 422),
    },
)
def schema(request: Request, form: Name, client: AnyClient, on: Day) -> dict[str, Any]:
    """The schema of `fields` in a decision of that day. What it cannot say (sums, terms, IINs) issuing checks too."""
    _expect_form(request, form)
    return described.schema_on(request.app.state.office.forms, form, on)


@router.get(
    "/{form}/blank",
    operation_id="blank",
    summary="An empty form",
    response_class=Response,
    responses={
        200: {"description": "An empty form, for filling by hand", "content": {PDF: _FILE, DOCX: _FILE}},
        **problems.documented(404, 406, 422),
    },
)
async def blank(
    request: Request,
    form: Name,
    client: AnyClient,
    on: Day,
    language: Annotated[Language, Query()],
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """The form as in force on that day, empty: as a PDF, or by `Accept` as a Word file."""
    _expect_form(request, form)
    wanted = negotiation.media_type(accept, (PDF, DOCX))
    if wanted is None:
        raise Refused(406, "not-acceptable", f"expected Accept to name {PDF} or {DOCX}")
    workers = request.app.state.workers
    if wanted == PDF:
        content = await workers.run(deeds.blank, form, on, language)
    else:
        content = await workers.run(deeds.blank_word, form, on, language, request.app.state.settings)
    return Response(content, media_type=wanted, headers={"Vary": "Accept"})


def _expect_form(request: Request, name: str) -> None:
    """Raises Refused (404) for a form that is not there: here it is what the address names."""
    try:
        request.app.state.office.forms.form(name)
    except DecisionError as error:
        raise Refused(404, error.code, error.message) from None
