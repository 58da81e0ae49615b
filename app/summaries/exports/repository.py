"""Summaries by the hundred, each statement a short one of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.pagination import Keyset, KeyValue
from app.summaries.exports.columns import Column, Columns
from app.summaries.filters import Filters
from app.summaries.repository import conditions, visible

Rows = Sequence[Row[*tuple[Any, ...]]]  # Any: columns of several types
Position = tuple[KeyValue, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """`end`: behind which the next one begins; None where there is none."""

    rows: Rows
    end: Position | None


class ExportRepository:
    """The session must be bound to this organisation."""

    def __init__(self, session: AsyncSession, organization_id: UUID, *, viewer: UUID) -> None:
        self._session = session
        self._organization_id = organization_id
        self._viewer = viewer

    async def read(
        self,
        columns: Columns,
        filters: Filters,
        *,
        keyset: Keyset,
        behind: Position | None,
        limit: int,
    ) -> Batch:
        # Under names of their own: a column may also be wanted in another form.
        wanted: list[Column] = [
            column.label(f"position_{number}") for number, column in enumerate(keyset.columns)
        ]
        wanted += [column.label(name) for name, column in columns.items()]
        query = (
            select(*wanted)
            .where(*visible(self._organization_id, self._viewer), *conditions(filters))
            .order_by(*keyset.order())
            .limit(limit)
        )
        if behind is not None:
            query = query.where(keyset.behind(behind))
        rows: Rows = (await self._session.execute(query)).all()
        return Batch(rows, tuple(rows[-1][: len(keyset.columns)]) if len(rows) == limit else None)
