"""What the worker deletes for good: trash that a plan keeps no longer, and what was not to be kept at all."""

from collections import defaultdict
from datetime import timedelta
from uuid import UUID

from app.core.db import Database, Tenant
from app.core.plans import PLANS
from app.core.principal import Plan
from app.summaries.store import SummaryKey, delete_trashed, delete_uncollected, old_trash, uncollected

# Texts hang on them: well within the statement timeout.
BATCH = 200
BATCHES_PER_ROUND = 20
# An answer of 202 to `store=false` can be collected for so long.
COLLECTED_WITHIN = timedelta(minutes=30)


async def empty_trash(database: Database, *, batch: int = BATCH) -> bool:
    """True when some may be left."""
    return any([await _empty(database, plan, batch=batch) for plan in Plan])


async def delete_uncollected_summaries(database: Database, *, batch: int = BATCH) -> bool:
    """True when some may be left."""
    for _ in range(BATCHES_PER_ROUND):
        async with database.transaction() as session:
            found = await uncollected(session, kept=COLLECTED_WITHIN, at_most=batch)
        for organization_id, ids in _by_organization(found).items():
            async with database.transaction(Tenant(organization_id)) as session:
                await delete_uncollected(session, organization_id, ids)
        if len(found) < batch:
            return False
    return True


async def _empty(database: Database, plan: Plan, *, batch: int) -> bool:
    kept = timedelta(days=PLANS[plan].trash_days)
    for _ in range(BATCHES_PER_ROUND):
        async with database.transaction() as session:
            found = await old_trash(session, plan, kept=kept, at_most=batch)
        for organization_id, ids in _by_organization(found).items():
            async with database.transaction(Tenant(organization_id)) as session:
                await delete_trashed(session, organization_id, ids)
        if len(found) < batch:
            return False
    return True


def _by_organization(keys: list[SummaryKey]) -> dict[UUID, list[UUID]]:
    grouped: dict[UUID, list[UUID]] = defaultdict(list)
    for key in keys:
        grouped[key.organization_id].append(key.summary_id)
    return grouped
