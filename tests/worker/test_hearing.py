"""What a worker does when the connection is lost on which it hears of new jobs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException

from app.settings_parsing import to_libpq_url
from app.worker.hearing import HearingWorker
from app.worker.pool import make_pool
from tests.catalogue import ask
from tests.servers import DatabaseUrls
from tests.tcp_proxy import TcpProxy, with_port

pytestmark = pytest.mark.integration
LISTENING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
NEVER_SECONDS = 600


@pytest.fixture
async def proxy(database_urls: DatabaseUrls) -> AsyncIterator[TcpProxy]:
    port = urlsplit(database_urls.rw).port
    assert port is not None
    proxy = TcpProxy(port)
    await proxy.start()
    yield proxy
    await proxy.aclose()


@asynccontextmanager
async def open_queue(url: str) -> AsyncIterator[App]:
    connector = PsycopgConnector(pool_factory=make_pool, conninfo=to_libpq_url(url), min_size=1, max_size=2)
    async with App(connector=connector).open_async() as queue:
        yield queue


def worker_of(queue: App, *, heartbeat_seconds: float = 10.0) -> asyncio.Task[None]:
    """It never looks by itself."""
    worker = HearingWorker(
        queue,
        install_signal_handlers=False,
        fetch_job_polling_interval=NEVER_SECONDS,
        update_heartbeat_interval=heartbeat_seconds,
    )
    return asyncio.create_task(worker.run())  # type: ignore[no-untyped-call]  # procrastinate left it bare


async def listening(urls: DatabaseUrls) -> set[int]:
    return {row["pid"] for row in await ask(urls.superuser, LISTENING)}


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await is_so():  # noqa: ASYNC110  # another process makes it true
            await asyncio.sleep(0.05)


async def test_after_a_failover_it_hears_again(proxy: TcpProxy, database_urls: DatabaseUrls) -> None:
    """Nobody answers for a while: what would connect anew at once fails."""
    async with open_queue(with_port(database_urls.rw, proxy.port)) as queue:
        done = asyncio.Event()

        @queue.task(name="job")
        async def job() -> None:
            done.set()

        async def hears() -> bool:
            return bool(await listening(database_urls))

        async def is_deaf() -> bool:
            return not await hears()

        working = worker_of(queue)
        await until(hears)
        await proxy.refuse()
        await until(is_deaf)
        await asyncio.sleep(0.5)
        await proxy.start()
        await until(hears)
        await queue.configure_task("job").defer_async()
        async with asyncio.timeout(10):
            await done.wait()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def test_without_a_heartbeat_it_ends(
    database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its jobs would be taken from it while it runs them."""

    async def fail(_worker_id: int) -> None:
        raise ConnectorException("gone")

    async with open_queue(database_urls.rw) as queue:
        monkeypatch.setattr(queue.job_manager, "update_heartbeat", fail)
        async with asyncio.timeout(10):
            await worker_of(queue, heartbeat_seconds=0.05)
