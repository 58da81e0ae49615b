"""The attacked tenant, its attacker, and every route as the app has it."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.settings import Settings
from tests.factories import Factory
from tests.fixtures import BASE_URL
from tests.isolation.walk import site_of
from tests.isolation.world import MARK, Builder, Doorman, Holding, station
from tests.site_map import Route


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Who may is the claim here, not how often."""
    return settings.model_copy(update={"rate_limit_scale": 1000})


@pytest.fixture
def routes(app: FastAPI) -> list[Route]:
    return site_of(app)


@pytest.fixture
async def calm(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A client that is answered, as over a network, where the app's handler raises."""
    transport = ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


@pytest.fixture
def builder(client: AsyncClient, factory: Factory) -> Builder:
    return Builder(client, factory)


@pytest.fixture
async def victim(builder: Builder) -> Holding:
    return await builder.holding(f"alice_{MARK}")


@pytest.fixture
async def mallory(builder: Builder) -> Holding:
    return await builder.holding("mallory")


@pytest.fixture
def doorman(app: FastAPI) -> Doorman:
    return station(app)
