"""What is answered before routing, where Redis or PostgreSQL is out: as the route answers it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.db import Database
from app.settings import Settings
from tests.core.own_valkey import OwnValkey
from tests.early import caller, said, warmed
from tests.factories import Person
from tests.summaries.shelf import PATH, create, set_columns

pytestmark = pytest.mark.integration
ASKED = [
    *(PATH, f"{PATH}?status=ready", f"{PATH}?q=ferry", f"{PATH}?tag=x&sort=relevance&q=ferry"),
    *(f"{PATH}/count", f"{PATH}/count?q=ferry", f"{PATH}/count?q=ferry&at_most=1"),
]
# These read the summaries themselves; how many there are in all is kept elsewhere.
READ = [asked for asked in ASKED if asked != f"{PATH}/count"]
LOCK = text("LOCK TABLE summaries IN ACCESS EXCLUSIVE MODE")


@pytest.fixture
def settings(settings: Settings, own_valkey: OwnValkey) -> Settings:
    return settings.model_copy(update={"redis_url": own_valkey.url, "db_statement_timeout_seconds": 1.0})


@pytest.fixture
async def both(app: FastAPI, routes_only: FastAPI, alice: Person) -> AsyncIterator[list[AsyncClient]]:
    """Before routing and by it; alice, who has one summary, is remembered by both."""
    async with AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(caller(each)) for each in (app, routes_only)]
        shown = {"summary": "A ferry.", "status": "ready", "tags": ["x"]}
        await set_columns(app, alice, (await create(callers[0], alice))["id"], **shown)
        for each in callers:
            for asked in ASKED:
                assert (await warmed(each, asked, alice.headers)).status_code == 200
        yield callers


@pytest.mark.parametrize("outage", [OwnValkey.kill, OwnValkey.freeze])
async def test_without_redis_all_is_answered(
    both: list[AsyncClient], alice: Person, own_valkey: OwnValkey, outage: Callable[[OwnValkey], None]
) -> None:
    before = [said(await both[1].get(asked, headers=alice.headers)) for asked in ASKED]
    outage(own_valkey)
    for asked, expected in zip(ASKED, before, strict=True):
        for each in both:
            assert said(await each.get(asked, headers=alice.headers)) == expected, asked


async def test_what_postgresql_does_not_answer_in_time_is_503(
    both: list[AsyncClient], app: FastAPI, alice: Person
) -> None:
    database: Database = app.state.database
    async with database.transaction() as session:
        await session.execute(LOCK)
        # Together, as each waits out the whole time.
        early, routed = [
            await asyncio.gather(*(each.get(asked, headers=alice.headers) for asked in READ)) for each in both
        ]
    assert [said(answer) for answer in early] == [said(answer) for answer in routed]
    assert {(answer.status_code, answer.json()["code"]) for answer in early} == {(503, "unavailable")}
    assert all("retry-after" in answer.headers for answer in early)
    for asked in READ:
        assert (await both[0].get(asked, headers=alice.headers)).status_code == 200
