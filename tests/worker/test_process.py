"""The whole worker, in process: what the queue holds gets done, and it ends as it should."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import asyncpg
import pytest
from httpx2 import AsyncClient

from app.settings import Settings
from app.summaries.vocabulary import FINAL
from app.worker.process import QueueLostError, main, run_worker
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.summaries.shelf import PATH, TEXT

pytestmark = pytest.mark.integration
DROP_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'precis-worker'"
)


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    worker = asyncio.create_task(run_worker(settings))
    yield worker
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker


async def submit(client: AsyncClient, person: Person, **body: object) -> dict[str, object]:
    """Finished. A worker that has just been started may take a while on a busy machine."""
    answer = await client.post(PATH, json=body, headers={**person.headers, "Prefer": "wait=15"})
    made: dict[str, object] = answer.json()
    async with asyncio.timeout(60):
        while made["status"] not in FINAL:
            await asyncio.sleep(0.2)
            made = (await client.get(f"{PATH}/{made['id']}", headers=person.headers)).json()
    return made


def test_unusable_setting_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///precis.db")
    with pytest.raises(SystemExit, match="DATABASE_URL"):
        main()


@pytest.mark.slow
async def test_loss_of_the_database_is_an_error(
    client: AsyncClient, alice: Person, settings: Settings, database_urls: DatabaseUrls
) -> None:
    worker = asyncio.create_task(run_worker(settings))
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


async def test_sigterm_ends_it_without_error(client: AsyncClient, alice: Person, settings: Settings) -> None:
    worker = asyncio.create_task(run_worker(settings))
    await submit(client, alice, text=TEXT)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(20):
        await worker


async def test_literal_private_address_is_blocked_in_the_job(
    client: AsyncClient, alice: Person, settings: Settings
) -> None:
    async with working(settings):
        finished = await submit(client, alice, url="http://169.254.169.254/latest/meta-data")
    assert finished["status"] == "failed"
    assert isinstance(finished["failure"], dict)
    assert finished["failure"]["reason"] == "blocked_address"


async def test_submitted_text_becomes_ready_within_the_wait(
    client: AsyncClient, alice: Person, settings: Settings
) -> None:
    async with working(settings):
        finished = await submit(client, alice, text=TEXT, length={"sentences": 1})
    spans = finished["sentences"]
    assert isinstance(spans, list)
    assert [TEXT[span["start"] : span["end"]] for span in spans] == [finished["summary"]]
