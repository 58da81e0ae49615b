"""Real worker processes, one of them killed in the middle of a job."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.settings import Settings
from tests.factories import Person
from tests.summaries.shelf import PATH, TEXT, create, row_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.alone]
PAGE = f"<html><head><title>The bridge</title></head><body><article><p>{TEXT}</p></article></html>".encode()
# Those that a URL may name and that need no root; one of them may be somebody else's.
PORTS = (8443, 8080)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"


@dataclass
class Site:
    """Holds back its first answer, so that whoever asked for it can be killed meanwhile."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    visits: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.visits += 1
        self.asked.set()
        if self.visits > 1:
            writer.write(HEAD % len(PAGE) + PAGE)
            await writer.drain()
            writer.close()
        else:
            await reader.read()
            writer.close()


@pytest.fixture
async def workers() -> AsyncIterator[list[Process]]:
    """Killed at the end, whatever the test did."""
    workers: list[Process] = []
    yield workers
    for worker in workers:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()


async def listen(site: Site) -> tuple[asyncio.Server, int]:
    """On the first port that is free."""
    for port in PORTS:
        with contextlib.suppress(OSError):
            return await asyncio.start_server(site.answer, "127.0.0.1", port), port
    pytest.fail(f"none of {PORTS} is free here")


async def start_worker(settings: Settings, port: int) -> Process:
    environment = {
        **os.environ,
        "ENVIRONMENT": "testing",
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "FETCH_ALLOW_HOSTS": f"127.0.0.1:{port}",
    }
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "app.worker", env=environment)


async def test_job_of_a_killed_worker_is_done_by_another_and_written_once(
    client: AsyncClient, alice: Person, app: FastAPI, settings: Settings, workers: list[Process]
) -> None:
    async def status() -> str:
        shown = await client.get(url, headers=alice.headers)
        return str(shown.json()["status"])

    site = Site()
    server, port = await listen(site)
    async with server:
        async with asyncio.timeout(120):
            workers.append(await start_worker(settings, port))
            created = await create(client, alice, url=f"http://127.0.0.1:{port}/")
            url = f"{PATH}/{created['id']}"
            await site.asked.wait()
        workers[0].kill()
        async with asyncio.timeout(120):
            workers.append(await start_worker(settings, port))
            while await status() != "ready":  # noqa: ASYNC110  # over HTTP
                await asyncio.sleep(1)
    row = await row_of(app.state.database, alice.organization_id, url[-36:])
    assert (row.title, row.attempt, site.visits) == ("The bridge", 2, 2)
