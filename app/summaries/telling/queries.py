"""What a summary's row says at this point of the transaction."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.summaries.models import Summary
from app.summaries.telling.facts import COLUMNS


async def read_facts(
    session: AsyncSession, organization_id: UUID, summary_id: UUID
) -> Any:  # Any: a row of COLUMNS
    statement = select(*COLUMNS).where(Summary.organization_id == organization_id, Summary.id == summary_id)
    return (await session.execute(statement)).one()
