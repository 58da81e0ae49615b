"""Housekeeping on a real queue: stalled jobs, lost ones, old ones."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from procrastinate import App
from sqlalchemy import text

from app.core.db import Database
from app.settings import Settings
from app.summaries.store import claim_upkeep
from app.worker.queue import make_queue
from app.worker.upkeep import Upkeep
from tests.auth.test_tasks import LONG_AGO, age
from tests.auth.traces import sessions_of
from tests.factories import Factory, Person
from tests.servers import DatabaseUrls
from tests.summaries.shelf import create, set_columns

pytestmark = pytest.mark.integration
STALL = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 s'"
COPY = (
    "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)"
    " SELECT queue_name, task_name, queueing_lock, args FROM procrastinate_jobs"
)
AGE = "UPDATE procrastinate_events SET at = now() - interval '25 h'"


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[App]:
    queue = make_queue(settings)
    async with queue.open_async():
        yield queue


@pytest.fixture
def database(app: FastAPI) -> Database:
    database: Database = app.state.database
    return database


async def execute(database: Database, sql: str) -> None:
    async with database.transaction() as session:
        await session.execute(text(sql))


async def jobs(database: Database) -> list[tuple[str, int]]:
    async with database.transaction() as session:
        rows = await session.execute(
            text("SELECT status::text, attempts FROM procrastinate_jobs ORDER BY id")
        )
        return [(row.status, row.attempts) for row in rows]


async def taken_job(client: AsyncClient, alice: Person, queue: App) -> None:
    """A job that a worker has begun."""
    await create(client, alice)
    worker_id = await queue.job_manager.register_worker()
    assert await queue.job_manager.fetch_job(queues=None, worker_id=worker_id)


async def test_job_of_a_living_worker_is_left_alone(
    client: AsyncClient, alice: Person, queue: App, database: Database
) -> None:
    await taken_job(client, alice, queue)
    await Upkeep(queue, database).round()
    assert await jobs(database) == [("doing", 0)]


async def test_job_of_a_silent_worker_is_queued_again(
    client: AsyncClient, alice: Person, queue: App, database: Database
) -> None:
    await taken_job(client, alice, queue)
    await execute(database, STALL)
    await Upkeep(queue, database).round()
    assert await jobs(database) == [("todo", 1)]


async def test_stalled_job_gives_way_to_another_of_its_summary(
    client: AsyncClient, alice: Person, queue: App, database: Database
) -> None:
    await taken_job(client, alice, queue)
    await execute(database, COPY)
    await execute(database, STALL)
    await Upkeep(queue, database).round()
    assert await jobs(database) == [("failed", 1), ("todo", 0)]


async def test_second_worker_does_not_keep_house_meanwhile(
    client: AsyncClient, alice: Person, queue: App, database: Database
) -> None:
    await taken_job(client, alice, queue)
    await execute(database, STALL)
    async with database.transaction() as session:
        assert await claim_upkeep(session)
        await Upkeep(queue, database).round()
    assert await jobs(database) == [("doing", 0)]


async def test_lost_summary_is_queued_again(
    client: AsyncClient, alice: Person, app: FastAPI, queue: App, database: Database
) -> None:
    created = await create(client, alice)
    await set_columns(app, alice, created["id"], updated_at=datetime(2026, 1, 1, tzinfo=UTC))
    await execute(database, "DELETE FROM procrastinate_jobs")
    await Upkeep(queue, database).round()
    assert await jobs(database) == [("todo", 0)]


async def test_failed_round_is_reported_and_does_not_end_the_upkeep(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    keeping = asyncio.create_task(Upkeep(make_queue(settings), database).keep())
    async with asyncio.timeout(5):
        while "upkeep_failed" not in caplog.text:  # noqa: ASYNC110  # a log record is no event
            await asyncio.sleep(0.02)
    assert not keeping.done()
    keeping.cancel()


async def test_old_finished_jobs_are_pruned_and_failed_ones_kept(
    client: AsyncClient, alice: Person, queue: App, database: Database
) -> None:
    for _ in range(3):
        await create(client, alice)
    await execute(database, "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id % 2 = 1")
    await execute(database, "UPDATE procrastinate_jobs SET status = 'failed' WHERE id % 2 = 0")
    await execute(database, AGE)
    await Upkeep(queue, database).round()
    assert await jobs(database) == [("failed", 0)]


async def test_pruning_waits_for_its_hour(
    client: AsyncClient, alice: Person, queue: App, database: Database
) -> None:
    now = 0.0
    upkeep = Upkeep(queue, database, clock=lambda: now)
    await upkeep.round()
    await create(client, alice)
    await execute(database, "UPDATE procrastinate_jobs SET status = 'succeeded'")
    await execute(database, AGE)
    await upkeep.round()
    assert len(await jobs(database)) == 1
    now = 3600.0
    await upkeep.round()
    assert await jobs(database) == []


async def test_what_lock_out_needs_no_more_is_pruned(queue: App, database: Database) -> None:
    old = "VALUES (gen_random_uuid(), 'network:a', 1, now(), 1, 0, NULL, now() - interval '25 h')"
    await execute(database, f"INSERT INTO login_tallies {old}")
    await Upkeep(queue, database).round()
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM login_tallies")) == 0


async def test_dead_sessions_are_deleted_once_a_day(
    app: FastAPI, factory: Factory, alice: Person, queue: App, database: Database, database_urls: DatabaseUrls
) -> None:
    now, counts = 0.0, []
    upkeep = Upkeep(queue, database, clock=lambda: now)
    for now in (0.0, 23 * 3600.0, 24 * 3600.0):  # noqa: B007  # the clock reads it
        await age(app, await factory.with_scopes(alice), revoked_at=LONG_AGO)
        await upkeep.round()
        counts.append(len(await sessions_of(database_urls, alice)))
    assert counts == [1, 2, 1]


async def test_a_round_folds_the_counts(
    client: AsyncClient, alice: Person, queue: App, database: Database
) -> None:
    await create(client, alice)
    await Upkeep(queue, database).round()
    async with database.transaction() as session:
        assert (await session.scalars(text("SELECT 1 FROM tally_moves"))).all() == []
        assert await session.scalar(text("SELECT many FROM tallies WHERE subject = 'jobs'")) == 1
