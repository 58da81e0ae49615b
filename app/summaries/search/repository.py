"""Lists that read no more rows than they show, however many there are: by an index for each filter."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.pagination import PageOfRows, Pagination
from app.summaries.counting.queries import count_statement, is_kept, kept_statement
from app.summaries.filters import Filters
from app.summaries.models import Summary
from app.summaries.repository import NEWEST_FIRST
from app.summaries.search.found import Found, found_in
from app.summaries.search.queries import found_statement, found_values, walks_of

# So many of the newest summaries are looked through for their tags.
TAGS_FROM = 10_000
TAGS_SHOWN = 100


class Shelf:
    """What `viewer` may read of the organisation's summaries."""

    def __init__(self, session: AsyncSession, organization_id: UUID, *, viewer: UUID) -> None:
        self._session = session
        self._organization_id = organization_id
        self._viewer = viewer

    async def page(self, filters: Filters, pagination: Pagination) -> PageOfRows[Found]:
        """What has the words. Raises InvalidCursorError."""
        statement = found_statement(pagination.keyset, are_marked=bool(filters.terms))
        values = found_values(filters, pagination, self._organization_id, self._viewer)
        return pagination.page([found_in(row) for row in await self._session.execute(statement, values)])

    async def count(self, filters: Filters) -> int:
        if filters.need_search:
            wanted = literal(filters.wanted(), JSONB)
            return await self._session.scalar(select(func.count_found_summaries(wanted))) or 0
        if is_kept(filters):
            here = {"organization_id": self._organization_id, "viewer": self._viewer}
            kept = await self._session.scalar(kept_statement(filters), here)
            if kept is not None:
                return kept
        statement = count_statement(filters, self._organization_id, self._viewer)
        return await self._session.scalar(statement) or 0

    async def tags(self) -> Sequence[tuple[str, int]]:
        """The most used first; of the newest 10,000 on each shelf (mine, and the organisation's)."""
        walks = [
            walk.with_only_columns(Summary.tags).order_by(*NEWEST_FIRST.order()).limit(TAGS_FROM)
            for walk in self._walks(Filters())
        ]
        shelves = union_all(*walks).subquery()
        tag = func.unnest(shelves.c.tags).label("tag")
        tags = select(tag).subquery()
        times = func.count().label("times")
        counted = select(tags.c.tag, times).group_by(tags.c.tag).order_by(times.desc(), tags.c.tag)
        return [(row.tag, row.times) for row in await self._session.execute(counted.limit(TAGS_SHOWN))]

    def _walks(self, filters: Filters) -> list[Select[UUID]]:
        return walks_of(filters, self._organization_id, self._viewer)
