"""The queue and the tenants in figures, for gauges and for `precis doctor`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.store import oldest_waiting_seconds
from app.core.jobs import QUEUES
from app.core.principal import Plan

JOBS = text(
    "SELECT count(*) FILTER (WHERE status = 'todo') AS waiting,"
    " count(*) FILTER (WHERE status = 'doing') AS running,"
    " count(*) FILTER (WHERE status = 'failed') AS failed"
    " FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed')"
)
WORKERS = text(
    "SELECT count(*) FROM procrastinate_workers"
    " WHERE last_heartbeat > now() - make_interval(secs => :seconds)"
)
ALIVE_SECONDS = 30
TENANTS = text("SELECT measure, name, many FROM measure_tenants(:plans, :quotas, :month)")


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """`workers` have had a heartbeat within 30 s; the oldest due job has waited for `oldest_seconds`."""

    workers: int
    waiting: int
    running: int
    failed: int
    oldest_seconds: float


async def queue_facts(session: AsyncSession) -> QueueFacts:
    rows = await session.scalar(WORKERS, {"seconds": ALIVE_SECONDS}) or 0
    # Of each process a row for each queue.
    workers = math.ceil(rows / len(QUEUES))
    jobs = (await session.execute(JOBS)).one()
    oldest = await oldest_waiting_seconds(session) or 0.0
    return QueueFacts(workers, jobs.waiting, jobs.running, jobs.failed, oldest)


async def tenant_measures(
    session: AsyncSession, quotas: Mapping[Plan, int], *, month: date
) -> dict[tuple[str, str], int]:
    """Of all tenants, by measure (plan, band, rank) and name; what is 0 may be missing."""
    parameters = {"plans": [*quotas], "quotas": [*quotas.values()], "month": month}
    return {(row.measure, row.name): row.many for row in await session.execute(TENANTS, parameters)}
