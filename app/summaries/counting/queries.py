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
from app.summaries.vocabulary import FINAL, Status

EVERYTHING = Filters(archived=None)
OUTCOMES: frozenset[Status | None] = FINAL | {None}


def count_statement(filters: Filters, organization_id: UUID, viewer: UUID) -> Select[int]:
    """Of what is asked for without words. By times, and what is under way by its step, rows are counted."""
    walks = walks_of(filters, organization_id, viewer)
    # Each by itself: to count what is put together first takes a quarter longer.
    counted = reduce(add, (walk.with_only_columns(func.count()).scalar_subquery() for walk in walks))
    kept_of = replace(filters, archived=None, visibility=None, status=None, favourite=None)
    if kept_of != EVERYTHING or filters.status not in OUTCOMES:
        return select(counted)
    kept = _sum_of_tallies(filters, organization_id, viewer).scalar_subquery()
    # What an organisation had before there were tallies the worker counts in time. Only one of them is read.
    many = case((Organization.shelf_tallied, func.coalesce(kept, counted)), else_=counted)
    return select(many).where(Organization.id == organization_id)


def _sum_of_tallies(filters: Filters, organization_id: UUID, viewer: UUID) -> Select[int | None]:
    """NULL where one from before migration 0051 would have to tell more than its shelf."""
    tallies = SHELF_TALLIES.c
    asked = {"outcome": filters.status, "favourite": filters.favourite}
    narrows = [tallies[name] == value for name, value in asked.items() if value is not None]
    many = func.coalesce(func.sum(tallies.many).filter(*narrows), 0)
    all_tell = func.bool_and(tallies.outcome.is_not(None)).is_not(False)
    total = select(case((all_tell, many)) if narrows else many).where(
        tallies.organization_id == organization_id, tallies.reader.in_(readers_of(filters, viewer))
    )
    return total if filters.archived is None else total.where(tallies.archived == filters.archived)
