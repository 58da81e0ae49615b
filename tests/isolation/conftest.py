"""The attacked tenant, its attacker, and every route as the app has it."""

from collections.abc import AsyncIterator

import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.organizations.invitations.tokens import InvitationTokens
from app.settings import Settings, load_settings
from tests.factories import Factory
from tests.fixtures import make_app
from tests.isolation.walk import site_of
from tests.isolation.world import MARK, Builder, Holding
from tests.servers import DatabaseUrls
from tests.site_map import Route


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Who may is the claim here, not how often."""
    return settings.model_copy(update={"rate_limit_scale": 1000})


@pytest.fixture
def routes(app: FastAPI) -> list[Route]:
    return site_of(app)


@pytest.fixture
def builder(client: AsyncClient, factory: Factory, settings: Settings) -> Builder:
    return Builder(client, factory, InvitationTokens.from_secret(settings.signing_secret))


@pytest.fixture
async def victim(builder: Builder) -> Holding:
    return await builder.holding(f"alice_{MARK}")


@pytest.fixture
async def mallory(builder: Builder) -> Holding:
    return await builder.holding("mallory")


@pytest.fixture
def built_unfenced(settings: Settings, database_urls: DatabaseUrls) -> FastAPI:
    """The same app as PostgreSQL's superuser, before whom no row-level security stands: wall two is down."""
    url = load_settings(database_url=database_urls.superuser).database_url
    return make_app(settings.model_copy(update={"database_url": url}))


@pytest.fixture
async def unfenced(built_unfenced: FastAPI, victim: Holding, mallory: Holding) -> AsyncIterator[FastAPI]:
    assert victim != mallory
    async with LifespanManager(built_unfenced):
        yield built_unfenced
