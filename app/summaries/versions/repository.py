"""What people read of earlier versions; whether they may see the summary is asked before."""

from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.pagination import Keyset, PageOfRows, Pagination
from app.summaries.models import SummaryContent
from app.summaries.versions.models import SummaryVersion

NEWEST_FIRST = Keyset("versions", (SummaryVersion.number,))


class VersionRepository:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def page(self, summary_id: UUID, pagination: Pagination) -> PageOfRows[SummaryVersion]:
        statement = select(SummaryVersion).where(*self._of(summary_id))
        return pagination.page((await self._session.scalars(pagination.apply(statement))).all())

    async def find(self, summary_id: UUID, number: int) -> SummaryVersion | None:
        statement = select(SummaryVersion).where(*self._of(summary_id), SummaryVersion.number == number)
        return await self._session.scalar(statement)

    async def find_text(self, summary_id: UUID, number: int) -> str | None:
        """Its own, where the one after it has another; else that of the next such version; else today's."""
        later = (
            select(SummaryVersion.text)
            .where(*self._of(summary_id), SummaryVersion.number >= number, SummaryVersion.text.is_not(None))
            .order_by(SummaryVersion.number)
            .limit(1)
        )
        found = await self._session.scalar(later)
        if found is not None:
            return found
        current = select(SummaryContent.text).where(
            SummaryContent.organization_id == self._organization_id, SummaryContent.summary_id == summary_id
        )
        return await self._session.scalar(current)

    def _of(self, summary_id: UUID) -> tuple[ColumnElement[bool], ...]:
        return (
            SummaryVersion.organization_id == self._organization_id,
            SummaryVersion.summary_id == summary_id,
        )
