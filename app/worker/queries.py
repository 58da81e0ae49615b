"""The queue in figures, for gauges and for `precis doctor`."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.store import oldest_waiting_seconds

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


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """`workers` have had a heartbeat within 30 s; the oldest due job has waited for `oldest_seconds`."""

    workers: int
    waiting: int
    running: int
    failed: int
    oldest_seconds: float


async def queue_facts(session: AsyncSession) -> QueueFacts:
    workers = await session.scalar(WORKERS, {"seconds": ALIVE_SECONDS}) or 0
    jobs = (await session.execute(JOBS)).one()
    oldest = await oldest_waiting_seconds(session) or 0.0
    return QueueFacts(workers, jobs.waiting, jobs.running, jobs.failed, oldest)
