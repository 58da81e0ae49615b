"""A database that is closed closes all its connections, also those that are still on their way home."""

import asyncio
import gc
import time

import pytest
from sqlalchemy import text

from app.core.db import LENT_SECONDS, Database
from app.settings import Settings

pytestmark = pytest.mark.integration


async def sleep(database: Database, seconds: float) -> None:
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})


async def test_one_that_works_is_waited_for(settings: Settings) -> None:
    database = Database.from_settings(settings)
    working = asyncio.create_task(sleep(database, 0.3))
    await asyncio.sleep(0.1)
    await database.dispose()
    await working
    del database, working
    # What is closed by nobody says so here, and fails the test.
    gc.collect()


async def test_what_a_twice_cancelled_request_left_is_waited_for(settings: Settings) -> None:
    database = Database.from_settings(settings)
    working = asyncio.create_task(sleep(database, 0.3))
    await asyncio.sleep(0.1)
    for _ in range(2):
        working.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([working])
    await database.dispose()
    del database, working
    gc.collect()


async def test_who_is_cancelled_while_they_wait_has_closed_the_others(settings: Settings) -> None:
    database = Database.from_settings(settings)
    await database.ping()
    async with database.engine.connect() as kept:
        closing = asyncio.create_task(database.dispose())
        await asyncio.sleep(0.05)
        pool = database.engine.pool
        closing.cancel()
        await asyncio.wait([closing])
        assert closing.cancelled()
        # What is disposed of goes on with a pool of its own.
        assert database.engine.pool is not pool
        await kept.invalidate()


async def test_one_that_never_comes_home_is_not_waited_for_longer(settings: Settings) -> None:
    database = Database.from_settings(settings)
    async with database.engine.connect() as kept:
        began = time.monotonic()
        await database.dispose()
        assert LENT_SECONDS <= time.monotonic() - began < LENT_SECONDS + 5
        await kept.invalidate()
