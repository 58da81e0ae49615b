"""Lists that read no more rows than they show, however many there are: by an index for each filter."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, union_all

from app.core.db import Database, Tenant
from app.core.pagination import PageOfRows, Pagination
from app.summaries.counting.queries import count_statement, is_kept, kept_statement
from app.summaries.filters import Filters
from app.summaries.models import Summary
from app.summaries.repository import NEWEST_FIRST
from app.summaries.search.found import Found, found_in
from app.summaries.search.queries import (
    FOUND_AT_MOST,
    FOUND_COUNT,
    found_statement,
    found_values,
    newest_values,
    walks_of,
)

# So many of the newest summaries are looked through for their tags.
TAGS_FROM = 10_000
TAGS_SHOWN = 100


class Shelf:
    """What `viewer` may read of the organisation's summaries; what is asked is a transaction of its own."""

    def __init__(self, database: Database, organization_id: UUID, *, viewer: UUID) -> None:
        self._database = database
        self._organization_id = organization_id
        self._viewer = viewer
        self._tenant = Tenant(organization_id, viewer)
        self._here = {"organization_id": organization_id, "viewer": viewer}

    async def page(self, filters: Filters, pagination: Pagination) -> PageOfRows[Found]:
        """What has the words. Raises InvalidCursorError."""
        statement = found_statement(are_marked=bool(filters.terms))
        values = {**found_values(filters, pagination), **self._here}
        rows = await self._database.read(self._tenant, statement, values)
        return pagination.page([found_in(row) for row in rows])

    async def count(self, filters: Filters, *, at_most: int | None = None) -> int:
        """`at_most`: no more than so many are read and counted."""
        if filters.need_search:
            return await self._count_found(filters, at_most) or 0
        if is_kept(filters):
            kept = await self._many(kept_statement(filters), self._here)
            if kept is not None:
                return kept if at_most is None else min(kept, at_most)
        # No `Database.read`: what names its tenant itself is counted by one of PostgreSQL's processes alone.
        statement = count_statement(filters, self._organization_id, self._viewer, at_most=at_most)
        async with self._database.transaction(self._tenant) as session:
            return await session.scalar(statement) or 0

    async def _count_found(self, filters: Filters, at_most: int | None) -> int | None:
        if at_most is None:
            return await self._many(FOUND_COUNT, {"wanted": filters.wanted()})
        return await self._many(FOUND_AT_MOST, newest_values(filters, at_most=at_most))

    async def tags(self) -> Sequence[tuple[str, int]]:
        """The most used first; of the newest 10,000 on each shelf (mine, and the organisation's)."""
        walks = [
            walk.with_only_columns(Summary.tags).order_by(*NEWEST_FIRST.order()).limit(TAGS_FROM)
            for walk in walks_of(Filters(), self._organization_id, self._viewer)
        ]
        shelves = union_all(*walks).subquery()
        tag = func.unnest(shelves.c.tags).label("tag")
        tags = select(tag).subquery()
        times = func.count().label("times")
        counted = select(tags.c.tag, times).group_by(tags.c.tag).order_by(times.desc(), tags.c.tag)
        async with self._database.transaction(self._tenant) as session:
            return [(row.tag, row.times) for row in await session.execute(counted.limit(TAGS_SHOWN))]

    async def _many(
        self,
        statement: Select[*tuple[Any, ...]],  # Any: its column
        values: Mapping[str, object],
    ) -> int | None:
        """What its one column, `many`, says in its one row; None, too, where there is none."""
        rows = await self._database.read(self._tenant, statement, values)
        return rows[0].many if rows else None
