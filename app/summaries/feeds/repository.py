"""Feeds: of one organisation, and by the token before the organisation is known."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Uuid, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.organizations.models import Membership
from app.organizations.repository import Standing, read_standing, select_standing
from app.summaries.feeds.models import SummaryFeed
from app.summaries.models import Summary
from app.summaries.repository import kept
from app.summaries.vocabulary import Status

Entries = Sequence[Summary]
NEWEST = 50


async def organization_of_feed(session: AsyncSession, digest: bytes) -> UUID | None:
    """Before the tenant is known; None for a token that never was."""
    query = select(func.feed_organization(digest, type_=Uuid()))
    return (await session.execute(query)).scalar_one()


class FeedRepository:
    """The session must be bound to this organisation."""

    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def put(self, user_id: UUID, *, digest: bytes) -> SummaryFeed:
        """In place of the former token, which ends at once."""
        statement = (
            insert(SummaryFeed)
            .values(id=new_id(), organization_id=self._organization_id, user_id=user_id, digest=digest)
            .on_conflict_do_update(
                index_elements=["organization_id", "user_id"],
                set_={"digest": digest, "created_at": func.now()},
            )
            .returning(SummaryFeed)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(statement)).one()

    async def remove(self, user_id: UUID) -> UUID | None:
        gone = delete(SummaryFeed).where(
            SummaryFeed.organization_id == self._organization_id, SummaryFeed.user_id == user_id
        )
        return await self._session.scalar(gone.returning(SummaryFeed.id))

    async def by_digest(self, digest: bytes) -> SummaryFeed | None:
        query = select(SummaryFeed).where(
            SummaryFeed.organization_id == self._organization_id, SummaryFeed.digest == digest
        )
        return await self._session.scalar(query)

    async def standing_of(self, user_id: UUID) -> Standing | None:
        """None where the membership or the organisation has ended."""
        query = select_standing(self._organization_id).where(Membership.user_id == user_id)
        row = (await self._session.execute(query)).one_or_none()
        return read_standing(row) if row else None

    async def newest(self, user_id: UUID, *, tag: str | None) -> Entries:
        """Their own, finished ones."""
        query = (
            select(Summary)
            .where(
                Summary.organization_id == self._organization_id,
                Summary.user_id == user_id,
                Summary.status == Status.READY,
                Summary.ephemeral.is_(False),
                Summary.archived_at.is_(None),
                kept(),
            )
            .order_by(Summary.created_at.desc(), Summary.id.desc())
            .limit(NEWEST)
        )
        if tag is not None:
            query = query.where(Summary.tags.contains([tag]))
        return (await self._session.scalars(query)).all()
