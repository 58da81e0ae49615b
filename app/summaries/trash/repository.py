"""What was thrown away and is not erased yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from app.core.pagination import Keyset, PageOfRows, Pagination
from app.summaries.models import Summary
from app.summaries.search.models import EVERYBODY
from app.summaries.search.queries import read_by
from app.summaries.vocabulary import Visibility


@dataclass(frozen=True, slots=True)
class ByDeletion(Keyset):
    @override
    def __post_init__(self) -> None:
        """In the trash nothing lacks the time of its deletion, whatever the column allows."""


LAST_DELETED_FIRST = ByDeletion("trash", (Summary.deleted_at, Summary.id))


class Trash:
    """What of it `viewer` may restore: their own; a manager also what the organisation could read."""

    def __init__(
        self, session: AsyncSession, organization_id: UUID, *, viewer: UUID, is_manager: bool
    ) -> None:
        self._session = session
        self._organization_id = organization_id
        self._viewer = viewer
        self._is_manager = is_manager

    async def page(self, pagination: Pagination) -> PageOfRows[Summary]:
        shared = literal(value=True) if self._is_manager else Summary.user_id == self._viewer
        walks = [
            select(Summary.id).where(*self._trashed(), read_by(self._viewer)),
            select(Summary.id).where(*self._trashed(), read_by(UUID(EVERYBODY)), shared),
        ]
        ids = union_all(*(pagination.apply(walk) for walk in walks)).subquery()
        statement = (
            select(Summary)
            .join(ids, ids.c.id == Summary.id)
            .where(Summary.organization_id == self._organization_id)
            .order_by(*pagination.keyset.order())
            .limit(pagination.request.limit + 1)
        )
        return pagination.page((await self._session.scalars(statement)).all())

    async def find_locked(self, summary_id: UUID) -> Summary | None:
        managed = and_(literal(self._is_manager), Summary.visibility == Visibility.ORGANIZATION)
        statement = select(Summary).where(
            *self._trashed(), Summary.id == summary_id, or_(Summary.user_id == self._viewer, managed)
        )
        return await self._session.scalar(statement.with_for_update())

    async def oldest_own(self, *, at_most: int) -> Sequence[UUID]:
        """My own, whoever could read them."""
        walks = [
            select(Summary.id, Summary.deleted_at)
            .where(*self._trashed(), read_by(reader), Summary.user_id == self._viewer)
            .order_by(Summary.deleted_at, Summary.id)
            .limit(at_most)
            for reader in (self._viewer, UUID(EVERYBODY))
        ]
        own = union_all(*walks).subquery()
        statement = select(own.c.id).order_by(own.c.deleted_at, own.c.id).limit(at_most)
        return (await self._session.scalars(statement)).all()

    def _trashed(self) -> tuple[ColumnElement[bool], ...]:
        return (
            Summary.organization_id == self._organization_id,
            Summary.deleted_at.is_not(None),
            Summary.ephemeral.is_(False),
        )
