"""Lists that read no more rows than they show, however many there are: by an index for each filter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    case,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from app.core.pagination import Keyset, KeyValue, PageOfRows, Pagination
from app.summaries.counting.queries import count_statement, is_kept, kept_statement
from app.summaries.filters import Filters
from app.summaries.models import Summary
from app.summaries.queries import SHOWN
from app.summaries.repository import NEWEST_FIRST, visible
from app.summaries.search.highlights import PIECES, WHOLE, Highlight, read_marks
from app.summaries.search.queries import walks_of

# So many of the newest summaries are looked through for their tags.
TAGS_FROM = 10_000
TAGS_SHOWN = 100
HIGHLIGHTED = {"title": WHOLE, "summary": PIECES, "notes": PIECES}


@dataclass(frozen=True, slots=True)
class Found:
    """One of a list: `summary` is a row of `queries.SHOWN`. In one that is ordered by time `rank` is 0."""

    summary: Summary
    rank: int = 0
    highlights: tuple[Highlight, ...] = ()

    @property
    def id(self) -> UUID:
        return self.summary.id

    @property
    def created_at(self) -> datetime:
        return self.summary.created_at


@dataclass(frozen=True, slots=True)
class Relevance(Keyset):
    """By a rank that no column holds: the database's search function knows how to go on behind one."""

    @override
    def position(self, row: object) -> tuple[KeyValue, ...]:
        assert isinstance(row, Found)  # noqa: S101  # of our own making
        return row.rank, row.id


MOST_RELEVANT = Relevance("summaries by relevance", (Summary.id,))


class Shelf:
    """What `viewer` may read of the organisation's summaries."""

    def __init__(self, session: AsyncSession, organization_id: UUID, *, viewer: UUID) -> None:
        self._session = session
        self._organization_id = organization_id
        self._viewer = viewer

    async def page(self, filters: Filters, pagination: Pagination) -> PageOfRows[Found]:
        """What has the words. Raises InvalidCursorError."""
        rows = await self._session.execute(self._matching(filters, pagination))
        return pagination.page([_found(row) for row in rows])

    async def count(self, filters: Filters) -> int:
        if filters.need_search:
            wanted = literal(filters.wanted(), JSONB)
            return await self._session.scalar(select(func.count_found_summaries(wanted))) or 0
        here = self._organization_id, self._viewer
        kept = await self._session.scalar(kept_statement(filters, *here)) if is_kept(filters) else None
        return kept if kept is not None else await self._session.scalar(count_statement(filters, *here)) or 0

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

    def _matching(self, filters: Filters, pagination: Pagination) -> Select[*tuple[Any, ...]]:
        # Any: columns of several types
        found = _call(filters, pagination).table_valued("summary_id", "rank").render_derived()
        order = pagination.keyset.order() if pagination.keyset is not MOST_RELEVANT else []
        marked = [_marked(name, filters) for name in HIGHLIGHTED]
        return (
            select(*SHOWN, found.c.rank, *marked)
            .join(found, found.c.summary_id == Summary.id)
            .where(*visible(self._organization_id, self._viewer))
            .order_by(*(order or (found.c.rank.desc(), Summary.id.desc())))
        )


def _call(filters: Filters, pagination: Pagination) -> Any:  # Any: SQLAlchemy's own for a function
    first, last = pagination.position() or (None, None)
    by_rank = pagination.keyset is MOST_RELEVANT
    order = "relevance" if by_rank else "-created_at" if pagination.keyset.descending else "created_at"
    return func.find_summaries(
        literal(filters.wanted(), JSONB),
        literal(order, Text()),
        literal(None if by_rank else first, DateTime(timezone=True)),
        literal(first if by_rank else None, Integer()),
        literal(last, Uuid()),
        literal(pagination.request.limit + 1, Integer()),
    )


def _marked(name: str, filters: Filters) -> ColumnElement[Any]:  # Any: text, or NULL
    """NULL where no words were asked for, or nothing is there: a mark costs more than the row it is in."""
    if not filters.terms:
        return literal(None, Text()).label(f"{name}_marked")
    terms, content = literal(list(filters.terms), JSONB), getattr(Summary, name)
    marked = func.search_highlight(content, Summary.language, terms, HIGHLIGHTED[name])
    return case((content.is_not(None), marked)).label(f"{name}_marked")


def _found(row: Any) -> Found:  # Any: a row of `_matching`
    marked = ((name, getattr(row, f"{name}_marked")) for name in HIGHLIGHTED)
    highlights = [found for name, text in marked if (found := read_marks(name, text))]
    return Found(row, row.rank, tuple(highlights))
