"""Over a real connection: what a client sees of a fault in the middle, and we of a client that goes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import FastAPI
from httpx2 import AsyncClient, RemoteProtocolError
from sqlalchemy import text

from app.core.db import Tenant
from app.local.ports import free_port
from tests.factories import Person
from tests.held_connections import SECONDS, assert_none_is_held
from tests.summaries.exports.test_export import BreakingDatabase
from tests.summaries.shelf import PATH
from tests.tenant_rows import ADD_SUMMARY

pytestmark = pytest.mark.integration

MANY = ADD_SUMMARY.replace("VALUES (:id", "SELECT gen_random_uuid()").replace(
    "'{}')\n", "'{}' FROM generate_series(1, 1600)"
)


@pytest.fixture
async def wired(app: FastAPI, alice: Person) -> AsyncIterator[AsyncClient]:
    """A client of the app behind uvicorn; alice has 1,600 summaries, which are four batches."""
    async with app.state.database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
        owner = {"organization_id": alice.organization_id, "user_id": alice.user_id}
        await session.execute(text(MANY), owner)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # it has no event
        await asyncio.sleep(0.01)
    async with AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=alice.headers) as client:
        yield client
    server.should_exit = True
    await serving


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_fault_in_the_middle_breaks_the_transfer_off(
    wired: AsyncClient, app: FastAPI, encoding: str
) -> None:
    await wired.get(f"{PATH}/count")
    app.state.database = BreakingDatabase(app.state.database.engine)
    async with wired.stream("GET", f"{PATH}/export", headers={"Accept-Encoding": encoding}) as answer:
        assert answer.status_code == 200
        with pytest.raises(RemoteProtocolError):
            await answer.aread()


async def test_a_fault_before_the_first_row_is_an_ordinary_error(wired: AsyncClient, app: FastAPI) -> None:
    await wired.get(f"{PATH}/count")
    app.state.database = BreakingDatabase(app.state.database.engine)
    app.state.database.left = 1
    answer = await wired.get(f"{PATH}/export")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_whoever_is_locked_out_while_they_read_gets_no_more(
    wired: AsyncClient, app: FastAPI, alice: Person
) -> None:
    assert app.state.progress.slots.people == 0
    async with wired.stream("GET", f"{PATH}/export", headers={"Accept-Encoding": "identity"}) as answer:
        assert app.state.progress.slots.people == 1
        async with app.state.database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
            await session.execute(text("UPDATE auth_sessions SET revoked_at = now()"))
        with pytest.raises(RemoteProtocolError):
            await answer.aread()
    assert app.state.progress.slots.people == 0


async def test_a_client_that_goes_away_ends_it_and_leaves_no_connection(
    wired: AsyncClient, app: FastAPI
) -> None:
    async with wired.stream("GET", f"{PATH}/export", headers={"Accept-Encoding": "identity"}) as answer:
        await anext(answer.aiter_raw())
    async with asyncio.timeout(SECONDS):
        while app.state.progress.slots.people:  # noqa: ASYNC110  # a slot tells nobody
            await asyncio.sleep(0.01)
    await assert_none_is_held(app)


async def test_all_of_it_arrives_where_nothing_fails(wired: AsyncClient) -> None:
    for wanted in ("ndjson", "json"):
        answer = await wired.get(f"{PATH}/export", params={"format": wanted})
        rows = answer.json() if wanted == "json" else answer.text.splitlines()
        assert len(rows) == 1600
