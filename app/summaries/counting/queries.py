"""Counting without reading what is counted."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import Select, case, func, select, union_all

from app.organizations.models import Organization
from app.summaries.counting.models import SHELF_TALLIES
from app.summaries.filters import Filters
from app.summaries.search.queries import readers_of, walks_of

WHOLE_SHELVES = Filters(archived=None)


def count_of_tallies(filters: Filters, organization_id: UUID, viewer: UUID) -> Select[int] | None:
    """One row; None where the filters ask for less than whole shelves.

    Until the worker has counted what an old organisation has, its rows are counted.
    """
    if replace(filters, archived=None, visibility=None) != WHOLE_SHELVES:
        return None
    tallies = SHELF_TALLIES.c
    kept = select(func.coalesce(func.sum(tallies.many), 0)).where(
        tallies.organization_id == organization_id, tallies.reader.in_(readers_of(filters, viewer))
    )
    if filters.archived is not None:
        kept = kept.where(tallies.archived == filters.archived)
    counted = count_of_rows(filters, organization_id, viewer)
    is_kept = Organization.shelf_tallied
    many = case((is_kept, kept.scalar_subquery()), else_=counted.scalar_subquery())
    return select(many).where(Organization.id == organization_id)


def count_of_rows(filters: Filters, organization_id: UUID, viewer: UUID) -> Select[int]:
    """Of what is found without words: reads an index entry each."""
    rows = union_all(*walks_of(filters, organization_id, viewer)).subquery()
    return select(func.count()).select_from(rows)
