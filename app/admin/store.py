"""Writes of staff and of the worker's upkeep that belong to no tenant; and the kept counts, read as one."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.models import Job, Tally
from app.admin.vocabulary import JobStatus, Tallies
from app.core.db import UNIQUE_VIOLATION, Database
from app.organizations.models import Organization
from app.summaries.store import SummaryKey
from app.summaries.vocabulary import SUMMARISE

MOVES_A_STEP = 20_000
FAILURES = "failures"
FAILURES_KEPT = timedelta(days=7)
# One statement, and so one snapshot: a move is either still there or in its tally, never both or neither.
READ = text("""
SELECT subject, state, sum(many)::bigint AS many FROM (
    SELECT subject, state, many FROM tallies
    UNION ALL
    SELECT m.subject, s.state, s.many FROM tally_moves m
    CROSS JOIN LATERAL (VALUES (m.before, -m.many), (m.after, m.many)) AS s (state, many)
    WHERE s.state IS NOT NULL
) AS everything GROUP BY subject, state
""")
# By place, as the table has no key; whoever folds at the same time waits, and finds them gone.
FOLD = text("""
WITH gone AS (
    DELETE FROM tally_moves WHERE ctid = ANY (ARRAY(SELECT ctid FROM tally_moves LIMIT :at_most))
    RETURNING subject, before, after, many
), sums AS (
    SELECT g.subject, s.state, sum(s.many) AS many FROM gone g
    CROSS JOIN LATERAL (VALUES (g.before, -g.many), (g.after, g.many)) AS s (state, many)
    WHERE s.state IS NOT NULL GROUP BY g.subject, s.state HAVING sum(s.many) <> 0
), added AS (
    INSERT INTO tallies (subject, state, many) SELECT subject, state, many FROM sums ORDER BY subject, state
    ON CONFLICT (subject, state) DO UPDATE SET many = tallies.many + excluded.many
)
SELECT count(*) FROM gone
""")
# A job waits since it was due: since it came, or since the time that it was put off to.
OLDEST_WAITING = text("""
SELECT extract(epoch FROM clock_timestamp() - least(
    (SELECT min(scheduled_at) FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at IS NOT NULL),
    (SELECT (SELECT min(e.at) FROM procrastinate_events e WHERE e.job_id = j.id)
     FROM procrastinate_jobs j WHERE j.status = 'todo' AND j.scheduled_at IS NULL ORDER BY j.id LIMIT 1)
))::float8
""")
RETRY = text("SELECT procrastinate_retry_job_v2(:id, now(), NULL, NULL, NULL)")


async def read_tallies(session: AsyncSession) -> Tallies:
    rows = await session.execute(READ)
    return Tallies({(row.subject, row.state): row.many for row in rows})


async def oldest_waiting_seconds(session: AsyncSession) -> float | None:
    """None where nothing waits; 0 where all that waits was put off."""
    seconds: float | None = await session.scalar(OLDEST_WAITING)
    return None if seconds is None else max(0.0, seconds)


async def fold_tallies(database: Database, *, at_most: int = MOVES_A_STEP) -> int:
    """How many moves were added up; a transaction a step, so that a long absence is caught up with."""
    folded = 0
    while True:
        async with database.transaction() as session:
            step: int = (await session.execute(FOLD, {"at_most": at_most})).scalar_one()
        folded += step
        if step < at_most:
            break
    async with database.transaction() as session:
        forgotten = _day(datetime.now(UTC).date() - FAILURES_KEPT)
        await session.execute(delete(Tally).where(Tally.subject == FAILURES, Tally.state < forgotten))
    return folded


def _day(day: date) -> str:
    return day.isoformat()


async def lock_organization(session: AsyncSession, organization_id: UUID) -> Organization | None:
    """Held until the transaction ends; the session must be bound to it."""
    query = select(Organization).where(Organization.id == organization_id)
    query = query.with_for_update(key_share=True)
    return await session.scalar(query.execution_options(populate_existing=True))


async def lock_job(session: AsyncSession, job_id: int) -> JobStatus | None:
    """As it is now, and held; None where there is none."""
    return await session.scalar(select(Job.status).where(Job.id == job_id).with_for_update())


async def summary_of_job(session: AsyncSession, job_id: int) -> SummaryKey | None:
    """What a summarising job is about; None for any other job."""
    query = select(Job.args).where(Job.id == job_id, Job.task_name == SUMMARISE)
    args = await session.scalar(query)
    if not args or not {"organization_id", "summary_id"} <= args.keys():
        return None
    return SummaryKey(UUID(args["organization_id"]), UUID(args["summary_id"]))


async def retry_job(session: AsyncSession, job_id: int) -> bool:
    """False where another job of the same lock waits."""
    try:
        async with session.begin_nested():
            await session.execute(RETRY, {"id": job_id})
            # With all its tries before it: with the last one behind it, it would be given up at once.
            await session.execute(update(Job).where(Job.id == job_id).values(attempts=0))
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
            raise
        return False
    return True
