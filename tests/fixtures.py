"""The app as in production, limits and all, on this test's own database; and the fixed cast."""

import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app import __version__
from app.core import principal_cache
from app.core.early.middleware import EarlyAnswersMiddleware
from app.core.logging import configure_logging
from app.core.principal import MembershipRole, StaffRole
from app.core.sentry import configure_sentry
from app.main import build_app, connect
from app.settings import Settings, load_settings
from app.settings_parsing import to_asyncpg_url
from tests.factories import Factory, Person, Robot
from tests.servers import DatabaseUrls

# What routes and middleware are built by. All else a request finds in the app's state.
BUILT_BY = ("environment", "allowed_hosts", "cors_origins", "public_url")
BASE_URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def usual_settings(keys_dir: Path) -> Settings:
    """All that no test has for itself: to read them is to look for two hundred names in the environment."""
    return load_settings(
        environment="testing",
        testing=True,
        jwt_keys_dir=keys_dir,
        secret_key="a secret of forty characters for tests..",
        db_pool_size=10,
        log_level="WARNING",
    )


@pytest.fixture
def settings(usual_settings: Settings, database_urls: DatabaseUrls, redis_url: str) -> Settings:
    places = {
        "database_url": to_asyncpg_url(database_urls.rw),
        "migration_database_url": to_asyncpg_url(database_urls.owner),
        "redis_url": redis_url,
    }
    return usual_settings.model_copy(update=places)


@dataclass(slots=True)
class Shelf:
    """Apps that were built already: FastAPI inspects the routes for a second each time."""

    built: list[tuple[tuple[str, ...], FastAPI]] = field(default_factory=list)
    lent: list[FastAPI] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def lend(self, settings: Settings) -> FastAPI:
        """One that nobody else has in this test."""
        built_by = tuple(repr(getattr(settings, name)) for name in BUILT_BY)
        with self.lock:
            free = (app for known, app in self.built if known == built_by and app not in self.lent)
            app = next(free, None) or self._build(built_by, settings)
            self.lent.append(app)
        return app

    def _build(self, built_by: tuple[str, ...], settings: Settings) -> FastAPI:
        app = build_app(settings)
        self.built.append((built_by, app))
        # It stays: the garbage collector would walk through all of it again and again, for seconds.
        gc.freeze()
        return app


SHELF = Shelf()


@pytest.fixture(autouse=True)
def returned_apps() -> Iterator[None]:
    yield
    SHELF.lent.clear()


def make_app(settings: Settings, *, clock: Callable[[], float] = time.time) -> FastAPI:
    """As create_app, by an app that another test may have had."""
    app = SHELF.lend(settings)
    configure_logging(settings)
    configure_sentry(settings, release=__version__)
    connect(app, settings, clock=clock)
    return app


@pytest.fixture
def built_app(settings: Settings) -> FastAPI:
    """Not yet started: reading keys and assets blocks, as at a process's start it may."""
    return make_app(settings)


@pytest.fixture
async def app(built_app: FastAPI) -> AsyncIterator[FastAPI]:
    async with LifespanManager(built_app):
        yield built_app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """Anonymous; pass `headers=alice.headers` to be somebody."""
    transport = ASGITransport(app=app, client=("127.0.0.1", 50000))
    async with AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


@pytest.fixture
def routes_only(app: FastAPI) -> FastAPI:
    """The same service, all of whose answers are its routes'."""
    without = build_app(app.state.settings)
    early: object = EarlyAnswersMiddleware
    kept = [each for each in without.user_middleware if each.cls is not early]
    assert len(kept) == len(without.user_middleware) - 1
    without.user_middleware, without.state = kept, app.state
    return without


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks is looked up once in a test that counts statements, however slowly it runs."""
    monkeypatch.setattr(principal_cache, "LIFETIME_SECONDS", 600)


@pytest.fixture
def factory(app: FastAPI) -> Factory:
    return Factory(app)


@pytest.fixture
async def alice(factory: Factory) -> Person:
    """Owns her organisation."""
    return await factory.person("alice")


@pytest.fixture
async def bob(factory: Factory, alice: Person) -> Person:
    """A member of alice's organisation."""
    return await factory.member("bob", alice.organization_id, role=MembershipRole.MEMBER)


@pytest.fixture
async def charlie(factory: Factory) -> Person:
    """An outsider: he has an organisation, but not alice's."""
    return await factory.person("charlie")


@pytest.fixture
async def robot(factory: Factory, alice: Person) -> Robot:
    """Holds an API key of alice's."""
    return await factory.robot(alice)


@pytest.fixture
async def root(factory: Factory) -> Person:
    """Platform staff."""
    return await factory.person("root", role=StaffRole.SUPER_ADMIN)
