"""The statements of lists: one for each shape of what is asked, built once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Self
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    SQLColumnExpression,
    Text,
    Uuid,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from app.core.db import Tenant
from app.core.pagination import Keyset, KeyValue, Pagination
from app.core.row_memory import state_of_row
from app.core.tenant_reads import under_tenant
from app.summaries.filters import Filters
from app.summaries.models import Summary
from app.summaries.queries import SHOWN
from app.summaries.repository import NEWEST_FIRST, OLDEST_FIRST, archived, kept, plain_conditions, visible
from app.summaries.search.found import HIGHLIGHTED, MOST_RELEVANT
from app.summaries.search.models import EVERYBODY, READER
from app.summaries.search.query import MAX_WORDS
from app.summaries.vocabulary import Visibility

# What a statement is told with each page; the others' values choose an index, and are part of its shape.
TOLD = ("status", "created_after", "created_before")
# More than there are filters and orders with the usual limits.
SHAPES = 256
STATE = state_of_row(Summary.__tablename__)
# As `find_summaries` takes them (migration 0021).
SORTED = {MOST_RELEVANT: "relevance", NEWEST_FIRST: "-created_at", OLDEST_FIRST: "created_at"}
WANTED: Mapping[str, TypeEngine[Any]] = {  # Any: of several types
    "wanted": JSONB(),
    "sorted": Text(),
    "after_time": DateTime(timezone=True),
    "after_rank": Integer(),
    "after_id": Uuid(),
    "at_most": Integer(),
}


@dataclass(frozen=True, slots=True)
class PageShape:
    """`rows`: one more than the page has. Of `filters`, what is told is only there or not."""

    filters: Filters
    told: frozenset[str]
    keyset: Keyset
    rows: int
    is_behind: bool

    @classmethod
    def of(cls, filters: Filters, keyset: Keyset, *, rows: int, is_behind: bool) -> Self:
        told = frozenset(name for name in TOLD if getattr(filters, name) is not None)
        untold: dict[str, Any] = dict.fromkeys(told)  # Any: as the fields are
        return cls(replace(filters, **untold) if told else filters, told, keyset, rows, is_behind)


@lru_cache(maxsize=SHAPES)
def page_statement(shape: PageShape) -> Select[*tuple[Any, ...]]:  # Any: its columns
    """The rows of a page with all that is shown of them, and their states."""
    return _page_of(shape, *SHOWN, STATE)


@lru_cache(maxsize=SHAPES)
def states_statement(shape: PageShape) -> Select[*tuple[Any, ...]]:  # Any: as above
    """As `page_statement`, only where each row stands and its state."""
    return _page_of(shape, *shape.keyset.columns, STATE)


def _page_of(shape: PageShape, *columns: Any) -> Select[*tuple[Any, ...]]:  # Any: as above
    """Each shelf is walked for one page; of these few the page is the first."""
    keyset, organization_id = shape.keyset, bindparam("organization_id", type_=Uuid())
    told: dict[str, Any] = {name: bindparam(name) for name in shape.told}  # Any: stands for its value
    walks = walks_of(replace(shape.filters, **told), organization_id, bindparam("viewer", type_=Uuid()))
    if shape.is_behind:
        walks = [walk.where(keyset.behind_told()) for walk in walks]
    ids = union_all(*(walk.order_by(*keyset.order()).limit(shape.rows) for walk in walks)).subquery()
    rows = select(*columns).join(ids, ids.c.id == Summary.id)
    rows = rows.where(Summary.organization_id == organization_id)
    return under_tenant(rows.order_by(*keyset.order()).limit(shape.rows))


def page_values(
    filters: Filters, keyset: Keyset, tenant: Tenant, position: Sequence[KeyValue] | None
) -> Mapping[str, object]:
    told = {name: value for name in TOLD if (value := getattr(filters, name)) is not None}
    here = {"organization_id": tenant.organization_id, "viewer": tenant.user_id}
    return {**told, **here, **keyset.told(position or ())}


def walks_of(
    filters: Filters,
    organization_id: UUID | ColumnElement[UUID],
    viewer: UUID | ColumnElement[UUID],
) -> list[Select[UUID]]:
    """One for everybody's and one for my own: an OR of the two would read all others' to skip them."""
    states = (False, True) if filters.archived is None else (filters.archived,)
    return [
        select(Summary.id).where(
            Summary.organization_id == organization_id,
            read_by(reader),
            kept(),
            # As the indexes' own condition says it.
            ~Summary.ephemeral,
            _archived(filters, yes=state),
            *plain_conditions(filters),
        )
        for reader in readers_of(filters, viewer)
        for state in states
    ]


def _archived(filters: Filters, *, yes: bool) -> ColumnElement[bool]:
    """With a status or favourites, "not archived" is compared as a value.

    So the planner takes their own index, and not the shelf's partial one (`archived_at IS NULL`): a plan for
    any tenant expects a row or none of a shelf, and would walk a large one whole for a few that failed. What
    is archived is mostly found soonest by the archive's index.
    """
    if yes or (filters.status is None and not filters.favourite):
        return archived(yes=yes)
    return Summary.archived_at.is_not(None) == literal(yes, Boolean())


def read_by(reader: UUID | ColumnElement[UUID]) -> SQLColumnExpression[bool]:
    return literal_column(READER, Uuid()) == reader


def readers_of(filters: Filters, viewer: UUID | ColumnElement[UUID]) -> Sequence[UUID | ColumnElement[UUID]]:
    readers = {Visibility.ORGANIZATION: UUID(EVERYBODY), Visibility.PRIVATE: viewer}
    return [reader for shown, reader in readers.items() if filters.visibility in {None, shown}]


# How many have the words, whatever filters are asked with them: `many`.
FOUND_COUNT = under_tenant(
    select(func.count_found_summaries(bindparam("wanted", type_=JSONB()), type_=BigInteger()).label("many"))
)
_FIND = func.find_summaries(*(bindparam(name, type_=type_) for name, type_ in WANTED.items()))
# As above, but no further than `at_most`: as many as are found, and nothing is read of what is beyond.
FOUND_AT_MOST = under_tenant(
    select(func.count().label("many")).select_from(_FIND.table_valued("summary_id", "rank").render_derived())
)


@cache
def found_statement(*, are_marked: bool) -> Select[*tuple[Any, ...]]:  # Any: its columns
    """A page behind a place and one row more, with their states, as the function orders them.

    Each is read by its id: whatever a plan expects of the organisation, its rows are not read through for it.
    To put the statement together takes a millisecond.
    """
    found = _FIND.table_valued("summary_id", "rank", with_ordinality="place").render_derived()
    here = bindparam("organization_id", type_=Uuid()), bindparam("viewer", type_=Uuid())
    rows = select(*SHOWN, STATE).where(Summary.id == found.c.summary_id, *visible(*here))
    row = rows.offset(literal_column("0")).lateral("row")
    page = select(row, found.c.rank, found.c.place).select_from(found).join(row, true())
    page_rows = page.cte("page", nesting=True)
    shown = _marked(page_rows) if are_marked else _unmarked(page_rows)
    return under_tenant(shown.order_by(page_rows.c.place))


def _marked(page: CTE) -> Select[*tuple[Any, ...]]:  # Any: as above
    """The words are read once for each language of a page: to read them takes longer than to mark a text."""
    own = func.search_configuration(page.c.language)
    asked = func.search_readings(
        bindparam("terms", type_=JSONB()), select(func.array_agg(own)).scalar_subquery(), MAX_WORDS
    )
    reading = asked.table_valued("configuration", "words", "lexemes", "query").render_derived()
    read = reading.c.words, reading.c.lexemes, reading.c.query
    marks = (_mark(name, page.c[name], *read) for name in HIGHLIGHTED)
    return select(page, *marks).join(reading, reading.c.configuration == own)


def _mark(
    name: str,
    content: ColumnElement[str],
    *read: ColumnElement[Any],  # Any: as PostgreSQL's search has them
) -> ColumnElement[str | None]:
    """NULL where nothing is there: a mark costs more than the row it is in."""
    marked = func.search_mark(content, *read, HIGHLIGHTED[name])
    return case((content.is_not(None), marked)).label(f"{name}_marked")


def _unmarked(page: CTE) -> Select[*tuple[Any, ...]]:  # Any: as above
    nothing = (literal(None, Text()).label(f"{name}_marked") for name in HIGHLIGHTED)
    return select(page, *nothing)


def found_values(filters: Filters, pagination: Pagination) -> Mapping[str, object]:
    """But for who asks. Raises InvalidCursorError."""
    first, last = pagination.position() or (None, None)
    by_rank = pagination.keyset is MOST_RELEVANT
    return {
        **newest_values(filters, at_most=pagination.request.limit + 1),
        "sorted": SORTED[pagination.keyset],
        "after_time": None if by_rank else first,
        "after_rank": first if by_rank else None,
        "after_id": last,
        **({"terms": list(filters.terms)} if filters.terms else {}),
    }


def newest_values(filters: Filters, *, at_most: int) -> Mapping[str, object]:
    """What `find_summaries` is told for the newest of all that has the words."""
    nothing = dict.fromkeys(("after_time", "after_rank", "after_id"))
    return {"wanted": filters.wanted(), "sorted": SORTED[NEWEST_FIRST], "at_most": at_most, **nothing}
