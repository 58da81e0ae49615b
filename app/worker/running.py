"""What one process runs at once: the jobs, and beside them the deliveries, which take no job's place."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from procrastinate import App

from app import __version__
from app.core.db import Database
from app.core.jobs import QUEUE, WEBHOOK_QUEUE
from app.reading.addresses import own_addresses
from app.reading.fetch import FetcherOptions
from app.reading.resolver import SystemResolver
from app.settings import Settings
from app.summaries.tasks import Workbench
from app.webhooks.sender import Sender
from app.webhooks.signing import webhook_seal
from app.webhooks.tasks import Courier
from app.worker.queue import BENCH, COURIER
from app.worker.upkeep import STALLED_AFTER_SECONDS

# Longer than any delivery takes.
GRACEFUL_SECONDS = 25


@asynccontextmanager
async def open_courier(settings: Settings, database: Database) -> AsyncIterator[Courier]:
    """With a resolver of its own: names that hang must not hold up the fetcher's."""
    resolver = SystemResolver()
    hosts = frozenset((host, port) for host, port in settings.fetch_allow_hosts)
    own = await asyncio.to_thread(own_addresses)
    options = FetcherOptions(f"Precis-Webhooks/{__version__}", allow_hosts=hosts, own=own)
    try:
        sender = await asyncio.to_thread(Sender, resolver, options)
        yield Courier(database, sender, webhook_seal(settings.signing_secret))
    finally:
        resolver.close()


async def work_off(queue: App, settings: Settings, bench: Workbench, courier: Courier) -> None:
    """Both queues, until cancelled, upon which both finish what runs. Neither goes on without the other."""
    places = {QUEUE: settings.worker_concurrency, WEBHOOK_QUEUE: settings.webhook_concurrency}
    lent = {BENCH: bench, COURIER: courier}
    working = [asyncio.create_task(_work(queue, name, many, lent)) for name, many in places.items()]
    try:
        await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in working:
            task.cancel()
        ended = await asyncio.gather(*working, return_exceptions=True)
    for result in ended:
        if isinstance(result, Exception):
            raise result


async def _work(queue: App, name: str, concurrency: int, lent: Mapping[str, object]) -> None:
    await queue.run_worker_async(
        queues=[name],
        concurrency=concurrency,
        additional_context=dict(lent),
        shutdown_graceful_timeout=GRACEFUL_SECONDS,
        stalled_worker_timeout=STALLED_AFTER_SECONDS,
        install_signal_handlers=False,
    )
