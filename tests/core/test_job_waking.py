"""Workers hear of committed jobs: of one at once, of many seldom; that none can be told is nobody's error."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import event, make_url

from app.core.db import Database
from app.core.job_waking import MESSAGE, REST_SECONDS, JobWaker
from app.core.jobs import QUEUE, enqueue
from app.core.origin import Arriving, current_origin
from app.settings import Settings
from app.settings_parsing import to_libpq_url

pytestmark = pytest.mark.integration
CHANNEL = f"procrastinate_queue_v1#{QUEUE}"


@asynccontextmanager
async def heard(settings: Settings) -> AsyncIterator["asyncio.Queue[str]"]:
    connection = await asyncpg.connect(to_libpq_url(settings.database_url))
    messages = asyncio.Queue[str]()
    try:
        await connection.add_listener(CHANNEL, lambda *told: messages.put_nowait(told[-1]))
        yield messages
    finally:
        await connection.close()


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database.from_settings(settings)
    yield database
    await database.dispose()


async def test_a_single_job_is_told_at_once_and_as_the_queue_itself_tells_it(
    settings: Settings, database: Database
) -> None:
    waker = JobWaker(database, rest_seconds=60)
    async with heard(settings) as messages:
        waker.wake()
        assert await asyncio.wait_for(messages.get(), 10) == MESSAGE
        # What a trigger of the queue's says of a job that is enqueued in a transaction of its caller's.
        async with database.transaction() as session:
            await enqueue(session, "t", args={}, queueing_lock="l")
        assert '"type" : "job_inserted"' in await asyncio.wait_for(messages.get(), 10)


async def test_many_at_once_are_two_calls_the_last_of_them_after_the_last_job(
    settings: Settings, database: Database
) -> None:
    waker = JobWaker(database)
    async with heard(settings) as messages:
        began = time.monotonic()
        for _ in range(500):
            waker.wake()
            await asyncio.sleep(0)
        rests = (time.monotonic() - began) / REST_SECONDS
        await waker.aclose()
        await asyncio.sleep(0.2)
        assert 1 <= messages.qsize() <= 2 + rests


async def test_what_came_while_it_was_calling_is_told_before_it_ends(
    settings: Settings, database: Database
) -> None:
    waker = JobWaker(database, rest_seconds=0.2)
    async with heard(settings) as messages:
        waker.wake()
        await messages.get()
        waker.wake()
        assert messages.empty()
        await waker.aclose()
        assert await asyncio.wait_for(messages.get(), 10) == MESSAGE


async def test_a_database_that_is_gone_is_nobodys_error(settings: Settings) -> None:
    gone = settings.model_copy(update={"database_url": "postgresql+asyncpg://nobody@127.0.0.1:1/none"})
    database = Database.from_settings(gone)
    waker = JobWaker(database)
    waker.wake()
    await waker.aclose()
    # And the next job is told of again.
    waker.wake()
    await waker.aclose()
    await database.dispose()


async def test_a_server_that_refuses_is_nobodys_error(settings: Settings) -> None:
    """As one that starts up, or has no connection left: the driver's own exception."""
    url = make_url(settings.database_url).set(password="wrong", database="none")
    refusing = settings.model_copy(update={"database_url": url.render_as_string(hide_password=False)})
    database = Database.from_settings(refusing)
    waker = JobWaker(database)
    waker.wake()
    await waker.aclose()
    await database.dispose()


async def test_it_belongs_to_no_requests_trace(database: Database) -> None:
    with Arriving("a request of somebody's", None):
        waker = JobWaker(database)
        seen: list[str | None] = []
        event.listen(
            database.engine.sync_engine,
            "before_cursor_execute",
            lambda *_: seen.append(current_origin().request_id),
        )
        waker.wake()
        await waker.aclose()
    assert seen == [None]
