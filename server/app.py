"""The service as one ASGI application. Each part of it is a router of its own, listed here."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from qujat.office import Office
from qujat.server import pages
from qujat.settings import Settings

ROUTERS: tuple[APIRouter, ...] = (pages.router,)


def application(office: Office, settings: Settings) -> FastAPI:
    """The service of one office. `office` may be without keys: then it answers, and issues nothing."""
    app = FastAPI(title="Qujat", openapi_url="/v1/openapi.json", docs_url="/v1/docs", redoc_url=None)
    app.state.office = office
    app.state.settings = settings
    for router in ROUTERS:
        app.include_router(router)
    return app
