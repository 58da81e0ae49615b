"""The worker's filling of the search for summaries that are older than it."""

from collections import defaultdict
from uuid import UUID

from app.core.db import Database, Tenant
from app.summaries.search.store import make_searchable, unsearchable_summaries

# Well within the statement timeout, and short enough that nobody waits long for one of these rows.
BATCH = 500
BATCHES_PER_ROUND = 20


async def index_summaries(database: Database, *, batch: int = BATCH) -> int:
    """How many were filled. A round fills 10,000 at most."""
    filled = 0
    for _ in range(BATCHES_PER_ROUND):
        async with database.transaction() as session:
            keys = await unsearchable_summaries(session, at_most=batch)
        grouped: dict[UUID, list[UUID]] = defaultdict(list)
        for key in keys:
            grouped[key.organization_id].append(key.summary_id)
        for organization_id, ids in grouped.items():
            async with database.transaction(Tenant(organization_id)) as session:
                await make_searchable(session, organization_id, ids)
        filled += len(keys)
        if len(keys) < batch:
            break
    return filled
