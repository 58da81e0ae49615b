"""The whole worker, in process: what the queue holds gets done, and it ends as it should."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from httpx2 import AsyncClient
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from app.reading.sandbox import Sandbox
from app.settings import Settings
from app.worker import process
from app.worker.process import main, run_worker
from app.worker.queue_loss import QueueLostError, outlasting
from tests.catalogue import ask
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.summaries.shelf import PATH, TEXT

pytestmark = [pytest.mark.integration, pytest.mark.alone]
DROP_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'precis-worker'"
)


async def started(settings: Settings, urls: DatabaseUrls) -> asyncio.Task[None]:
    """At work, with one reader: each takes seconds to start."""
    worker = asyncio.create_task(run_worker(settings.model_copy(update={"reading_processes": 1})))
    async with asyncio.timeout(60):
        while not await ask(urls.superuser, "SELECT id FROM procrastinate_workers"):  # noqa: ASYNC110  # others tell nothing
            await asyncio.sleep(0.05)
    return worker


@asynccontextmanager
async def working(settings: Settings, urls: DatabaseUrls) -> AsyncIterator[asyncio.Task[None]]:
    worker = await started(settings, urls)
    yield worker
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker


async def submit(client: AsyncClient, person: Person, **body: object) -> dict[str, object]:
    headers = {**person.headers, "Prefer": "wait=15"}
    answer = await client.post(PATH, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    finished: dict[str, object] = answer.json()
    return finished


def test_unusable_setting_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///precis.db")
    with pytest.raises(SystemExit, match="DATABASE_URL"):
        main()


@pytest.mark.slow
async def test_loss_of_the_database_is_an_error(
    client: AsyncClient, alice: Person, settings: Settings, database_urls: DatabaseUrls
) -> None:
    worker = await started(settings, database_urls)
    await submit(client, alice, text=TEXT)
    database = urlsplit(database_urls.superuser).path[1:]
    elsewhere = urlsplit(database_urls.superuser)._replace(path="/postgres").geturl()
    connection = await asyncpg.connect(elsewhere)
    try:
        await connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        await connection.execute(DROP_CONNECTIONS)
        with pytest.raises(QueueLostError):
            await asyncio.wait_for(worker, 60)
    finally:
        await connection.close()


async def test_a_lost_connection_is_outlasted_with_the_readers_that_there_are(
    client: AsyncClient,
    alice: Person,
    settings: Settings,
    database_urls: DatabaseUrls,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetch, warm_up = JobManager.fetch_job, Sandbox.warm_up
    cuts, warmed = iter([True]), list[Sandbox]()

    async def fetch_job(*asked: Any, **named: Any) -> Job | None:  # Any: as its own
        if next(cuts, False):
            await ask(database_urls.superuser, DROP_CONNECTIONS)
            raise ConnectorException
        return await fetch(*asked, **named)

    async def counted(sandbox: Sandbox) -> None:
        warmed.append(sandbox)
        await warm_up(sandbox)

    monkeypatch.setattr(JobManager, "fetch_job", fetch_job)
    monkeypatch.setattr(Sandbox, "warm_up", counted)
    # As if it had been at work for long.
    monkeypatch.setattr(process, "outlasting", partial(outlasting, steady_seconds=0))
    async with working(settings, database_urls) as worker:
        await submit(client, alice, text=TEXT)
        assert not worker.done()
    assert next(cuts, False) is False
    assert len(warmed) == 1


async def test_sigterm_ends_it_without_error(
    client: AsyncClient, alice: Person, settings: Settings, database_urls: DatabaseUrls
) -> None:
    worker = await started(settings, database_urls)
    await submit(client, alice, text=TEXT)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(20):
        await worker


async def test_literal_private_address_is_blocked_in_the_job(
    client: AsyncClient, alice: Person, settings: Settings, database_urls: DatabaseUrls
) -> None:
    async with working(settings, database_urls):
        finished = await submit(client, alice, url="http://169.254.169.254/latest/meta-data")
    assert finished["status"] == "failed"
    assert isinstance(finished["failure"], dict)
    assert finished["failure"]["reason"] == "blocked_address"


async def test_submitted_text_becomes_ready_within_the_wait(
    client: AsyncClient, alice: Person, settings: Settings, database_urls: DatabaseUrls
) -> None:
    async with working(settings, database_urls):
        finished = await submit(client, alice, text=TEXT, length={"sentences": 1})
    spans = finished["sentences"]
    assert isinstance(spans, list)
    assert [TEXT[span["start"] : span["end"]] for span in spans] == [finished["summary"]]
