"""A summary that is cancelled stops the job that works on it, through the queue."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import text

from app.core.jobs import QUEUE
from app.settings import Settings
from app.worker.queue import BENCH, make_queue
from tests.factories import Person
from tests.summaries.progress.test_cancel import HeldReader
from tests.summaries.shelf import PATH, create
from tests.summaries.workbench import bench_of

pytestmark = pytest.mark.integration


@pytest.fixture
async def reader(app: FastAPI, settings: Settings) -> AsyncIterator[HeldReader]:
    """Of a worker that runs meanwhile."""
    reader = HeldReader()
    queue = make_queue(settings)
    async with queue.open_async():
        bench = bench_of(app, reader=reader)
        running = queue.run_worker_async(
            queues=[QUEUE], additional_context={BENCH: bench}, install_signal_handlers=False
        )
        worker = asyncio.create_task(running)
        yield reader
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def status_of_the_job(app: FastAPI) -> str:
    async with app.state.database.transaction() as session:
        return str(await session.scalar(text("SELECT status::text FROM procrastinate_jobs")))


async def test_the_running_job_is_stopped_at_once_and_is_no_dead_letter(
    client: AsyncClient, app: FastAPI, alice: Person, reader: HeldReader
) -> None:
    created = await create(client, alice)
    async with asyncio.timeout(20):
        await reader.is_reading.wait()
        answer = await client.post(f"{PATH}/{created['id']}/cancel", headers=alice.headers)
        assert answer.status_code == 200
        while (status := await status_of_the_job(app)) == "doing":  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.02)
    assert status == "aborted"


async def test_it_can_be_tried_again_at_once(client: AsyncClient, alice: Person, reader: HeldReader) -> None:
    created = await create(client, alice)
    url = f"{PATH}/{created['id']}"
    async with asyncio.timeout(20):
        await reader.is_reading.wait()
        await client.post(f"{url}/cancel", headers=alice.headers)
        reader.go_on.set()
        await client.post(f"{url}/retry", headers=alice.headers)
        while (await client.get(url, headers=alice.headers)).json()["status"] != "ready":  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.05)
