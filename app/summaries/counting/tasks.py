"""The worker keeps what is counted short."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database, Tenant
from app.summaries.counting.store import count_shelves, fold_shelves, shelves_to_fold, untallied_shelves

# Of each a round: some milliseconds an organisation.
ORGANIZATIONS = 200

log = structlog.get_logger(__name__)


async def tally_shelves(database: Database, *, at_most: int = ORGANIZATIONS) -> int:
    """How many were added up or counted. One that cannot be is tried again later, and holds up no other."""
    async with database.transaction() as session:
        unfolded = await shelves_to_fold(session, at_most=at_most)
        untallied = await untallied_shelves(session, at_most=at_most)
    done = [await _try(database, organization_id, fold_shelves) for organization_id in unfolded]
    done += [await _try(database, organization_id, count_shelves) for organization_id in untallied]
    return sum(done)


async def _try(
    database: Database, organization_id: UUID, tally: Callable[[AsyncSession, UUID], Awaitable[None]]
) -> bool:
    try:
        async with database.transaction(Tenant(organization_id)) as session:
            await tally(session, organization_id)
    except DBAPIError as error:
        # A tenant of millions whose rows are not in memory takes longer than a statement may.
        log.warning(
            "shelf_not_tallied", organization_id=str(organization_id), error=type(error.orig).__name__
        )
        return False
    return True
