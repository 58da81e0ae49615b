"""Rows from before there was a search, found across tenants by the worker."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import column, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.summaries.models import Summary
from app.summaries.store import SummaryKey

UNSEARCHABLE = text("SELECT organization_id, summary_id FROM unsearchable_summaries(:at_most)")


async def unsearchable_summaries(session: AsyncSession, *, at_most: int) -> list[SummaryKey]:
    return [SummaryKey(*row) for row in await session.execute(UNSEARCHABLE, {"at_most": at_most})]


async def make_searchable(session: AsyncSession, organization_id: UUID, ids: Sequence[UUID]) -> None:
    """Writing the column makes its trigger fill it; nobody sees a change. Bound to the organisation."""
    table = Summary.metadata.tables[Summary.__tablename__]
    statement = (
        update(table)
        .where(table.c.organization_id == organization_id, table.c.id.in_(ids), table.c.search.is_(None))
        .values({column("search"): None})
    )
    await session.execute(statement)
