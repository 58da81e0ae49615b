"""A few routes behind the real middleware and error handlers: no database, no Redis."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, FastAPI, Form, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.middleware import Middleware

from app.core.middleware import NO_LIMITS, install_middleware
from app.core.middleware.body_limit import BodyLimits
from app.core.problems import install_error_handlers
from app.core.schemas import RequestModel
from app.settings import Settings, load_settings

PUBLIC_URL = "https://precis.example"
PRODUCTION = {
    "environment": "production",
    "secret_key": "k9#vQ2!mZ7@xL4$wR8%tB1^yN6&cF3*p",
    "jwt_keys_dir": "keys",
}


class Place(RequestModel):
    street: str


class Item(RequestModel):
    name: str
    count: int = 1
    place: Place | None = None
    either: int | list[int] = 0
    extra: dict[str, Any] | None = None  # Any: free JSON


router = APIRouter()


@router.post("/items", status_code=201)
async def create_item(item: Item) -> Item:
    return item


@router.get("/items")
async def list_items(limit: Annotated[int, Query(ge=1)] = 20) -> dict[str, int]:
    return {"limit": limit}


@router.get("/items/{item_id}")
async def read_item(item_id: str) -> dict[str, str]:
    return {"id": item_id}


@router.delete("/items/{item_id}", status_code=204)
async def delete_item(item_id: str) -> None:
    assert item_id


@router.post("/form")
async def post_form(name: Annotated[str, Form()]) -> dict[str, str]:
    return {"name": name}


@router.post("/raw")
async def post_raw(request: Request) -> dict[str, int]:
    return {"size": len(await request.body())}


@router.get("/large")
async def large() -> PlainTextResponse:
    return PlainTextResponse("a" * 5000, headers={"Cache-Control": "private"})


@router.get("/events")
async def events() -> StreamingResponse:
    async def stream() -> AsyncIterator[str]:
        for _ in range(3):
            yield "data: " + "a" * 2000 + "\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream")


@router.get("/page")
async def page() -> HTMLResponse:
    return HTMLResponse("<p>", headers={"Content-Security-Policy": "default-src 'self'"})


def small_settings(**overrides: Any) -> Settings:  # Any: field values, which pydantic checks
    # No .env of whoever runs the tests.
    return load_settings(_env_file=None, **{"environment": "testing", "public_url": PUBLIC_URL, **overrides})


def configure_plain_logs() -> None:
    """The library's own default renders tracebacks with rich, which reads files on the event loop."""
    structlog.reset_defaults()
    processors = structlog.processors
    structlog.configure(processors=[processors.format_exc_info, processors.KeyValueRenderer()])


def _has_default_logs() -> bool:
    """Chosen or not: `capture_logs` puts the default back as if somebody had."""
    return isinstance(structlog.get_config()["processors"][-1], structlog.dev.ConsoleRenderer)


def small_app(
    settings: Settings | None = None,
    *,
    inner: tuple[Middleware, ...] = (),
    body_limits: BodyLimits = NO_LIMITS,
) -> FastAPI:
    settings = settings or small_settings()
    if _has_default_logs():
        configure_plain_logs()
    app = FastAPI(redirect_slashes=False, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    install_error_handlers(app)
    install_middleware(app, settings, inner=inner, body_limits=body_limits)
    app.include_router(router, prefix="/api/v1")
    return app


def failing_app(error: Exception) -> FastAPI:
    """`GET /fail` raises it."""
    app = small_app()

    @app.get("/fail")
    async def fail() -> None:
        raise error

    return app


def connect(app: FastAPI, *, base_url: str = "http://testserver", **options: Any) -> AsyncClient:
    # Any: the transport's own options
    return AsyncClient(transport=ASGITransport(app=app, **options), base_url=base_url)


async def get(app: FastAPI, path: str, **options: Any) -> Response:  # Any: the client's own options
    async with connect(app) as client:
        return await client.get(path, **options)


async def post(app: FastAPI, path: str, **options: Any) -> Response:  # Any: as above
    async with connect(app) as client:
        return await client.post(path, **options)


def problem(response: Response) -> dict[str, Any]:  # Any: JSON
    assert response.headers["content-type"] == "application/problem+json"
    members: dict[str, Any] = response.json()
    assert members["status"] == response.status_code
    assert members["request_id"] == response.headers["x-request-id"]
    assert members["type"] == f"{PUBLIC_URL}/problems/{members['code']}"
    assert isinstance(members["detail"], str)
    return members


def read_lines(text: str) -> list[dict[str, Any]]:  # Any: JSON
    return [json.loads(line) for line in text.splitlines()]
