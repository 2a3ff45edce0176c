"""The FastAPI application: routes, errors, metrics, and the parts they share.

From settings and a reader of the lake to an ASGI app; `serving/__main__.py` runs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

import structlog
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse
from prometheus_fastapi_instrumentator import Instrumentator

from serving.access import INTERNAL
from serving.answers import answer
from serving.cache import AnswerCache
from serving.deps import Call, Service, check_access_settings
from serving.endpoint import Endpoint
from serving.endpoints import ENDPOINTS
from serving.errors import NotReady, ServingError, install_error_handlers
from serving.gold_reader import GoldReader
from serving.guard import Guard
from serving.journeys.definitions import load_funnels
from serving.key_file import KeyFile, key_path
from serving.limits import RateLimiter
from serving.metrics import ServingMetrics
from serving.openapi import document
from serving.params import make_params
from serving.query_pool import QueryPool
from serving.redis_link import RedisLink
from serving.reports.definitions import load_reports
from serving.routes import (
    attribution,
    dashboard,
    docs,
    endpoints,
    funnels,
    health,
    keys,
    paths,
    query,
    reports,
    retention,
    sites,
    users,
)
from settings.model import Settings

log = structlog.get_logger()

_WARM_UP_RETRY_S = 0.5
_WARM_UP_ATTEMPTS = 5


def create_app(settings: Settings, reader: GoldReader) -> FastAPI:
    """The API over the lake. Raises SettingsError."""
    check_access_settings(settings)
    named_funnels = load_funnels(settings)
    named_reports = load_reports(settings)

    @asynccontextmanager
    async def run_parts(app: FastAPI) -> AsyncIterator[None]:
        link = RedisLink(settings.serving.cache)
        service = Service(
            settings=settings,
            reader=reader,
            keys=KeyFile(key_path(settings)),
            link=link,
            limiter=RateLimiter(link),
            cache=AnswerCache(link),
            pool=QueryPool(reader, settings.serving),
            metrics=metrics,
            funnels=named_funnels,
            reports=named_reports,
        )
        app.state.service = service
        warming = asyncio.create_task(_warm_up(service))
        yield
        warming.cancel()
        with suppress(asyncio.CancelledError):
            await warming
        await service.close()

    metrics = ServingMetrics()
    app = FastAPI(
        title="web-analytics",
        description="Web analytics from your own lakehouse. All times are UTC, ranges half-open.",
        version=version("web-analytics"),
        lifespan=run_parts,
        docs_url=None,  # ours need no other host
        redoc_url=None,
    )
    install_error_handlers(app)
    journeys = (users, funnels, retention, paths, attribution)
    for route in (dashboard, docs, health, keys, sites, endpoints, *journeys, reports, query):
        app.include_router(route.router)
    for path, folder in (("/dashboard", dashboard.FOLDER), (docs.ASSETS, docs.FOLDER)):
        app.mount(path, dashboard.PageFiles(directory=folder), name=path)
    instrumentator = Instrumentator(
        registry=metrics.registry, excluded_handlers=["/metrics", "/health.*"]
    )
    instrumentator.instrument(app).expose(app, tags=["operation"], response_class=PlainTextResponse)
    app.openapi = document(app)  # type: ignore[method-assign]  # FastAPI's documented way
    if settings.serving.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.serving.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["X-API-Key", "Content-Type", "If-None-Match"],
            expose_headers=["ETag", "Retry-After", "X-Meta"],
        )
    # Not by add_middleware: Starlette's own handler of unexpected errors would be outside it.
    app.middleware_stack = Guard(app.build_middleware_stack(), settings.serving)
    return app


async def _warm_up(service: Service) -> None:
    """Ask every endpoint once as soon as it can answer: a cold JVM takes seconds for the first.

    Then begin to hold what they read: to take in what was added since is quicker than to load it
    all when many ask. Only then is the API ready. A query that fails is no reason never to be:
    whoever asks is told.
    """
    for endpoint in ENDPOINTS:
        for _ in range(_WARM_UP_ATTEMPTS):
            try:
                await _ask_when_ready(service, endpoint)
                break
            except ServingError as error:
                log.warning("warm_up_failed", endpoint=endpoint.path, error=error.message)
            except Exception:
                log.exception("warm_up_failed", endpoint=endpoint.path)
    try:
        await asyncio.to_thread(service.reader.hold_all)
    except NotReady as error:
        log.warning("warm_up_failed", error=error.message)
    service.is_warm = True
    log.info("warmed_up")


async def _ask_when_ready(service: Service, endpoint: Endpoint) -> None:
    while True:
        try:
            await answer(Call(service, INTERNAL), endpoint, make_params(endpoint)())
        except NotReady:
            await asyncio.sleep(_WARM_UP_RETRY_S)
        else:
            return
