"""How many a list would show, exactly: from the tallies where they know it, else from the rows themselves."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select

from app.core.db import Database, Tenant
from app.summaries.counting.queries import count_statement, is_kept, kept_statement
from app.summaries.filters import Filters
from app.summaries.search.queries import FOUND_AT_MOST, FOUND_COUNT, newest_values


class ShelfCounts:
    """Of what `viewer` may read of the organisation's summaries."""

    def __init__(self, database: Database, organization_id: UUID, *, viewer: UUID) -> None:
        self._database = database
        self._organization_id = organization_id
        self._viewer = viewer
        self._tenant = Tenant(organization_id, viewer)

    async def count(self, filters: Filters, *, at_most: int | None = None) -> int:
        """`at_most`: no more than so many are read and counted."""
        if filters.need_search:
            return await self._count_found(filters, at_most) or 0
        if is_kept(filters):
            here = {"organization_id": self._organization_id, "viewer": self._viewer}
            kept = await self._many(kept_statement(filters), here)
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

    async def _many(
        self,
        statement: Select[*tuple[Any, ...]],  # Any: its column
        values: Mapping[str, object],
    ) -> int | None:
        """What its one column, `many`, says in its one row; None, too, where there is none."""
        rows = await self._database.read(self._tenant, statement, values)
        return rows[0].many if rows else None
