"""The pages for applicants: scan, see, compare. `router` has them all; docs/verify-page.md tells administrators."""

from __future__ import annotations

from fastapi import APIRouter

from qujat.server.pages import assets, documents, home, uploads

router = APIRouter(include_in_schema=False)
for part in (home, documents, uploads, assets):
    router.include_router(part.router)
