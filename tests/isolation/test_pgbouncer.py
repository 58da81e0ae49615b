"""Two tenants through a real PgBouncer in transaction mode, on two server connections that they share."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from app.settings import Settings, load_settings
from tests.catalogue import ask
from tests.factories import PASSWORD
from tests.fixtures import BASE_URL, make_app
from tests.isolation.pooler import PGBOUNCER, SERVER_CONNECTIONS, pooled
from tests.isolation.walk import Walk, leaked, names, walking
from tests.isolation.world import Holding, told
from tests.servers import DatabaseUrls
from tests.site_map import Route

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        PGBOUNCER is None, reason="pgbouncer is not installed here: isolation behind it was not tried"
    ),
]

REQUESTS = 200
SERVED_BY = (
    "SELECT DISTINCT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = 'app_rw'"
)
# Session-wide, as ours never is: `tests/gates/house.py` refuses it in the code.
SPOIL = "SELECT set_config('app.organization_id', $1, {})".format("false")


@pytest.fixture
def pooled_url(database_urls: DatabaseUrls, server_folder: Path) -> Iterator[str]:
    folder = server_folder / "pgbouncer"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    with pooled(database_urls.rw, folder) as url:
        yield url


@pytest.fixture
def built_pooled(settings: Settings, pooled_url: str) -> FastAPI:
    """With far more connections to PgBouncer than it has to PostgreSQL."""
    url = load_settings(database_url=pooled_url).database_url
    wanted = {"database_url": url, "db_pool_size": 20, "db_max_overflow": 0, "db_pool_timeout": 60}
    return make_app(settings.model_copy(update=wanted))


@pytest.fixture
async def pooled_app(
    built_pooled: FastAPI, victim: Holding, mallory: Holding, app: FastAPI
) -> AsyncIterator[FastAPI]:
    """The tenants were made without PgBouncer, by an app whose connections are gone by now."""
    assert victim != mallory
    await app.state.database.dispose()
    async with LifespanManager(built_pooled):
        yield built_pooled


@pytest.fixture
async def pooled_client(pooled_app: FastAPI) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app=pooled_app, client=("127.0.0.1", 50000))
    async with AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


def lists_of(holding: Holding) -> list[str]:
    place = f"/api/v1/organizations/{holding.organization_id}"
    lists = ["/api/v1/summaries", "/api/v1/summaries/count", "/api/v1/api-keys", "/api/v1/auth/sessions"]
    return [*lists, place, f"{place}/members", f"{place}/invitations", f"{place}/usage", f"{place}/audit-log"]


async def test_interleaved_requests_of_two_tenants_never_see_each_others_rows(
    pooled_client: AsyncClient, database_urls: DatabaseUrls, victim: Holding, mallory: Holding
) -> None:
    pairs = ((victim, mallory), (mallory, victim))
    asked = [(mine, other, path) for mine, other in pairs for path in lists_of(mine)]
    asked = [asked[number // 2 % 9 + number % 2 * 9] for number in range(REQUESTS)]
    answers: list[Response] = await asyncio.gather(
        *(pooled_client.get(path, headers=mine.owner.headers) for mine, _, path in asked)
    )
    assert {answer.status_code for answer in answers} == {200}
    for (_, other, path), answer in zip(asked, answers, strict=True):
        assert not {value for value in map(str, other.ids.values()) if value in answer.text}, path
    assert 0 < len(await ask(database_urls.superuser, SERVED_BY)) <= SERVER_CONNECTIONS


async def test_interleaved_writes_stay_in_their_tenant(
    pooled_client: AsyncClient, victim: Holding, mallory: Holding, database_urls: DatabaseUrls
) -> None:
    text = {"text": "Lighthouses speak in flashes, and every one of them has a rhythm of its own. " * 5}
    made = await asyncio.gather(
        *(
            pooled_client.post("/api/v1/summaries", json=text, headers=holding.owner.headers)
            for _ in range(20)
            for holding in (victim, mallory)
        )
    )
    assert {answer.status_code for answer in made} <= {201, 202}
    rows = await ask(database_urls.superuser, "SELECT organization_id, user_id FROM summaries")
    owners = {holding.organization_id: holding.owner.user_id for holding in (victim, mallory)}
    assert [row for row in rows if owners[row["organization_id"]] != row["user_id"]] == []
    assert len(rows) == 2 + len(made)


async def test_the_tenant_is_gone_from_every_server_connection(
    pooled_client: AsyncClient, pooled_url: str, victim: Holding
) -> None:
    await asyncio.gather(
        *(pooled_client.get(path, headers=victim.owner.headers) for path in lists_of(victim) * 3)
    )
    assert await seen_by_a_stranger(pooled_url) == {0}


async def test_a_session_wide_tenant_would_have_been_seen(pooled_url: str, victim: Holding) -> None:
    """That the test above would notice: this is what PgBouncer passes on to the next client."""
    connection = await asyncpg.connect(pooled_url, statement_cache_size=0)
    await connection.fetch(SPOIL, str(victim.organization_id))
    await connection.close()
    assert max(await seen_by_a_stranger(pooled_url)) > 0


async def seen_by_a_stranger(url: str) -> set[int]:
    """Of each server connection: they are all held at once."""
    connections = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(SERVER_CONNECTIONS)]
    transactions = [connection.transaction() for connection in connections]
    counts = set()
    for connection, transaction in zip(connections, transactions, strict=True):
        await transaction.start()
        counts.add(await connection.fetchval("SELECT count(*) FROM summaries"))
    for connection, transaction in zip(connections, transactions, strict=True):
        await transaction.rollback()
        await connection.close()
    return counts


async def test_a_statement_is_still_stopped_after_five_seconds(pooled_url: str) -> None:
    """PgBouncer swallows the timeout that asyncpg sends at startup; `connect_query` sets it again."""
    connection = await asyncpg.connect(pooled_url, statement_cache_size=0)
    assert await connection.fetchval("SHOW statement_timeout") == "5s"
    await connection.close()


async def test_logging_in_refreshing_and_leaving_work(pooled_client: AsyncClient, mallory: Holding) -> None:
    form = {"username": mallory.owner.username, "password": PASSWORD}
    login = (await pooled_client.post("/api/v1/auth/token", data=form)).json()
    body = {"refresh_token": login["refresh_token"]}
    fresh = (await pooled_client.post("/api/v1/auth/refresh", json=body)).json()
    headers = {"Authorization": f"Bearer {fresh['access_token']}"}
    log = await pooled_client.get(
        f"/api/v1/organizations/{mallory.organization_id}/audit-log", headers=headers
    )
    assert {"login_success", "token_refresh"} <= {entry["action"] for entry in log.json()["items"]}
    out = await pooled_client.post(
        "/api/v1/auth/logout", headers=headers, json={"refresh_token": fresh["refresh_token"]}
    )
    assert out.status_code == 200


@pytest.mark.slow
async def test_every_route_works_and_tells_nothing_foreign(
    pooled_app: FastAPI, victim: Holding, mallory: Holding, routes: list[Route], subtests: pytest.Subtests
) -> None:
    async with walking(pooled_app, mallory) as walk:
        for route in routes:
            with subtests.test(route.name):
                await assert_served(walk, route, victim)


async def assert_served(walk: Walk, route: Route, victim: Holding) -> None:
    for foreign, missing in walk.aims(victim):
        if names(route, foreign, missing):
            answer = await walk.call(route, foreign)
            assert told(answer) == told(await walk.call(route, missing))
    own = await walk.call(route, walk.attacker)
    assert own.status_code < 500
    assert leaked(own, victim) == set()
