"""Summaries whose job was lost, as with a worker that died: they are given another."""

from datetime import timedelta

from app.core.db import Database, Tenant
from app.summaries.repository import SummaryRepository
from app.summaries.service import enqueue_summarising
from app.summaries.store import unfinished_summaries

IDLE_BEFORE_REQUEUED = timedelta(seconds=30)
REQUEUED_AT_ONCE = 500


async def requeue_unfinished(database: Database) -> int:
    """How many summaries had no job any more, and have one now."""
    async with database.transaction() as session:
        keys = await unfinished_summaries(session, idle=IDLE_BEFORE_REQUEUED, at_most=REQUEUED_AT_ONCE)
    for key in keys:
        async with database.transaction(Tenant(key.organization_id)) as session:
            repository = SummaryRepository(session, key.organization_id)
            await enqueue_summarising(session, key.summary_id, repository)
    return len(keys)
