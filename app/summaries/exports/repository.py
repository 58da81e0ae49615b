"""Summaries by the hundred, each statement a short one of its own.

For NDJSON and JSON PostgreSQL writes the documents: no row becomes an object of ours on its way out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, SQLColumnExpression, Text, case, cast, func, literal, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.pagination import Keyset, KeyValue
from app.reading.errors import ADVICE
from app.summaries.exports.vocabulary import PLAIN_FIELDS
from app.summaries.filters import Filters
from app.summaries.models import Summary
from app.summaries.repository import conditions, visible
from app.summaries.schemas import SummaryView
from app.summaries.vocabulary import Style

MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
Rows = Sequence[Row[*tuple[Any, ...]]]  # Any: columns of several types
Column = SQLColumnExpression[Any]  # Any: as above
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

    async def documents(
        self, filters: Filters, keyset: Keyset, behind: Position | None, *, limit: int
    ) -> Batch:
        """`document`: the summary's JSON as text."""
        return await self._read({"document": DOCUMENT}, filters, keyset, behind, limit=limit)

    async def fields(self, filters: Filters, keyset: Keyset, behind: Position | None, *, limit: int) -> Batch:
        """The columns of `PLAIN_FIELDS`."""
        return await self._read(FIELDS, filters, keyset, behind, limit=limit)

    async def _read(
        self,
        columns: Mapping[str, Column],
        filters: Filters,
        keyset: Keyset,
        behind: Position | None,
        *,
        limit: int,
    ) -> Batch:
        # Under names of their own: a column may also be wanted in another form.
        wanted = [column.label(f"position_{number}") for number, column in enumerate(keyset.columns)]
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


def _moment(column: Column) -> Column:
    return func.to_char(func.timezone("UTC", column), literal(MOMENT))


def _object(members: Mapping[str, Column]) -> Column:
    """The names are our own."""
    pairs: Iterator[tuple[Column, Column]] = (
        (literal_column(f"'{name}'"), column) for name, column in members.items()
    )
    return func.json_build_object(*(part for pair in pairs for part in pair))


def _failure() -> Column:
    hints = {str(reason): literal(advice.hint, Text()) for reason, advice in ADVICE.items()}
    retryable = {str(reason): literal(advice.retryable) for reason, advice in ADVICE.items()}
    reason = Summary.failure_reason
    members = {
        "reason": reason,
        "hint": case(hints, value=reason),
        "retryable": func.coalesce(Summary.failure_retryable, case(retryable, value=reason)),
    }
    return case((reason.is_not(None), _object(members)))


def _column(name: str) -> Column:
    special: dict[str, Column] = {
        "published_at": _moment(Summary.published_at),
        "created_at": _moment(Summary.created_at),
        "updated_at": _moment(Summary.updated_at),
        "style": func.coalesce(Summary.options.op("->>")("style"), literal(str(Style.PARAGRAPH), Text())),
        "archived": Summary.archived_at.is_not(None),
        "failure": _failure(),
    }
    return special[name] if name in special else getattr(Summary, name)


# As GET /summaries/{id} shows it, in the same order.
DOCUMENT = cast(_object({name: _column(name) for name in SummaryView.model_fields}), Text())
FIELDS = {name: _column(name) for name in PLAIN_FIELDS}
