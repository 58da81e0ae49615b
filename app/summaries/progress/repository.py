"""Somebody's failed summaries, as they are tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.reading.errors import ADVICE, Reason
from app.summaries.announcing import COLUMNS
from app.summaries.models import Summary
from app.summaries.repository import kept
from app.summaries.vocabulary import Status

# Beyond it "how many are left" is as good as "many".
MOST_COUNTED = 10_000
MENDABLE = [reason for reason, advice in ADVICE.items() if advice.retryable]


@dataclass(frozen=True, slots=True)
class RetryFilters:
    """`reasons` None: those that a retry can mend."""

    reasons: Sequence[Reason] | None = None
    tag: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


class FailedSummaries:
    def __init__(self, session: AsyncSession, organization_id: UUID, *, owner: UUID) -> None:
        self._session = session
        self._organization_id = organization_id
        self._owner = owner

    async def count(self, filters: RetryFilters) -> int:
        """10,000 at most."""
        rows = select(Summary.id).where(*self._matching(filters)).limit(MOST_COUNTED).subquery()
        return await self._session.scalar(select(func.count()).select_from(rows)) or 0

    async def lock(self, filters: RetryFilters, *, at_most: int) -> list[UUID]:
        statement = (
            select(Summary.id)
            .where(*self._matching(filters))
            .order_by(Summary.created_at, Summary.id)
            .limit(at_most)
            .with_for_update(skip_locked=True)
        )
        return list((await self._session.scalars(statement)).all())

    async def cancelled_among(self, ids: Sequence[UUID]) -> int:
        statement = select(func.count()).where(
            Summary.organization_id == self._organization_id,
            Summary.id.in_(ids),
            Summary.failure_reason == Reason.CANCELLED,
        )
        return await self._session.scalar(statement) or 0

    async def requeue(self, ids: Sequence[UUID], values: Mapping[str, Any]) -> Sequence[Any]:
        # Any: column values, and rows of COLUMNS
        """These are locked."""
        statement = (
            update(Summary)
            .where(Summary.organization_id == self._organization_id, Summary.id.in_(ids))
            .values({**values, "version": Summary.version + 1, "updated_at": func.now()})
            .returning(*COLUMNS)
        )
        return (await self._session.execute(statement)).all()

    def _matching(self, filters: RetryFilters) -> list[ColumnElement[bool]]:
        own = [Summary.organization_id == self._organization_id, Summary.user_id == self._owner, kept()]
        conditions = [*own, Summary.status == Status.FAILED, Summary.ephemeral.is_(False)]
        if filters.reasons is None:
            unsaid = Summary.failure_retryable.is_(None) & Summary.failure_reason.in_(MENDABLE)
            conditions.append(or_(Summary.failure_retryable.is_(True), unsaid))
        else:
            conditions.append(Summary.failure_reason.in_(filters.reasons))
        if filters.tag is not None:
            conditions.append(Summary.tags.contains([filters.tag]))
        if filters.created_after is not None:
            conditions.append(Summary.created_at >= filters.created_after)
        if filters.created_before is not None:
            conditions.append(Summary.created_at < filters.created_before)
        return conditions
