"""The worker's life: from its settings to SIGTERM, upon which it finishes its jobs for 25 s at most."""

import asyncio
import resource
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

import structlog
import uvloop
from sqlalchemy.orm import configure_mappers

from app import __version__
from app.audit.chain import AuditKey
from app.audit.sealing import Sealer
from app.core.cache import BodyCache
from app.core.db import Database
from app.core.logging import configure_logging
from app.core.loop_lag import measured_lag
from app.core.metrics import tell_version
from app.core.redis import RedisClient
from app.core.reports import configure_reports
from app.core.tracing import configure_tracing
from app.reading.addresses import own_addresses
from app.reading.fetch import Fetcher, FetcherOptions
from app.reading.providers.options import ProviderOptions
from app.reading.providers.provider import Provider
from app.reading.resolver import SystemResolver
from app.reading.sandbox import Sandbox, SandboxLimits
from app.reading.transport import FetchLimits
from app.settings import Settings, SettingsError, load_settings
from app.summaries.announcing import RedisAnnouncer
from app.summaries.citizen.manners import PATIENCE_SECONDS, Manners, MannersOptions
from app.summaries.citizen.pacing import Pace, Pacer
from app.summaries.citizen.robots_cache import RobotsCache
from app.summaries.tasks import Workbench
from app.webhooks.tasks import Courier
from app.worker.exposition import exposed
from app.worker.gauges import keep_gauges
from app.worker.queue import make_queue
from app.worker.queue_loss import QueueLostError, opened, outlasting
from app.worker.running import open_courier, work_off
from app.worker.sealing import keep_sealing
from app.worker.upkeep import Upkeep

GRACEFUL_SECONDS = 25
# Beside the fetches that wait: log, databases, children, and what works.
OTHER_FILES = 512
# Of its page a fetch that waits may keep so much on average, beyond what each may.
SHARED_BYTES_EACH = 128 * 1024

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_bench(settings: Settings) -> AsyncIterator[Workbench]:
    # Else done by the first query of an object, and a job's first row is none.
    configure_mappers()
    database = Database.from_settings(settings, url=settings.worker_database_url)
    redis = RedisClient(settings.redis_url)
    resolver = SystemResolver()
    sandbox = Sandbox(SandboxLimits(children=settings.reading_processes))
    options = FetcherOptions(
        settings.bot_user_agent,
        FetchLimits(shared_bytes=settings.fetches_waiting * SHARED_BYTES_EACH),
        allow_hosts=settings.fetch_allowed,
        own=await asyncio.to_thread(own_addresses),
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.dispose)
        stack.push_async_callback(redis.aclose)
        stack.callback(resolver.close)
        stack.push_async_callback(sandbox.close)
        await sandbox.warm_up()
        model = await asyncio.to_thread(make_provider, settings)
        if model is not None:
            stack.push_async_callback(model.aclose)
        # robots.txt is read past the gate that it is read for.
        gate = make_manners(settings, redis, Fetcher(resolver, options))
        fetcher = Fetcher(resolver, replace(options, gate=gate))
        announcer = RedisAnnouncer(redis)
        cache = BodyCache(redis)
        stack.push_async_callback(cache.aclose)
        yield Workbench(database, cache, fetcher, sandbox, announcer=announcer, model=model)


def make_manners(settings: Settings, redis: RedisClient, fetcher: Fetcher) -> Manners:
    """How we behave on other people's servers."""
    pace = Pace(1 / settings.fetch_pace_per_second, settings.fetch_pace_burst, PATIENCE_SECONDS)
    robots = RobotsCache(redis, fetcher) if settings.robots_txt == "honour" else None
    return Manners(Pacer(redis), robots, MannersOptions(pace, exempt=settings.fetch_allowed))


def make_provider(settings: Settings) -> Provider | None:
    """None until it has an address and a model. Reads certificates: not for the event loop."""
    if settings.provider_base_url is None or settings.provider_model is None:
        return None
    return Provider(
        ProviderOptions(
            settings.provider_base_url,
            settings.provider_model,
            api_key=settings.provider_api_key,
            context_tokens=settings.provider_context_tokens,
            temperature=settings.provider_temperature,
            concurrency=settings.provider_concurrency,
        )
    )


async def run_worker(settings: Settings) -> None:
    """Until SIGTERM, SIGINT or cancellation. Raises QueueLostError."""
    async with (
        open_bench(settings) as bench,
        open_courier(settings, bench.database) as courier,
        measured_lag(),
    ):
        sealer = Sealer(bench.database, AuditKey.from_settings(settings))
        jobs = outlasting(partial(_work, settings, bench, courier))
        async with _beside(keep_sealing(sealer), keep_gauges(bench.database, settings.data_dir)):
            await _until_stopped(asyncio.create_task(jobs))
    log.info("worker_stopped")


async def _work(settings: Settings, bench: Workbench, courier: Courier) -> None:
    """With connections of its own. Ends, or raises as the library does, when the first of them is lost."""
    queue = make_queue(settings)
    async with opened(queue), _beside(Upkeep(queue, bench.database).keep()):
        log.info("worker_started", concurrency=settings.worker_concurrency)
        await work_off(queue, settings, bench=bench, courier=courier)


@asynccontextmanager
async def _beside(*what: Coroutine[None, None, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in what]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until_stopped(working: asyncio.Task[None]) -> None:
    """Cancelling makes the queue finish what runs. Raises what ends it otherwise."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, working.cancel)
    outer = asyncio.current_task()
    try:
        await working
    except asyncio.CancelledError:
        if outer is not None and outer.cancelling():
            raise
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def allow_open_files(many: int) -> None:
    """As far as the system lets us: the usual 1024 are fewer than the fetches that may wait."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = many if hard == resource.RLIM_INFINITY else min(many, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    """One clear line for what an operator can mend."""
    try:
        settings = load_settings()
        configure_logging(settings)
        configure_reports(settings, release=__version__)
        configure_tracing(settings, service="precis-worker", release=__version__)
        tell_version(__version__)
        allow_open_files(settings.fetches_waiting + OTHER_FILES)
        with (
            exposed(settings.host, settings.worker_metrics_port, token=settings.metrics_token),
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(run_worker(settings))
    except (SettingsError, QueueLostError) as error:
        sys.exit(str(error))
