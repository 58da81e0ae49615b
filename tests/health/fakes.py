"""The health routes behind the real middleware, over parts that fail on demand."""

import asyncio

from fastapi import FastAPI

from app.core.openapi import install_openapi
from app.health.router import router
from app.settings import Settings
from tests.core.small_app import small_app, small_settings

JWKS = {"keys": [{"kty": "EC", "kid": "one"}]}


class Part:
    """A database, a Redis or a schema check."""

    def __init__(self, error: Exception | None = None, *, hangs: bool = False) -> None:
        self.error, self.hangs = error, hangs

    async def ping(self) -> None:
        if self.hangs:
            await asyncio.sleep(60)
        if self.error:
            raise self.error

    check = ping


class Ring:
    def jwks(self) -> dict[str, list[dict[str, str]]]:
        return JWKS


def health_app(
    settings: Settings | None = None,
    *,
    database: Part | None = None,
    redis: Part | None = None,
    schema: Part | None = None,
) -> FastAPI:
    settings = settings or small_settings()
    app = small_app(settings)
    app.state.settings = settings
    app.state.database = database or Part()
    app.state.redis = redis or Part()
    app.state.schema_version = schema or Part()
    app.state.key_ring = Ring()
    app.state.draining = False
    app.include_router(router, tags=["health"])
    install_openapi(app)
    return app
