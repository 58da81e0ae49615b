"""What has the words that are looked for: its statement, built once for each order, and its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    case,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine
from typing_extensions import override

from app.core.pagination import Keyset, KeyValue, Pagination
from app.summaries.filters import Filters
from app.summaries.models import Summary
from app.summaries.queries import SHOWN
from app.summaries.repository import NEWEST_FIRST, visible
from app.summaries.search.highlights import PIECES, WHOLE, Highlight, read_marks

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
# As `find_summaries` takes them (migration 0021).
_SORTED = {MOST_RELEVANT: "relevance", NEWEST_FIRST: "-created_at"}
_WANTED: Mapping[str, TypeEngine[Any]] = {  # Any: of several types
    "wanted": JSONB(),
    "sorted": Text(),
    "after_time": DateTime(timezone=True),
    "after_rank": Integer(),
    "after_id": Uuid(),
    "at_most": Integer(),
}


@cache
def found_statement(keyset: Keyset, *, are_marked: bool) -> Select[*tuple[Any, ...]]:  # Any: its columns
    """A page behind a place, and one row more. To put it together takes a millisecond."""
    call = func.find_summaries(*(bindparam(name, type_=type_) for name, type_ in _WANTED.items()))
    found = call.table_valued("summary_id", "rank").render_derived()
    by_rank = found.c.rank.desc(), Summary.id.desc()
    here = bindparam("organization_id", type_=Uuid()), bindparam("viewer", type_=Uuid())
    return (
        select(*SHOWN, found.c.rank, *(_marked(name, are_marked=are_marked) for name in HIGHLIGHTED))
        .join(found, found.c.summary_id == Summary.id)
        .where(*visible(*here))
        .order_by(*(by_rank if keyset is MOST_RELEVANT else keyset.order()))
    )


def found_values(
    filters: Filters, pagination: Pagination, organization_id: UUID, viewer: UUID
) -> Mapping[str, object]:
    """Raises InvalidCursorError."""
    first, last = pagination.position() or (None, None)
    by_rank = pagination.keyset is MOST_RELEVANT
    return {
        "wanted": filters.wanted(),
        "sorted": _SORTED.get(pagination.keyset, "created_at"),
        "after_time": None if by_rank else first,
        "after_rank": first if by_rank else None,
        "after_id": last,
        "at_most": pagination.request.limit + 1,
        "organization_id": organization_id,
        "viewer": viewer,
        **({"terms": list(filters.terms)} if filters.terms else {}),
    }


def found_in(row: Any) -> Found:  # Any: a row of `found_statement`
    marked = ((name, getattr(row, f"{name}_marked")) for name in HIGHLIGHTED)
    highlights = [found for name, text in marked if (found := read_marks(name, text))]
    return Found(row, row.rank, tuple(highlights))


def _marked(name: str, *, are_marked: bool) -> ColumnElement[Any]:  # Any: text, or NULL
    """NULL where no words were asked for, or nothing is there: a mark costs more than the row it is in."""
    if not are_marked:
        return literal(None, Text()).label(f"{name}_marked")
    terms, content = bindparam("terms", type_=JSONB()), getattr(Summary, name)
    marked = func.search_highlight(content, Summary.language, terms, HIGHLIGHTED[name])
    return case((content.is_not(None), marked)).label(f"{name}_marked")
