"""Sessions of one person, in whichever organisation each is; the transaction must be bound to that person."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Uuid, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.auth.models import AuthSession
from app.core.pagination import Keyset, PageOfRows, Pagination

NEWEST = Keyset("newest", (AuthSession.created_at, AuthSession.id))


async def delete_dead(session: AsyncSession, *, at_most: int) -> int:
    """Of everybody: those that ended or expired 30 days ago, as only the function in the database may."""
    query = select(func.delete_dead_sessions(at_most, type_=Integer()))
    return (await session.execute(query)).scalar_one()


class OwnSessions:
    def __init__(self, session: AsyncSession, user_id: UUID) -> None:
        self._session = session
        self._user_id = user_id

    async def page(self, pagination: Pagination) -> PageOfRows[AuthSession]:
        statement = select(AuthSession).where(*self._living())
        return pagination.page((await self._session.scalars(pagination.apply(statement))).all())

    async def get(self, session_id: UUID) -> AuthSession | None:
        """Also one that has ended."""
        return await self._session.scalar(
            select(AuthSession).where(*self._own(), AuthSession.id == session_id)
        )

    async def living(self, session_id: UUID) -> AuthSession | None:
        query = select(AuthSession).where(*self._living(), AuthSession.id == session_id)
        return await self._session.scalar(query)

    async def end_all(self, *, reason: str) -> list[UUID]:
        return await self._end(AuthSession.revoked_at.is_(None), reason=reason)

    async def end(self, session_ids: Sequence[UUID], *, reason: str) -> list[UUID]:
        """With all that were opened out of them: a thief must not outlive a session by switching from it."""
        return await self._end_families(AuthSession.id.in_(session_ids), reason=reason)

    async def end_in(self, organization_id: UUID, *, reason: str) -> list[UUID]:
        """With all that were opened out of them, wherever those are."""
        return await self._end_families(AuthSession.organization_id == organization_id, reason=reason)

    async def end_impersonations(self) -> list[UUID]:
        """What this person opened in others' names: those sessions are of other people, in any tenant."""
        return list(await self._session.scalars(select(func.end_own_impersonations(type_=Uuid()))))

    async def _end_families(self, roots: ColumnElement[bool], *, reason: str) -> list[UUID]:
        family = select(AuthSession.id).where(*self._own(), roots).cte("family", recursive=True)
        child = aliased(AuthSession)
        children = select(child.id).where(child.user_id == self._user_id, child.parent_id == family.c.id)
        family = family.union(children)
        return await self._end(AuthSession.id.in_(select(family.c.id)), reason=reason)

    async def _end(self, which: ColumnElement[bool], *, reason: str) -> list[UUID]:
        statement = (
            update(AuthSession)
            .where(*self._own(), which, AuthSession.revoked_at.is_(None))
            .values(revoked_at=func.clock_timestamp(), revoke_reason=reason)
            .returning(AuthSession.id)
            .execution_options(synchronize_session=False)
        )
        return list(await self._session.scalars(statement))

    def _own(self) -> tuple[ColumnElement[bool], ...]:
        return (AuthSession.user_id == self._user_id,)

    def _living(self) -> tuple[ColumnElement[bool], ...]:
        return (
            *self._own(),
            AuthSession.revoked_at.is_(None),
            AuthSession.idle_expires_at > func.now(),
            AuthSession.absolute_expires_at > func.now(),
        )
