"""What a worker measures besides its own work: queue and tenants. Every worker does; take the maximum."""

import asyncio
import math
import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog
from prometheus_client import Gauge

from app.audit.sealing import UNSEALED
from app.audit.store import SealStore
from app.core.db import Database
from app.worker import tenants
from app.worker.queries import queue_facts

INTERVAL_SECONDS = 15.0

QUEUE_JOBS = Gauge(
    "precis_queue_jobs",
    "Jobs in the queue by state: waiting, running, failed.",
    ["state"],
    multiprocess_mode="livemax",
)
QUEUE_OLDEST = Gauge(
    "precis_queue_oldest_seconds", "How long the longest due job has waited.", multiprocess_mode="livemax"
)
QUEUE_WORKERS = Gauge(
    "precis_queue_workers", "Workers with a heartbeat of the last 30 s.", multiprocess_mode="livemax"
)
DISK_FREE = Gauge(
    "precis_disk_free_share",
    "Of the disk that holds PRECIS_DATA_DIR, from 0 to 1.",
    multiprocess_mode="livemin",
)
# Until it is measured: 0 would be a full disk.
DISK_FREE.set(math.nan)

log = structlog.get_logger(__name__)


async def keep_gauges(database: Database, data_dir: Path) -> None:
    """For as long as the worker lives. Without the database the figures stay as they were."""
    await asyncio.gather(
        _every(INTERVAL_SECONDS, partial(set_gauges, database, data_dir)),
        _every(tenants.INTERVAL_SECONDS, partial(tenants.set_tenant_gauges, database)),
    )


async def _every(seconds: float, measure: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await measure()
        except Exception as error:  # noqa: BLE001  # figures are worth no job: the next round tries again
            log.warning("gauges_not_set", error=type(error).__name__)
        await asyncio.sleep(seconds)


async def set_gauges(database: Database, data_dir: Path) -> None:
    DISK_FREE.set(await asyncio.to_thread(free_share, data_dir))
    async with database.transaction() as session:
        facts = await queue_facts(session)
        # Here too: where sealing fails, or another worker does it, nothing else would tell this one.
        backlog = await SealStore(session).backlog()
    UNSEALED.set(backlog.unsealed)
    QUEUE_WORKERS.set(facts.workers)
    QUEUE_OLDEST.set(facts.oldest_seconds)
    for state, jobs in (("waiting", facts.waiting), ("running", facts.running), ("failed", facts.failed)):
        QUEUE_JOBS.labels(state).set(jobs)


def free_share(folder: Path) -> float:
    """Of the nearest folder that is there."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    usage = shutil.disk_usage(there)
    return usage.free / usage.total
