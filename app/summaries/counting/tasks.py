"""The worker keeps what is counted short."""

from app.core.db import Database, Tenant
from app.summaries.counting.store import count_shelves, fold_shelves, unfolded_shelves, untallied_shelves

# Of each a round: some milliseconds an organisation.
ORGANIZATIONS = 200


async def tally_shelves(database: Database, *, at_most: int = ORGANIZATIONS) -> int:
    """How many organisations were counted or added up."""
    async with database.transaction() as session:
        untallied = await untallied_shelves(session, at_most=at_most)
        unfolded = await unfolded_shelves(session, at_most=at_most)
    for organization_id in untallied:
        async with database.transaction(Tenant(organization_id)) as session:
            await count_shelves(session, organization_id)
    for organization_id in unfolded:
        async with database.transaction(Tenant(organization_id)) as session:
            await fold_shelves(session, organization_id)
    return len(untallied) + len(unfolded)
