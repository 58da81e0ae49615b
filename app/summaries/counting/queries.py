"""How many there are, read from as few rows as can be."""

from dataclasses import replace
from functools import reduce
from operator import add
from uuid import UUID

from sqlalchemy import Select, case, func, select

from app.organizations.models import Organization
from app.summaries.counting.models import SHELF_TALLIES
from app.summaries.filters import Filters
from app.summaries.search.queries import readers_of, walks_of

WHOLE_SHELVES = Filters(archived=None)


def count_statement(filters: Filters, organization_id: UUID, viewer: UUID) -> Select[int]:
    """Of what is asked for without words. Whole shelves are counted already: of what narrows, rows are."""
    walks = walks_of(filters, organization_id, viewer)
    # Each by itself: to count what is put together first takes a quarter longer.
    counted = reduce(add, (walk.with_only_columns(func.count()).scalar_subquery() for walk in walks))
    if replace(filters, archived=None, visibility=None) != WHOLE_SHELVES:
        return select(counted)
    kept = _sum_of_tallies(filters, organization_id, viewer).scalar_subquery()
    # What an organisation had before there were tallies the worker counts in time. Only one of them is read.
    many = case((Organization.shelf_tallied, kept), else_=counted)
    return select(many).where(Organization.id == organization_id)


def _sum_of_tallies(filters: Filters, organization_id: UUID, viewer: UUID) -> Select[int]:
    tallies = SHELF_TALLIES.c
    total = select(func.coalesce(func.sum(tallies.many), 0)).where(
        tallies.organization_id == organization_id, tallies.reader.in_(readers_of(filters, viewer))
    )
    return total if filters.archived is None else total.where(tallies.archived == filters.archived)
