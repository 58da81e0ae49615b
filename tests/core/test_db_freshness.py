"""A connection that died in the pool is nobody's 503."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.core.db import Database, connect_arguments
from app.core.db_freshness import SILENT_SECONDS, check_before_lending
from app.settings import Settings
from tests.core.own_valkey import ManualClock
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration
PID = text("SELECT pg_backend_pid()")


def terminate(urls: DatabaseUrls, pid: int) -> None:
    """Without a turn of the event loop: its driver has not heard of it yet."""
    with psycopg.connect(urls.superuser) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [pid])


async def pid_of(database: Database) -> int:
    async with database.engine.connect() as connection:
        return int((await connection.execute(PID)).scalar_one())


async def test_one_that_the_server_closed_is_replaced(
    settings: Settings, database_urls: DatabaseUrls
) -> None:
    database = Database.from_settings(settings)
    gone = await pid_of(database)
    terminate(database_urls, gone)
    await asyncio.sleep(0.05)
    assert await pid_of(database) != gone
    await database.dispose()


async def test_one_that_was_silent_is_asked_and_replaced_where_it_is_dead(
    settings: Settings, database_urls: DatabaseUrls
) -> None:
    clock = ManualClock()
    engine = create_async_engine(settings.database_url, connect_args=connect_arguments(settings))
    check_before_lending(engine, clock=clock)
    database = Database(engine)
    living = await pid_of(database)
    clock.advance(SILENT_SECONDS)
    assert await pid_of(database) == living
    clock.advance(SILENT_SECONDS)
    terminate(database_urls, living)
    assert await pid_of(database) != living
    await database.dispose()
