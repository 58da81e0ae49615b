"""What one process runs at once: the jobs, and beside them the deliveries, which take no job's place."""

import asyncio
from collections.abc import AsyncIterator
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
from app.worker.places import LendingWorker
from app.worker.queue import BENCH, COURIER, PLACES
from app.worker.upkeep import STALLED_AFTER_SECONDS

# Longer than any delivery takes.
GRACEFUL_SECONDS = 25


@asynccontextmanager
async def open_courier(settings: Settings, database: Database) -> AsyncIterator[Courier]:
    """With a resolver of its own: names that hang must not hold up the fetcher's."""
    resolver = SystemResolver()
    own = await asyncio.to_thread(own_addresses)
    options = FetcherOptions(f"Precis-Webhooks/{__version__}", allow_hosts=settings.fetch_allowed, own=own)
    try:
        sender = await asyncio.to_thread(Sender, resolver, options)
        yield Courier(database, sender, webhook_seal(settings.signing_secret))
    finally:
        resolver.close()


async def work_off(queue: App, settings: Settings, *, bench: Workbench, courier: Courier) -> None:
    """Both queues, until cancelled, upon which both finish what runs. Neither goes on without the other."""
    workers = [
        _worker(queue, QUEUE, places=settings.worker_concurrency, most_away=settings.fetches_waiting),
        _worker(queue, WEBHOOK_QUEUE, places=settings.webhook_concurrency),
    ]
    for worker in workers:
        worker.additional_context = {BENCH: bench, COURIER: courier, PLACES: worker.place}
    working = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in working:
            task.cancel()
        ended = await asyncio.gather(*working, return_exceptions=True)
    for result in ended:
        if isinstance(result, Exception):
            raise result


def _worker(queue: App, name: str, *, places: int, most_away: int = 0) -> LendingWorker:
    worker = LendingWorker(
        queue,
        queues=[name],
        concurrency=places,
        shutdown_graceful_timeout=GRACEFUL_SECONDS,
        stalled_worker_timeout=STALLED_AFTER_SECONDS,
        install_signal_handlers=False,
    )
    worker.most_away = most_away
    return worker
