"""POST /v1/documents, GET /v1/documents/{number}, …/evidence, …/annul, …/supersede"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from qujat import issuing
from qujat.decision import Decision
from qujat.entries import Document, Role, StoredFile
from qujat.languages import Language
from qujat.office import Office
from qujat.server import deeds
from qujat.server.api import access, answers, bodies, models, negotiation, problems
from qujat.server.api.access import Annuller, Issuer, Reader
from qujat.server.api.models import CMS, DOCX, PDF, XML, DocumentAnswer, EvidenceAnswer
from qujat.server.api.problems import Refused
from qujat.server.clients import Client
from qujat.server.deeds import Told

router = APIRouter(
    prefix="/v1", tags=["documents"], responses=access.REFUSALS, dependencies=[Depends(access.known_parameters)]
)

Number = Annotated[str, Path(description="The number of a document; what is no letter or digit percent-encoded")]
Accept = Annotated[str, Header(description="JSON, PDF, XML, CMS, or an editable Word copy", include_in_schema=False)]
Authority = Annotated[
    str | None, Query(pattern=r"^[0-9]{12}$", description="BIN: whose number it is, if several of yours have given it")
]
Wanted = Annotated[Language | None, Query(description="Of the page; else by Accept-Language; else its first one")]

_ROLES: dict[str, Role] = {PDF: "page", XML: "data", CMS: "cms"}
_OFFERED = ("application/json", PDF, XML, CMS, DOCX)
_FILE = {"schema": {"type": "string", "format": "binary"}}


def json_body(schema: str) -> dict[str, Any]:
    """For the OpenAPI document: the body is JSON of this schema. It is read by hand, within bounds."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/documents",
    operation_id="issue",
    summary="Issue a document",
    status_code=201,
    response_model=DocumentAnswer,
    responses={
        200: {"model": DocumentAnswer, "description": "The same decision came before: the same document"},
        **problems.documented(400, 408, 409, 413, 415, 422),
    },
    openapi_extra=json_body("Decision"),
)
async def issue(request: Request, response: Response, client: Issuer) -> DocumentAnswer:
    """Turn one decision into a signed, registered document.

    The decision's `id` is the key of idempotence: the same decision again gives 200 and the same document, the same id
    with other contents 409. After 503 send it again: what was begun is finished under the same number.
    """
    async with access.deed(request, client, "issue") as doing:
        decision = await bodies.decision(request)
        await run_in_threadpool(expect_permitted, client, decision, request.app.state.office)
        told = await request.app.state.workers.run(deeds.issue, decision)
        doing.number = told.document.number
    response.status_code = 201 if told.new else 200
    response.headers["Location"] = _address(told.document, client)
    return answers.document(told)


def expect_permitted(client: Client, decision: Decision, office: Office) -> None:
    """Raises Refused (403) unless the decision is one that the client may have issued; UnknownForm."""
    access.expect_own(client, decision.authority.bin, office.forms.form(decision.form).annex)


def _address(found: Document, client: Client) -> str:
    """Where the client finds it again, whichever of his authorities gives the same number one day."""
    whose = f"?authority={found.data['authority']['bin']}" if len(client.authorities) > 1 else ""
    return f"/v1/documents/{quote(found.number, safe='')}{whose}"


@router.get(
    "/documents/{number:path}/evidence",
    operation_id="evidence",
    summary="What proves a document today",
    response_model=EvidenceAnswer,
    responses=problems.documented(404, 409, 422),
)
async def evidence(request: Request, number: Number, client: Reader, authority: Authority = None) -> EvidenceAnswer:
    """Every file of the register checked anew, with each step of its proof; and until when each file proves itself."""
    async with access.deed(request, client, "evidence") as doing:
        found = await _own(request, client, number, authority)
        doing.number = found.number
        verdict, files = await request.app.state.workers.run(deeds.evidence, found)
    return EvidenceAnswer(
        number=found.number, verdict=verdict.as_json(), files=[answers.lasting(file) for file in files]
    )


async def _own(request: Request, client: Client, number: str, authority: str | None) -> Document:
    return await run_in_threadpool(access.own, client, number, request.app.state.office, authority)


@router.get(
    "/documents/{number:path}",
    operation_id="document",
    summary="A document",
    response_model=DocumentAnswer,
    responses={
        200: {
            "model": DocumentAnswer,
            "description": "The document as JSON, or one of its files",
            "headers": {"ETag": {"schema": {"type": "string"}}, "Vary": {"schema": {"type": "string"}}},
            "content": {PDF: _FILE, XML: _FILE, CMS: _FILE, DOCX: _FILE},
        },
        304: {"description": "You have it already"},
        **problems.documented(404, 406, 409, 422),
    },
)
async def document(
    request: Request,
    number: Number,
    client: Reader,
    language: Wanted = None,
    authority: Authority = None,
    accept: Accept = "*/*",
) -> Response:
    """JSON, or by `Accept` the signed page (application/pdf), the signed data (application/xml), the detached signature
    beside them (application/pkcs7-signature), or an editable copy (Word), which is never the signed thing."""
    async with access.deed(request, client, "read") as doing:
        found = await _own(request, client, number, authority)
        doing.number = found.number
        wanted = negotiation.media_type(accept, _OFFERED)
        if wanted is None:
            raise Refused(406, "not-acceptable", f"expected Accept to name one of {', '.join(_OFFERED)}")
        name, content = await _content(request, found, wanted, language)
    return _answer(request, content, wanted, name)


async def _content(request: Request, found: Document, wanted: str, language: Language | None) -> tuple[str, bytes]:
    """The name of a file, or none, and its bytes."""
    office: Office = request.app.state.office
    if wanted == DOCX:
        chosen = _language(request, found, language)
        settings = request.app.state.settings
        content = await request.app.state.workers.run(deeds.word_copy, found, chosen, settings)
        return f"{found.number}.{chosen}.copy.docx", content
    if wanted in _ROLES:
        file = _file(found, _ROLES[wanted], _language(request, found, language))
        return file.name, await run_in_threadpool(office.blobs.get, file.sha256)
    told = await run_in_threadpool(told_of, found, office)
    return "", _encoded(answers.document(told))


def told_of(found: Document, office: Office) -> Told:
    """An issued document as `deeds.issue` tells it, without what it warned of. Raises StoreError."""
    (mark,) = (file for file in found.files if file.role == "mark")
    return Told(found, office.blobs.get(mark.sha256).decode("ascii"))


def _encoded(answer: DocumentAnswer) -> bytes:
    return json.dumps(answer.model_dump(mode="json"), ensure_ascii=False).encode()


def _language(request: Request, found: Document, asked: Language | None) -> Language:
    """The one asked for, which must be there; else the best of Accept-Language; else the document's first."""
    held: list[Language] = list(found.data["languages"])
    if asked and asked not in held:
        raise Refused(406, "language-not-held", f"expected language {' or '.join(held)}: the document is in no other")
    liked = [asked] if asked else negotiation.languages(request.headers.get("accept-language", ""))
    return next((language for tongue in liked for language in held if language == tongue), held[0])


def _file(found: Document, role: Role, language: Language) -> StoredFile:
    """The file with this role; of the pages the one in this language (a bilingual document has one for both)."""
    return next(
        file for file in found.files if file.role == role and (role != "page" or language in file.language.split("-"))
    )


def _answer(request: Request, content: bytes, media_type: str, name: str) -> Response:
    """With its hash as entity tag: whoever holds it already is told so. A name makes it a file to keep."""
    tag = f'"{sha256(content).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept, Accept-Language, Authorization"}
    if negotiation.has_it(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    if name:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type=media_type, headers=headers)


@router.post(
    "/documents/{number:path}/annul",
    operation_id="annul",
    summary="Annul a document",
    response_model=DocumentAnswer,
    responses=problems.documented(400, 404, 408, 409, 413, 415, 422),
    openapi_extra=json_body("Annulment"),
)
async def annul(request: Request, number: Number, client: Annuller, authority: Authority = None) -> DocumentAnswer:
    """Enter that a document is no longer in effect. Nothing is deleted; once more changes nothing."""
    async with access.deed(request, client, "annul") as doing:
        sent = await bodies.one(request, models.Annulment)
        found = await _own(request, client, number, authority)
        doing.number = found.number
        return await run_in_threadpool(_ended, request.app.state.office, found, sent.reason)


@router.post(
    "/documents/{number:path}/supersede",
    operation_id="supersede",
    summary="Put a document in the place of another",
    response_model=DocumentAnswer,
    responses=problems.documented(400, 404, 408, 409, 413, 415, 422),
    openapi_extra=json_body("Replacement"),
)
async def supersede(request: Request, number: Number, client: Annuller, authority: Authority = None) -> DocumentAnswer:
    """Enter that the document `by` took the place of this one. Both must be the client's own, of one authority."""
    async with access.deed(request, client, "supersede") as doing:
        sent = await bodies.one(request, models.Replacement)
        found = await _own(request, client, number, authority)
        doing.number = found.number
        by = await _own(request, client, sent.by, found.data["authority"]["bin"])
        return await run_in_threadpool(_ended, request.app.state.office, found, sent.reason, by.number)


def _ended(office: Office, found: Document, reason: str, by: str = "") -> DocumentAnswer:
    ended = issuing.end(found.number, reason, office, by, authority=found.data["authority"]["bin"])
    return answers.document(told_of(ended, office))
