"""Housekeeping beside the jobs: work whose worker died is taken up again, finished jobs are pruned."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status

from app.accounts.erasure import erase_due_accounts
from app.accounts.organization_erasure import erase_due_organizations
from app.admin.store import fold_tallies
from app.auth.lockout.repository import prune_tallies
from app.auth.tasks import delete_dead_sessions
from app.core.db import Database
from app.core.idempotency_store import delete_expired
from app.summaries.counting.tasks import tally_shelves
from app.summaries.requeueing import requeue_unfinished
from app.summaries.retention import delete_uncollected_summaries, empty_trash
from app.summaries.search.tasks import index_summaries
from app.summaries.store import claim_upkeep
from app.webhooks.retention import delete_old_deliveries
from app.webhooks.tasks import nudge_due

ROUND_SECONDS = 20
STALLED_AFTER_SECONDS = 30
PRUNE_SECONDS = 3600
DAY_SECONDS = 24 * 3600
KEEP_FINISHED_HOURS = 24
# Failed jobs are the dead letters: kept until somebody has looked at them.
KEEP_FAILED_HOURS = 30 * 24

# Each deletes what nobody can use any more, some batches at a time, and says whether more may be left.
DAILY: tuple[Callable[[Database], Awaitable[bool]], ...] = (
    delete_dead_sessions,
    empty_trash,
    delete_old_deliveries,
    delete_expired,
)

log = structlog.get_logger(__name__)


class Upkeep:
    def __init__(
        self, queue: App, database: Database, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue = queue
        self._database = database
        self._clock = clock
        self._prune_at = clock()
        self._daily_at = clock()

    async def keep(self) -> None:
        """Every 20 s, for as long as the worker lives."""
        while True:
            try:
                await self.round()
            except Exception:
                # Whatever it was, jobs go on, and the next round tries again.
                log.exception("upkeep_failed")
            await asyncio.sleep(ROUND_SECONDS)

    async def round(self) -> None:
        """By one worker at a time: two that retry the same stalled job would run it twice."""
        async with self._database.transaction() as session:
            if not await claim_upkeep(session):
                return
            await self._retry_stalled()
            if requeued := await requeue_unfinished(self._database):
                log.warning("summaries_requeued", count=requeued)
            await nudge_due(self._database)
            # What is left after some batches goes with the next round.
            await delete_uncollected_summaries(self._database)
            await erase_due_accounts(self._database)
            await erase_due_organizations(self._database)
            await fold_tallies(self._database)
            await self._prune()
            await self._delete_daily()
            if filled := await index_summaries(self._database):
                log.info("summaries_made_searchable", count=filled)
            await tally_shelves(self._database)

    async def _retry_stalled(self) -> None:
        manager = self._queue.job_manager
        stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS))
        if not stalled:
            return
        # By the queue's clock: one of ours that is ahead would have them wait for as long.
        now = await self._database.now()
        for job in stalled:
            log.warning("job_stalled", job_id=job.id, task=job.task_name, worker_id=job.worker_id)
            await self._retry(job, at=now)

    async def _retry(self, job: Job, *, at: datetime) -> None:
        manager = self._queue.job_manager
        try:
            await manager.retry_job(job, retry_at=at)
        except ConnectorException as error:
            # Its worker finished it after all, or another job of the same lock waits: that one does the work.
            log.info("stalled_job_not_retried", job_id=job.id, error=repr(error.__cause__ or error))
            await self._give_up(job)

    async def _give_up(self, job: Job) -> None:
        try:
            await self._queue.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        except ConnectorException as error:
            log.info("stalled_job_was_finished", job_id=job.id, error=repr(error.__cause__ or error))

    async def _prune(self) -> None:
        if self._clock() < self._prune_at:
            return
        self._prune_at = self._clock() + PRUNE_SECONDS
        manager = self._queue.job_manager
        await manager.delete_old_jobs(KEEP_FINISHED_HOURS, include_cancelled=True, include_aborted=True)
        await manager.delete_old_jobs(KEEP_FAILED_HOURS, include_failed=True)
        async with self._database.transaction() as session:
            await prune_tallies(session, datetime.now(UTC))

    async def _delete_daily(self) -> None:
        if self._clock() < self._daily_at:
            return
        left = [await delete(self._database) for delete in DAILY]
        if not any(left):
            self._daily_at = self._clock() + DAY_SECONDS
