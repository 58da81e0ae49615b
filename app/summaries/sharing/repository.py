"""Share links: of one organisation, and by the link's name before the organisation is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.organizations.models import Membership, Organization
from app.organizations.repository import in_service
from app.summaries.models import Summary
from app.summaries.sharing.models import SummaryShare
from app.summaries.vocabulary import Visibility
from app.users.models import User


@dataclass(frozen=True, slots=True)
class SharedRow:
    """What is shown to whoever has the link, and whose view it is to be counted as."""

    summary_id: UUID
    version: int
    title: str | None
    url: str | None
    language: str | None
    summary: str | None
    key_points: list[str]


async def organization_of_share(session: AsyncSession, digest: bytes) -> UUID | None:
    """Before the tenant is known; None for a name that leads nowhere."""
    query = select(func.share_organization(digest, type_=Uuid()))
    return (await session.execute(query)).scalar_one()


class ShareRepository:
    """The session must be bound to this organisation."""

    def __init__(self, session: AsyncSession, organization_id: UUID) -> None:
        self._session = session
        self._organization_id = organization_id

    async def find(self, summary_id: UUID) -> SummaryShare | None:
        query = select(SummaryShare).where(*self._own(summary_id))
        return await self._session.scalar(query)

    async def put(
        self, summary_id: UUID, *, nonce: bytes, digest: bytes, expires_at: datetime | None
    ) -> SummaryShare:
        """In place of one that has ended; its views are counted anew. The summary's row must be held."""
        values = {
            "nonce": nonce,
            "digest": digest,
            "expires_at": expires_at,
            "view_count": 0,
            "created_at": func.now(),
        }
        statement = (
            insert(SummaryShare)
            .values(summary_id=summary_id, organization_id=self._organization_id, **values)
            .on_conflict_do_update(index_elements=["summary_id"], set_=values)
            .returning(SummaryShare)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(statement)).one()

    async def set_end(self, summary_id: UUID, expires_at: datetime | None) -> SummaryShare:
        statement = (
            update(SummaryShare)
            .where(*self._own(summary_id))
            .values(expires_at=expires_at)
            .returning(SummaryShare)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(statement)).one()

    async def remove(self, summary_id: UUID) -> bool:
        gone = delete(SummaryShare).where(*self._own(summary_id)).returning(SummaryShare.summary_id)
        return await self._session.scalar(gone) is not None

    async def read(self, digest: bytes) -> SharedRow | None:
        """None where it has ended, there is nothing to show, or nobody is left who could revoke it."""
        query = (
            select(
                *(Summary.id, Summary.version, Summary.title, Summary.url, Summary.language),
                *(Summary.summary, Summary.key_points),
            )
            .join(SummaryShare, _same_summary())
            .join(Organization, Organization.id == Summary.organization_id)
            .where(
                SummaryShare.organization_id == self._organization_id,
                SummaryShare.digest == digest,
                or_(SummaryShare.expires_at.is_(None), SummaryShare.expires_at > func.clock_timestamp()),
                Summary.deleted_at.is_(None),
                Summary.ephemeral.is_(False),
                Summary.summary.is_not(None),
                or_(Summary.visibility == Visibility.ORGANIZATION, _author_is_there()),
                *in_service(),
            )
        )
        row = (await self._session.execute(query)).one_or_none()
        return SharedRow(*row) if row else None

    async def add_views(self, views: Mapping[UUID, int]) -> None:
        """In the order of ids, so that two processes with the same pages do not wait for each other."""
        for summary_id, seen in sorted(views.items()):
            await self._session.execute(
                update(SummaryShare)
                .where(*self._own(summary_id))
                .values(view_count=SummaryShare.view_count + seen)
                .execution_options(synchronize_session=False)
            )

    def _own(self, summary_id: UUID) -> tuple[ColumnElement[bool], ...]:
        return (
            SummaryShare.organization_id == self._organization_id,
            SummaryShare.summary_id == summary_id,
        )


def _same_summary() -> ColumnElement[bool]:
    return and_(
        SummaryShare.organization_id == Summary.organization_id, SummaryShare.summary_id == Summary.id
    )


def _author_is_there() -> ColumnElement[bool]:
    """A private summary's author is the only one who sees, and revokes, its link."""
    return exists().where(
        Membership.organization_id == Summary.organization_id,
        Membership.user_id == Summary.user_id,
        User.id == Membership.user_id,
        User.is_active,
    )
