"""The tallies learn of outcomes while the former release goes on writing."""

import asyncio

import asyncpg
import pytest
from alembic import command
from fastapi import FastAPI
from sqlalchemy import text

from app.summaries.counting.store import shelves_to_fold
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.summaries.search.corpus import shelve
from tests.test_migrations import config_for

pytestmark = pytest.mark.integration

WAITING = "SELECT count(*) AS many FROM pg_locks WHERE NOT granted AND relation = 'summaries'::regclass"


async def wait_for_the_migration(superuser_url: str) -> None:
    async with asyncio.timeout(5):
        while True:
            (found,) = await ask(superuser_url, WAITING)
            if found["many"]:
                return
            await asyncio.sleep(0.02)


async def test_a_worker_of_the_former_release_finds_nothing_to_add_up(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await shelve(app, alice, "Bridge")
    async with app.state.database.transaction() as session:
        assert await shelves_to_fold(session, at_most=9) == [alice.organization_id]
        assert (await session.scalars(text("SELECT unfolded_shelves(9)"))).all() == []
    await asyncio.to_thread(command.downgrade, config_for(database_urls.owner), "0050")
    async with app.state.database.transaction() as session:
        assert (await session.scalars(text("SELECT unfolded_shelves(9)"))).all() == [alice.organization_id]


async def test_whoever_is_writing_a_summary_can_still_tally_it(database_urls: DatabaseUrls) -> None:
    """Its trigger comes after its row: a migration that held the tallies meanwhile would end it."""
    config = config_for(database_urls.owner)
    await asyncio.to_thread(command.downgrade, config, "0050")
    writer = await asyncpg.connect(database_urls.superuser)
    await writer.execute("BEGIN; LOCK TABLE summaries IN ROW EXCLUSIVE MODE; SET LOCAL lock_timeout = '3s'")
    upgrade = asyncio.create_task(asyncio.to_thread(command.upgrade, config, "head"))
    await wait_for_the_migration(database_urls.superuser)
    await writer.execute("LOCK TABLE shelf_tallies IN ROW EXCLUSIVE MODE; COMMIT")
    await upgrade
    await writer.close()
    await asyncio.to_thread(command.check, config)
