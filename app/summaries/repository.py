"""What people read and write of their organisation's summaries: every statement of the request path."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.pagination import Keyset, PageOfRows, Pagination
from app.summaries.models import UNFINISHED, Summary, SummaryContent
from app.summaries.vocabulary import Status, Visibility

# Beyond this many waiting summaries a tenant's next one cannot be graded any lower: the count stays cheap.
BACKLOG_COUNTED = 10_000
NEWEST_FIRST = Keyset("summaries", (Summary.created_at, Summary.id))
OLDEST_FIRST = Keyset("summaries", (Summary.created_at, Summary.id), descending=False)


@dataclass(frozen=True, slots=True)
class Filters:
    status: Status | None = None
    tag: str | None = None
    visibility: Visibility | None = None


class SummaryRepository:
    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self.organization_id = organization_id

    async def add(self, summary: Summary, *, submitted: str | None) -> None:
        """`submitted` is the text or html itself, None for a URL."""
        self._session.add(summary)
        await self._session.flush()
        self._session.add(
            SummaryContent(summary_id=summary.id, organization_id=self.organization_id, input=submitted)
        )
        await self._session.flush()

    async def find(self, summary_id: UUID, *, viewer: UUID) -> Summary | None:
        return await self._session.scalar(self._visible(viewer).where(Summary.id == summary_id))

    async def find_locked(self, summary_id: UUID, *, viewer: UUID) -> Summary | None:
        """Holds the row until the transaction ends, so that what was checked is what is written."""
        statement = self._visible(viewer).where(Summary.id == summary_id).with_for_update()
        return await self._session.scalar(statement)

    async def find_text(self, summary_id: UUID) -> str | None:
        statement = select(SummaryContent.text).where(
            SummaryContent.organization_id == self.organization_id, SummaryContent.summary_id == summary_id
        )
        return await self._session.scalar(statement)

    async def page(self, *, viewer: UUID, filters: Filters, pagination: Pagination) -> PageOfRows[Summary]:
        statement = self._visible(viewer).where(*conditions(filters))
        return pagination.page((await self._session.scalars(pagination.apply(statement))).all())

    async def count(self, *, viewer: UUID, filters: Filters) -> int:
        rows = self._visible(viewer).where(*conditions(filters)).subquery()
        return await self._session.scalar(select(func.count()).select_from(rows)) or 0

    async def backlog(self) -> int:
        """The organisation's summaries that are not finished, trashed ones aside."""
        rows = (
            select(Summary.id)
            .where(Summary.organization_id == self.organization_id, UNFINISHED)
            .limit(BACKLOG_COUNTED)
            .subquery()
        )
        return await self._session.scalar(select(func.count()).select_from(rows)) or 0

    async def change(self, summary_id: UUID, values: Mapping[str, Any]) -> Summary:  # Any: column values
        statement = (
            update(Summary)
            .where(Summary.organization_id == self.organization_id, Summary.id == summary_id)
            .values({**values, "version": Summary.version + 1, "updated_at": func.now()})
            .returning(Summary)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(statement)).one()

    def _visible(self, viewer: UUID) -> Select[Summary]:
        return select(Summary).where(*visible(self.organization_id, viewer))


def visible(organization_id: UUID, viewer: UUID) -> tuple[ColumnElement[bool], ...]:
    """What of this organisation somebody may read: their own, and what is shared with it."""
    return (
        Summary.organization_id == organization_id,
        _kept(),
        or_(Summary.visibility == Visibility.ORGANIZATION, Summary.user_id == viewer),
    )


def _kept() -> ColumnElement[bool]:
    return Summary.deleted_at.is_(None)


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """What a list, its count and its export are narrowed by."""
    found: list[ColumnElement[bool]] = []
    if filters.status is not None:
        found.append(Summary.status == filters.status)
    if filters.tag is not None:
        found.append(Summary.tags.contains([filters.tag]))
    if filters.visibility is not None:
        found.append(Summary.visibility == filters.visibility)
    return found
