"""The service as one ASGI application. Each part of it is a router of its own, listed here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from qujat.office import Office
from qujat.server import desk, pages
from qujat.server.workers import Here, Workers
from qujat.settings import Settings

ROUTERS: tuple[APIRouter, ...] = (pages.router, desk.router)


def application(office: Office, settings: Settings, workers: Workers | None = None) -> FastAPI:
    """The service of one office. `office` may be without keys: then it answers, and issues nothing.

    `workers` have the keys and do what takes long; None does it here and now, with `office`. Routes find all three in
    `request.app.state`: `office`, `settings`, `workers`.
    """
    app = FastAPI(title="Qujat", openapi_url="/v1/openapi.json", docs_url="/v1/docs", redoc_url=None, lifespan=_life)
    app.state.office = office
    app.state.settings = settings
    app.state.workers = workers or Here(office)
    for router in ROUTERS:
        app.include_router(router)
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.workers.close()
