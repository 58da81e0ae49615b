"""How many there are, read from as few rows as can be."""

from dataclasses import replace
from functools import cache, reduce
from operator import add
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, Uuid, any_, bindparam, case, cast, func, select, union_all
from sqlalchemy.dialects.postgresql import array

from app.core.tenant_reads import under_tenant
from app.organizations.models import Organization
from app.summaries.counting.models import SHELF_TALLIES
from app.summaries.filters import Filters
from app.summaries.search.queries import readers_of, walks_of
from app.summaries.vocabulary import FINAL, Status

EVERYTHING = Filters(archived=None)
OUTCOMES: frozenset[Status | None] = FINAL | {None}


def is_kept(filters: Filters) -> bool:
    """Whether the tallies know it. They know neither times nor words, nor the steps of what is under way."""
    others = replace(filters, archived=None, visibility=None, status=None, favourite=None)
    return others == EVERYTHING and filters.status in OUTCOMES


@cache
def kept_statement(filters: Filters) -> Select[*tuple[Any, ...]]:  # Any: its column
    """`many`, for `organization_id` and `viewer`.

    NULL where the worker still has to count what there was before. Of filters that are kept there are 81, and
    each one's is built once.
    """
    tallies, organization_id = SHELF_TALLIES.c, bindparam("organization_id", type_=Uuid())
    readers = readers_of(filters, bindparam("viewer", type_=Uuid()))
    asked = {"outcome": filters.status, "favourite": filters.favourite}
    narrows = [tallies[name] == value for name, value in asked.items() if value is not None]
    many = cast(func.coalesce(func.sum(tallies.many).filter(*narrows), 0), BigInteger)
    # One from before migration 0051 knows only its shelf.
    all_tell = func.bool_and(tallies.outcome.is_not(None)).is_not(False)
    total = select(case((all_tell, many)) if narrows else many).where(
        tallies.organization_id == organization_id, tallies.reader == any_(array(readers))
    )
    if filters.archived is not None:
        total = total.where(tallies.archived == filters.archived)
    known = case((Organization.shelf_tallied, total.scalar_subquery())).label("many")
    return under_tenant(select(known).where(Organization.id == organization_id))


def count_statement(
    filters: Filters, organization_id: UUID, viewer: UUID, *, at_most: int | None = None
) -> Select[int]:
    """By rows, of what is asked for without words; no more than `at_most`."""
    walks = walks_of(filters, organization_id, viewer)
    if at_most is None:
        # Each by itself: to count what is put together first takes a quarter longer.
        return select(reduce(add, (walk.with_only_columns(func.count()).scalar_subquery() for walk in walks)))
    # One walk alone cannot be told its limit twice.
    some = union_all(*(walk.limit(at_most) for walk in walks)).subquery()
    return select(func.count()).select_from(select(some).limit(at_most).subquery())
