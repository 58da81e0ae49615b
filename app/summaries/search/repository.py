"""Lists that read no more rows than they show, however many there are: by an index for each filter."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, union_all

from app.core.db import Database, Tenant
from app.core.pagination import PageOfRows, Pagination
from app.summaries.filters import Filters
from app.summaries.models import Summary
from app.summaries.repository import NEWEST_FIRST
from app.summaries.search.found import Found, found_in
from app.summaries.search.queries import found_statement, found_values, walks_of

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
