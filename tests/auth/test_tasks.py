"""Sessions that ended a month ago are deleted, of every tenant; no other ever is."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.auth.tasks import BATCHES_PER_ROUND, delete_dead_sessions
from app.core.db import Database, Tenant
from tests.auth.test_refresh import change
from tests.auth.traces import sessions_of
from tests.factories import Factory, Person
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
LONG_AGO, LATELY = NOW - timedelta(days=31), NOW - timedelta(days=29)


async def age(app: FastAPI, person: Person, **ends: datetime) -> None:
    """Born thirty days before its absolute end, as every session is."""
    await change(app, person, **{"absolute_expires_at": LATELY, "idle_expires_at": LATELY, **ends})


@pytest.mark.parametrize("column", ["idle_expires_at", "revoked_at", "absolute_expires_at"])
async def test_what_ended_lately_is_kept(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls, column: str
) -> None:
    await age(app, alice, **{column: LATELY})
    await delete_dead_sessions(app.state.database)
    assert len(await sessions_of(database_urls, alice)) == 1


async def test_a_living_session_cannot_be_deleted_by_the_serving_role_however_it_asks(
    app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls
) -> None:
    async with app.state.database.transaction(Tenant(charlie.organization_id, charlie.user_id)) as session:
        await session.execute(text("SELECT set_config('app.lookup', 'on', true)"))
        await session.execute(text("DELETE FROM auth_sessions WHERE id = :id"), {"id": alice.session_id})
        await session.execute(text("SELECT delete_dead_sessions(2147483647)"))
    assert len(await sessions_of(database_urls, alice)) == 1


async def test_the_role_of_the_function_is_out_of_reach(app: FastAPI) -> None:
    database: Database = app.state.database
    async with database.open() as session:
        with pytest.raises(DBAPIError, match="permission denied"):
            await session.execute(text("SET ROLE app_search"))


@pytest.mark.parametrize("column", ["idle_expires_at", "revoked_at", "absolute_expires_at"])
async def test_what_ended_a_month_ago_is_deleted_of_every_tenant(
    app: FastAPI, alice: Person, charlie: Person, database_urls: DatabaseUrls, column: str
) -> None:
    for person in (alice, charlie):
        await age(app, person, **{column: LONG_AGO})
    assert await delete_dead_sessions(app.state.database) is False
    assert [await sessions_of(database_urls, person) for person in (alice, charlie)] == [[], []]


async def test_a_round_takes_so_many_batches_and_says_that_there_is_more(
    app: FastAPI, factory: Factory, alice: Person, database_urls: DatabaseUrls
) -> None:
    people = [alice] + [await factory.with_scopes(alice) for _ in range(BATCHES_PER_ROUND)]
    for person in people:
        await age(app, person, revoked_at=LONG_AGO)
    assert await delete_dead_sessions(app.state.database, batch=1) is True
    assert len(await sessions_of(database_urls, alice)) == 1
    assert await delete_dead_sessions(app.state.database, batch=1) is False
    assert await sessions_of(database_urls, alice) == []
