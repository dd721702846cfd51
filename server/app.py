"""The service as one ASGI application. Each part of it is a router of its own, listed here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from qujat.office import Office
from qujat.server import desk, pages, requests
from qujat.server.api import batches, checks, description, documents, elsewhere, forms, health, problems
from qujat.server.api.access import Rates
from qujat.server.clients import Clients, kept
from qujat.server.metrics import Metrics
from qujat.server.workers import Here, Workers
from qujat.settings import Settings

ROUTERS: tuple[APIRouter, ...] = (
    documents.router,
    elsewhere.router,
    batches.router,
    checks.router,
    forms.router,
    health.router,
    pages.router,
    desk.router,
)


def application(
    office: Office,
    settings: Settings,
    workers: Workers | None = None,
    *,
    clients: Clients | None = None,
    metrics: Metrics | None = None,
) -> FastAPI:
    """The service of one office. `office` may be without keys: then it answers, and issues nothing.

    `workers` have the keys and do what takes long; None does it in this process, with `office`. `clients` may call the
    API; None: those in the database of the register. Routes find everything in `request.app.state`: `office`,
    `settings`, `workers`, `clients`, `metrics`, `rates`.
    """
    app = FastAPI(title="Qujat", openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None, lifespan=_life)
    app.state.office = office
    app.state.settings = settings
    app.state.workers = workers or Here(office)
    app.state.clients = clients or kept(office.register, office.clock)
    app.state.metrics = metrics or Metrics()
    app.state.uploads = 0
    app.state.rates = Rates(settings.server.requests_per_minute)
    for router in ROUTERS:
        app.include_router(router)
    _watch(app.state.metrics, app.state.workers)
    problems.install(app)
    pages.install(app)
    description.install(app)
    requests.install(app, app.state.metrics, settings.server.body_seconds)
    return app


def _watch(metrics: Metrics, workers: Workers) -> None:
    metrics.gauge("qujat_workers_waiting", "Pieces of work that wait for a worker process", workers.waiting)
    metrics.gauge("qujat_workers_alive", "Worker processes that are ready", workers.alive)
    metrics.gauge("qujat_workers_replaced_total", "Worker processes that were killed or stopped", workers.replacements)


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.workers.close()
