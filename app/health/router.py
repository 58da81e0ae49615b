"""Probes, metrics and what the service says of itself. No credential, no limit of ours."""

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Depends, Request, Response

from app import __version__
from app.core.errors import NotFoundError
from app.core.metrics import CONTENT_TYPE, may_scrape, render_metrics
from app.core.openapi import ANONYMOUS
from app.core.schemas import ResponseModel, UtcDatetime
from app.core.shared_counts import write_counts
from app.health import bot, catalogue, docs
from app.health.context import SettingsDep
from app.health.readiness import Readiness, Status, check_readiness
from app.settings import Environment

JWKS_MAX_AGE = {"Cache-Control": "public, max-age=300"}
NOT_READY = 503

router = APIRouter()
router.include_router(bot.router)
router.include_router(catalogue.router)
router.include_router(docs.router)


class Pong(ResponseModel):
    ping: Literal["pong"] = "pong"
    environment: Environment
    testing: bool


class Alive(ResponseModel):
    status: Literal["healthy"] = "healthy"
    version: str
    timestamp: UtcDatetime


class Info(ResponseModel):
    app_name: str
    version: str
    environment: Environment
    debug: bool


@router.get("/ping", openapi_extra=ANONYMOUS)
async def ping(settings: SettingsDep) -> Pong:
    """The cheapest answer there is."""
    return Pong(environment=settings.environment, testing=settings.testing)


@router.get("/health", openapi_extra=ANONYMOUS)
async def health() -> Alive:
    """Whether the process lives; touches nothing."""
    return Alive(version=__version__, timestamp=datetime.now(UTC))


@router.get(
    "/health/ready",
    responses={NOT_READY: {"model": Readiness, "description": "PostgreSQL is gone or its schema is wrong"}},
    openapi_extra=ANONYMOUS,
)
async def ready(request: Request, response: Response) -> Readiness:
    """Whether this process should get traffic."""
    state = request.app.state
    readiness = await check_readiness(state.database, state.redis, state.schema_version)
    # Set at SIGTERM, so that the proxy turns elsewhere while we finish.
    if state.draining:
        readiness.status = Status.UNHEALTHY
    if readiness.status is Status.UNHEALTHY:
        response.status_code = NOT_READY
    return readiness


@router.get("/info", openapi_extra=ANONYMOUS)
async def info(request: Request, settings: SettingsDep) -> Info:
    """Name, version and environment."""
    return Info(
        app_name=request.app.title,
        version=__version__,
        environment=settings.environment,
        debug=settings.debug,
    )


@router.get("/metrics", include_in_schema=False, dependencies=[Depends(write_counts)])
def metrics(request: Request, settings: SettingsDep) -> Response:
    """Not async: reading the files of all processes would hold the event loop. 404 keeps it unfindable."""
    if not may_scrape(request.headers.get("authorization"), settings.metrics_token):
        raise NotFoundError
    return Response(render_metrics(), media_type=CONTENT_TYPE)


@router.get("/.well-known/jwks.json", openapi_extra=ANONYMOUS)
async def jwks(request: Request, response: Response) -> dict[str, list[dict[str, str]]]:
    """The keys that verify access tokens."""
    response.headers.update(JWKS_MAX_AGE)
    keys: dict[str, list[dict[str, str]]] = request.app.state.key_ring.jwks()
    return keys
